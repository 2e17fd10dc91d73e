/// A bucket, for ever: names are reused, ids are not. Index keys carry the id.
package struct BucketID: Hashable, Comparable, Sendable {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
    package static func < (lhs: BucketID, rhs: BucketID) -> Bool { lhs.rawValue < rhs.rawValue }
}

/// A tenant: a namespace of buckets and identities, isolated from other tenants.
package struct TenantID: Hashable, Comparable, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }
    package static func < (lhs: TenantID, rhs: TenantID) -> Bool { lhs.rawValue < rhs.rawValue }

    /// The tenant of a server on which no other tenant was made.
    package static let `default` = TenantID(rawValue: 0)
}

/// 128 random bits that name a drive, a deployment, an upload or a piece of data. Text form: 32 lower-case hex digits.
package struct UniqueID: Hashable, Comparable, Sendable {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package init(random: any RandomSource) {
        self.init(high: random.next(), low: random.next())
    }

    package static func < (lhs: UniqueID, rhs: UniqueID) -> Bool {
        lhs.high == rhs.high ? lhs.low < rhs.low : lhs.high < rhs.high
    }
}

extension UniqueID: CustomStringConvertible {
    package var description: String { Self.hex(high) + Self.hex(low) }

    package init?(_ text: some StringProtocol) {
        let digits = Array(text.utf8)
        guard digits.count == 32,
            digits.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }),
            let high = UInt64(String(decoding: digits[..<16], as: UTF8.self), radix: 16),
            let low = UInt64(String(decoding: digits[16...], as: UTF8.self), radix: 16)
        else { return nil }
        self.init(high: high, low: low)
    }

    private static func hex(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
