package import Base
import Digests

/// The operator's key, under which the deployment's data key is wrapped. It seals nothing else, so that it can be exchanged for
/// another by writing one row.
package struct RootKey: Sendable {
    package static let byteCount = 32
    private let wrapping: [UInt8]
    private static let bound = Array("martlet data key".utf8)

    /// nil unless there are 32 bytes.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        wrapping = HMACSHA256.authenticate(Array("martlet wrapping 1".utf8), key: bytes)
    }

    package func wrap(_ dataKey: [UInt8], random: any RandomSource) -> [UInt8]? {
        SealedBytes.seal(dataKey, key: wrapping, bound: Self.bound, random: random)
    }

    /// nil when the data key was wrapped under another root key.
    package func unwrap(_ bytes: [UInt8]) -> [UInt8]? {
        SealedBytes.open(bytes, key: wrapping, bound: Self.bound).flatMap { $0.count == Self.byteCount ? $0 : nil }
    }
}

/// The keys under which identities are stored and session tokens are sealed: each use has one of its own, derived from the data key.
package struct IdentityKeys: Sendable {
    private let records: [UInt8]
    private let tokens: [UInt8]

    package init(dataKey: [UInt8]) {
        records = HMACSHA256.authenticate(Array("martlet identity records 1".utf8), key: dataKey)
        tokens = HMACSHA256.authenticate(Array("martlet session tokens 1".utf8), key: dataKey)
    }

    /// The name of the row is authenticated, so that rows can't be exchanged.
    package func seal(record: [UInt8], name: [UInt8], random: any RandomSource) -> [UInt8]? {
        SealedBytes.seal(record, key: records, bound: name, random: random)
    }

    package func open(record: [UInt8], name: [UInt8]) -> [UInt8]? {
        SealedBytes.open(record, key: records, bound: name)
    }

    package func seal(token: [UInt8], accessKey: String, random: any RandomSource) -> [UInt8]? {
        SealedBytes.seal(token, key: tokens, bound: Array(accessKey.utf8), random: random)
    }

    package func open(token: [UInt8], accessKey: String) -> [UInt8]? {
        SealedBytes.open(token, key: tokens, bound: Array(accessKey.utf8))
    }
}

/// version ‖ nonce ‖ ciphertext ‖ tag. Docs/formats/identities.md.
enum SealedBytes {
    private static let version: UInt8 = 1
    private static let nonceBytes = 12

    static func seal(_ plain: [UInt8], key: [UInt8], bound: [UInt8], random: any RandomSource) -> [UInt8]? {
        let nonce = bytes(nonceBytes, random)
        guard let sealed = AESGCM.seal(plain, key: key, nonce: nonce, authenticating: bound) else { return nil }
        return [version] + nonce + sealed
    }

    static func open(_ bytes: [UInt8], key: [UInt8], bound: [UInt8]) -> [UInt8]? {
        guard bytes.count > 1 + nonceBytes, bytes[0] == version else { return nil }
        return AESGCM.open(
            Array(bytes[(1 + nonceBytes)...]), key: key, nonce: Array(bytes[1..<(1 + nonceBytes)]),
            authenticating: bound)
    }

    static func bytes(_ count: Int, _ random: any RandomSource) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count { withUnsafeBytes(of: random.next()) { bytes.append(contentsOf: $0) } }
        bytes.removeLast(bytes.count - count)
        return bytes
    }
}
