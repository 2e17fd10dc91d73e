import ArgumentParser
import Glibc
import Server
import TLS

/// What commands that are clients trust.
enum TrustedAuthorities {
    /// A file of the command line, else of `MARTLET_CA_FILE` or `AWS_CA_BUNDLE`, else what the system trusts.
    static func client(file: String?) throws -> TLSClient {
        func variable(_ name: String) -> String? {
            getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
        }
        let path = file ?? variable("MARTLET_CA_FILE") ?? variable("AWS_CA_BUNDLE")
        do {
            return try TLSClient(authorities: try path.map { try LocalCertificates.read($0) })
        } catch let error as TLSError {
            throw ValidationError("\(path ?? "the system's authorities"): \(error.what)")
        } catch { throw ValidationError("\(error)") }
    }
}
