import Glibc
import TLS

/// `martlet certs`: a local authority and a certificate that it signs, as files.
package enum LocalCertificates {
    /// Writes ca.crt and ca.key, unless they are there, and public.crt and private.key for the names. Returns what to tell the user.
    package static func make(directory: String, names: [String], days: Int) throws -> String {
        guard mkdir(directory, 0o755) == 0 || errno == EEXIST else {
            throw SettingsError("\(directory) can't be made: \(String(cString: strerror(errno)))")
        }
        let authorityPath = "\(directory)/ca.crt", authorityKeyPath = "\(directory)/ca.key"
        do {
            if access(authorityPath, F_OK) != 0 || access(authorityKeyPath, F_OK) != 0 {
                let authority = try CertificateMaker.authority("Martlet local authority", days: 3650)
                try write(authority.key, authorityKeyPath, 0o600)
                try write(authority.certificate, authorityPath, 0o644)
            }
            let made = try CertificateMaker.certificate(
                names, days: days,
                by: (try CertificateDirectory.read(authorityPath), try CertificateDirectory.read(authorityKeyPath)))
            try write(made.key, "\(directory)/private.key", 0o600)
            try write(made.certificate, "\(directory)/public.crt", 0o644)
        } catch let error as TLSError { throw SettingsError(error.what) }
        return """
            \(directory)/public.crt and private.key are for \(names.joined(separator: ", ")), for \(days) days
            Serve with:       martlet server --certs-dir \(directory) DRIVE…
            Clients trust it: export AWS_CA_BUNDLE=\(authorityPath)
            """
    }

    package static func read(_ path: String) throws(SettingsError) -> [UInt8] { try CertificateDirectory.read(path) }

    /// Under another name first: a server that watches the directory never sees half a file.
    private static func write(_ text: String, _ path: String, _ mode: mode_t) throws(SettingsError) {
        let temporary = path + ".new", bytes = Array(text.utf8)
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else {
            throw SettingsError("\(temporary) can't be made: \(String(cString: strerror(errno)))")
        }
        let isWritten = Glibc.write(descriptor, bytes, bytes.count) == bytes.count && fsync(descriptor) == 0
        close(descriptor)
        guard isWritten, rename(temporary, path) == 0 else {
            throw SettingsError("\(path) can't be written: \(String(cString: strerror(errno)))")
        }
    }
}
