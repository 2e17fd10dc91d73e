import Base
import Digests
import Identity

/// Where the root key comes from: `MARTLET_ROOT_KEY`, a file named by `MARTLET_ROOT_KEY_FILE`, or `root.key` of the state directory,
/// which is made once. Never from a drive and never from a password.
enum RootKeyFile {
    static let fileName = "root.key"

    /// The key, and where it was found.
    static func load(
        environment: (String) -> String?, stateDirectory: String, random: any RandomSource
    ) throws(SettingsError) -> (RootKey, String) {
        if let text = environment("MARTLET_ROOT_KEY"), !text.isEmpty {
            return (try parse(text, "MARTLET_ROOT_KEY"), "MARTLET_ROOT_KEY")
        }
        if let path = environment("MARTLET_ROOT_KEY_FILE"), !path.isEmpty {
            guard let text = SmallFile.read(path) else {
                throw SettingsError("MARTLET_ROOT_KEY_FILE names \(path), which can't be read")
            }
            return (try parse(text, path), path)
        }
        let path = stateDirectory + "/" + fileName
        if let text = SmallFile.read(path) { return (try parse(text, path), path) }
        var bytes: [UInt8] = []
        while bytes.count < RootKey.byteCount { withUnsafeBytes(of: random.next()) { bytes.append(contentsOf: $0) } }
        let text = Hex.encode(bytes)
        try SmallFile.writePrivate(text + "\n", to: path)
        return (try parse(text, path), path)
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
