/// What one compaction takes in, and where the result goes.
package final class CompactionJob {
    /// The version that it was picked from: keeps the inputs, and says whether deeper levels hold a key.
    let version: IndexVersion
    package let level: Int
    package let outputLevel: Int
    /// Runs of tables in key order, from the newest to the oldest.
    let runs: [[SortedTable]]
    /// The one table only changes its level: nothing below shares a key with it.
    let isMove: Bool

    init(version: IndexVersion, level: Int, outputLevel: Int, runs: [[SortedTable]], isMove: Bool = false) {
        self.version = version
        self.level = level
        self.outputLevel = outputLevel
        self.runs = runs
        self.isMove = isMove
    }

    var tables: [SortedTable] { runs.flatMap { $0 } }
    package var inputBytes: UInt64 { tables.reduce(0) { $0 + $1.record.fileBytes } }
}

/// Chooses compactions: leveled, each level `levelRatio` times the one above.
///
/// The level that is furthest over its size goes first. Level 0 is compacted whole (at most twice its trigger, the oldest
/// tables first, since what lies deeper has to be older); from a deeper level goes the table that shares the fewest bytes
/// with the next one. Tables that are mostly tombstones go down even when no level is too large: they slow listings.
struct CompactionPolicy {
    let parameters: IndexParameters

    func score(_ version: IndexVersion, level: Int) -> Double {
        if level == 0 { return Double(version.levels[0].count) / Double(max(1, parameters.levelZeroTables)) }
        // The last level has nowhere to go.
        if level == IndexLimits.levels - 1 { return 0 }
        return Double(version.bytesPerLevel[level]) / target(level)
    }

    func pick(_ version: IndexVersion) -> CompactionJob? {
        var best: (level: Int, score: Double) = (0, 0)
        for level in version.levels.indices {
            let score = score(version, level: level)
            if score > best.score { best = (level, score) }
        }
        if best.score >= 1 {
            return best.level == 0
                ? levelZero(version) : table(version, level: best.level, from: version.levels[best.level])
        }
        if version.levels[0].contains(where: isMostlyTombstones) { return levelZero(version) }
        for level in 1..<IndexLimits.levels - 1 {
            let heavy = version.levels[level].filter(isMostlyTombstones)
            if !heavy.isEmpty { return table(version, level: level, from: heavy) }
        }
        return nil
    }

    private func target(_ level: Int) -> Double {
        var target = Double(max(1, parameters.levelOneBytes))
        for _ in 1..<level { target *= Double(parameters.levelRatio) }
        return target
    }

    private func isMostlyTombstones(_ table: SortedTable) -> Bool {
        table.record.tombstoneCount * 2 > table.record.entryCount
    }

    private func levelZero(_ version: IndexVersion) -> CompactionJob? {
        let chosen = Array(version.levels[0].suffix(max(1, parameters.levelZeroTables * 2)))
        guard var smallest = chosen.first?.smallestBytes, var largest = chosen.first?.largestBytes else { return nil }
        for table in chosen {
            if compareBytes(table.smallestBytes, smallest) < 0 { smallest = table.smallestBytes }
            if compareBytes(table.largestBytes, largest) > 0 { largest = table.largestBytes }
        }
        let below = Array(version.overlapping(level: 1, smallest, largest))
        return CompactionJob(
            version: version, level: 0, outputLevel: 1, runs: chosen.map { [$0] } + (below.isEmpty ? [] : [below]))
    }

    private func table(_ version: IndexVersion, level: Int, from tables: [SortedTable]) -> CompactionJob? {
        var best: (table: SortedTable, below: ArraySlice<SortedTable>, ratio: Double)?
        for table in tables {
            let below = version.overlapping(level: level + 1, table.smallestBytes, table.largestBytes)
            let bytes = below.reduce(0) { $0 + $1.record.fileBytes }
            let ratio = Double(bytes) / Double(max(1, table.record.fileBytes))
            if best.map({ ratio < $0.ratio }) ?? true { best = (table, below, ratio) }
        }
        guard let best else { return nil }
        // A table with tombstones is rewritten where they can end: moved, they would stay for ever.
        let canMove =
            best.below.isEmpty && (best.table.record.tombstoneCount == 0 || (version.deepest ?? 0) > level + 1)
        return CompactionJob(
            version: version, level: level, outputLevel: level + 1,
            runs: [[best.table]] + (best.below.isEmpty ? [] : [Array(best.below)]), isMove: canMove)
    }
}
