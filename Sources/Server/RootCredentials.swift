package import Base
import Glibc

/// The access key and secret of the server's operator: from the environment, or made once and kept in the state directory.
/// There is no default password.
package struct RootCredentials: Sendable, Equatable {
    package enum Source: Sendable, Equatable {
        case environment
        /// Read from, or just written to, this file.
        case file(path: String, isNew: Bool)
    }
    package var user: String
    package var password: String
    package var source: Source

    static let fileName = "credentials.json"

    /// `environment` looks a variable up; `stateDirectory` exists.
    package static func load(
        environment: (String) -> String?, stateDirectory: String, random: any RandomSource
    ) throws(SettingsError) -> RootCredentials {
        let user = try secret("MARTLET_ROOT_USER", environment),
            password = try secret("MARTLET_ROOT_PASSWORD", environment)
        switch (user, password) {
        case (let user?, let password?):
            guard (3...128).contains(user.utf8.count) else {
                throw SettingsError("MARTLET_ROOT_USER must have 3 to 128 characters")
            }
            guard password.utf8.count >= 8 else {
                throw SettingsError("MARTLET_ROOT_PASSWORD must have at least 8 characters")
            }
            guard !user.contains(where: { $0 == "/" || $0 == "," || $0 == "=" || $0 == " " }) else {
                throw SettingsError(
                    "MARTLET_ROOT_USER must not contain '/', ',', '=' or a space: it is part of signatures")
            }
            return RootCredentials(user: user, password: password, source: .environment)
        case (nil, nil): return try stored(in: stateDirectory, random: random)
        case (nil, _):
            throw SettingsError("MARTLET_ROOT_PASSWORD is set, MARTLET_ROOT_USER is not: set both or neither")
        case (_, nil):
            throw SettingsError("MARTLET_ROOT_USER is set, MARTLET_ROOT_PASSWORD is not: set both or neither")
        }
    }

    private static func secret(_ name: String, _ environment: (String) -> String?) throws(SettingsError) -> String? {
        if let value = environment(name), !value.isEmpty { return value }
        guard let path = environment(name + "_FILE"), !path.isEmpty else { return nil }
        guard let text = SmallFile.read(path) else {
            throw SettingsError("\(name)_FILE names \(path), which can't be read")
        }
        var trimmed = Substring(text)
        while let last = trimmed.last, last.isNewline { trimmed.removeLast() }
        guard !trimmed.isEmpty else { throw SettingsError("\(name)_FILE names \(path), which is empty") }
        return String(trimmed)
    }

    private static func stored(in directory: String, random: any RandomSource) throws(SettingsError) -> RootCredentials
    {
        let path = directory + "/" + fileName
        if let text = SmallFile.read(path) {
            guard let user = field("accessKey", of: text), let password = field("secretKey", of: text) else {
                throw SettingsError("\(path) is damaged: restore it, or remove it to have new root credentials made")
            }
            return RootCredentials(user: user, password: password, source: .file(path: path, isNew: false))
        }
        let user = text(random, count: 20, from: "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
        let password = text(random, count: 40, from: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
        try SmallFile.writePrivate(
            "{\n  \"accessKey\": \"\(user)\",\n  \"secretKey\": \"\(password)\"\n}\n", to: path)
        return RootCredentials(user: user, password: password, source: .file(path: path, isNew: true))
    }

    /// The value of a string member without escapes; the file is written by `stored` and holds nothing else.
    private static func field(_ name: String, of text: String) -> String? {
        let parts = text.split(separator: "\"", omittingEmptySubsequences: false)
        guard let index = parts.firstIndex(of: Substring(name)), index + 2 < parts.count else { return nil }
        return parts[index + 2].isEmpty ? nil : String(parts[index + 2])
    }

    private static func text(_ random: any RandomSource, count: Int, from alphabet: StaticString) -> String {
        let letters = UnsafeBufferPointer(start: alphabet.utf8Start, count: alphabet.utf8CodeUnitCount)
        // Values that would favour the first letters are drawn again.
        let limit = UInt64.max - UInt64.max % UInt64(letters.count)
        var bytes: [UInt8] = []
        while bytes.count < count {
            let value = random.next()
            if value < limit { bytes.append(letters[Int(value % UInt64(letters.count))]) }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Small files of the state directory.
enum SmallFile {
    static let bytesMax = 1 << 20

    static func read(_ path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: bytesMax)
        let count = fread(&bytes, 1, bytesMax, file)
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    /// Makes a rename in the file's directory durable. A directory that can't be synced is no worse than before.
    static func syncDirectory(of path: String) {
        let directory = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    /// Written with mode 0600 under another name, synced, then renamed: whole or not there.
    static func writePrivate(_ text: String, to path: String) throws(SettingsError) {
        let temporary = path + ".new"
        unlink(temporary)
        let descriptor = creat(temporary, 0o600)
        guard descriptor >= 0 else {
            throw SettingsError("\(temporary) can't be created: \(String(cString: strerror(errno)))")
        }
        let bytes = Array(text.utf8)
        let written = write(descriptor, bytes, bytes.count) == bytes.count && fsync(descriptor) == 0
        close(descriptor)
        guard written, rename(temporary, path) == 0 else {
            throw SettingsError("\(path) can't be written: \(String(cString: strerror(errno)))")
        }
        syncDirectory(of: path)
    }
}
