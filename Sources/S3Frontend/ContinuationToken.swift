import Digests
import ObjectFormat
import Objects

/// Tokens of listings: where to go on, in base64url, without any state in the server. A token that was not made here is refused.
enum ContinuationToken {
    static func of(bucketName: String) -> String { encode(0x42, Array(bucketName.utf8)) }

    static func bucketName(_ token: String) -> String? {
        decode(token, 0x42).map { String(decoding: $0, as: UTF8.self) }
    }

    static func of(_ start: ListStart) -> String? {
        switch start {
        case .beginning: nil
        case .after(let key): encode(0x41, key.bytes)
        case .marker(let key): encode(0x4D, key.bytes)
        case .past(let prefix): encode(0x50, prefix.bytes)
        }
    }

    static func start(_ token: String) -> ListStart? {
        if let key = decode(token, 0x41) { return .after(.init(key)) }
        if let key = decode(token, 0x4D) { return .marker(.init(key)) }
        if let key = decode(token, 0x50) { return .past(.init(key)) }
        return nil
    }

    private static func encode(_ kind: UInt8, _ bytes: [UInt8]) -> String {
        Base64.encode([1, kind] + bytes)
    }

    private static func decode(_ token: String, _ kind: UInt8) -> [UInt8]? {
        guard let bytes = Base64.decode(token), bytes.count > 2, bytes[0] == 1, bytes[1] == kind else { return nil }
        return Array(bytes.dropFirst(2))
    }
}
