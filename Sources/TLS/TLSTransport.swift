package import Base
import CTLS
import Glibc
package import Runtime

/// TLS over a socket of a loop. The handshake runs with the first wait for bytes, under the deadline of the first head.
///
/// Records are encrypted straight into a pooled buffer and decrypted straight out of one; an idle connection holds neither.
// SAFETY: used on the thread of its loop only, as the socket is.
package final class TLSTransport: Transport, @unchecked Sendable {
    /// Records of one system call: what a second-level cache holds.
    private static let outputBytes = 256 << 10
    private static let inputBytes = 64 << 10
    private static let handshakeBytes = 16 << 10
    /// A record's bytes, and what TLS puts around them.
    private static let recordBytesMax = (16 << 10) + 512
    private static let plainAnswer: StaticString = """
        HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 49\r\nConnection: close\r\n\r
        this port speaks HTTPS: use https:// in the URL\r\n
        """

    /// What outlives the session.
    enum Role {
        case server(TLSCertificates, TLSStore)
        case client(TLSClient)
    }

    private let socket: LoopSocket
    private let role: Role
    private let buffers: BufferPool
    private let session: OpaquePointer
    private var input: IOBuffer?
    private var inputStart = 0
    private var inputEnd = 0
    private var isEstablished = false
    private var hasEnded = false
    private var hasFailed = false
    private var isSending = false
    private var bytesWithoutWait = 0
    /// What reading made TLS say: alerts and key updates. Sent with the next bytes, or before the next wait.
    private var replies: [UInt8] = []

    init(_ socket: LoopSocket, _ session: OpaquePointer, _ buffers: BufferPool, role: Role) {
        (self.socket, self.session, self.buffers, self.role) = (socket, session, buffers, role)
    }

    /// The server's side, with what is served now; nil without memory.
    package convenience init?(_ socket: LoopSocket, _ certificates: TLSCertificates, _ buffers: BufferPool) {
        let store = certificates.store
        guard let session = ctls_session_new(store.pointer) else { return nil }
        self.init(socket, session, buffers, role: .server(certificates, store))
    }

    deinit { ctls_session_free(session) }

    package var isSecure: Bool { true }

    package var serverName: String? {
        let name = TLSStore.text { ctls_session_server_name(session, $0, $1) }
        return name.isEmpty ? nil : name
    }

    /// Read at the first question and kept: it can't change, because TLS 1.3 clients are not asked for another.
    package private(set) lazy var peerCertificate: PeerCertificate? = readPeerCertificate()

    private func readPeerCertificate() -> PeerCertificate? {
        var expires: Int64 = 0, isForClients: Int32 = 0, isThere: Int32 = 0
        let name = TLSStore.text { isThere = ctls_session_peer(session, $0, $1, &expires, &isForClients) }
        guard isThere == 1 else { return nil }
        return PeerCertificate(
            commonName: name, expires: Timestamp(seconds: expires), isForClients: isForClients == 1)
    }

    /// Why the handshake failed, in a few words; empty while it has not.
    package var problem: String { hasFailed ? TLSStore.text { ctls_session_problem(session, $0, $1) } : "" }
    /// Such as `TLSv1.3`.
    package var version: String { String(cString: ctls_session_version(session)) }

    package var isPeerGone: Bool { socket.isPeerGone }
    package func interrupt(_ reason: SocketError) { socket.interrupt(reason) }
    package func clearInterruption() { socket.clearInterruption() }
    package func abort() { socket.abort() }

    // MARK: Receiving

    package func tryReceive(into buffer: UnsafeMutableRawBufferPointer) throws(SocketError) -> Int? {
        guard isEstablished else { return nil }
        while !hasEnded {
            let result = withUnsafeTemporaryAllocation(byteCount: 512, alignment: 1) { room in
                call(room) { ctls_read(session, $0, buffer.baseAddress, buffer.count) }
            }
            if result > 0 { return result }
            switch result {
            case Int(CTLS_WANT_INPUT):
                guard let count = try fill() else { return nil }
                // The end of the stream without TLS's own end: lengths tell whether anything was cut off.
                if count == 0 { hasEnded = true }
            case Int(CTLS_ENDED): hasEnded = true
            case Int(CTLS_WANT_OUTPUT): return nil
            default: throw .peerGone(errno: EPROTO)
            }
        }
        return 0
    }

    package func waitReadable() async throws(SocketError) {
        if !isEstablished { return try await shakeHands() }
        if !replies.isEmpty, !isSending { try await sendReplies() }
        if ctls_pending(session) > 0 || hasEnded { return }
        try await socket.waitReadable()
    }

    package func receive(into buffer: UnsafeMutableRawBufferPointer) async throws(SocketError) -> Int {
        while true {
            if let count = try tryReceive(into: buffer) {
                // As the socket does: after a mebibyte others on the loop have a turn.
                bytesWithoutWait += count
                if bytesWithoutWait >= 1 << 20 {
                    bytesWithoutWait = 0
                    await Task.yield()
                }
                return count
            }
            try await waitReadable()
            bytesWithoutWait = 0
        }
    }

    /// Takes from the socket what is there, when everything taken before is used; nil when nothing is there yet.
    private func fill() throws(SocketError) -> Int? {
        guard inputStart == inputEnd else { return nil }
        let buffer = input ?? buffers.take(Self.inputBytes)
        input = nil
        guard let count = try socket.tryReceive(into: buffer.bytes) else { return nil }
        if count > 0 { (input, inputStart, inputEnd) = (buffer, 0, count) }
        return count
    }

    // MARK: Sending

    package func send(
        _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, progress: (Int) -> Void
    ) async throws(SocketError) {
        if !isEstablished { try await shakeHands() }
        isSending = true
        defer { isSending = false }
        try await sendReplies()
        let output = buffers.take(min(Self.outputBytes, first.count + second.count + Self.recordBytesMax))
        var used = 0
        for piece in [first, second] {
            var rest = piece
            while !rest.isEmpty {
                if output.capacity - used < Self.recordBytesMax {
                    try await flush(output, used, progress)
                    used = 0
                }
                let room = UnsafeMutableRawBufferPointer(rebasing: output.bytes[used...])
                var made = 0
                let result = call(room, made: &made) { ctls_write(session, $0, rest.baseAddress, rest.count) }
                used += made
                guard result > 0 else { throw .peerGone(errno: EPROTO) }
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(result))
            }
        }
        try await flush(output, used, progress)
        try await sendReplies()
    }

    private func flush(_ output: IOBuffer, _ count: Int, _ progress: (Int) -> Void) async throws(SocketError) {
        defer { withExtendedLifetime(output) {} }
        let bytes = UnsafeRawBufferPointer(rebasing: output.bytes[..<count])
        try await socket.send(bytes, UnsafeRawBufferPointer(start: nil, count: 0), progress: progress)
    }

    private func sendReplies() async throws(SocketError) {
        guard !replies.isEmpty else { return }
        let buffer = buffers.take(replies.count), count = replies.count
        buffer.bytes.copyBytes(from: replies)
        replies.removeAll()
        try await flush(buffer, count) { _ in }
    }

    package func shutDownSending() {
        sayGoodbye()
        socket.shutDownSending()
    }

    package func close() {
        if isEstablished, !hasEnded { sayGoodbye() }
        socket.close()
    }

    /// Best effort: a socket that takes no more bytes now is closed without.
    private func sayGoodbye() {
        guard isEstablished, !isSending else { return }
        withUnsafeTemporaryAllocation(byteCount: 512, alignment: 1) { room in
            var made = 0
            _ = call(room, made: &made) { Int(ctls_close(session, $0)) }
            if made > 0 { Glibc.send(socket.descriptor, room.baseAddress, made, Int32(MSG_NOSIGNAL)) }
        }
    }

    // MARK: Handshake

    private func shakeHands() async throws(SocketError) {
        do throws(SocketError) {
            try await exchangeKeys()
        } catch {
            if case .server(let certificates, _) = role { certificates.count(\.failed) }
            throw error
        }
        isEstablished = true
        if case .server(let certificates, _) = role {
            certificates.count(ctls_session_resumed(session) == 1 ? \.resumed : \.full)
        }
    }

    private func exchangeKeys() async throws(SocketError) {
        let output = buffers.take(Self.handshakeBytes)
        while true {
            var made = 0
            let result = call(output.bytes, made: &made) { Int(ctls_handshake(session, $0)) }
            if made > 0 { try await flush(output, made) { _ in } }
            switch result {
            case Int(CTLS_DONE): return
            case Int(CTLS_WANT_OUTPUT): continue
            case Int(CTLS_WANT_INPUT):
                while true {
                    if let count = try fill() {
                        guard count > 0 else { throw .peerGone(errno: ECONNRESET) }
                        break
                    }
                    try await socket.waitReadable()
                }
            case Int(CTLS_PLAIN_HTTP):
                let text = UnsafeRawBufferPointer(
                    start: Self.plainAnswer.utf8Start, count: Self.plainAnswer.utf8CodeUnitCount)
                try await socket.send(text, UnsafeRawBufferPointer(start: nil, count: 0)) { _ in }
                throw .peerGone(errno: EPROTO)
            default:
                hasFailed = true
                throw .peerGone(errno: EPROTO)
            }
        }
    }

    // MARK: Calls of the library

    private func call(
        _ room: UnsafeMutableRawBufferPointer, made: inout Int, _ body: (UnsafeMutablePointer<ctls_io>) -> Int
    ) -> Int {
        var io = ctls_io()
        if let input, inputEnd > inputStart {
            io.input = UnsafePointer((input.base + inputStart).assumingMemoryBound(to: UInt8.self))
            io.input_count = inputEnd - inputStart
        }
        io.output = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
        io.output_capacity = room.count
        let result = body(&io)
        inputStart = inputEnd - io.input_count
        if inputStart == inputEnd { input = nil }
        made = io.output_count
        return result
    }

    /// The same for calls whose output, if any, is sent later.
    private func call(_ room: UnsafeMutableRawBufferPointer, _ body: (UnsafeMutablePointer<ctls_io>) -> Int) -> Int {
        var made = 0
        let result = call(room, made: &made, body)
        if made > 0 { replies.append(contentsOf: room[..<made]) }
        return result
    }
}
