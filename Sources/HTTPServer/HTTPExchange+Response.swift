import Base
package import Runtime
import TLS

extension HTTPExchange {
    /// Sends a whole response: head and body in one system call. The body of a HEAD is declared and not sent.
    package func send(
        _ head: ResponseHead, _ bytes: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)
    ) async throws(ResponseError) {
        try begin(head, .exactly(Int64(bytes.count)))
        try await write(bytes)
        try await finish()
    }

    package func send(_ head: ResponseHead, _ bytes: [UInt8]) async throws(ResponseError) {
        try begin(head, .exactly(Int64(bytes.count)))
        if !dropsBody {
            // Into the connection's buffer: an array's bytes have no address that lasts across a suspension.
            connection.output.append(bytes)
            bodyBytesSent += Int64(bytes.count)
        }
        response = .started(left: 0)
        try await finish()
    }

    /// Begins a response. The head goes out with the first write, `flush` or `finish`. For a HEAD the length is declared and
    /// nothing need be written.
    package func start(_ head: ResponseHead, _ length: ResponseLength) async throws(ResponseError) {
        try begin(head, length)
    }

    /// Sends the next bytes of the body; returns when the kernel has them all, which is the back-pressure.
    package func write(_ bytes: UnsafeRawBufferPointer) async throws(ResponseError) {
        guard case .started(let left) = response else { throw .outOfOrder }
        if dropsBody || bytes.isEmpty { return }
        if let left, Int64(bytes.count) > left {
            throw mismatch(written: declared - left + Int64(bytes.count))
        }
        if isChunked {
            connection.output.appendHex(bytes.count)
            connection.output.append("\r\n")
        }
        try await transmit(bytes)
        bodyBytesSent += Int64(bytes.count)
        response = .started(left: left.map { $0 - Int64(bytes.count) })
        // Travels with what comes next.
        if isChunked { connection.output.append("\r\n") }
    }

    package func write(_ slice: BufferSlice) async throws(ResponseError) {
        // A pointer does not keep its buffer alive while the call is under way.
        defer { withExtendedLifetime(slice) {} }
        try await write(slice.bytes)
    }

    /// Sends what is held back: the head of a response whose body is not there yet.
    package func flush() async throws(ResponseError) {
        guard case .started = response else { throw .outOfOrder }
        try await transmit(UnsafeRawBufferPointer(start: nil, count: 0))
    }

    /// Ends the response. Fewer bytes than declared break the connection.
    package func finish() async throws(ResponseError) {
        guard case .started(let left) = response else { throw .outOfOrder }
        if let left, left > 0, !dropsBody { throw mismatch(written: declared - left) }
        if isChunked && !dropsBody { connection.output.append("0\r\n\r\n") }
        try await transmit(UnsafeRawBufferPointer(start: nil, count: 0))
        response = .finished
    }

    /// Breaks the connection in the middle of a response: the client sees that it is not whole.
    package func abort() {
        response = .broken
        connection.transport.abort()
    }

    // MARK: Pieces

    private func begin(_ head: ResponseHead, _ length: ResponseLength) throws(ResponseError) {
        guard case .none = response else { throw .outOfOrder }
        precondition(head.status >= 200 && head.status <= 999, "a response has a final status")
        status = head.status
        dropsBody = isHead || head.hasNoBody
        let is11 = self.head.version == .http11
        let isUntilClose = length == .unknown && !is11
        decideClosing(head.status, isUntilClose: isUntilClose)
        let output = connection.output
        output.clear()
        if body.isDone && body.awaitsContinue && !closesConnection { output.append(RequestBody.continueHead) }
        StatusLine.append(head.status, to: output)
        output.append("Date: ")
        output.append(connection.dateBytes())
        output.append("\r\n")
        output.append(head.fieldBytes)
        if closesConnection {
            output.append("Connection: close\r\n")
        } else if !is11 {
            output.append("Connection: keep-alive\r\n")
        }
        switch length {
        case .exactly(let count):
            precondition(count >= 0, "a body has no negative length")
            declared = count
            response = .started(left: count)
            if !head.hasNoBody {
                output.append("Content-Length: ")
                output.appendDecimal(count)
                output.append("\r\n")
            }
        case .unknown:
            isChunked = is11 && !head.hasNoBody
            response = .started(left: nil)
            if isChunked { output.append("Transfer-Encoding: chunked\r\n") }
        }
        output.append("\r\n")
    }

    /// Whether another request can follow is said in the head, so it is decided there.
    private func decideClosing(_ status: Int, isUntilClose: Bool) {
        if !clientKeepsAlive || isUntilClose || connection.isDraining
            || !body.canBeDrained(atMost: connection.context.limits.drainBytes)
        {
            closesConnection = true
        }
        // A client that waits for `100 Continue` with an empty body is never asked for it. botocore then takes what comes for a refusal
        // and gives its status to the next answer on the connection, so a success comes behind a 100, and a refusal ends the connection.
        if body.isDone && body.awaitsContinue && status >= 300 { closesConnection = true }
    }

    private func transmit(_ bytes: UnsafeRawBufferPointer) async throws(ResponseError) {
        let output = connection.output, total = output.count + bytes.count
        guard total > 0 else { return }
        if firstByteNanoseconds == nil { firstByteNanoseconds = connection.context.clock.monotonicNanoseconds() }
        // A body's deadline that has passed is behind us.
        connection.transport.clearInterruption()
        do {
            try await connection.send(output.bytes, bytes)
        } catch {
            response = .broken
            // A part of a response must not look like the whole of one.
            connection.transport.abort()
            switch error {
            case .timedOut: throw .timedOut
            case .peerGone: throw .peerGone
            case .closed, .system: throw .connection(error)
            }
        }
        output.clear()
        bytesSent += Int64(total)
    }

    private func mismatch(written: Int64) -> ResponseError {
        response = .broken
        connection.transport.abort()
        return .lengthMismatch(declared: declared, written: written)
    }
}
