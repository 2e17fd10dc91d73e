/// Where a cursor is after a step.
enum CursorState {
    /// At a row: `key`, `value` and `isTombstone` say which.
    case at
    case end
    /// A block or file is not in memory: `supply()` fetches it, then the step is tried again.
    case missing
    /// The step's share of work is used up: let others run, then go on.
    case pause
}

/// A walk over the rows of one source in key order, tombstones included.
///
/// Steps never suspend, which is what makes a page over cached blocks cheap; only `supply` does. `key` and `value` are good
/// until the next step.
class RowCursor {
    @exclusivity(unchecked) final var key = UnsafeRawBufferPointer(start: nil, count: 0)
    @exclusivity(unchecked) final var value = UnsafeRawBufferPointer(start: nil, count: 0)
    @exclusivity(unchecked) final var isTombstone = false

    /// Goes to the first row at or after `target`. Rows at or after `bound` are not wanted: a source may say `.end` there. With
    /// `filter`, the hash of a filter prefix, only rows with that prefix are wanted. `bound`'s memory stays good while the
    /// cursor is used.
    func seek(
        _ target: UnsafeRawBufferPointer, bound: UnsafeRawBufferPointer?, filter: UInt64?
    ) throws(DriveError) -> CursorState { .end }

    func next() throws(DriveError) -> CursorState { .end }

    /// Fetches what the last step missed.
    func supply() async throws(DriveError) {}

    /// Lets go of blocks. The cursor has to seek again.
    func release() {}
}

final class MemtableCursor: RowCursor {
    private let memtable: Memtable
    @exclusivity(unchecked) private var node: Memtable.Node?

    init(_ memtable: Memtable) { self.memtable = memtable }

    override func seek(
        _ target: UnsafeRawBufferPointer, bound: UnsafeRawBufferPointer?, filter: UInt64?
    ) throws(DriveError) -> CursorState {
        show(memtable.seek(target))
    }

    override func next() throws(DriveError) -> CursorState { show(node?.next(0)) }

    override func release() { node = nil }

    private func show(_ node: Memtable.Node?) -> CursorState {
        self.node = node
        guard let node else { return .end }
        key = node.key
        value = node.value
        isTombstone = node.isTombstone
        return .at
    }
}

/// The sources of a merge, ordered by key and, for one key, newest first: a binary heap.
struct MergeHeap {
    private let sources: [RowCursor]
    /// The sources' keys side by side: reached without going through the cursors.
    private let keys: UnsafeMutablePointer<UnsafeRawBufferPointer>
    private let heap: UnsafeMutablePointer<Int>
    private(set) var count = 0

    /// `sources` from the newest to the oldest. The owner calls `free` once.
    init(_ sources: [RowCursor]) {
        self.sources = sources
        keys = .allocate(capacity: max(1, sources.count))
        heap = .allocate(capacity: max(1, sources.count))
    }

    func free() {
        keys.deallocate()
        heap.deallocate()
    }

    mutating func removeAll() { count = 0 }

    /// Adds a source that stands at a row.
    mutating func push(_ source: Int) {
        keys[source] = sources[source].key
        var child = count
        count += 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard precedes(source, heap[parent]) else { break }
            heap[child] = heap[parent]
            child = parent
        }
        heap[child] = source
    }

    /// The source with the smallest key, the newest of those; only if `count > 0`.
    @inline(__always)
    var top: Int { heap[0] }

    @inline(__always)
    var topKey: UnsafeRawBufferPointer { keys[heap[0]] }

    /// Moves the top source to its next row. `.missing` leaves all as it was.
    @inline(__always)
    mutating func advanceTop() throws(DriveError) -> CursorState {
        let source = heap[0]
        let state = try sources[source].next()
        switch state {
        case .at:
            keys[source] = sources[source].key
            if count > 1 { siftDown(source) }
        case .end:
            count -= 1
            if count > 0 { siftDown(heap[count]) }
        case .missing, .pause:
            break
        }
        return state
    }

    private func siftDown(_ source: Int) {
        var hole = 0
        while true {
            var child = 2 * hole + 1
            guard child < count else { break }
            if child + 1 < count, precedes(heap[child + 1], heap[child]) { child += 1 }
            guard precedes(heap[child], source) else { break }
            heap[hole] = heap[child]
            hole = child
        }
        heap[hole] = source
    }

    @inline(__always)
    private func precedes(_ a: Int, _ b: Int) -> Bool {
        let order = compareBytes(keys[a], keys[b])
        return order == 0 ? a < b : order < 0
    }
}
