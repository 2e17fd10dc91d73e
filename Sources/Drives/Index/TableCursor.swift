import Runtime

/// A walk over one table through the block cache.
///
/// Blocks that it had to fetch stay with the cursor until `release`, so that trying a step again finds them however small the
/// cache is.
final class TableCursor: RowCursor {
    private struct Held {
        var table: UInt64
        var page: UInt32
        var slice: BufferSlice
    }
    private enum Wanted {
        case nothing
        case open(SortedTable)
        case block(SortedTable, page: UInt32, pages: UInt32, TableFormat.BlockKind)
    }

    /// A seek needs five blocks at most (filter, two index blocks, two data blocks). With more kept than that, oldest out
    /// first, each try of the same seek gets at least one block further.
    private static let heldMax = 6
    /// What a scan that goes from block to block reads at once: eight blocks of ordinary size.
    private static let aheadBytes = 128 << 10

    private let cache: BlockCache
    private let pool: BufferPool
    private let counters: ReadCounters
    @exclusivity(unchecked) private var table: SortedTable?
    @exclusivity(unchecked) private var bound: UnsafeRawBufferPointer?
    @exclusivity(unchecked) private var walk = BlockWalk()
    @exclusivity(unchecked) private var index: IndexBlockView?
    /// Entry of the top index that `index` belongs to, and entry of `index` that the walk's block belongs to.
    @exclusivity(unchecked) private var topEntry = 0
    @exclusivity(unchecked) private var indexEntry = 0
    private var held: [Held] = []
    private var wanted = Wanted.nothing
    @exclusivity(unchecked) private var touched: UInt8 = 0
    /// The last step went from row to row, so that the blocks behind the missing one are probably wanted next.
    @exclusivity(unchecked) private var isSequential = false

    init(table: SortedTable?, cache: BlockCache, pool: BufferPool, counters: ReadCounters) {
        self.table = table
        self.cache = cache
        self.pool = pool
        self.counters = counters
    }

    deinit { walk.free() }

    /// Turns to another table; a seek follows.
    func use(_ other: SortedTable) {
        guard other !== table else { return }
        table = other
        index = nil
        walk.release()
    }

    override func release() {
        index = nil
        walk.release()
        held.removeAll(keepingCapacity: true)
        wanted = .nothing
    }

    override func seek(
        _ target: UnsafeRawBufferPointer, bound: UnsafeRawBufferPointer?, filter: UInt64?
    ) throws(DriveError) -> CursorState {
        self.bound = bound
        isSequential = false
        guard let table else { return .end }
        if compareBytes(table.largestBytes, target) < 0 { return .end }
        if let bound, compareBytes(table.smallestBytes, bound) >= 0 { return .end }
        guard let contents = table.contents else {
            wanted = .open(table)
            return .missing
        }
        if let filter, contents.filter.blocks > 0 {
            guard let passes = try passesFilter(filter, contents, table) else { return .missing }
            if !passes { return .end }
        }
        let top = try contents.top.floor(target)
        guard try loadIndex(top), let index else { return .missing }
        indexEntry = try index.floor(target)
        guard let block = try dataBlock() else { return .missing }
        if try walk.seek(BlockView(block, kind: .data), target) { return show() }
        return try nextBlock()
    }

    override func next() throws(DriveError) -> CursorState {
        if try walk.step() { return show() }
        isSequential = true
        return try nextBlock()
    }

    override func supply() async throws(DriveError) {
        let wanted = self.wanted
        self.wanted = .nothing
        switch wanted {
        case .nothing: break
        case .open(let table): try await table.open(pool)
        case .block(let table, let page, let pages, let kind):
            let slice: BufferSlice
            if isSequential, kind == .data, cache.capacityBytes >= 4 * Self.aheadBytes {
                slice = try await readAhead(table, page, pages)
            } else {
                slice = try await table.read(page, pages, kind, pool)
            }
            cache.insert(slice, table: table.number, page: page)
            if held.count == Self.heldMax { held.removeFirst() }
            held.append(Held(table: table.number, page: page, slice: slice))
        }
    }

