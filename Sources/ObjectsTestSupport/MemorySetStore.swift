package import Base
package import Drives
package import ObjectFormat
package import Objects
package import Runtime

/// A set in memory: the contract of `SetStore` without drives, for tests of the layer above and for trying things out.
///
/// Small data is attached to its row and goes with it; large data has an id and lives until it is deleted. What the contract
/// forbids (data freed twice, rows of two keys changed without order, a stager left behind) is counted or trapped here.
package actor MemorySetStore: SetStore {
    package nonisolated let executor: any PinnedExecutor
    package nonisolated let geometry = Geometry(data: 2, parity: 2)
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private struct Row {
        var revision: Position
        var payload: [UInt8]
        var data: [UInt8]?
    }

    private let buffers: BufferPool
    /// Data of up to this many bytes is attached to its row.
    private let packedMax: Int
    private let stripeBytes: Int

    /// Sorted, because everything asks for ranges.
    private var keys: [IndexKey] = []
    private var rows: [IndexKey: Row] = [:]
    private var large: [UniqueID: [UInt8]] = [:]
    private var counters: [CounterKey: Counter] = [:]
    private var position = Position(epoch: 1, sequence: 0)
    private var nextID: UInt64 = 1

    private var held: [LockName: UInt64] = [:]
    private var waiting: [(name: LockName, token: UInt64, continuation: CheckedContinuation<Void, Never>)] = []
    private var nextToken: UInt64 = 1

    private var failures: [(after: Int, error: SetError, applies: Bool)] = []
    /// Stagers neither attached nor abandoned, and readers not closed: 0 when all is well and nothing runs.
    package private(set) var openStagers = 0
    package private(set) var openReaders = 0
    package private(set) var commitCount = 0
    /// The most payload bytes that one commit had: the real set refuses more than 64 KiB.
    package private(set) var largestCommit = 0

    package init(
        executor: any PinnedExecutor, buffers: BufferPool, packedMax: Int = 256 << 10, stripeBytes: Int = 1 << 20
    ) {
        self.executor = executor
        self.buffers = buffers
        self.packedMax = packedMax
        self.stripeBytes = stripeBytes
    }

    // MARK: For tests

    /// The next commit fails with `error`; with `applying` it happens all the same, as an unknown outcome may.
    /// Called twice, the one after that fails too.
    package func failNextCommit(_ error: SetError, applying: Bool = false) { failures.append((0, error, applying)) }

    /// Lets `count` commits pass first.
    package func failCommit(after count: Int, _ error: SetError, applying: Bool = false) {
        failures.append((count, error, applying))
    }

    /// Forgets failures that were asked for and have not come.
    package func clearFailures() { failures = [] }

    package var rowKeys: [IndexKey] { keys }
    package var largeCount: Int { large.count }

    // MARK: Reading the namespace

    package func row(_ key: IndexKey) async throws(SetError) -> SetRow? { found(key) }

    package func firstRow(prefix: [UInt8]) async throws(SetError) -> SetRow? {
        let index = firstIndex(IndexKey(prefix))
        guard index < keys.count, keys[index].bytes.starts(with: prefix) else { return nil }
        return found(keys[index])
    }

    package func rows(from start: IndexKey, to end: IndexKey, limit: Int) async throws(SetError) -> [SetRow] {
        var result: [SetRow] = [], index = firstIndex(start)
        while index < keys.count, keys[index] < end, result.count < limit {
            if let row = found(keys[index]) { result.append(row) }
            index += 1
        }
        return result
    }

    private func found(_ key: IndexKey) -> SetRow? {
        rows[key].map { SetRow(key: key, revision: $0.revision, payload: $0.payload) }
    }

    private func firstIndex(_ key: IndexKey) -> Int {
        var low = 0, high = keys.count
        while low < high {
            let middle = (low + high) / 2
            if keys[middle] < key { low = middle + 1 } else { high = middle }
        }
        return low
    }

    // MARK: Changing it

    package func lock(_ names: [LockName]) async throws(SetError) -> KeyLock {
        let token = nextToken
        nextToken += 1
        for name in names {
            while held[name] != nil {
                await withCheckedContinuation { waiting.append((name, token, $0)) }
            }
            held[name] = token
        }
        return KeyLock(names: names, token: token)
    }

    package func unlock(_ lock: KeyLock) {
        for name in lock.names {
            precondition(held[name] == lock.token, "a lock is given back once, by its holder")
            held[name] = nil
            if let index = waiting.firstIndex(where: { $0.name == name }) {
                waiting.remove(at: index).continuation.resume()
            }
        }
    }

    package func commit(_ build: @Sendable (Position) -> [SetChange]) async throws(SetError) -> Position {
        position.sequence += 1
        let position = position, changes = build(position)
        let failure = nextFailure()
        // As a real commit does, others get a turn before this one shows.
        await Task.yield()
        if let failure, !failure.applies { throw failure.error }
        apply(changes, at: position)
        if let failure { throw failure.error }
        return position
    }

    private func nextFailure() -> (error: SetError, applies: Bool)? {
        guard let first = failures.first else { return nil }
        guard first.after == 0 else {
            failures[0].after -= 1
            return nil
        }
        failures.removeFirst()
        return (first.error, first.applies)
    }

    private func apply(_ changes: [SetChange], at position: Position) {
        commitCount += 1
        var bytes = 0
        for change in changes {
            switch change {
            case .put(let key, let payload, let data):
                bytes += key.bytes.count + payload.count
                let staged = data as? MemoryStaged
                if case .coded(_, _, _, _, let id) = staged?.layout { large[id] = staged?.bytes }
                if let staged { attach(staged) }
                let isPacked = if case .packed = staged?.layout { true } else { false }
                put(key, Row(revision: position, payload: payload, data: isPacked ? staged?.bytes : nil))
            case .delete(let key):
                bytes += key.bytes.count
                rows[key] = nil
                let index = firstIndex(key)
                if index < keys.count, keys[index] == key { keys.remove(at: index) }
            case .deleteData(let layout):
                if case .coded(_, _, _, _, let id) = layout {
                    precondition(large.removeValue(forKey: id) != nil, "data is freed once")
                }
            case .count(let key, let objects, let versions, let bytes):
                counters[key, default: Counter()].objects += objects
                counters[key, default: Counter()].versions += versions
                counters[key, default: Counter()].bytes += bytes
            }
        }
        largestCommit = max(largestCommit, bytes)
    }

    private func put(_ key: IndexKey, _ row: Row) {
        if rows.updateValue(row, forKey: key) == nil { keys.insert(key, at: firstIndex(key)) }
    }

    package func counter(_ key: CounterKey) async throws(SetError) -> Counter { counters[key] ?? Counter() }

    // MARK: Data

    package func stage(hint: Int64?) async throws(SetError) -> any DataStager {
        openStagers += 1
        return MemoryStager(self, buffers, stripeBytes: stripeBytes)
    }

    func finish(_ bytes: [UInt8], _ stager: MemoryStager) -> MemoryStaged {
        let layout: DataLayout
        if bytes.isEmpty {
            layout = .empty
        } else if bytes.count <= packedMax {
            layout = .packed(count: Int64(bytes.count), geometry: geometry, rotation: 0)
        } else {
            nextID += 1
            layout = .coded(
                count: Int64(bytes.count), geometry: geometry, rotation: 0, blockBytes: 65_536,
                id: UniqueID(high: 0, low: nextID))
        }
        return MemoryStaged(layout, bytes, stager)
    }

    private func attach(_ staged: MemoryStaged) {
        precondition(staged.stager.settle(), "staged data is attached once, and not after it was abandoned")
        openStagers -= 1
    }

    func abandoned(_ stager: MemoryStager) {
        if stager.settle() { openStagers -= 1 }
    }

    package func open(
        _ layout: DataLayout, of row: SetRow, range: ByteRange?
    ) async throws(SetError) -> any DataReader {
        let bytes: [UInt8]?
        switch layout {
        case .empty: bytes = []
        case .packed, .copies:
            guard rows[row.key]?.revision == row.revision else { throw .superseded }
            bytes = rows[row.key]?.data
        case .coded(_, _, _, _, let id): bytes = large[id]
        }
        guard let bytes else { throw .superseded }
        let range = range ?? ByteRange(offset: 0, count: max(Int64(bytes.count), 1))
        guard range.end <= bytes.count || bytes.isEmpty else { throw .dataLost(detail: "a range past the end") }
        openReaders += 1
        let end = min(Int(range.end), bytes.count)
        return MemoryReader(self, buffers, bytes[min(Int(range.offset), end)..<end])
    }

    func closed() { openReaders -= 1 }
}
