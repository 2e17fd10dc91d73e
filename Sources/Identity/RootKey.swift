import Base
import Digests

/// The key under which identities are stored and session tokens are sealed. Each use has a key of its own, derived from it.
package struct RootKey: Sendable {
    package static let byteCount = 32
    private let records: [UInt8]
    private let tokens: [UInt8]

    /// nil unless there are 32 bytes.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        records = HMACSHA256.authenticate(Array("martlet identity records 1".utf8), key: bytes)
        tokens = HMACSHA256.authenticate(Array("martlet session tokens 1".utf8), key: bytes)
    }

    /// version ‖ nonce ‖ sealed; the name of the row is authenticated, so that rows can't be exchanged.
    func seal(record: [UInt8], name: [UInt8], random: any RandomSource) -> [UInt8]? {
        Self.seal(record, key: records, bound: name, random: random)
    }

    func open(record: [UInt8], name: [UInt8]) -> [UInt8]? { Self.open(record, key: records, bound: name) }

    func seal(token: [UInt8], accessKey: String, random: any RandomSource) -> [UInt8]? {
        Self.seal(token, key: tokens, bound: Array(accessKey.utf8), random: random)
    }

    func open(token: [UInt8], accessKey: String) -> [UInt8]? {
        Self.open(token, key: tokens, bound: Array(accessKey.utf8))
    }

    private static let version: UInt8 = 1
    private static let nonceBytes = 12

    private static func seal(_ plain: [UInt8], key: [UInt8], bound: [UInt8], random: any RandomSource) -> [UInt8]? {
        var nonce: [UInt8] = []
        while nonce.count < nonceBytes { withUnsafeBytes(of: random.next()) { nonce.append(contentsOf: $0) } }
        nonce.removeLast(nonce.count - nonceBytes)
        guard let sealed = AESGCM.seal(plain, key: key, nonce: nonce, authenticating: bound) else { return nil }
        return [version] + nonce + sealed
    }

    private static func open(_ bytes: [UInt8], key: [UInt8], bound: [UInt8]) -> [UInt8]? {
        guard bytes.count > 1 + nonceBytes, bytes[0] == version else { return nil }
        return AESGCM.open(
            Array(bytes[(1 + nonceBytes)...]), key: key, nonce: Array(bytes[1..<(1 + nonceBytes)]),
            authenticating: bound)
    }
}
