package import Runtime

/// The ordered index of one drive: a log-structured merge tree.
///
/// Owned by one actor (`DriveEngine`) and used on its executor only; nothing here locks. Changes are applied in the order of
/// the drive's log, and the newest application of a key wins. What is in a memtable is not durable here: the log keeps it
/// until the flush that holds it is in the manifest (rule 10). `async` functions suspend for I/O or to let others run, and
/// everything may be called meanwhile, but one flush and one compaction at a time.
///
/// INVARIANT: keys of the version space are well formed (see `KeySpace.version`); `first(prefix:)` filters by it.
package final class DriveIndex {
    let io: any DriveIO
    let pool: BufferPool
    let cache: BlockCache
    let parameters: IndexParameters
    let counters = ReadCounters()
    let released = ReleasedTables()

    @exclusivity(unchecked) var memtable = Memtable()
    /// Frozen and not yet in an installed table, from the oldest to the newest.
    var frozen: [FlushJob] = []
    var version = IndexVersion.empty()
    /// Changes with every freeze and every edit: cursors of another generation are replaced when they next suspend.
    @exclusivity(unchecked) var generation: UInt64 = 0
    /// Idle cursors of the present generation.
    @exclusivity(unchecked) private var spare: [MergeCursor] = []
    var nextTableNumber: UInt64 = 1
    var isFlushing = false
    var isCompacting = false
    var counts = IndexStatistics()

    package init(
        io: any DriveIO, pool: BufferPool, cache: BlockCache, parameters: IndexParameters = IndexParameters()
    ) {
        self.io = io
        self.pool = pool
        self.cache = cache
        self.parameters = parameters
    }

    // MARK: Start

    /// Takes the tables of the manifest (any order), checks that their files are there, and removes files of `index/` that no
    /// record names. Tables are opened on first use, so a start costs the same whatever they hold. Call before anything else.
    package func open(tables records: [TableRecord]) async throws(DriveError) {
        let names: [String]
        do {
            try await io.makeDirectory("index")
            try await io.syncDirectory(".")
            names = try await io.list("index")
        } catch { throw .io(error) }
        var garbage: [UInt64] = []
        var wanted: Set<UInt64> = []
        for record in records {
            guard wanted.insert(record.number).inserted else {
                throw .damagedFormat(what: "manifest: table \(record.number) twice")
            }
            nextTableNumber = max(nextTableNumber, record.number + 1)
        }
        var present = 0
        for number in names.compactMap({ TableFormat.number(ofFile: $0) }) {
            nextTableNumber = max(nextTableNumber, number + 1)
            if wanted.contains(number) { present += 1 } else { garbage.append(number) }
        }
        guard present == wanted.count else {
            throw .damagedFormat(what: "index: \(wanted.count - present) of \(wanted.count) tables are gone")
        }
        var placed: [(level: Int, table: SortedTable)] = []
        for record in records {
            placed.append((record.level, SortedTable(record, io: io, released: released)))
        }
        version = try IndexVersion.from(placed)
        cache.removeAll()
        generationChanged()
        for number in garbage.sorted() {
            do { try await io.remove(TableFormat.path(number)) } catch { throw .io(error) }
        }
    }

    /// Closes every file. The index is not used after that.
    package func close() async {
        generationChanged()
        for table in version.levels.joined() { await table.close() }
        for table in released.tables { await table.file?.close() }
        released.tables = []
    }

    // MARK: Changes

    package func put(_ key: IndexKey, _ value: UnsafeRawBufferPointer) {
        key.bytes.withUnsafeBytes { memtable.put($0, value) }
    }

    package func put(_ key: IndexKey, _ value: [UInt8]) {
        value.withUnsafeBytes { put(key, $0) }
    }

    /// Writes a tombstone: hidden from reads, gone after the compaction that reaches the last level with the key.
    package func delete(_ key: IndexKey) {
        key.bytes.withUnsafeBytes { memtable.put($0, nil) }
    }

    /// Bytes of the memtable that takes changes now.
    package var memtableBytes: Int { memtable.bytes }

    // MARK: Cursors

    func borrowCursor() -> MergeCursor {
        if let cursor = spare.popLast() { return cursor }
        var memtables = [memtable]
        for job in frozen.reversed() { memtables.append(job.memtable) }
        return MergeCursor(
            generation: generation, memtables: memtables, version: version, cache: cache, pool: pool,
            counters: counters)
    }

    func giveBack(_ cursor: MergeCursor) {
        // Lists of a handful of requests run side by side; more cursors than that only hold memory.
        guard cursor.generation == generation, spare.count < 8 else { return }
        cursor.release()
        spare.append(cursor)
    }

    /// The cursor to go on with after a suspension.
    func current(_ cursor: MergeCursor) -> MergeCursor {
        guard cursor.generation != generation else { return cursor }
        let fresh = borrowCursor()
        fresh.search.copy(cursor.search)
        return fresh
    }

    func generationChanged() {
        generation += 1
        spare.removeAll()
    }

    // MARK: What it has

    package var statistics: IndexStatistics {
        var all = counts
        all.memtableBytes = memtable.bytes + frozen.reduce(0) { $0 + $1.memtable.bytes }
        all.tables = version.tableCount
        all.bytesPerLevel = version.bytesPerLevel
        all.tableBytes = all.bytesPerLevel.reduce(0, +)
        for table in version.levels.joined() { all.rows += table.record.entryCount }
        all.filterChecks = counters.filterChecks
        all.filterRejections = counters.filterRejections
        all.cacheHits = cache.hits
        all.cacheMisses = cache.misses
        return all
    }
}
