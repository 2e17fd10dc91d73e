/// The tables at one moment. Immutable: an edit makes a new version, and cursors keep the one they began with.
final class IndexVersion {
    /// Level 0 from the newest to the oldest table; deeper levels in key order, without overlap.
    let levels: [[SortedTable]]
    let bytesPerLevel: [UInt64]

    init(levels: [[SortedTable]]) {
        self.levels = levels
        bytesPerLevel = levels.map { $0.reduce(0) { $0 + $1.record.fileBytes } }
    }

    static func empty() -> IndexVersion {
        IndexVersion(levels: Array(repeating: [], count: IndexLimits.levels))
    }

    /// Checks what reads rely on: one table a number, and no overlap below level 0.
    static func from(_ placed: [(level: Int, table: SortedTable)]) throws(DriveError) -> IndexVersion {
        var levels: [[SortedTable]] = Array(repeating: [], count: IndexLimits.levels)
        for (level, table) in placed {
            guard level >= 0, level < IndexLimits.levels else {
                throw .damagedFormat(what: "\(table.path): level \(level)")
            }
            levels[level].append(table)
        }
        levels[0].sort { $0.number > $1.number }
        for level in 1..<IndexLimits.levels {
            levels[level].sort { compareBytes($0.smallestBytes, $1.smallestBytes) < 0 }
            for (left, right) in zip(levels[level], levels[level].dropFirst()) {
                guard compareBytes(left.largestBytes, right.smallestBytes) < 0 else {
                    throw .damagedFormat(what: "\(left.path) and \(right.path) overlap in level \(level)")
                }
            }
        }
        return IndexVersion(levels: levels)
    }

    var tableCount: Int { levels.reduce(0) { $0 + $1.count } }

    /// The deepest level that holds a table; nil when none does.
    var deepest: Int? { levels.lastIndex { !$0.isEmpty } }

    /// The first of some tables in key order whose largest key is at or after `key`; the count when there is none.
    static func firstTable(endingAtOrAfter key: UnsafeRawBufferPointer, in tables: [SortedTable]) -> Int {
        var low = 0, high = tables.count
        while low < high {
            let middle = (low + high) / 2
            if compareBytes(tables[middle].largestBytes, key) < 0 { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The tables of a level below 0 that share keys with `smallest ... largest`.
    func overlapping(
        level: Int, _ smallest: UnsafeRawBufferPointer, _ largest: UnsafeRawBufferPointer
    ) -> ArraySlice<SortedTable> {
        let tables = levels[level]
        let start = Self.firstTable(endingAtOrAfter: smallest, in: tables)
        var end = start
        while end < tables.count, compareBytes(tables[end].smallestBytes, largest) <= 0 { end += 1 }
        return tables[start..<end]
    }

    /// Whether a table in a level deeper than `level` may hold `key`.
    func mayHold(_ key: UnsafeRawBufferPointer, below level: Int) -> Bool {
        for deeper in levels.dropFirst(level + 1) where !deeper.isEmpty {
            let index = Self.firstTable(endingAtOrAfter: key, in: deeper)
            if index < deeper.count, compareBytes(deeper[index].smallestBytes, key) <= 0 { return true }
        }
        return false
    }
}
