/// A key in a drive's ordered index: bytes compared as unsigned numbers. The first byte names the key space.
package struct IndexKey: Hashable, Comparable, Sendable {
    package var bytes: [UInt8]

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    package static func < (lhs: IndexKey, rhs: IndexKey) -> Bool {
        lhs.bytes.lexicographicallyPrecedes(rhs.bytes)
    }

    /// What the change list keeps of a key (rule 11): 8 bytes, the same on every drive and in every version of the program.
    ///
    /// Each version of an object is a key of its own: a drive may hold the newest change of one and have missed another's. The
    /// upper half is the same for all versions of an object, so that "who missed any of them" can be asked too.
    package var changeHash: UInt64 {
        let suffix = bytes.suffix(bytes.count - filterPrefixCount)
        let hash = Self.hash(bytes.prefix(filterPrefixCount))
        guard !suffix.isEmpty else { return hash }
        // Positions of one epoch differ in the sequence, so no two versions written in it share a hash.
        var low: UInt32 = 0
        for byte in suffix.prefix(8) { low = low &* 257 &+ UInt32(byte) }
        low &*= 0x9E37_79B1
        low &+= suffix.dropFirst(8).reduce(0) { $0 << 8 | UInt32($1) }
        return hash & 0xFFFF_FFFF_0000_0000 | UInt64(low)
    }

    /// The upper half of the change hashes of all keys that start with `prefix`, a version key without its position.
    package static func changePrefix(of prefix: [UInt8]) -> UInt32 { changePrefix(of: hash(prefix[...])) }
    package static func changePrefix(of hash: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: hash >> 32) }

    /// FNV-1a with a final mix, because FNV alone leaves the high bits of short keys alike.
    private static func hash(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        hash = (hash ^ (hash >> 32)) &* 0xD6E8_FEB8_6659_FD93
        return hash ^ (hash >> 32)
    }

    /// How many leading bytes the tables' bloom filters cover: all of the key, but in the version space all but the creating
    /// position at its end, so that "the newest version of this object" is a filtered look-up.
    package var filterPrefixCount: Int {
        bytes.first == KeySpace.version.rawValue ? max(0, bytes.count - KeySpace.versionSuffixCount) : bytes.count
    }
}

/// What a key is about. Listing scans the version space only; all else lies outside it.
package enum KeySpace: UInt8, Sendable {
    /// bucket id (8, big-endian) ‖ object key, 00 written as 00 FF ‖ 00 00 ‖ creating position, bits inverted (16).
    case version = 0x10
    /// Which version of an object is its null version, where that is not the newest: bucket id ‖ object key escaped ‖ 00 00.
    case nullVersion = 0x18
    /// Upload records and the parts of uploads: bucket id ‖ object key escaped ‖ 00 00 ‖ upload id ‖ …
    case upload = 0x20
    /// Where a piece of large data lies on this drive: data id (16) ‖ chunk number (4).
    case data = 0x30
    /// Bucket configurations, identities, the ledger, to-free records: replicated on every drive of a set.
    case system = 0x40
    /// Position → keys of commits that are not confirmed everywhere (rule 11). Written by the engine only.
    case changes = 0xF0

    package static let versionSuffixCount = 16
}
