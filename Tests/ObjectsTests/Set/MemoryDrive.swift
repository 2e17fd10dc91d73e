import Base
import Drives
import Runtime
import SimulationSupport
import Synchronization

/// What a power cut leaves of one drive.
final class MemoryMedia: Sendable {
    struct Row: Equatable {
        var revision: Position
        var payload: [UInt8]
        /// Packed data of the row here.
        var data: [UInt8]?
    }
    enum LogEntry {
        case commit(DriveCommit)
        case state(CaughtUpState)

        var positions: [Position] {
            switch self {
            case .commit(let commit): [commit.header.position]
            case .state(let state): state.positions.map(\.position)
            }
        }
    }
    struct State {
        var promise: Promise?
        var isRebuilding = false
        var isDamaged = false
        var hasLogged = false
        var mark = Position.zero
        var own = Position.zero
        var log: [LogEntry] = []
        var table: [IndexKey: Row] = [:]
        var list: [Position: ChangedKeys] = [:]
        var decided = Position.zero
        var statement: (position: Position, note: [UInt8])?
    }
    let identity: DriveIdentity
    let state = Mutex(State())

    init(_ identity: DriveIdentity) { self.identity = identity }

    func with<Result>(_ body: (inout sending State) -> sending Result) -> Result { state.withLock(body) }
}

