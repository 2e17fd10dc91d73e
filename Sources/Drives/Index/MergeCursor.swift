import Runtime

/// All rows of an index at one generation, merged: for each key the newest row, tombstones hidden.
///
/// Knows where to go on: after a suspension the same search is tried again behind the last row that was passed, in this cursor
/// or, when the index has changed meanwhile, in a new one that takes the search over.
final class MergeCursor {
    /// What is searched for, from where on.
    struct Search {
        /// The first key that is wanted. While rows are passed, the last one passed and a 00: the next possible key.
        var target = ByteString()
        var bound = ByteString()
        var hasBound = false
        var filter: UInt64?

        func free() {
            target.free()
            bound.free()
        }

        mutating func set(from start: [UInt8], to end: [UInt8]?, filter: UInt64?) {
            target.set(start)
            hasBound = end != nil
            if let end { bound.set(end) }
            self.filter = filter
        }

        mutating func copy(_ other: Search) {
            target.set(other.target.bytes)
            bound.set(other.bound.bytes)
            hasBound = other.hasBound
            filter = other.filter
        }

        mutating func pass(_ key: UnsafeRawBufferPointer) {
            target.set(key)
            target.append(0)
        }

        var passed: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: target.bytes.dropLast()) }
        var boundBytes: UnsafeRawBufferPointer? { hasBound ? bound.bytes : nil }
    }

    let generation: UInt64
    private let sources: [RowCursor]
    /// Keeps tables and memtables of the generation.
    private let version: IndexVersion
    private let memtables: [Memtable]
    @exclusivity(unchecked) private var heap: MergeHeap
    @exclusivity(unchecked) var search = Search()
    @exclusivity(unchecked) private var missing = 0
    /// Rows that may still be passed before the cursor asks for a pause.
    @exclusivity(unchecked) var rowsLeft = Int.max

    /// `memtables` from the newest to the oldest.
    init(
        generation: UInt64, memtables: [Memtable], version: IndexVersion, cache: BlockCache, pool: BufferPool,
        counters: ReadCounters
    ) {
        self.generation = generation
        self.version = version
        self.memtables = memtables
        var sources: [RowCursor] = memtables.map { MemtableCursor($0) }
        for table in version.levels[0] {
            sources.append(TableCursor(table: table, cache: cache, pool: pool, counters: counters))
        }
        for level in version.levels.dropFirst() where !level.isEmpty {
            sources.append(LevelCursor(tables: level, cache: cache, pool: pool, counters: counters))
        }
        self.sources = sources
        heap = MergeHeap(sources)
    }

    deinit {
        heap.free()
        search.free()
    }

    /// The present row; only after a step said `.at`.
    @inline(__always)
    var key: UnsafeRawBufferPointer { heap.topKey }
    @inline(__always)
    var value: UnsafeRawBufferPointer { sources[heap.top].value }

    func release() {
        heap.removeAll()
        for source in sources { source.release() }
    }

    /// Goes to the first row of the search.
    func seek() throws(DriveError) -> CursorState {
        heap.removeAll()
        for index in sources.indices {
            switch try sources[index].seek(search.target.bytes, bound: search.boundBytes, filter: search.filter) {
            case .at:
                guard compareBytes(sources[index].key, search.target.bytes) >= 0 else { throw Self.outOfOrder }
                heap.push(index)
            case .end: break
            case .missing:
                missing = index
                return .missing
            case .pause: return .pause
            }
        }
        return try settle()
    }

    /// Goes to the row behind the present one.
    @inline(__always)
    func next() throws(DriveError) -> CursorState {
        switch try passTop() {
        case .at, .end: return try settle()
        case .missing: return .missing
        case .pause: return .pause
        }
    }

    /// The row of the search's target itself; `.end` when there is none or it is deleted. Sources are asked from the newest to
    /// the oldest, and the first that knows the key ends it. `.at` sets `found`.
    func find() throws(DriveError) -> CursorState {
        heap.removeAll()
        let target = search.target.bytes
        for index in sources.indices {
            let source = sources[index]
            switch try source.seek(target, bound: nil, filter: search.filter) {
            case .at:
                guard compareBytes(source.key, target) == 0 else { continue }
                if source.isTombstone { return .end }
                found = source.value
                return .at
            case .end: continue
            case .missing:
                missing = index
                return .missing
            case .pause: return .pause
            }
        }
        return .end
    }
    @exclusivity(unchecked) private(set) var found = UnsafeRawBufferPointer(start: nil, count: 0)

    /// Fetches what the last step missed. A seek follows.
    func supply() async throws(DriveError) { try await sources[missing].supply() }

    /// Passes tombstones until a row shows.
    @inline(__always)
    private func settle() throws(DriveError) -> CursorState {
        while heap.count > 0 {
            if search.hasBound, compareBytes(heap.topKey, search.bound.bytes) >= 0 { return .end }
            if !sources[heap.top].isTombstone { return .at }
            switch try passTop() {
            case .at, .end: continue
            case .missing: return .missing
            case .pause: return .pause
            }
        }
        return .end
    }

    /// Passes the present row and the older ones of its key. `.missing` and `.pause` leave the search behind that key.
    @inline(__always)
    private func passTop() throws(DriveError) -> CursorState {
        search.pass(heap.topKey)
        rowsLeft -= 1
        if rowsLeft < 0 { return .pause }
        while true {
            let source = heap.top
            if try heap.advanceTop() == .missing {
                missing = source
                return .missing
            }
            guard heap.count > 0 else { return .end }
            let order = compareBytes(heap.topKey, search.passed)
            if order == 0 { continue }
            // A search that could go backwards might never end.
            guard order > 0 else { throw Self.outOfOrder }
            return .at
        }
    }

    private static var outOfOrder: DriveError { .damagedFormat(what: "index: a table's keys are out of order") }
}
