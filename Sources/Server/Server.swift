package import Base
import CLinux
import Drives
import Glibc
import HTTPServer
import Identity
import ObjectFormat
import Objects
import Runtime
import S3Frontend
import S3Protocol
import Telemetry
import TLS

/// The composition root: builds the server from its settings, serves until told to stop, and takes it down in order.
package struct Server: Sendable {
    let settings: Settings
    let paths: [String]
    /// Of `paths`: those whose old drive is gone for good.
    let replaced: [String]
    /// The root key is gone for good: what it sealed is deleted.
    let forgetsIdentities: Bool
    let time: any TimeSource
    let random: any RandomSource

    package init(
        settings: Settings, drives: [String], replaced: [String] = [], forgetsIdentities: Bool = false,
        time: any TimeSource = SystemTime(),
        random: any RandomSource = SystemRandom()
    ) {
        self.settings = settings
        self.paths = drives
        self.replaced = replaced
        self.forgetsIdentities = forgetsIdentities
        self.time = time
        self.random = random
    }

    /// Serves until SIGTERM or SIGINT. `environment` looks a variable up.
    package func run(environment: @Sendable (String) -> String?) async throws {
        let watching = clinux_watch_stop_signals()
        guard watching == 0 else {
            throw SettingsError("signals can't be watched: \(String(cString: strerror(watching)))")
        }
        guard let first = paths.first else {
            throw SettingsError("no drives are named: give the server at least one directory")
        }
        let stateDirectory = settings.stateDirectory ?? Self.parent(of: first) + "/.martlet-state"
        try Self.makePrivate(stateDirectory)
        let credentials = try RootCredentials.load(
            environment: environment, stateDirectory: stateDirectory, random: random)
        var configuration = LoopConfiguration()
        configuration.usesRing = settings.ioUring
        let loops = try LoopGroup(
            count: settings.loops ?? max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))), configuration: configuration)
        let buffers = BufferPool()
        loops[0].spawn { await Self.trim(buffers, executor: loops[0]) }
        if let refusal = loops[0].ringRefusal {
            Self.say("io_uring is not in use (\(refusal)): file calls run on threads")
        }
        let store = try await Store.open(
            paths: paths, settings: settings, loops: loops, buffers: buffers, time: time, random: random,
            replaced: replaced, note: Self.say
        )
        let health = ServerHealth(), requests = RequestMetrics()
        await health.refresh(store)
        loops[0].spawn { await health.run(store, executor: loops[0], say: Self.say) }
        var sinks: [any RequestEventSink] = [requests]
        if settings.accessLog != "none" {
            let log = AccessLog(), writer = try AccessLogWriter(settings.accessLog)
            sinks.append(log)
            loops[0].spawn { await writer.run(log, executor: loops[0]) }
        }
        let file = try environment("MARTLET_ACCOUNTS_FILE").map { path throws(SettingsError) in
            try AccountsFile(path: path)
        }
        let configured = ConfiguredAccounts(credentials, deployment: store.deployment, file: file ?? AccountsFile())
        let (identities, rotator) = try await openIdentities(store, configured, environment, stateDirectory)
        let directory = IdentityDirectory(IdentityResolver(identities))
        let signOn = try SignOnSettings.load(environment).open(
            time: time, acceptsCertificates: settings.stsCertificate)
        let bucketLogs = ServerAccessLog(
            store: store.objects, region: settings.region, time: time, random: random,
            interval: .seconds(settings.accessLogDeliverySeconds))
        loops[0].spawn { await bucketLogs.run(executor: loops[0]) }
        let inventory = InventoryReporter(
            store: store.objects, time: time, random: random, interval: .seconds(settings.inventoryCheckSeconds))
        loops[0].spawn { await inventory.run(executor: loops[0]) }
        let websites = settings.websiteDomains ?? settings.domains.map { "s3-website." + $0 }
        let operations = Operations(store: store.objects, time: time, region: settings.region, accounts: directory)
        let traffic = try await openTraffic(store, loops, tenantName: TenantGate(identities).name(of:))
        let handler = S3Handler(
            operations: operations,
            router: Router(addressing: Addressing(domains: settings.domains)),
            authenticator: Authenticator(
                directory: directory, region: settings.region, acceptsVersionTwo: settings.signatureV2),
            tenants: TenantGate(identities), sinks: sinks, time: time, random: random, health: health,
            hostID: store.deployment.description,
            traffic: traffic,
            websites: WebsiteHosts(domains: websites), accessLog: bucketLogs,
            query: QueryAPI(
                directory, signOn: signOn, operatorAccount: configured.operatorAccount.number, operations: operations,
                rootKey: rotator, traffic: traffic, time: time))
        let tls = try settings.certificateWatch()
        if let tls { loops[0].spawn { [time] in await tls.run(executor: loops[0], time: time, say: Self.say) } }
        let s3 = try listen(
            settings.address, loops, buffers, handler, tls?.certificates, proxies: try settings.proxies(),
            usesProxyProtocol: settings.proxyProtocol)
        let ops = try listen(
            settings.opsAddress, loops, buffers,
            OpsHandler(
                health: health, requests: requests, store: store, buffers: buffers,
                process: ProcessMetrics(started: time.now()), traffic: traffic, connections: { s3.connections },
                certificates: tls?.certificates, token: environment("MARTLET_METRICS_TOKEN")),
            settings.opsTLS ? tls?.certificates : nil)
        greet(s3, ops, credentials, store)
        await stopSignal()
        Self.say("stopping: requests in flight have \(settings.drainSeconds) s")
        let grace = Duration.seconds(settings.drainSeconds)
        loops[0].spawn {
            try? await loops[0].sleep(for: grace)
            traffic.stop()
        }
        await s3.drain(within: .seconds(settings.drainSeconds))
        await bucketLogs.deliver()
        await ops.drain(within: .seconds(1))
        await store.shutDown()
        for loop in loops.loops { loop.cancelTasks() }
        await loops.shutDown()
    }

    /// Limits as they are stored, and the ceilings of the settings, spread over the loops.
    private func openTraffic(
        _ store: Store, _ loops: LoopGroup, tenantName: @escaping @Sendable (TenantID) -> String
    ) async throws -> TrafficControl {
        func each(_ count: Int) -> Int { (count + loops.loops.count - 1) / loops.loops.count }
        let admission = AdmissionParameters(
            alone: each(settings.requestsMax), shared: settings.requestsShared.map(each) ?? 16,
            waitingMax: each(settings.requestsWaitingMax))
        return try await TrafficControl.open(
            store: store.objects, time: time, loops: loops, admission: admission, tenantName: tenantName)
    }

    /// What a burst of requests needed goes back to the kernel within some seconds.
    private static func trim(_ buffers: BufferPool, executor: Loop) async {
        while (try? await executor.sleep(for: .seconds(5))) != nil { buffers.trim() }
    }

    private func listen(
        _ address: String, _ loops: LoopGroup, _ buffers: BufferPool, _ handler: any HTTPHandler,
        _ certificates: TLSCertificates? = nil, proxies: TrustedProxies = .none, usesProxyProtocol: Bool = false
    ) throws -> HTTPServer {
        let (host, port) = try Self.split(address)
        var configuration = HTTPServerConfiguration(host: host, port: port)
        configuration.timeouts.head = .seconds(settings.headTimeoutSeconds)
        configuration.timeouts.body = .seconds(settings.bodyTimeoutSeconds)
        configuration.timeouts.write = .seconds(settings.bodyTimeoutSeconds)
        configuration.timeouts.idle = .seconds(settings.idleTimeoutSeconds)
        configuration.limits.connections = settings.connectionsMax
        configuration.certificates = certificates
        configuration.trustedProxies = proxies
        configuration.usesProxyProtocol = usesProxyProtocol
        if let name = settings.congestionControl { configuration.congestionControl = name }
        do {
            return try HTTPServer(configuration, on: loops, buffers: buffers, clock: time, handler: handler)
        } catch {
            throw SettingsError("can't listen on \(address): \(error.call): \(String(cString: strerror(error.errno)))")
        }
    }

    /// What a new user needs next, on standard output; the two "on" lines are also what tests wait for.
    private func greet(_ s3: HTTPServer, _ ops: HTTPServer, _ credentials: RootCredentials, _ store: Store) {
        let scheme = settings.certsDirectory == nil ? "http" : "https"
        let endpoint = "\(scheme)://\(Self.shown(settings.address, s3.port))"
        let geometry = store.layout.geometry
        var lines = [
            Version.text,
            "\(paths.count) drives, \(store.sets.count) erasure set\(store.sets.count == 1 ? "" : "s") of "
                + "\(geometry.data) data + \(geometry.parity) parity",
        ]
        if geometry.parity == 0 {
            lines.append("Warning: one drive holds the only copy of everything; with two or more, drives can be lost")
        }
        switch credentials.source {
        case .environment: lines.append("Credentials: from MARTLET_ROOT_USER and MARTLET_ROOT_PASSWORD")
        case .file(let path, _):
            lines.append("Credentials: in \(path) (accessKey, secretKey)")
            lines.append("  export AWS_ACCESS_KEY_ID=$(sed -n 's/.*\"accessKey\": \"\\(.*\\)\".*/\\1/p' \(path))")
            lines.append("  export AWS_SECRET_ACCESS_KEY=$(sed -n 's/.*\"secretKey\": \"\\(.*\\)\".*/\\1/p' \(path))")
        }
        lines += [
            "  export AWS_ENDPOINT_URL=\(endpoint) AWS_DEFAULT_REGION=\(settings.region)"
        ]
        if let directory = settings.certsDirectory, access("\(directory)/ca.crt", R_OK) == 0 {
            let authority = "\(directory)/ca.crt"
            lines.append(
                "  export AWS_CA_BUNDLE=\(authority) RCLONE_CA_CERT=\(authority) CURL_CA_BUNDLE=\(authority)")
        }
        lines += [
            "Try:",
            "  aws s3 mb s3://demo && aws s3 cp README.md s3://demo/ && aws s3 ls s3://demo/",
            "  python3 -c \"import boto3; print(boto3.client('s3').list_buckets()['Buckets'])\"",
            "  rclone lsf \":s3,provider=Other,env_auth=true,endpoint='\(endpoint)':demo\"",
            "  curl -s --aws-sigv4 aws:amz:\(settings.region):s3 --user \"$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY\" "
                + "-H x-amz-content-sha256:UNSIGNED-PAYLOAD \(endpoint)/",
            "S3 on \(endpoint)",
            "Ops on \(settings.opsTLS ? "https" : "http")://\(Self.shown(settings.opsAddress, ops.port))",
        ]
        Console.write(lines.joined(separator: "\n") + "\n", to: STDOUT_FILENO)
    }

    /// Waits on a thread of its own.
    private func stopSignal() async {
        let waiting = BlockingPool(threads: 1, name: "signals")
        await waiting.perform { clinux_wait_for_stop_signal() }
    }

    // MARK: Small things

    static func split(_ address: String) throws(SettingsError) -> (host: String, port: UInt16) {
        guard let colon = address.lastIndex(of: ":"), let port = UInt16(address[address.index(after: colon)...]) else {
            throw SettingsError("\(address) is not HOST:PORT; write it like 0.0.0.0:9000")
        }
        var host = address[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        return (host.isEmpty ? "::" : String(host), port)
    }

    /// The address as a client on this machine would write it.
    static func shown(_ address: String, _ port: UInt16) -> String {
        let host = address.lastIndex(of: ":").map { String(address[..<$0]) } ?? address
        return (["0.0.0.0", "[::]", "::", ""].contains(host) ? "127.0.0.1" : host) + ":\(port)"
    }

    static func parent(of path: String) -> String {
        var pieces = path.split(separator: "/", omittingEmptySubsequences: true)
        if !pieces.isEmpty { pieces.removeLast() }
        return (path.hasPrefix("/") ? "/" : "./") + pieces.joined(separator: "/")
    }

    static func makePrivate(_ directory: String) throws(SettingsError) {
        if access(directory, F_OK) == 0 { return }
        guard mkdir(directory, 0o700) == 0 else {
            throw SettingsError(
                "the state directory \(directory) can't be made: \(String(cString: strerror(errno))); "
                    + "name another with --state-dir")
        }
    }

    static func say(_ text: String) { Console.write("martlet: \(text)\n", to: STDERR_FILENO) }
}
