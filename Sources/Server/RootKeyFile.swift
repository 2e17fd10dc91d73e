import Base
import Digests
import Glibc
import Identity

/// Where the root key comes from: `MARTLET_ROOT_KEY`, a file named by `MARTLET_ROOT_KEY_FILE`, or `root.key` of the state directory,
/// which is made once. Never from a drive and never from a password.
struct RootKeyFile {
    static let fileName = "root.key"

    struct Candidate {
        enum Kind {
            case current
            /// `….new` beside the key: a rotation did not come to its end.
            case rotated
            /// Named as the one before: what it opens is wrapped under the current one.
            case previous
        }
        var key: RootKey
        var kind: Kind
    }

    /// In the order in which they are tried.
    private(set) var candidates: [Candidate] = []
    /// The file that holds the key; nil when it comes from a variable.
    let path: String?
    let isOwn: Bool

    var place: String { path ?? "MARTLET_ROOT_KEY" }

    init(environment: (String) -> String?, stateDirectory: String) throws(SettingsError) {
        if let text = environment("MARTLET_ROOT_KEY"), !text.isEmpty {
            (path, isOwn) = (nil, false)
            candidates = [Candidate(key: try Self.parse(text, "MARTLET_ROOT_KEY"), kind: .current)]
        } else {
            let named = environment("MARTLET_ROOT_KEY_FILE").flatMap { $0.isEmpty ? nil : $0 }
            let path = named ?? stateDirectory + "/" + Self.fileName
            (self.path, isOwn) = (path, named == nil)
            if let text = SmallFile.read(path) {
                candidates = [Candidate(key: try Self.parse(text, path), kind: .current)]
            } else if named != nil {
                throw SettingsError("MARTLET_ROOT_KEY_FILE names \(path), which can't be read")
            }
            if let text = SmallFile.read(path + ".new") {
                candidates.append(Candidate(key: try Self.parse(text, path + ".new"), kind: .rotated))
            }
        }
        if let (text, name) = try Self.previous(environment) {
            guard candidates.contains(where: { $0.kind == .current }) else {
                throw SettingsError("MARTLET_ROOT_KEY_PREVIOUS is set, and there is no root key to follow it")
            }
            candidates.append(Candidate(key: try Self.parse(text, name), kind: .previous))
        }
    }

    private static func previous(_ environment: (String) -> String?) throws(SettingsError) -> (String, String)? {
        let name = "MARTLET_ROOT_KEY_PREVIOUS"
        if let text = environment(name), !text.isEmpty { return (text, name) }
        guard let path = environment(name + "_FILE"), !path.isEmpty else { return nil }
        guard let text = SmallFile.read(path) else {
            throw SettingsError("\(name)_FILE names \(path), which can't be read")
        }
        return (text, path)
    }

    /// Makes the first key of a deployment.
    mutating func make(random: any RandomSource) throws(SettingsError) {
        guard let path, isOwn else { return }
        candidates = [Candidate(key: try Self.write(path, random: random), kind: .current)]
    }

    /// A new random key, written to `path`.
    static func write(_ path: String, random: any RandomSource) throws(SettingsError) -> RootKey {
        var bytes: [UInt8] = []
        while bytes.count < RootKey.byteCount { withUnsafeBytes(of: random.next()) { bytes.append(contentsOf: $0) } }
        let text = Hex.encode(bytes)
        try SmallFile.writePrivate(text + "\n", to: path)
        return try parse(text, path)
    }

    /// After the key of index `opened` has opened what is stored: brings the files in line with it.
    func settle(opened: Int) throws(SettingsError) {
        guard let path, candidates.indices.contains(opened) else { return }
        switch candidates[opened].kind {
        case .current, .previous: unlink(path + ".new")
        case .rotated: try Self.adopt(path)
        }
    }

    static func adopt(_ path: String) throws(SettingsError) {
        guard rename(path + ".new", path) == 0 else {
            throw SettingsError(
                "the new root key \(path).new can't take the place of \(path): \(String(cString: strerror(errno)))")
        }
        SmallFile.syncDirectory(of: path)
    }

    /// 64 hex digits, or the base64 of 32 bytes.
    private static func parse(_ text: String, _ place: String) throws(SettingsError) -> RootKey {
        var trimmed = Substring(text)
        while let last = trimmed.last, last.isNewline || last == " " { trimmed.removeLast() }
        let bytes = trimmed.utf8.count == 64 ? Hex.decode(trimmed) : Base64.decode(trimmed)
        guard let key = bytes.flatMap(RootKey.init) else {
            throw SettingsError("\(place) is not a root key: 64 hexadecimal digits or the base64 of 32 bytes")
        }
        return key
    }
}
