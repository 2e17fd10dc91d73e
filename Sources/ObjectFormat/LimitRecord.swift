package import Base

/// What one tenant, user or bucket may do a second, and how a tenant weighs beside others. Docs/formats/limits.md.
package struct LimitRecord: Hashable, Sendable {
    package struct Limit: Hashable, Sendable {
        package var perSecond: Int64
        /// nil: what the server takes.
        package var burst: Int64?
        package init(perSecond: Int64, burst: Int64? = nil) {
            self.perSecond = perSecond
            self.burst = burst
        }
    }

    package var requests: Limit?
    package var bytesIn: Limit?
    package var bytesOut: Limit?
    package var weight: Int?
    /// Of a bucket's limits: the bucket that they were set on. Another that gets its name later has none.
    package var bucket: BucketID?

    package init() {}

    /// Limits nothing.
    package var isEmpty: Bool { requests == nil && bytesIn == nil && bytesOut == nil && weight == nil }
}

extension LimitRecord {
    static let formatVersion: UInt8 = 1

    package func encoded() -> [UInt8] {
        var words: [String] = []
        for (name, limit) in [("requests", requests), ("in", bytesIn), ("out", bytesOut)] {
            guard let limit else { continue }
            words.append("\(name)=\(limit.perSecond)" + (limit.burst.map { "/\($0)" } ?? ""))
        }
        if let weight { words.append("weight=\(weight)") }
        if let bucket { words.append("bucket=" + String(bucket.rawValue, radix: 16)) }
        return [Self.formatVersion] + Array(words.joined(separator: " ").utf8)
    }

    package init(decoding bytes: [UInt8]) throws(FormatError) {
        self.init()
        guard let version = bytes.first else { throw .missing("limits") }
        guard version == Self.formatVersion else { throw .unsupportedVersion(version) }
        for word in String(decoding: bytes.dropFirst(), as: UTF8.self).split(separator: " ") {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { throw .invalid("limits") }
            switch parts[0] {
            case "requests": requests = try Self.limit(parts[1])
            case "in": bytesIn = try Self.limit(parts[1])
            case "out": bytesOut = try Self.limit(parts[1])
            case "weight":
                guard let value = Int(parts[1]), value >= 1 else { throw .invalid("weight") }
                weight = value
            case "bucket":
                guard let value = UInt64(parts[1], radix: 16) else { throw .invalid("bucket") }
                bucket = BucketID(rawValue: value)
            default: throw .invalid("limits")
            }
        }
    }

    private static func limit(_ text: Substring) throws(FormatError) -> Limit {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Int64($0) }
        guard (1...2).contains(parts.count), let rate = parts[0], rate >= 1 else { throw .invalid("limit") }
        guard parts.count == 2 else { return Limit(perSecond: rate) }
        guard let burst = parts[1], burst >= 1 else { throw .invalid("burst") }
        return Limit(perSecond: rate, burst: burst)
    }
}
