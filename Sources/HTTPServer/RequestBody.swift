import Runtime

/// The body of one request, pulled from its connection: the bytes that came with the head first, then the socket's, received
/// straight into the reader's buffer.
struct RequestBody {
    private enum State {
        case done
        case length(left: Int64)
        case chunked(ChunkedDecoder)
        case failed(RequestBodyError)
    }

    let declaredLength: Int64?
    private(set) var trailers: [(name: String, value: String)] = []
    private var state: State
    /// The client asked for `100 Continue` and none has been sent.
    private(set) var awaitsContinue: Bool

    init(_ body: ParsedHead.Body, awaitsContinue: Bool) {
        switch body {
        case .none: (declaredLength, state) = (0, .done)
        case .length(let length): (declaredLength, state) = (length, .length(left: length))
        case .chunked: (declaredLength, state) = (nil, .chunked(ChunkedDecoder()))
        }
        self.awaitsContinue = awaitsContinue
    }

    var isDone: Bool {
        if case .done = state { return true }
        return false
    }

    /// The connection can serve another request once a response has gone out: the rest of the body is small, and it will come
    /// (a client that still waits for `100 Continue` may send it or not).
    func canBeDrained(atMost limit: Int64) -> Bool {
        switch state {
        case .done: true
        case .length(let left): left <= limit && !awaitsContinue
        case .chunked, .failed: false
        }
    }

    mutating func drain(atMost limit: Int64, from connection: HTTPConnection) async -> Bool {
        if isDone { return true }
        guard canBeDrained(atMost: limit) else { return false }
        let waste = connection.context.buffers.take(64 << 10)
        connection.isDiscarding = true
        defer { connection.isDiscarding = false }
        do {
            while try await read(into: waste.bytes, from: connection, mayContinue: false) > 0 {}
            return true
        } catch {
            return false
        }
    }

    mutating func read(
        into buffer: UnsafeMutableRawBufferPointer, from connection: HTTPConnection, mayContinue: Bool
    ) async throws(RequestBodyError) -> Int {
        precondition(!buffer.isEmpty, "a read has room for a byte")
        do throws(RequestBodyError) {
            if awaitsContinue {
                awaitsContinue = false
                if mayContinue { try await sendContinue(connection) }
            }
            switch state {
            case .done: return 0
            case .failed(let error): throw error
            case .length(let left): return try await readLength(left, into: buffer, from: connection)
            case .chunked(var decoder):
                defer { if case .chunked = state { state = decoder.isAtEnd ? .done : .chunked(decoder) } }
                return try await readChunked(&decoder, into: buffer, from: connection)
            }
        } catch {
            state = .failed(error)
            throw error
        }
    }

    static let continueHead: StaticString = "HTTP/1.1 100 Continue\r\n\r\n"

    private func sendContinue(_ connection: HTTPConnection) async throws(RequestBodyError) {
        connection.output.clear()
        connection.output.append(Self.continueHead)
        do {
            try await connection.send(connection.output.bytes)
        } catch {
            throw Self.convert(error)
        }
        connection.output.clear()
    }

    private mutating func readLength(
        _ left: Int64, into buffer: UnsafeMutableRawBufferPointer, from connection: HTTPConnection
    ) async throws(RequestBodyError) -> Int {
        let wanted = Int(min(Int64(buffer.count), left))
        let count = try await Self.receive(UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]), from: connection)
        state = left == Int64(count) ? .done : .length(left: left - Int64(count))
        return count
    }

    private mutating func readChunked(
        _ decoder: inout ChunkedDecoder, into buffer: UnsafeMutableRawBufferPointer, from connection: HTTPConnection
    ) async throws(RequestBodyError) -> Int {
        while true {
            if decoder.dataRemaining > 0 {
                let wanted = Int(min(UInt64(buffer.count), decoder.dataRemaining))
                let count = try await Self.receive(
                    UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]), from: connection)
                decoder.tookData(count)
                return count
            }
            if decoder.isAtEnd {
                trailers = decoder.trailers
                return 0
            }
            if connection.buffered.isEmpty {
                let count: Int
                do {
                    count = try await connection.receiveFraming()
                } catch {
                    throw Self.convert(error)
                }
                guard count > 0 else { throw .truncated }
            }
            do {
                connection.consume(try decoder.takeFraming(connection.buffered))
            } catch {
                throw .malformed(error.reason)
            }
        }
    }

    private static func receive(
        _ buffer: UnsafeMutableRawBufferPointer, from connection: HTTPConnection
    ) async throws(RequestBodyError) -> Int {
        let buffered = connection.buffered
        if !buffered.isEmpty {
            let count = min(buffered.count, buffer.count)
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffered[..<count]))
            connection.consume(count)
            return count
        }
        let count: Int
        do {
            count = try await connection.receive(into: buffer)
        } catch {
            throw convert(error)
        }
        guard count > 0 else { throw .truncated }
        return count
    }

    /// A deadline of a body is the handler's to answer: the connection is usable for that.
    private static func convert(_ error: SocketError) -> RequestBodyError {
        switch error {
        case .timedOut: .timedOut
        case .closed, .peerGone: .truncated
        case .system: .connection(error)
        }
    }
}
