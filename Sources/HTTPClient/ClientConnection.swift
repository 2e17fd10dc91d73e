import CLinux
package import Runtime
package import TLS

/// What a server answered.
package struct ClientAnswer {
    package var status: Int
    /// Bytes of the body, kept or thrown away.
    package var bodyCount: Int
    package var etag: String?
    /// The body, when it was asked for or tells of an error.
    package var body: [UInt8] = []
    package var isOK: Bool { (200..<300).contains(status) }
}

package enum ClientError: Error {
    case unreachable(errno: Int32)
    case socket(SocketError)
    /// No agreement on TLS: the peer can't be trusted, or does not speak it.
    case tls(String)
    case malformed(String)
}

/// One keep-alive connection of a client. Bodies that nobody reads are thrown away in the kernel.
package final class ClientConnection {
    private static let headBytesMax = 32 << 10
    private static let keptBodyMax = 64 << 20
    private static let timeout: Duration = .seconds(60)

    private let socket: LoopSocket
    private let transport: any Transport
    private let secured: TLSTransport?
    private let timer: TimerHandle
    private let loop: Loop
    private let buffer: UnsafeMutableRawBufferPointer
    package private(set) var mustClose = false
    /// Monotonic nanoseconds of the loop's clock after which no exchange goes on, however well the peer keeps it moving.
    package var stopsAt = UInt64.max

    /// `tls` encrypts, and holds the server to the name `host`.
    package init(host: String, port: UInt16, tls: TLSClient? = nil, on loop: Loop) throws(ClientError) {
        var error: Int32 = 0
        let descriptor = clinux_connect(host, port, &error)
        guard descriptor >= 0 else { throw .unreachable(errno: error) }
        clinux_set_nodelay(descriptor)
        do { socket = try LoopSocket(descriptor, on: loop) } catch { throw .socket(error) }
        if let tls {
            guard let made = tls.transport(over: socket, to: host) else {
                throw .tls("\(host) can't be a server's name")
            }
            (secured, transport) = (made, made)
        } else {
            (secured, transport) = (nil, socket)
        }
        self.loop = loop
        buffer = .allocate(byteCount: Self.headBytesMax, alignment: 16)
        timer = loop.timer { [weak transport] in transport?.interrupt(.timedOut) }
    }

    deinit { buffer.deallocate() }

    package func close() {
        timer.invalidate()
        transport.close()
    }

    private func keepAlive() {
        guard stopsAt != .max else { return timer.arm(after: Self.timeout) }
        let left = stopsAt > loop.now ? stopsAt - loop.now : 0
        timer.arm(after: min(Self.timeout, .nanoseconds(Int64(clamping: left))))
    }

    /// Sends a request whose body is `pattern`, repeated as often as it takes, and reads the answer.
    package func exchange(
        _ head: UnsafeRawBufferPointer, pattern: UnsafeRawBufferPointer, bodyCount: Int, hasNoAnswerBody: Bool,
        keepsBody: Bool
    ) async throws(ClientError) -> ClientAnswer {
        keepAlive()
        defer { timer.cancel() }
        do throws(SocketError) {
            var left = bodyCount, head = head
            repeat {
                let count = min(left, pattern.count)
                try await transport.send(head, UnsafeRawBufferPointer(rebasing: pattern[..<count])) { _ in
                    keepAlive()
                }
                head = UnsafeRawBufferPointer(start: nil, count: 0)
                left -= count
            } while left > 0
        } catch { throw failure(error) }
        return try await answer(hasNoBody: hasNoAnswerBody, keepsBody: keepsBody)
    }

    private func answer(hasNoBody: Bool, keepsBody: Bool) async throws(ClientError) -> ClientAnswer {
        var filled = 0
        while true {
            filled += try await receive(into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
            let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<filled])
            if let head = try ResponseHeadReader.parse(bytes) {
                return try await body(of: head, buffered: filled - head.byteCount, hasNoBody, keepsBody)
            }
            guard filled < buffer.count else { throw .malformed("a head beyond \(buffer.count) bytes") }
        }
    }

    private func body(
        of head: ResponseHeadReader, buffered: Int, _ hasNoBody: Bool, _ keepsBody: Bool
    ) async throws(ClientError) -> ClientAnswer {
        mustClose = head.closes
        var answer = ClientAnswer(status: head.status, bodyCount: 0, etag: head.etag)
        if hasNoBody || head.status == 204 || head.status == 304 { return answer }
        if head.isChunked { return try await chunkedBody(answer, head, buffered) }
        guard let count = head.contentLength else { throw .malformed("an answer without a length") }
        answer.bodyCount = count
        var left = count - buffered
        guard left >= 0 else { throw .malformed("more bytes than declared") }
        guard keepsBody || !answer.isOK, count <= Self.keptBodyMax else {
            while left > 0 {
                let taken: Int
                do { taken = try await discard(min(left, 1 << 20)) } catch { throw failure(error) }
                guard taken > 0 else { throw .malformed("the body was cut short") }
                keepAlive()
                left -= taken
            }
            return answer
        }
        answer.body = Array(UnsafeRawBufferPointer(rebasing: buffer[head.byteCount..<head.byteCount + buffered]))
        answer.body.reserveCapacity(count)
        while left > 0 {
            let taken = try await receive(
                into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(left, buffer.count)]))
            answer.body.append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[..<taken]))
            left -= taken
        }
        return answer
    }

    /// Chunked answers are small documents here: kept whole, then unwrapped.
    private func chunkedBody(
        _ draft: ClientAnswer, _ head: ResponseHeadReader, _ buffered: Int
    ) async throws(ClientError) -> ClientAnswer {
        var answer = draft
        var raw = Array(UnsafeRawBufferPointer(rebasing: buffer[head.byteCount..<head.byteCount + buffered]))
        while true {
            if let body = try ResponseHeadReader.unwrapped(raw) {
                answer.body = body
                answer.bodyCount = body.count
                return answer
            }
            guard raw.count < Self.keptBodyMax else {
                throw .malformed("a chunked body beyond \(Self.keptBodyMax) bytes")
            }
            let taken = try await receive(into: buffer)
            raw.append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[..<taken]))
        }
    }

    private func failure(_ error: SocketError) -> ClientError {
        guard let problem = secured?.problem, !problem.isEmpty else { return .socket(error) }
        return .tls(problem)
    }

    /// What is encrypted has to be decrypted to know its length.
    private func discard(_ count: Int) async throws(SocketError) -> Int {
        guard secured != nil else { return try await socket.discard(count) }
        return try await transport.receive(
            into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(count, buffer.count)]))
    }

    private func receive(into target: UnsafeMutableRawBufferPointer) async throws(ClientError) -> Int {
        let count: Int
        do { count = try await transport.receive(into: target) } catch { throw failure(error) }
        guard count > 0 else { throw .malformed("the connection was closed") }
        keepAlive()
        return count
    }
}
