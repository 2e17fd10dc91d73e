package import Base
import CLinux
import Glibc
package import Runtime
import Synchronization
package import TLS

package struct HTTPServerConfiguration: Sendable {
    /// A numeric IPv4 or IPv6 address or a host name. `::` serves both families.
    package var host: String
    /// 0 lets the kernel choose; `HTTPServer.port` says which it chose.
    package var port: UInt16
    package var timeouts = HTTPTimeouts()
    package var limits = HTTPLimits()
    /// BBR, the default of some machines, doubles the CPU of fast local downloads. nil leaves the kernel's choice.
    package var congestionControl: String? = "cubic"
    package var backlog = 4096
    /// Served over TLS with these; nil serves plain HTTP.
    package var certificates: TLSCertificates?
    package var trustedProxies = TrustedProxies.none
    /// Every connection begins with a header of the PROXY protocol, and comes from a trusted proxy.
    package var usesProxyProtocol = false

    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }
}

/// The server could not listen.
package struct ListenError: Error, Hashable, Sendable {
    package let address: String
    package let call: String
    package let errno: Int32
}

/// Listens on one address with a socket per loop and serves its connections on the loops.
///
/// The kernel spreads connections over the loops' sockets by a hash; a loop that has two more connections than the least loaded
/// one hands a new one over, which costs that connection one hop at its start and none later.
package final class HTTPServer: Sendable {
    /// The port that is listened on.
    package let port: UInt16
    /// Why the wished congestion control is not in use; nil when it is, or none was wished.
    package let congestionRefusal: String?

    private let loops: LoopGroup
    private let configuration: HTTPServerConfiguration
    private let context: ServerContext
    private let refusals = Atomic<Int>(0)
    private static let refusalsMax = 64

    package init(
        _ configuration: HTTPServerConfiguration, on loops: LoopGroup, buffers: BufferPool, clock: any TimeSource,
        handler: any HTTPHandler
    ) throws(ListenError) {
        self.loops = loops
        self.configuration = configuration
        let registry = ConnectionRegistry()
        context = ServerContext(
            handler: handler, clock: clock, timeouts: configuration.timeouts, limits: configuration.limits,
            buffers: buffers, registry: registry, trustedProxies: configuration.trustedProxies)
        let descriptors = try Self.listen(configuration, count: loops.loops.count)
        port = clinux_local_port(descriptors[0])
        congestionRefusal = Self.prepare(descriptors, configuration)
        registry.expectListeners(descriptors.count)
        for (loop, descriptor) in zip(loops.loops, descriptors) {
            loop.spawn { await self.acceptConnections(descriptor, on: loop) }
        }
    }

    /// Open connections.
    package var connections: Int { context.registry.connections }

    /// Stops accepting, closes idle connections, lets requests in flight finish, and resets what is left after `grace`.
    /// Returns when no connection is open.
    package func drain(within grace: Duration) async {
        let registry = context.registry, loop = loops[0]
        registry.beginDraining()
        loop.perform { _ = loop.schedule(after: grace) { registry.abortAll() } }
        await registry.untilQuiet()
    }

    // MARK: Listening

    private static func listen(_ configuration: HTTPServerConfiguration, count: Int) throws(ListenError) -> [Int32] {
        // Sockets that share a port do not notice another server of this user on it. A first one that does not share does.
        var port = configuration.port
        if port != 0 { Glibc.close(try open(configuration, port: port, shared: false)) }
        var descriptors: [Int32] = []
        do {
            for _ in 0..<count {
                descriptors.append(try open(configuration, port: port, shared: true))
                port = clinux_local_port(descriptors[0])
            }
        } catch {
            for descriptor in descriptors { Glibc.close(descriptor) }
            throw error
        }
        return descriptors
    }

    private static func open(
        _ configuration: HTTPServerConfiguration, port: UInt16, shared: Bool
    ) throws(ListenError) -> Int32 {
        var error: Int32 = 0
        var step: UnsafePointer<CChar>?
        let descriptor = clinux_listen(
            configuration.host, port, shared ? 1 : 0, Int32(clamping: configuration.backlog), &error, &step)
        guard descriptor >= 0 else {
            throw ListenError(
                address: "\(configuration.host):\(port)", call: step.map { String(cString: $0) } ?? "listen",
                errno: error)
        }
        return descriptor
    }

    /// Options that accepted sockets inherit.
    private static func prepare(_ descriptors: [Int32], _ configuration: HTTPServerConfiguration) -> String? {
        var refusal: String?
        for descriptor in descriptors {
            clinux_set_nodelay(descriptor)
            guard let name = configuration.congestionControl else { continue }
            let error = clinux_set_congestion(descriptor, name)
            if error != 0 { refusal = "TCP_CONGESTION \(name): \(String(cString: strerror(error)))" }
        }
        return refusal
    }

    // MARK: Accepting

    private func acceptConnections(_ descriptor: Int32, on loop: Loop) async {
        defer { context.registry.listenerEnded() }
        let listener: LoopSocket
        do {
            listener = try LoopSocket(descriptor, on: loop)
        } catch {
            return
        }
        defer { listener.close() }
        guard context.registry.add(listener) else { return }
        var spare = clinux_open("/dev/null", O_RDONLY | O_CLOEXEC, 0)
        defer { Glibc.close(spare) }
        while true {
            do {
                admit(try await listener.accept(), from: loop)
            } catch .system(_, let error) where Self.isShortage(error) {
                // Out of descriptors: the spare one answers a waiting client with a close, and others get time to finish.
                if error == EMFILE || error == ENFILE {
                    Glibc.close(spare)
                    if let refused = try? listener.tryAccept() { Glibc.close(refused) }
                    spare = clinux_open("/dev/null", O_RDONLY | O_CLOEXEC, 0)
                }
                do { try await loop.sleep(for: .milliseconds(50)) } catch { break }
            } catch {
                break
            }
        }
        // What the kernel has accepted for this socket would be reset by closing it.
        listener.clearInterruption()
        while let accepted = try? listener.tryAccept() { admit(accepted, from: loop) }
    }

    private static func isShortage(_ error: Int32) -> Bool {
        error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM
    }

    private func admit(_ descriptor: Int32, from loop: Loop) {
        guard context.registry.admit(limit: configuration.limits.connections) else {
            return refuse(descriptor, on: loop)
        }
        let least = loops.leastLoaded()
        let target = loop.load > least.load + 1 ? least : loop
        target.addLoad(1)
        target.spawn {
            await self.serve(descriptor, on: target)
            target.addLoad(-1)
        }
    }

    private func serve(_ descriptor: Int32, on loop: Loop) async {
        let socket: LoopSocket
        do {
            socket = try LoopSocket(descriptor, on: loop)
        } catch {
            return context.registry.ended(nil)
        }
        guard let transport = secured(socket) else {
            socket.close()
            return context.registry.ended(nil)
        }
        let entry = ConnectionRegistry.Entry(loop: loop, transport: transport)
        let id = context.registry.add(entry)
        if let origin = await origin(socket, transport, on: loop) {
            await HTTPConnection(transport, origin: origin, on: loop, entry: entry, context: context).run()
        } else {
            socket.close()
        }
        context.registry.ended(id)
    }

    /// Who is connected; nil when the connection does not begin as it must.
    private func origin(_ socket: LoopSocket, _ transport: any Transport, on loop: Loop) async -> ClientOrigin? {
        let (address, port) = socket.peer
        let peer = ClientOrigin(address: address, port: port, isSecure: transport.isSecure)
        guard configuration.usesProxyProtocol else { return peer }
        guard configuration.trustedProxies.contains(address) else { return nil }
        let timer = loop.schedule(after: Self.preamblePatience) { [weak socket] in socket?.interrupt(.timedOut) }
        defer { timer.invalidate() }
        do {
            guard var origin = try await ProxyPreamble.read(socket, context.buffers) else { return peer }
            if transport.isSecure { origin.isSecure = true }
            return origin
        } catch { return nil }
    }

    /// A load balancer sends its header at once.
    private static let preamblePatience = Duration.seconds(5)

    private func secured(_ socket: LoopSocket) -> (any Transport)? {
        guard let certificates = configuration.certificates else { return socket }
        return TLSTransport(socket, certificates, context.buffers)
    }

    /// Too many connections: says so to a few at a time, closes the rest at once.
    private func refuse(_ descriptor: Int32, on loop: Loop) {
        // A handshake would cost more than the answer is worth.
        if configuration.certificates != nil {
            Glibc.close(descriptor)
            return
        }
        guard refusals.add(1, ordering: .relaxed).newValue <= Self.refusalsMax else {
            refusals.subtract(1, ordering: .relaxed)
            Glibc.close(descriptor)
            return
        }
        loop.spawn {
            await self.sendRefusal(descriptor, on: loop)
            self.refusals.subtract(1, ordering: .relaxed)
        }
    }

    private func sendRefusal(_ descriptor: Int32, on loop: Loop) async {
        guard let socket = try? LoopSocket(descriptor, on: loop) else { return }
        let timer = loop.schedule(after: .seconds(1)) { [weak socket] in socket?.interrupt(.timedOut) }
        defer {
            timer.invalidate()
            socket.close()
        }
        let output = OutputBuffer(capacity: 256)
        StatusLine.append(503, to: output)
        output.append("Retry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        let waste = context.buffers.take(4096)
        do {
            try await socket.send(output.bytes, UnsafeRawBufferPointer(start: nil, count: 0)) { _ in }
            socket.shutDownSending()
            while try await socket.receive(into: waste.bytes) > 0 {}
        } catch {
            // The client has gone, or a second has passed.
        }
    }
}