/// A drive in memory that keeps the contract of `Drive` to the letter: what is durable lies in its media, the index is made
/// from it, and between them the test may cut the power, stall the queue or make every call fail.
actor MemoryDrive: Drive {
    nonisolated let identity: DriveIdentity
    nonisolated let executor: any PinnedExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    nonisolated let media: MemoryMedia

    private enum Queued {
        case commit(DriveCommit)
        case state(CaughtUpState)
    }
    private let random: SeededRandom
    private let pool: BufferPool
    private var queue: [(item: Queued, listener: any AppendListener)] = []
    private var isWriting = false
    private var isDead = false
    private(set) var isStalled = false
    private var isResolved = false
    private var index: [IndexKey: MemoryMedia.Row] = [:]
    private var sortedKeys: [IndexKey]?
    private var pending: [Position: DriveCommit] = [:]
    /// What recovery found. A verdict settles nothing that came later.
    private var replayed: Set<Position> = []
    private var list: [Position: ChangedKeys] = [:]
    private var confirmed = Position.zero
    private var decided = Position.zero
    private var newestStatement: (position: Position, note: [UInt8])?

    init(_ media: MemoryMedia, executor: any PinnedExecutor, random: SeededRandom, pool: BufferPool) {
        self.media = media
        identity = media.identity
        self.executor = executor
        self.random = random
        self.pool = pool
    }

    private static let failure = DriveError.io(.system(call: "pwrite", path: "memory", errno: 5))

    private func check() throws(DriveError) { if isDead { throw Self.failure } }

    private func pause() async {
        if random.next() % 4 == 0 {
            try? await executor.sleep(for: .microseconds(Int64(random.next() % 400)))
        } else {
            await Task.yield()
        }
    }

    // MARK: Faults

    /// The power goes, or the drive fails: a part of what is queued has become durable, and nobody hears of it.
    func fail() {
        guard !isDead else { return }
        isDead = true
        var kept = queue.isEmpty ? 0 : Int(random.next() % UInt64(queue.count + 1))
        let lost = queue
        queue = []
        for item in lost {
            if kept > 0 { makeDurable(item.item) }
            kept -= 1
        }
        for item in lost { item.listener.appended(position(item.item), slot: identity.slot, .failure(Self.failure)) }
    }

    func stall(_ stalled: Bool) {
        isStalled = stalled
        if !stalled { startWriting() }
    }

    // MARK: Start

    func recover() async throws(DriveError) -> DriveRecovery {
        await pause()
        try check()
        let found = media.with { $0 }
        list = found.list
        pending = [:]
        confirmed = found.mark
        decided = found.decided
        newestStatement = found.statement
        var reported: [DriveRecovery.Pending] = []
        var changes = found.list
        for entry in found.log {
            switch entry {
            case .commit(let commit):
                pending[commit.header.position] = commit
                list[commit.header.position] = keys(of: commit)
                decided = max(decided, commit.header.decided)
                reported.append(
                    .init(
                        header: commit.header,
                        keyHashes: keys(of: commit).keys.map(\.changeHash) + commit.supersededKeys,
                        note: commit.note, hasData: true, deletesOnly: false))
            case .state(let state):
                for change in state.positions {
                    list[change.position] = change
                    changes[change.position] = change
                }
                note(state.statement)
            }
        }
        replayed = Set(pending.keys)
        return DriveRecovery(
            isBlank: !found.hasLogged, isRebuilding: found.isRebuilding, isDamaged: found.isDamaged,
            promise: found.promise,
            decided: decided, mark: found.mark, own: found.own, pending: reported,
            changes: changes.values.sorted { $0.position < $1.position }.map {
                Change(position: $0.position, keyHashes: $0.keys.map(\.changeHash), note: $0.note)
            },
            statement: newestStatement)
    }

    private func keys(of commit: DriveCommit) -> ChangedKeys {
        ChangedKeys(position: commit.header.position, keys: commit.mutations.map(\.key), note: commit.note)
    }

    private func note(_ statement: (position: Position, note: [UInt8])?) {
        guard let statement, statement.position > newestStatement?.position ?? .zero else { return }
        newestStatement = statement
    }

    func store(_ promise: Promise) async throws(DriveError) {
        await pause()
        try check()
        let refused = media.with { state -> Promise? in
            if let stored = state.promise,
                stored.epoch > promise.epoch || (stored.epoch == promise.epoch && stored != promise)
            {
                return stored
            }
            state.promise = promise
            return nil
        }
        if let refused { throw .promisedHigher(refused) }
    }

    func resolve(_ verdict: any CommitVerdict) async throws(DriveError) {
        await pause()
        try check()
        index = media.with { $0.table }
        sortedKeys = nil
        for entry in media.with({ $0.log }) {
            switch entry {
            case .state(let state): apply(state)
            case .commit(let commit):
                guard replayed.contains(commit.header.position) else { continue }
                switch verdict.verdict(on: commit.header.position) {
                case .valid: publish(commit.header.position)
                case .void: discard(commit.header.position)
                case .pending: break
                }
            }
        }
        isResolved = true
    }

    func pendingCommit(_ position: Position) async throws(DriveError) -> DriveCommit? {
        await pause()
        try check()
        return pending[position]
    }

    // MARK: Log

    private func position(_ item: Queued) -> Position {
        if case .commit(let commit) = item { commit.header.position } else { .zero }
    }

    func append(_ commit: DriveCommit, reportingTo listener: any AppendListener) { enqueue(.commit(commit), listener) }
    func append(_ state: CaughtUpState, reportingTo listener: any AppendListener) { enqueue(.state(state), listener) }

    private func enqueue(_ item: Queued, _ listener: any AppendListener) {
        guard !isDead else {
            listener.appended(position(item), slot: identity.slot, .failure(Self.failure))
            return
        }
        queue.append((item, listener))
        startWriting()
    }

    private func startWriting() {
        guard !isWriting, !isStalled, !queue.isEmpty else { return }
        isWriting = true
        executor.spawn { await self.write() }
    }

    private func write() async {
        while !isDead, !isStalled, !queue.isEmpty {
            try? await executor.sleep(for: .microseconds(Int64(20 + random.next() % 2_000)))
            guard !isDead, !isStalled else { break }
            let count = 1 + Int(random.next() % UInt64(queue.count))
            let batch = queue.prefix(count)
            queue.removeFirst(count)
            for entry in batch { makeDurable(entry.item) }
            for entry in batch {
                if case .state(let state) = entry.item { apply(state) }
                entry.listener.appended(position(entry.item), slot: identity.slot, .success(()))
            }
        }
        isWriting = false
    }

    private func makeDurable(_ item: Queued) {
        switch item {
        case .commit(let commit):
            pending[commit.header.position] = commit
            list[commit.header.position] = keys(of: commit)
            confirmed = max(confirmed, commit.header.confirmed)
            decided = max(decided, commit.header.decided)
            media.with {
                $0.hasLogged = true
                $0.log.append(.commit(commit))
            }
        case .state(let state):
            for change in state.positions { list[change.position] = change }
            media.with {
                $0.hasLogged = true
                $0.log.append(.state(state))
            }
        }
    }

    private func apply(_ state: CaughtUpState) {
        note(state.statement)
        sortedKeys = nil
        for row in state.rows {
            guard let revision = row.revision else {
                index[row.key] = nil
                continue
            }
            let kept = index[row.key].flatMap { $0.revision == revision ? $0.data : nil }
            index[row.key] = .init(revision: revision, payload: row.payload, data: bytes(row.attachment) ?? kept)
        }
    }

    private func bytes(_ attachment: Attachment) -> [UInt8]? {
        if case .packed(let slice, _) = attachment { Array(slice.bytes) } else { nil }
    }

    func publish(_ position: Position) {
        guard let commit = pending.removeValue(forKey: position) else { return }
        sortedKeys = nil
        if commit.header.kind == .statement { note((position, commit.note)) }
        for mutation in commit.mutations {
            if let old = index[mutation.key], old.revision >= position { continue }
            switch mutation.change {
            case .delete: index[mutation.key] = nil
            case .put(let payload, let attachment):
                index[mutation.key] = .init(revision: position, payload: payload, data: bytes(attachment))
            }
        }
    }

    func discard(_ position: Position) {
        guard pending.removeValue(forKey: position) != nil else { return }
        list[position] = nil
    }

    func note(decided: Position, confirmed: Position) {
        self.confirmed = max(self.confirmed, confirmed)
        self.decided = max(self.decided, decided)
    }

    /// Tables take over what is published; the log keeps what is pending; the list drops what is confirmed.
    func flush() {
        guard !isDead, isResolved else { return }
        list = list.filter { $0.key > confirmed || pending[$0.key] != nil }
        media.with { [index, list, pending, confirmed, decided, newestStatement] state in
            state.table = index
            state.log = state.log.filter { entry in
                if case .commit(let commit) = entry { pending[commit.header.position] != nil } else { false }
            }
            state.list = list.filter { pending[$0.key] == nil }
            state.mark = max(state.mark, confirmed)
            state.decided = max(state.decided, decided)
            state.statement = newestStatement
        }
    }

    // MARK: Reads

    private func entry(_ key: IndexKey, _ row: MemoryMedia.Row) -> IndexEntry {
        let stored: IndexEntry.Stored =
            row.data.map { .packed(PackedLocation(segment: 0, offset: 0, count: UInt32($0.count), checksum: 0)) }
            ?? .none
        return IndexEntry(key: key, revision: row.revision, payload: row.payload, stored: stored)
    }

    private func sorted() -> [IndexKey] {
        if let sortedKeys { return sortedKeys }
        let keys = index.keys.sorted()
        sortedKeys = keys
        return keys
    }

    func entry(_ key: IndexKey) async throws(DriveError) -> IndexEntry? {
        await pause()
        try check()
        return index[key].map { entry(key, $0) }
    }

    func firstEntry(prefix: [UInt8]) async throws(DriveError) -> IndexEntry? {
        await pause()
        try check()
        for key in sorted() where key.bytes.starts(with: prefix) { return index[key].map { entry(key, $0) } }
        return nil
    }

    func entries(from start: IndexKey, to end: IndexKey, limit: Int) async throws(DriveError) -> [IndexEntry] {
        await pause()
        try check()
        return sorted().lazy.filter { $0 >= start && $0 < end }.prefix(limit).compactMap { key in
            self.index[key].map { self.entry(key, $0) }
        }
    }

    /// The test's own read: the data of a row of that revision.
    func data(_ key: IndexKey, revision: Position) -> [UInt8]? {
        guard !isDead, let row = index[key], row.revision == revision else { return nil }
        return row.data
    }

    func read(_ packed: PackedLocation) async throws(DriveError) -> BufferSlice {
        try check()
        return pool.take(1).slice(0, 1)
    }
    func read(_ extent: Extent, at offset: Int, into slice: BufferSlice) async throws(DriveError) { throw .shutDown }
    func pin(_ key: IndexKey) {}
    func unpin(_ key: IndexKey) {}
    func reserve(_ bytes: Int) async throws(DriveError) -> Extent { throw .noSpace }
    func write(_ slice: BufferSlice, to extent: Extent, at offset: Int) async throws(DriveError) { throw .noSpace }
    func syncData() async throws(DriveError) {}
    func release(_ extents: [Extent]) {}

    // MARK: Repair

    func changes() async throws(DriveError) -> [Change] {
        try check()
        return list.values.sorted { $0.position < $1.position }.map {
            Change(position: $0.position, keyHashes: $0.keys.map(\.changeHash), note: $0.note)
        }
    }

    func changedKeys(_ positions: [Position]) async throws(DriveError) -> [ChangedKeys] {
        await pause()
        try check()
        return positions.compactMap { list[$0] }
    }

    func setRebuilding(_ rebuilding: Bool, holdingUpTo own: Position) async throws(DriveError) {
        await pause()
        try check()
        let wasDamaged = media.with { state -> Bool in
            let wasDamaged = state.isDamaged
            state.isRebuilding = rebuilding
            state.own = rebuilding ? .zero : max(state.own, own)
            if wasDamaged && rebuilding {
                // What it listed before the damage is not taken as held.
                state.isDamaged = false
                state.list = [:]
                state.mark = .zero
                state.log = state.log.map { entry in
                    guard case .state(var kept) = entry else { return entry }
                    kept.positions = []
                    return .state(kept)
                }
            }
            return wasDamaged
        }
        if wasDamaged && rebuilding {
            list = list.filter { pending[$0.key] != nil }
            confirmed = .zero
        }
    }

    // MARK: Housekeeping

    func run() async {}
    func statistics() -> DriveStatistics { DriveStatistics() }
    func shutDown() async {
        fail()
    }
}
