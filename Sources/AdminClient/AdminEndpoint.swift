import Glibc

/// Where a server is: `http://host:port`, `https://host:port`, `host:port`, or a host alone.
package struct AdminEndpoint: Hashable, Sendable {
    package var host: String
    package var port: UInt16
    package var isSecure = false

    /// As the Host field and messages write it.
    package var authority: String { (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }

    package enum Refusal: Error, Hashable { case path, form }

    package init(_ text: String) throws(Refusal) {
        var rest = Substring(text), standard: UInt16 = 9000
        if rest.hasPrefix("https://") {
            rest = rest.dropFirst("https://".count)
            (standard, isSecure) = (443, true)
        }
        if !isSecure, rest.hasPrefix("http://") {
            rest = rest.dropFirst("http://".count)
            standard = 80
        }
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        guard !rest.contains("/") else { throw .path }
        if rest.hasPrefix("["), let end = rest.firstIndex(of: "]") {
            host = String(rest[rest.index(after: rest.startIndex)..<end])
            rest = rest[rest.index(after: end)...]
        } else {
            let end = rest.firstIndex(of: ":") ?? rest.endIndex
            host = String(rest[..<end])
            rest = rest[end...]
        }
        guard !host.isEmpty else { throw .form }
        if rest.isEmpty {
            port = standard
        } else {
            guard rest.hasPrefix(":"), let number = UInt16(rest.dropFirst()), number > 0 else { throw .form }
            port = number
        }
    }
}

/// Credentials of the server's operator, as its own process finds them: variables, or files that variables name.
package struct AdminCredentials: Sendable {
    package var accessKey: String
    package var secretKey: String

    package struct Missing: Error, CustomStringConvertible {
        package var description: String
    }

    package init(environment: (String) -> String?) throws(Missing) {
        func value(_ name: String) throws(Missing) -> String? {
            if let text = environment(name), !text.isEmpty { return text }
            guard let path = environment(name + "_FILE"), !path.isEmpty else { return nil }
            guard let text = SecretText.read(path: path) else {
                throw Missing(description: "\(name)_FILE names \(path), which can't be read or is empty")
            }
            return text
        }
        guard let user = try value("MARTLET_ROOT_USER"), let password = try value("MARTLET_ROOT_PASSWORD") else {
            throw Missing(
                description:
                    "no credentials: set MARTLET_ROOT_USER and MARTLET_ROOT_PASSWORD, or MARTLET_ROOT_USER_FILE and "
                    + "MARTLET_ROOT_PASSWORD_FILE, to those of the server")
        }
        (accessKey, secretKey) = (user, password)
    }
}

/// Texts that do not belong on a command line: read from a file, or from standard input.
package enum SecretText {
    private static let bytesMax = 1 << 20

    /// Without the line break at its end; nil when it can't be read or holds nothing.
    package static func read(path: String) -> String? {
        let descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { if path != "-" { close(descriptor) } }
        var bytes: [UInt8] = [], buffer = [UInt8](repeating: 0, count: 4096)
        while bytes.count <= bytesMax {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        var text = String(decoding: bytes, as: UTF8.self)
        while let last = text.last, last.isNewline { text.removeLast() }
        return text.isEmpty || bytes.count > bytesMax ? nil : text
    }
}
