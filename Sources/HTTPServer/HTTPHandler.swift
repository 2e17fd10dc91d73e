package import Runtime

/// What answers the requests of a server. Called on the connection's loop, one request of a connection at a time.
package protocol HTTPHandler: Sendable {
    /// Answers the exchange. A handler that returns without a complete answer breaks the connection (500 when nothing was sent).
    func handle(_ exchange: HTTPExchange) async

    /// The exchange has ended: its counters and times are final, for the access log.
    func ended(_ exchange: HTTPExchange)

    /// What a client is told whose bytes are no request that could be handled. `status` is the one that RFC 9112 gives it;
    /// the connection closes behind the answer.
    func refusal(status: Int) -> (head: ResponseHead, body: [UInt8])
}

extension HTTPHandler {
    package func refusal(status: Int) -> (head: ResponseHead, body: [UInt8]) { (ResponseHead(status: status), []) }

    package func ended(_ exchange: HTTPExchange) {}
}

/// Why a request's body could not be read to its end. The connection closes behind the response.
package enum RequestBodyError: Error, Hashable, Sendable {
    /// The client went away, or ended its side, before the body was complete.
    case truncated
    /// No byte arrived for as long as the server waits.
    case timedOut
    /// Not the chunked coding.
    case malformed(String)
    case connection(SocketError)
}

/// Why a response could not be sent. The connection is broken.
package enum ResponseError: Error, Hashable, Sendable {
    case peerGone
    /// The client took no byte for as long as the server waits.
    case timedOut
    /// More or fewer bytes than the head declared. The connection was reset, so that the client cannot mistake it for whole.
    case lengthMismatch(declared: Int64, written: Int64)
    /// A second response to one request, or a body before its head.
    case outOfOrder
    case connection(SocketError)
}

/// The length of a response's body.
package enum ResponseLength: Hashable, Sendable {
    case exactly(Int64)
    /// Chunked in HTTP/1.1; in HTTP/1.0 the end of the connection is the end of the body.
    case unknown
}

/// How long the server waits for a client.
package struct HTTPTimeouts: Sendable {
    /// From the first byte of a head, or from the start of a connection, to the end of the head.
    package var head: Duration = .seconds(30)
    /// Without a byte of the body, while the handler waits for one.
    package var body: Duration = .seconds(60)
    /// Without the client taking a byte of the response.
    package var write: Duration = .seconds(60)
    /// Between two requests. Longer than the 60 seconds that proxies commonly keep idle connections, so that the proxy is the
    /// one that closes and no request meets a closing connection.
    package var idle: Duration = .seconds(90)
    /// For the rest of a refused body, so that the client reads the answer before the connection is reset.
    package var linger: Duration = .seconds(2)
    package init() {}
}

package struct HTTPLimits: Sendable {
    package var head = HeadLimits()
    package var connections = 16_384
    /// The rest of an unread body that is read for the sake of the connection; a larger one closes it.
    package var drainBytes: Int64 = 256 << 10
    /// Bytes thrown away of a client that goes on sending after a refusal.
    package var lingerBytes: Int64 = 4 << 20
    package init() {}
}
