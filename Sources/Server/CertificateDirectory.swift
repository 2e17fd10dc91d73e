import Base
import Drives
import Glibc
import HTTPServer
import Runtime
import TLS

/// Certificates in a directory: a pair of its own for everyone, and a sub-directory each for the names that have another.
///
/// A pair is `public.crt` and `private.key`, or `tls.crt` and `tls.key` as a Kubernetes secret has them. Links are followed: a secret is
/// exchanged by pointing a link elsewhere.
struct CertificateDirectory: Sendable {
    let path: String
    private static let fileBytesMax = 1 << 20
    private static let directoriesMax = 1_000

    /// Every pair, the directory's own first.
    func pairs() throws(SettingsError) -> [TLSPair] {
        guard let names = Self.names(path) else {
            throw SettingsError("the certificate directory \(path) can't be read: \(String(cString: strerror(errno)))")
        }
        var pairs: [TLSPair] = []
        if let pair = try Self.pair(path) { pairs.append(pair) }
        for name in names.prefix(Self.directoriesMax) {
            if let pair = try Self.pair("\(path)/\(name)") { pairs.append(pair) }
        }
        guard !pairs.isEmpty else {
            throw SettingsError(
                "\(path) has no certificate: put public.crt and private.key (or tls.crt and tls.key) there, or run "
                    + "`martlet certs \(path) NAME…`")
        }
        return pairs
    }

    private static func names(_ path: String) -> [String]? {
        guard let directory = opendir(path) else { return nil }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            // Kubernetes keeps versions of a secret in directories that start with two dots.
            if !name.hasPrefix("."), name != "CAs" { names.append(name) }
        }
        return names.sorted()
    }

    private static func pair(_ directory: String) throws(SettingsError) -> TLSPair? {
        for (certificate, key) in [("public.crt", "private.key"), ("tls.crt", "tls.key")] {
            let certificatePath = "\(directory)/\(certificate)", keyPath = "\(directory)/\(key)"
            guard access(certificatePath, F_OK) == 0 else { continue }
            return TLSPair(
                name: certificatePath, certificate: try read(certificatePath), key: try read(keyPath))
        }
        return nil
    }

    static func read(_ path: String) throws(SettingsError) -> [UInt8] {
        guard let file = fopen(path, "re") else {
            throw SettingsError("\(path) can't be read: \(String(cString: strerror(errno)))")
        }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: fileBytesMax)
        let count = fread(&bytes, 1, bytes.count, file)
        guard ferror(file) == 0, count < fileBytesMax else {
            throw SettingsError("\(path) can't be read or is too large")
        }
        return Array(bytes[..<count])
    }
}

/// Serves new connections with what the directory holds now. A pair that can't be used changes nothing but the log.
final class CertificateWatch: Sendable {
    let certificates: TLSCertificates
    private let directory: CertificateDirectory
    private let policy: TLSPolicy
    private let first: [TLSPair]
    private let files = BlockingPool(threads: 1, name: "certificates")
    /// Seconds before the end of a certificate from which the log says so, once a day.
    private static let warningSeconds: Int64 = 14 * 86_400

    init(_ path: String, _ policy: TLSPolicy) throws(SettingsError) {
        directory = CertificateDirectory(path: path)
        self.policy = policy
        first = try directory.pairs()
        do { certificates = TLSCertificates(try TLSStore(first, policy)) } catch { throw SettingsError(error.what) }
    }

    func run(executor: Loop, time: any TimeSource, say: @Sendable (String) -> Void) async {
        var served = first, problem = "", warned: Int64 = 0
        while true {
            if time.now().seconds >= warned + 86_400 {
                warned = time.now().seconds
                warn(warned, say)
            }
            do { try await executor.sleep(for: .seconds(1)) } catch { return }
            let directory = directory
            switch await files.perform({ Result { () throws(SettingsError) in try directory.pairs() } }) {
            case .success(let found):
                guard found != served else { continue }
                do {
                    certificates.replace(try TLSStore(found, policy))
                    (served, problem, warned) = (found, "", 0)
                    say("new certificates are served")
                } catch { tell(error.what, &problem, say) }
            case .failure(let error): tell(error.description, &problem, say)
            }
        }
    }

    private func tell(_ text: String, _ last: inout String, _ say: (String) -> Void) {
        guard text != last else { return }
        last = text
        say("the certificates in use stay: \(text)")
    }

    private func warn(_ now: Int64, _ say: (String) -> Void) {
        for (name, seconds) in certificates.store.expiries where seconds < now + Self.warningSeconds {
            say(
                seconds <= now
                    ? "the certificate of \(name) has expired: clients refuse it"
                    : "the certificate of \(name) expires in \((seconds - now) / 86_400) days")
        }
    }
}

/// What the settings say of TLS, and of what stands in front.
extension Settings {
    func proxies() throws(SettingsError) -> TrustedProxies {
        guard !proxyProtocol || !trustedProxies.isEmpty else {
            throw SettingsError("proxyProtocol needs trustedProxies: the addresses of the load balancers that send it")
        }
        do { return try TrustedProxies(trustedProxies) } catch {
            throw SettingsError("trustedProxies: \(error.text) is neither an address nor a block such as 10.0.0.0/8")
        }
    }

    func certificateWatch() throws(SettingsError) -> CertificateWatch? {
        guard let certsDirectory else {
            guard !opsTLS else { throw SettingsError("opsTls needs certsDir: without certificates there is no TLS") }
            if stsCertificate {
                throw SettingsError("stsCertificate needs certsDir: certificates of clients come with TLS")
            }
            if tlsClientCA != nil {
                throw SettingsError("tlsClientCA needs certsDir: without certificates there is no TLS")
            }
            return nil
        }
        var policy = TLSPolicy()
        if stsCertificate, tlsClientCA == nil {
            throw SettingsError("stsCertificate needs tlsClientCA: the authorities of clients' certificates")
        }
        switch tlsMinimumVersion {
        case "1.2": policy.minimum = .tls12
        case "1.3": policy.minimum = .tls13
        default: throw SettingsError("tlsMinimumVersion is \(tlsMinimumVersion); it must be 1.2 or 1.3")
        }
        policy.ciphers = tlsCiphers
        policy.clientAuthorities = try tlsClientCA.map { path throws(SettingsError) in
            try CertificateDirectory.read(path)
        }
        switch tlsClientAuth {
        case "required": policy.needsClientCertificate = true
        case "optional": break
        default: throw SettingsError("tlsClientAuth is \(tlsClientAuth); it must be required or optional")
        }
        return try CertificateWatch(certsDirectory, policy)
    }
}