    /// Reads a data block and those behind it, and leaves the others in the cache. Damage in one that nobody has asked for yet
    /// is left for when somebody does.
    private func readAhead(
        _ table: SortedTable, _ page: UInt32, _ pages: UInt32
    ) async throws(DriveError) -> BufferSlice {
        guard let contents = table.contents else { preconditionFailure("opened before it is read") }
        let left = Int(contents.footer.dataPages - page) * TableFormat.pageBytes
        let bytes = max(Int(pages) * TableFormat.pageBytes, min(left, Self.aheadBytes))
        let run = pool.take(bytes)
        try await table.readRaw(page, into: run, bytes: bytes)
        let first = try copyBlock(run, 0, Int(pages) * TableFormat.pageBytes, table, page)
        var offset = first.count
        while offset + TableFormat.pageBytes <= bytes {
            let header = UnsafeRawBufferPointer(start: run.base + offset, count: TableFormat.headerBytes)
            let count = TableFormat.pageCount(of: header) * TableFormat.pageBytes
            let next = page + UInt32(offset / TableFormat.pageBytes)
            guard count > 0, offset + count <= bytes else { break }
            guard let block = try? copyBlock(run, offset, count, table, next) else { break }
            cache.insert(block, table: table.number, page: next)
            offset += count
        }
        return first
    }

    /// A block of its own size, verified: the cache counts and frees blocks one by one.
    private func copyBlock(
        _ run: IOBuffer, _ offset: Int, _ count: Int, _ table: SortedTable, _ page: UInt32
    ) throws(DriveError) -> BufferSlice {
        let bytes = UnsafeRawBufferPointer(start: run.base + offset, count: count)
        try TableFormat.verify(bytes, kind: .data, table: table.number, page: page)
        let slice = pool.take(count).slice(0, count)
        slice.mutableBytes.copyMemory(from: bytes)
        return slice
    }

    // MARK: Blocks

    @inline(__always)
    private func show() -> CursorState {
        key = walk.key
        value = walk.value
        isTombstone = walk.isTombstone
        return .at
    }

    /// The first row behind the present block.
    private func nextBlock() throws(DriveError) -> CursorState {
        guard let contents = table?.contents else { return .end }
        while true {
            guard let index else { return .end }
            // State moves only once the block is there, so that a step that missed can be repeated.
            if indexEntry + 1 < index.count {
                if let bound, compareBytes(try index.lowerBound(indexEntry + 1), bound) >= 0 { return .end }
                indexEntry += 1
                guard let block = try dataBlock() else {
                    indexEntry -= 1
                    return .missing
                }
                if isSequential { touch(block.bytes) }
                walk.start(try BlockView(block, kind: .data))
            } else {
                guard topEntry + 1 < contents.top.count else { return .end }
                if let bound, compareBytes(try contents.top.lowerBound(topEntry + 1), bound) >= 0 { return .end }
                guard try loadIndex(topEntry + 1) else { return .missing }
                indexEntry = -1
                continue
            }
            if try walk.step() { return show() }
        }
    }

    /// Asks memory for all of a block at once. Row by row, each row would wait for its own part: twice the time of a page.
    private func touch(_ bytes: UnsafeRawBufferPointer) {
        var sum: UInt8 = 0
        for offset in stride(from: 0, to: bytes.count, by: 64) { sum &+= bytes[offset] }
        touched = sum
    }

    private func passesFilter(
        _ hash: UInt64, _ contents: SortedTable.Contents, _ table: SortedTable
    ) throws(DriveError) -> Bool? {
        let page = contents.footer.filterPage + UInt32(contents.filter.block(hash) * contents.filter.blockPages)
        guard let block = block(page, UInt32(contents.filter.blockPages), .filter) else { return nil }
        let passes = contents.filter.mayContain(hash, in: block.bytes)
        counters.filterChecks += 1
        if !passes { counters.filterRejections += 1 }
        return passes
    }

