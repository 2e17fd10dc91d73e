package import Base
package import Runtime

/// A drive on this machine: identity, log, index, data segments, and the manifest that says how they fit together.
///
/// Owns every file of its directory. Called by its set's leader only, on its executor. What a caller must know beyond `Drive`:
/// - `recover` first; `append` and `store` may follow at once, `publish` takes effect with `resolve`, reads belong after it.
/// - A commit is `pending` from `append` until `publish` or `discard`. Only published commits are in the index, in tables, in the
///   allocator's checkpoint; a flush says which records of the log are not (`ManifestFact.flushed`), so that a start applies
///   each record exactly once and finds what it replaces where the running drive found it.
/// - Memtables are numbered (`generation`): every effect of a record belongs to the memtable that took its rows, and is
///   checkpointed with it, never before.
///
/// INVARIANT: rows in the index name only space that no other row names and that is not free.
package actor DriveEngine: Drive {
    enum Phase { case closed, recovered, open, stopping, stopped }

    package nonisolated let identity: DriveIdentity
    package nonisolated let executor: any PinnedExecutor
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    let io: any DriveIO
    let pool: BufferPool
    let time: any TimeSource
    let parameters: DriveParameters
    let manifest: Manifest
    let index: DriveIndex
    let log: DriveLog
    let dataFiles: DataFiles

    var phase = Phase.closed
    /// Why the write path is closed, once a write or sync has failed.
    var poisonCause: String?
    var lock: (any DriveFile)?

    /// Records on their way into the log, by token.
    var queued: [UInt64: QueuedRecord] = [:]
    var nextToken: UInt64 = 1
    /// The last durable record, the end of its batch, and the end of what the last flush holds.
    var storedLSN: UInt64 = 0
    var storedEnd: UInt64 = 0
    var flushedEnd: UInt64 = 0

    var generation: UInt64 = 1
    var pending: [Position: PendingCommit] = [:]
    /// Records that the log had above the flushed state, until `resolve` has worked them off.
    var replay: [ReplayItem] = []
    var resolvedCount = 0
    var allocator = ExtentAllocator()
    var usage = LogUsage()
    var pins: [IndexKey: Pin] = [:]
    /// Extents freed by commits above the decided position: see `releaseFreed`.
    var freedHolds: [Extent: Int] = [:]
    var freed: [(by: Position, generation: UInt64, extent: Extent)] = []
    /// Rows whose predecessor, if any, is in a table and has to be looked up to be freed.
    var replaced = Queue<ReplacedRow>()
    let replacedGate = Gate()
    var changeList = ChangeList()
    var decided = Position.zero
    var confirmed = Position.zero
    var statement: (position: Position, note: [UInt8])?

    /// Rows whose packed data lies in the log again, durable, and that do not point there yet.
    var movesToApply: [(moves: [MoveRecord], place: RecordPlace)] = []
    var nextDataSegment: UInt32 = 1
    /// Live bytes that cleaning left in a log segment, and segments with damaged packed data.
    var cleanedTo: [UInt32: Int64] = [:]
    var cleanedSinceFlush = 0
    var uncleanable: Set<UInt32> = []
    var freeBytes: UInt64 = 0
    /// Made for data segments that the manifest could not be told of: removed after the next flush, or by the next start.
    var unnamedDataFiles: [UInt32] = []
    /// Of data segments without data, when space was last measured.
    var emptyDataBytes: UInt64 = 0
    /// A file could not grow, or little is free: flushes come sooner, so that the log can be released.
    var isShortOfSpace = false
    /// Deletes for which the log had no space: tried again when some was made.
    var starved: [StarvedCommit] = []
    var isFeeding = false
    /// Of the index, as of its last edit: asked for at every append.
    var tableBytes: UInt64 = 0
    var compactionDebt = 0.0
    var lastBackgroundError: DriveError?
    /// Reads of data that failed with an error of the medium since the drive was opened.
    var unreadableReads = 0

    let resolveGate = Gate(), flushGate = Gate(), compactionGate = Gate(), cleaningGate = Gate(), segmentGate = Gate(),
        reserveGate = Gate()
    var unfinishedFlush: FlushInWork?
    var hasReserve = false
    var capacityBytes: UInt64 = 0
    var ownBytes: UInt64 = 0
    var lastLogSegment: UInt32 = 0
    var lastAppend: UInt64 = 0
    var reports = Queue<DelayedReport>()
    var lastReportDue: UInt64 = 0
    var isReporting = false

    let flushSignal = WorkSignal(), compactionSignal = WorkSignal(), cleaningSignal = WorkSignal()
    var counters = DriveStatistics()

    package init(
        identity: DriveIdentity, io: any DriveIO, executor: any PinnedExecutor, time: any TimeSource,
        random: any RandomSource, pool: BufferPool, parameters: DriveParameters = DriveParameters()
    ) {
        self.identity = identity
        self.executor = executor
        self.io = io
        self.pool = pool
        self.time = time
        self.parameters = parameters
        manifest = Manifest(io: io)
        index = DriveIndex(
            io: io, pool: pool, cache: BlockCache(capacityBytes: parameters.cacheBytes), parameters: parameters.index)
        log = DriveLog(
            io: io, drive: identity.drive, executor: executor, clock: time, random: random, pool: pool,
            parameters: parameters.log)
        dataFiles = DataFiles(io: io, openMax: parameters.dataFilesOpenMax)
    }

    // MARK: Guards

    /// Throws unless reads may be served.
    func checkReadable() throws(DriveError) {
        switch phase {
        case .open, .recovered: break
        case .closed, .stopping, .stopped: throw .shutDown
        }
    }

    /// Throws unless writes may be taken.
    func checkWritable() throws(DriveError) {
        try checkReadable()
        if let poisonCause { throw .poisoned(cause: poisonCause) }
    }

    /// Closes the write path until the drive is reopened: after a failed write or sync nothing is known of what is on it.
    func poison(_ cause: String) {
        guard poisonCause == nil else { return }
        poisonCause = cause
        counters.isPoisoned = true
    }

    /// The error of a file call on the write path. No space is back-pressure; anything else poisons.
    func failed(_ error: DriveIOError) -> DriveError {
        if case .noSpace = error {
            isShortOfSpace = true
            return .noSpace
        }
        // A failed read says nothing of what was written.
        if case .system(call: "read", _, _) = error { return .io(error) }
        poison("\(error)")
        return .io(error)
    }

    func failed(_ error: DriveError) -> DriveError {
        if case .io(let cause) = error { return failed(cause) }
        return error
    }

    // MARK: Positions

    package func note(decided: Position, confirmed: Position) {
        self.decided = max(self.decided, decided)
        self.confirmed = max(self.confirmed, confirmed)
        releaseFreed()
    }

    package func store(_ promise: Promise) async throws(DriveError) {
        try checkWritable()
        if let stored = manifest.state.promise {
            guard promise.epoch > stored.epoch || promise == stored else { throw .promisedHigher(stored) }
            if promise == stored { return }
        }
        try await appendToManifest([.promise(promise)])
        // Another call may have stored a higher one while this one waited its turn: then that one holds.
        if let stored = manifest.state.promise, stored != promise { throw .promisedHigher(stored) }
    }

    package func setRebuilding(_ rebuilding: Bool, holdingUpTo own: Position) async throws(DriveError) {
        // Not between a flush's freeze and its edit, which stores a mark too.
        await flushGate.enter()
        defer { flushGate.leave() }
        try checkWritable()
        var facts: [ManifestFact] = [.rebuilding(rebuilding), .own(own)]
        if !rebuilding { facts.append(.damaged(false)) }
        if rebuilding && manifest.state.isDamaged {
            // What a damaged drive listed before is not taken as held (rule 6).
            for position in try await flushedChanges(above: .zero).keys.sorted() {
                index.delete(ChangeRow.key(position))
            }
            changeList.removeAll()
            confirmed = .zero
            facts.append(.mark(.zero))
        }
        try await appendToManifest(facts)
    }

    func appendToManifest(_ facts: [ManifestFact]) async throws(DriveError) {
        do { try await manifest.append(facts) } catch {
            guard case .io(.noSpace) = error, await giveUpReserve() else { throw failed(error) }
            do { try await manifest.append(facts) } catch { throw failed(error) }
        }
    }
}
