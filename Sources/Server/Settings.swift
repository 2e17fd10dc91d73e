package import Configuration

/// Everything that can be set, after flags, environment (`MARTLET_…`) and the configuration file have been merged, in this order
/// of precedence. Docs/operations/configuration.md lists each with its default.
package struct Settings: Sendable, Equatable {
    /// Where S3 is served. Port 0 takes a free one.
    package var address = "0.0.0.0:9000"
    /// Where health and metrics are served.
    package var opsAddress = "127.0.0.1:9001"
    /// Generated credentials and the like; never on a drive. Default: `.martlet-state` beside the first drive.
    package var stateDirectory: String?
    package var setSize: Int?
    package var region = "us-east-1"
    /// Off refuses version 2 signatures (`AWSAccessKeyId=…&Signature=…`).
    package var signatureV2 = true
    /// Domains whose sub-domains are bucket names.
    package var domains: [String] = []
    /// Domains below which buckets are served as web sites; without the setting, `s3-website.` of each domain.
    package var websiteDomains: [String]?
    /// Seconds between two deliveries of buckets' access logs.
    package var accessLogDeliverySeconds = 300
    /// Seconds between two looks for inventory reports that are due.
    package var inventoryCheckSeconds = 900
    /// Congestion control of the listener; nil takes cubic where the system has it.
    package var congestionControl: String?
    package var loops: Int?
    /// Off forces the thread pool, as a kernel without io_uring does.
    package var ioUring = true
    package var connectionsMax = 10_000
    /// Requests under way while one tenant is active, and while several are; nil: 16 a loop. More wait for their turn.
    package var requestsMax = 4096
    package var requestsShared: Int?
    package var requestsWaitingMax = 16_384
    package var idleTimeoutSeconds = 120
    package var headTimeoutSeconds = 30
    package var bodyTimeoutSeconds = 60
    /// Seconds that requests in flight get at shutdown.
    package var drainSeconds = 20
    /// Bytes of index blocks that each drive keeps in memory.
    package var blockCacheBytes = 64 << 20
    /// Bytes of small objects that are kept in memory after they were read, all sets together.
    package var objectCacheBytes = 128 << 20
    package var accessLog = "none"
    /// With it S3 is served over TLS: see CertificateDirectory.
    package var certsDirectory: String?
    package var tlsMinimumVersion = "1.2"
    /// Ciphers of TLS 1.2 in OpenSSL's words; nil: forward secrecy and AEAD.
    package var tlsCiphers: String?
    /// A PEM file of authorities: clients may or must show a certificate of theirs.
    package var tlsClientCA: String?
    package var tlsClientAuth = "required"
    /// AssumeRoleWithCertificate exchanges clients' certificates for sessions.
    package var stsCertificate = false
    /// The ops address speaks TLS too, with the same certificates.
    package var opsTLS = false
    /// Addresses and blocks of proxies whose X-Forwarded-For and X-Forwarded-Proto count.
    package var trustedProxies: [String] = []
    /// Connections to the S3 port begin with a header of the PROXY protocol, version 2.
    package var proxyProtocol = false

    package init() {}
}

/// A setting that can't be used: which one, what was found and what is allowed.
package struct SettingsError: Error, Equatable, CustomStringConvertible {
    package var description: String
    package init(_ description: String) { self.description = description }
}

extension Settings {
    /// Reads all settings. `flags` are those given on the command line; they win.
    package static func load(flags: [String: String], configFile: String?) async throws -> Settings {
        var providers: [any ConfigProvider] = []
        var values: [AbsoluteConfigKey: ConfigValue] = [:]
        for (name, value) in flags {
            values[AbsoluteConfigKey([name])] = ConfigValue(.string(value), isSecret: false)
        }
        providers.append(InMemoryProvider(values: values))
        let environment = EnvironmentVariablesProvider().prefixKeys(with: "martlet")
        providers.append(environment)
        if let file = try configFile
            ?? environment.value(
                forKey: AbsoluteConfigKey(["config"]), type: .string
            ).value.map({ value in
                guard case .string(let path) = value.content else {
                    throw SettingsError("MARTLET_CONFIG is not a path")
                }
                return path
            })
        {
            let path = InMemoryProvider(values: ["filePath": ConfigValue(.string(file), isSecret: false)])
            do {
                providers.append(try await FileProvider<JSONSnapshot>(config: ConfigReader(provider: path)))
            } catch {
                throw SettingsError("the configuration file \(file) can't be read: \(error)")
            }
        }
        return try Settings(reader: ConfigReader(providers: providers))
    }

