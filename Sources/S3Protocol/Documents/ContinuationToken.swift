import Digests

/// Where a listing goes on: after a key, after everything below a common prefix, or after a bucket. It says all by itself; the server
/// keeps nothing.
///
/// Text: Base64 of a version byte, a kind byte and the bytes of the position.
package struct ContinuationToken: Hashable, Sendable {
    package enum Kind: UInt8, Sendable {
        case afterKey = 0x6B
        case afterPrefix = 0x70
        case afterBucket = 0x62
    }

    package var kind: Kind
    package var position: [UInt8]

    private static let version: UInt8 = 1

    package init(after key: [UInt8]) {
        kind = .afterKey
        position = key
    }

    package init(afterPrefix prefix: [UInt8]) {
        kind = .afterPrefix
        position = prefix
    }

    package init(afterBucket name: String) {
        kind = .afterBucket
        position = Array(name.utf8)
    }

    package init(parsing text: String) throws(S3Error) {
        guard let bytes = Base64.decode(text), bytes.count >= 2, bytes.count <= 2 + ObjectKeyRule.bytesMax,
            bytes[0] == Self.version, let kind = Kind(rawValue: bytes[1])
        else { throw Self.incorrect(text) }
        self.kind = kind
        position = Array(bytes[2...])
    }

    package var text: String { Base64.encode([Self.version, kind.rawValue] + position) }

    static func incorrect(_ text: String) -> S3Error {
        .invalidArgument("The continuation token provided is incorrect", name: "continuation-token", value: text)
    }
}
