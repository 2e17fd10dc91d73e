package import Base

/// One of 4,096 shares of all keys: the unit in which objects are placed on sets. Docs/formats/partition.md; fixed for ever.
package struct Partition: Hashable, Sendable {
    package static let count = 4096

    package let number: Int

    package init(number: Int) {
        precondition((0..<Self.count).contains(number), "a partition's number is below 4,096")
        self.number = number
    }

    /// Of an object, its versions and its uploads.
    package init(bucket: BucketID, key: ObjectKey) {
        var hash = SipHash24()
        withUnsafeBytes(of: bucket.rawValue.bigEndian) { for byte in $0 { hash.add(byte) } }
        for byte in key.bytes { hash.add(byte) }
        number = Int(hash.finish() >> 52)
    }

    /// Of a system record.
    package init(systemKey: [UInt8]) {
        var hash = SipHash24()
        for byte in systemKey { hash.add(byte) }
        number = Int(hash.finish() >> 52)
    }
}

/// SipHash-2-4 under the published test key 00 01 … 0F. Not for secrecy: for a spread that is specified to the last bit.
package struct SipHash24 {
    private var v0: UInt64 = 0x736F_6D65_7073_6575 ^ 0x0706_0504_0302_0100
    private var v1: UInt64 = 0x646F_7261_6E64_6F6D ^ 0x0F0E_0D0C_0B0A_0908
    private var v2: UInt64 = 0x6C79_6765_6E65_7261 ^ 0x0706_0504_0302_0100
    private var v3: UInt64 = 0x7465_6462_7974_6573 ^ 0x0F0E_0D0C_0B0A_0908
    private var word: UInt64 = 0
    private var count: UInt64 = 0

    package init() {}

    package mutating func add(_ byte: UInt8) {
        word |= UInt64(byte) << ((count & 7) * 8)
        count += 1
        if count & 7 == 0 { absorb() }
    }

    package mutating func finish() -> UInt64 {
        word |= count << 56
        absorb()
        v2 ^= 0xFF
        for _ in 0..<4 { round() }
        return v0 ^ v1 ^ v2 ^ v3
    }

    private mutating func absorb() {
        v3 ^= word
        round()
        round()
        v0 ^= word
        word = 0
    }

    private mutating func round() {
        v0 &+= v1
        v1 = Self.rotate(v1, 13) ^ v0
        v0 = Self.rotate(v0, 32)
        v2 &+= v3
        v3 = Self.rotate(v3, 16) ^ v2
        v0 &+= v3
        v3 = Self.rotate(v3, 21) ^ v0
        v2 &+= v1
        v1 = Self.rotate(v1, 17) ^ v2
        v2 = Self.rotate(v2, 32)
    }

    private static func rotate(_ value: UInt64, _ by: UInt64) -> UInt64 { value << by | value >> (64 - by) }
}
