import CTLS
import Synchronization

/// A certificate with its chain and its key, as PEM documents.
package struct TLSPair: Hashable, Sendable {
    /// Where it comes from, for messages.
    package var name: String
    package var certificate: [UInt8]
    package var key: [UInt8]

    package init(name: String, certificate: [UInt8], key: [UInt8]) {
        (self.name, self.certificate, self.key) = (name, certificate, key)
    }
}

package struct TLSPolicy: Hashable, Sendable {
    package enum Version: Int32, Sendable { case tls12 = 0x0303, tls13 = 0x0304 }
    package var minimum = Version.tls12
    /// Of TLS 1.2, in OpenSSL's words; nil: forward secrecy and AEAD only.
    package var ciphers: String?
    /// PEM of the authorities whose certificates clients may or must show; nil asks for none.
    package var clientAuthorities: [UInt8]?
    package var needsClientCertificate = false
    package init() {}
}

package struct TLSError: Error, Hashable, Sendable {
    package let what: String
}

/// Certificates that can be served, the first one for clients that name no host or one that no certificate covers.
// SAFETY: OpenSSL's contexts are made for use by several threads; nothing here changes after init.
package final class TLSStore: @unchecked Sendable {
    let pointer: OpaquePointer
    /// By certificate: a name, and when it expires, in seconds since 1970.
    package let expiries: [(name: String, seconds: Int64)]

    package init(_ pairs: [TLSPair], _ policy: TLSPolicy) throws(TLSError) {
        guard let pointer = ctls_store_new() else { throw TLSError(what: "no memory for certificates") }
        for pair in pairs {
            if let problem = Self.add(pair, policy, pointer) {
                ctls_store_free(pointer)
                throw TLSError(what: "\(pair.name): \(problem)")
            }
        }
        guard ctls_store_count(pointer) > 0 else {
            ctls_store_free(pointer)
            throw TLSError(what: "no certificate")
        }
        self.pointer = pointer
        expiries = (0..<ctls_store_count(pointer)).map { index in
            (Self.text { ctls_store_name(pointer, index, $0, $1) }, ctls_store_not_after(pointer, index))
        }
    }

    deinit { ctls_store_free(pointer) }

    private static func add(_ pair: TLSPair, _ policy: TLSPolicy, _ pointer: OpaquePointer) -> String? {
        var result: Int32 = 0
        let problem = text { error, errorCount in
            pair.certificate.withUnsafeBytes { certificate in
                pair.key.withUnsafeBytes { key in
                    (policy.clientAuthorities ?? []).withUnsafeBytes { authorities in
                        func add(_ ciphers: UnsafePointer<CChar>?) -> Int32 {
                            ctls_store_add(
                                pointer, certificate.baseAddress, certificate.count, key.baseAddress, key.count,
                                policy.minimum.rawValue, ciphers,
                                policy.clientAuthorities == nil ? nil : authorities.baseAddress, authorities.count,
                                policy.needsClientCertificate ? 1 : 0, error, errorCount)
                        }
                        result = policy.ciphers.map { $0.withCString { add($0) } } ?? add(nil)
                    }
                }
            }
        }
        return result == 0 ? nil : problem
    }

    static func text(_ fill: (UnsafeMutablePointer<CChar>, Int) -> Void) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            guard let base = buffer.baseAddress else { return "" }
            base[0] = 0
            fill(base, buffer.count)
            return String(cString: base)
        }
    }
}

/// What new connections are served with. Running connections keep what they began with.
package final class TLSCertificates: Sendable {
    /// Handshakes since the start, by how they ended.
    package struct Counts: Sendable {
        package var full = 0
        package var resumed = 0
        package var failed = 0
    }

    private let current: Mutex<TLSStore>
    private let counted = Mutex(Counts())

    package init(_ store: TLSStore) { current = Mutex(store) }

    package var store: TLSStore { current.withLock { $0 } }
    package func replace(_ store: TLSStore) { current.withLock { $0 = store } }
    package var handshakes: Counts { counted.withLock { $0 } }
    func count(_ kind: any WritableKeyPath<Counts, Int> & Sendable) { counted.withLock { $0[keyPath: kind] += 1 } }
}