    package init(reader: ConfigReader) throws {
        self.init()
        address = try Self.text(reader, "address") ?? address
        opsAddress = try Self.text(reader, "opsAddress") ?? opsAddress
        stateDirectory = try Self.text(reader, "stateDir")
        setSize = try Self.number(reader, "setSize", in: 1...16)
        region = try Self.text(reader, "region") ?? region
        signatureV2 = try Self.flag(reader, "signatureV2") ?? signatureV2
        domains = try Self.text(reader, "domain")?.split(separator: ",").map { String($0.trimmed) } ?? []
        websiteDomains = try Self.text(reader, "websiteDomain")?.split(separator: ",").map { String($0.trimmed) }
        accessLogDeliverySeconds =
            try Self.number(reader, "accessLogDeliverySeconds", in: 1...86_400) ?? accessLogDeliverySeconds
        inventoryCheckSeconds =
            try Self.number(reader, "inventoryCheckSeconds", in: 1...86_400) ?? inventoryCheckSeconds
        congestionControl = try Self.text(reader, "congestionControl")
        loops = try Self.number(reader, "loops", in: 1...256)
        ioUring = try Self.flag(reader, "ioUring") ?? ioUring
        connectionsMax = try Self.number(reader, "connectionsMax", in: 1...1_000_000) ?? connectionsMax
        requestsMax = try Self.number(reader, "requestsMax", in: 1...1_000_000) ?? requestsMax
        requestsShared = try Self.number(reader, "requestsShared", in: 1...1_000_000)
        requestsWaitingMax = try Self.number(reader, "requestsWaitingMax", in: 0...1_000_000) ?? requestsWaitingMax
        idleTimeoutSeconds = try Self.number(reader, "idleTimeoutSeconds", in: 1...86_400) ?? idleTimeoutSeconds
        headTimeoutSeconds = try Self.number(reader, "headTimeoutSeconds", in: 1...86_400) ?? headTimeoutSeconds
        bodyTimeoutSeconds = try Self.number(reader, "bodyTimeoutSeconds", in: 1...86_400) ?? bodyTimeoutSeconds
        drainSeconds = try Self.number(reader, "drainSeconds", in: 0...3_600) ?? drainSeconds
        blockCacheBytes = try Self.number(reader, "blockCacheBytes", in: (1 << 20)...(1 << 40)) ?? blockCacheBytes
        objectCacheBytes = try Self.number(reader, "objectCacheBytes", in: 0...(1 << 40)) ?? objectCacheBytes
        accessLog = try Self.text(reader, "accessLog") ?? accessLog
        certsDirectory = try Self.text(reader, "certsDir")
        tlsMinimumVersion = try Self.text(reader, "tlsMinimumVersion") ?? tlsMinimumVersion
        tlsCiphers = try Self.text(reader, "tlsCiphers")
        tlsClientCA = try Self.text(reader, "tlsClientCa")
        tlsClientAuth = try Self.text(reader, "tlsClientAuth") ?? tlsClientAuth
        stsCertificate = try Self.flag(reader, "stsCertificate") ?? stsCertificate
        opsTLS = try Self.flag(reader, "opsTls") ?? opsTLS
        trustedProxies = try Self.text(reader, "trustedProxies")?.split(separator: ",").map { String($0.trimmed) } ?? []
        proxyProtocol = try Self.flag(reader, "proxyProtocol") ?? proxyProtocol
    }

    private static func text(_ reader: ConfigReader, _ name: String) throws -> String? {
        guard let value = reader.string(forKey: ConfigKey([name])) else { return nil }
        return value.isEmpty ? nil : value
    }

    private static func number(_ reader: ConfigReader, _ name: String, in range: ClosedRange<Int>) throws -> Int? {
        // Flags arrive as text, files as numbers.
        guard let value = try reader.int(forKey: ConfigKey([name])) ?? text(reader, name).flatMap(Int.init) else {
            if let text = try text(reader, name) { throw SettingsError("\(name) is \(text), not a whole number") }
            return nil
        }
        guard range.contains(value) else {
            throw SettingsError("\(name) is \(value); it must lie between \(range.lowerBound) and \(range.upperBound)")
        }
        return value
    }

    private static func flag(_ reader: ConfigReader, _ name: String) throws -> Bool? {
        if let text = reader.string(forKey: ConfigKey([name])) {
            switch text {
            case "on", "true", "1", "yes": return true
            case "off", "false", "0", "no": return false
            default: throw SettingsError("\(name) is \(text); it must be on or off")
            }
        }
        return reader.bool(forKey: ConfigKey([name]))
    }
}

extension Substring {
    var trimmed: Substring {
        var result = self
        while result.first == " " { result.removeFirst() }
        while result.last == " " { result.removeLast() }
        return result
    }
}
