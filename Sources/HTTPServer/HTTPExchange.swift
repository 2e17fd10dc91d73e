package import Base
package import Runtime
import TLS

/// One request and its response, for the handler. Used by one task at a time, on the connection's loop.
package final class HTTPExchange {
    enum Response {
        case none
        /// `left` bytes are still to be written; nil when the length is not known.
        case started(left: Int64?)
        case finished
        case broken
    }

    package let head: RequestHead
    package let loop: Loop
    package let remoteAddress: String
    package let remotePort: UInt16
    /// The client's bytes are under TLS, here or before a trusted proxy.
    package let isSecure: Bool
    /// The host name that a TLS client of this connection asked for, in lower case.
    package var serverName: String? { connection.transport.serverName }
    /// The connection comes from a trusted proxy, which speaks for the client: in its TLS too.
    package var isFromTrustedProxy: Bool { connection.context.trustedProxies.contains(connection.origin.address) }
    /// The status that was sent, once it was.
    package internal(set) var status: Int?
    /// Bytes of the body that the handler has read.
    package internal(set) var bodyBytesReceived: Int64 = 0
    /// Bytes handed to the connection for the response: all of them, and those of the body.
    package internal(set) var bytesSent: Int64 = 0
    package internal(set) var bodyBytesSent: Int64 = 0
    /// Wall time at the end of the head.
    package let receivedAt: Timestamp
    /// Monotonic nanoseconds: end of the head, first byte of the response sent, end of the exchange.
    package let startNanoseconds: UInt64
    package internal(set) var firstByteNanoseconds: UInt64?
    package internal(set) var endNanoseconds: UInt64?

    let connection: HTTPConnection
    let clientKeepsAlive: Bool
    let isHead: Bool
    var body: RequestBody
    var response = Response.none
    var declared: Int64 = 0
    var isChunked = false
    /// The response has no body whatever is written: HEAD, 204, 304.
    var dropsBody = false
    var closesConnection = false

    init(_ parsed: ParsedHead, on connection: HTTPConnection) {
        head = parsed.head
        loop = connection.loop
        let origin = connection.context.trustedProxies.origin(of: parsed.head, from: connection.origin)
        (remoteAddress, remotePort, isSecure) = (origin.address, origin.port, origin.isSecure)
        receivedAt = connection.context.clock.now()
        startNanoseconds = connection.context.clock.monotonicNanoseconds()
        self.connection = connection
        clientKeepsAlive = parsed.keepsAlive
        isHead = parsed.head.matches(parsed.head.method, "head")
        body = RequestBody(parsed.body, awaitsContinue: parsed.expectsContinue)
    }

    /// The client has ended its side, or is gone. Nobody is told otherwise until a read or a write finds out.
    package var isPeerGone: Bool { connection.transport.isPeerGone }

    /// The request's declared body length: 0 without a body, nil when it is chunked.
    package var bodyLength: Int64? { body.declaredLength }

    /// Trailer fields of a chunked body, once it has been read to its end.
    package var trailers: [(name: String, value: String)] { body.trailers }

    /// Asks for the connection to be closed behind this response. Before the response's head only.
    package func closeConnection() { closesConnection = true }

    /// Receives the next bytes of the body into the buffer, which is not empty; 0 at its end. Sends `100 Continue` first if the
    /// client waits for it.
    package func readBody(into buffer: UnsafeMutableRawBufferPointer) async throws(RequestBodyError) -> Int {
        let count = try await body.read(into: buffer, from: connection, mayContinue: status == nil)
        bodyBytesReceived += Int64(count)
        return count
    }

    // MARK: End

    /// Called when the handler has returned. True when another request may follow on the connection.
    func end() async -> Bool {
        defer { endNanoseconds = connection.context.clock.monotonicNanoseconds() }
        do {
            switch response {
            case .none:
                closesConnection = true
                try await send(ResponseHead(status: 500))
            case .started:
                // An answer that was begun and not ended: the client must not take it for whole.
                try await finish()
            case .finished, .broken: break
            }
        } catch {
            return false
        }
        guard case .finished = response else { return false }
        guard !closesConnection else {
            // With nothing unread, closing sends an orderly end by itself.
            if !body.isDone || !connection.buffered.isEmpty { await connection.linger() }
            return false
        }
        return await body.drain(atMost: connection.context.limits.drainBytes, from: connection)
    }
}
