package import Base
package import Runtime

/// A byte stream of one connection: a plain socket, or TLS over one. For the loop's thread; one task reads, one writes.
package protocol Transport: AnyObject, Sendable {
    var isSecure: Bool { get }
    /// The host name that a TLS client asked for, in lower case; nil for none.
    var serverName: String? { get }
    /// The certificate that the peer has shown and that was verified.
    var peerCertificate: PeerCertificate? { get }
    /// The peer has closed its sending side, or the connection is broken.
    var isPeerGone: Bool { get }
    /// Receives what is there; 0 at the end of the stream, nil when nothing is there yet.
    func tryReceive(into buffer: UnsafeMutableRawBufferPointer) throws(SocketError) -> Int?
    func waitReadable() async throws(SocketError)
    /// Receives at least one byte; 0 at the end of the stream.
    func receive(into buffer: UnsafeMutableRawBufferPointer) async throws(SocketError) -> Int
    /// Sends both pieces whole. `progress` hears of every part.
    func send(
        _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, progress: (Int) -> Void
    ) async throws(SocketError)
    func shutDownSending()
    /// Ends waits now and later with `reason`, until `clearInterruption`.
    func interrupt(_ reason: SocketError)
    func clearInterruption()
    func close()
    /// Closes so that the peer sees the answer as broken.
    func abort()
}

extension LoopSocket: Transport {
    package var isSecure: Bool { false }
    package var serverName: String? { nil }
    package var peerCertificate: PeerCertificate? { nil }
}