    private func loadIndex(_ entry: Int) throws(DriveError) -> Bool {
        if index != nil, entry == topEntry { return true }
        guard let contents = table?.contents else { return false }
        let place = try contents.top.place(entry)
        guard place.pages > 0, UInt64(place.page) + UInt64(place.pages) <= UInt64(contents.footer.indexPages) else {
            throw .damagedFormat(what: "\(table?.path ?? ""): the top index points outside")
        }
        guard let block = block(contents.footer.indexPage + place.page, place.pages, .index) else { return false }
        index = try IndexBlockView(block, kind: .index)
        topEntry = entry
        return true
    }

    private func dataBlock() throws(DriveError) -> BufferSlice? {
        guard let index, let contents = table?.contents else { return nil }
        let place = try index.place(indexEntry)
        guard place.pages > 0, UInt64(place.page) + UInt64(place.pages) <= UInt64(contents.footer.dataPages) else {
            throw .damagedFormat(what: "\(table?.path ?? ""): the index points outside")
        }
        return block(place.page, place.pages, .data)
    }

    @inline(__always)
    private func block(_ page: UInt32, _ pages: UInt32, _ kind: TableFormat.BlockKind) -> BufferSlice? {
        guard let table else { return nil }
        if let hit = cache.find(table: table.number, page: page) { return hit }
        if let mine = held.last(where: { $0.table == table.number && $0.page == page }) { return mine.slice }
        wanted = .block(table, page: page, pages: pages, kind)
        return nil
    }
}

/// What reads count; shared by the cursors of one index.
final class ReadCounters {
    @exclusivity(unchecked) var filterChecks: UInt64 = 0
    @exclusivity(unchecked) var filterRejections: UInt64 = 0
}

/// A walk over one level below 0, whose tables don't overlap: one table after the other.
final class LevelCursor: RowCursor {
    private let tables: [SortedTable]
    private let cursor: TableCursor
    @exclusivity(unchecked) private var current = 0
    @exclusivity(unchecked) private var bound: UnsafeRawBufferPointer?
    /// The next table has been turned to, but its first row is still missing.
    @exclusivity(unchecked) private var isTurning = false

    init(tables: [SortedTable], cache: BlockCache, pool: BufferPool, counters: ReadCounters) {
        self.tables = tables
        cursor = TableCursor(table: nil, cache: cache, pool: pool, counters: counters)
    }

    override func release() {
        cursor.release()
        isTurning = false
    }

    override func seek(
        _ target: UnsafeRawBufferPointer, bound: UnsafeRawBufferPointer?, filter: UInt64?
    ) throws(DriveError) -> CursorState {
        self.bound = bound
        isTurning = false
        current = IndexVersion.firstTable(endingAtOrAfter: target, in: tables)
        guard current < tables.count else { return .end }
        cursor.use(tables[current])
        // A table whose largest key is at or after the target ends the search, unless a filter rejects it; then its largest
        // key does not have the prefix, and no later table has it either.
        return show(try cursor.seek(target, bound: bound, filter: filter))
    }

    override func next() throws(DriveError) -> CursorState {
        if !isTurning {
            let state = try cursor.next()
            guard state == .end, current + 1 < tables.count else { return show(state) }
            let next = tables[current + 1]
            if let bound, compareBytes(next.smallestBytes, bound) >= 0 { return .end }
            current += 1
            cursor.use(next)
            isTurning = true
        }
        let state = try cursor.seek(tables[current].smallestBytes, bound: bound, filter: nil)
        if state != .missing { isTurning = false }
        return show(state)
    }

    override func supply() async throws(DriveError) { try await cursor.supply() }

    @inline(__always)
    private func show(_ state: CursorState) -> CursorState {
        if state == .at {
            key = cursor.key
            value = cursor.value
            isTombstone = cursor.isTombstone
        }
        return state
    }
}
