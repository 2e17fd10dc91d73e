import CTLS
import Glibc

/// Certificates for a quick start: a local authority, and what it signs.
package enum CertificateMaker {
    /// A new authority, valid for `days`.
    package static func authority(_ subject: String, days: Int) throws(TLSError) -> (certificate: String, key: String) {
        try make(subject, "", days, nil)
    }

    /// A certificate for servers and clients, for host names and addresses.
    package static func certificate(
        _ names: [String], days: Int, by authority: (certificate: [UInt8], key: [UInt8])
    ) throws(TLSError) -> (certificate: String, key: String) {
        guard let first = names.first else { throw TLSError(what: "a certificate needs a name") }
        for name in names where !name.utf8.allSatisfy(isOfName) { throw TLSError(what: "\(name) is no host name") }
        let list = names.map { (isAddress($0) ? "IP:" : "DNS:") + $0 }.joined(separator: ",")
        return try make(String(first.prefix(64)), list, days, authority)
    }

    private static func isOfName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: ":"),
            UInt8(ascii: "*"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private static func isAddress(_ name: String) -> Bool {
        var four = in_addr(), six = in6_addr()
        return inet_pton(AF_INET, name, &four) == 1 || inet_pton(AF_INET6, name, &six) == 1
    }

    private static func make(
        _ subject: String, _ names: String, _ days: Int, _ authority: (certificate: [UInt8], key: [UInt8])?
    ) throws(TLSError) -> (certificate: String, key: String) {
        var certificate: UnsafeMutablePointer<CChar>?, key: UnsafeMutablePointer<CChar>?
        defer {
            free(certificate)
            free(key)
        }
        let problem = TLSStore.text { error, errorCount in
            (authority?.certificate ?? []).withUnsafeBytes { signer in
                (authority?.key ?? []).withUnsafeBytes { signerKey in
                    _ = ctls_make_certificate(
                        subject, names, Int32(days), authority == nil ? nil : signer.baseAddress, signer.count,
                        signerKey.baseAddress, signerKey.count, &certificate, &key, error, errorCount)
                }
            }
        }
        guard let certificate, let key else { throw TLSError(what: problem) }
        return (String(cString: certificate), String(cString: key))
    }
}
