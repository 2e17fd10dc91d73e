/// What the manifest keeps of one table: enough to place it in its level and to open it on first use. See Docs/formats/table.md.
package struct TableRecord: Hashable, Sendable {
    /// Names the file, and, for tables of level 0, says which is newer: the higher number.
    package var number: UInt64
    package var level: Int
    package var fileBytes: UInt64
    package var entryCount: UInt64
    package var tombstoneCount: UInt64
    package var smallest: IndexKey
    package var largest: IndexKey

    package init(
        number: UInt64, level: Int, fileBytes: UInt64, entryCount: UInt64, tombstoneCount: UInt64, smallest: IndexKey,
        largest: IndexKey
    ) {
        self.number = number
        self.level = level
        self.fileBytes = fileBytes
        self.entryCount = entryCount
        self.tombstoneCount = tombstoneCount
        self.smallest = smallest
        self.largest = largest
    }
}

/// A change of the set of tables: the engine makes it durable in its manifest, then calls `DriveIndex.install`.
///
/// Applied in this order: removals, then additions. A table that only changes its level is in both lists under one number.
package struct IndexEdit: Sendable {
    package enum Origin: Sendable { case flush, compaction }
    package var origin: Origin
    package var removed: [UInt64]
    package var added: [TableRecord]

    package init(origin: Origin, removed: [UInt64], added: [TableRecord]) {
        self.origin = origin
        self.removed = removed
        self.added = added
    }
}

extension TableRecord {
    /// Appends the record as Docs/formats/table.md describes it ("Table records").
    package func encode(into bytes: inout [UInt8]) {
        for word in [number, fileBytes, entryCount, tombstoneCount] {
            withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) }
        }
        for word in [UInt32(level), UInt32(smallest.bytes.count), UInt32(largest.bytes.count)] {
            withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) }
        }
        bytes.append(contentsOf: smallest.bytes)
        bytes.append(contentsOf: largest.bytes)
    }

    /// Reads one record from the front of `bytes` and moves past it.
    package init(decoding bytes: inout ArraySlice<UInt8>) throws(DriveError) {
        let fixed = 4 * 8 + 3 * 4
        guard bytes.count >= fixed else { throw .damagedFormat(what: "table record: cut short") }
        let head = bytes.prefix(fixed)
        func word(_ offset: Int, _ count: Int) -> UInt64 {
            var value: UInt64 = 0
            for i in (0..<count).reversed() { value = value << 8 | UInt64(head[head.startIndex + offset + i]) }
            return value
        }
        let level = word(32, 4), smallestCount = Int(word(36, 4)), largestCount = Int(word(40, 4))
        guard level < IndexLimits.levels, smallestCount <= IndexLimits.keyBytes, largestCount <= IndexLimits.keyBytes,
            bytes.count - fixed >= smallestCount + largestCount
        else { throw .damagedFormat(what: "table record: level or key length out of range") }
        var rest = bytes.dropFirst(fixed)
        let smallest = IndexKey(Array(rest.prefix(smallestCount)))
        rest = rest.dropFirst(smallestCount)
        let largest = IndexKey(Array(rest.prefix(largestCount)))
        guard smallest <= largest else { throw .damagedFormat(what: "table record: keys out of order") }
        self.init(
            number: word(0, 8), level: Int(level), fileBytes: word(8, 8), entryCount: word(16, 8),
            tombstoneCount: word(24, 8), smallest: smallest, largest: largest)
        bytes = rest.dropFirst(largestCount)
    }
}

/// What no key, value or level may pass. Readers refuse more as damage; writers trap, since the engine checks before.
package enum IndexLimits {
    /// An object key of 1,024 zero bytes is 2,048 bytes when escaped; upload and part keys add a few dozen.
    package static let keyBytes = 8 << 10
    package static let valueBytes = 512 << 10
    package static let levels = 8
}

/// Sizes of an index. The defaults serve a drive of terabytes; tests take tiny ones.
package struct IndexParameters: Sendable {
    /// Where a table is cut.
    package var tableBytes = 64 << 20
    /// Where a data block is cut; a larger entry has a block of its own.
    package var blockBytes = 16 << 10
    /// How many tables in level 0 start a compaction: each costs every read one more filter look-up.
    package var levelZeroTables = 4
    /// Size of level 1; each deeper level is `levelRatio` times larger.
    package var levelOneBytes = 256 << 20
    package var levelRatio = 10
    package var filterBitsPerKey = 10
    /// Work between two pauses, whichever comes first: a row takes 0.1 to 0.4 µs, so this stays below a millisecond, and a
    /// page of 1,000 rows of ordinary size has none.
    package var bytesPerPause = 1 << 20
    package var rowsPerPause = 2000

    package init() {}
}

/// What becomes of a row that a flush is about to write.
package enum RowVerdict: Sendable {
    case keep
    /// Writes nothing. Right only for a row whose key no table has, since an older row would show again.
    case drop
    case replace([UInt8])
}

package struct IndexStatistics: Sendable {
    package var memtableBytes = 0
    package var tables = 0
    package var tableBytes: UInt64 = 0
    package var bytesPerLevel: [UInt64] = []
    package var rows: UInt64 = 0
    package var flushes: UInt64 = 0
    package var compactions: UInt64 = 0
    package var bytesFlushed: UInt64 = 0
    package var bytesCompacted: UInt64 = 0
    package var filterChecks: UInt64 = 0
    package var filterRejections: UInt64 = 0
    package var cacheHits: UInt64 = 0
    package var cacheMisses: UInt64 = 0
    package init() {}
}
