package import Base

/// A slice of the loop: background work gives way when it is used up.
struct Slice {
    private let time: any TimeSource
    private let length: UInt64
    private var end: UInt64

    init(_ time: any TimeSource, _ parameters: DriveParameters) {
        self.time = time
        length = parameters.sliceNanoseconds
        end = time.monotonicNanoseconds() + length
    }

    var isUsedUp: Bool { time.monotonicNanoseconds() >= end }

    mutating func yield() async {
        await Task.yield()
        end = time.monotonicNanoseconds() + length
    }
}

/// A flush from its freeze to its manifest edit: kept when it fails, and taken up again by the next one.
struct FlushInWork {
    /// nil when the memtable was empty: then only positions and allocation are stored.
    var job: FlushJob?
    /// The memtables up to this one are in tables once it is done.
    var generation: UInt64
    var lsn: UInt64
    /// The end of the batch that holds the record of `lsn`.
    var end: UInt64
    var open: [UInt64]
    var decided: Position
    var mark: Position
    var statement: (position: Position, note: [UInt8])?
}

extension DriveEngine {
    var needsFlush: Bool {
        let limit = isShortOfSpace || isCrowded ? UInt64(parameters.log.segmentBytes) : parameters.unflushedLogBytes
        return index.memtableBytes >= parameters.memtableBytes
            || storedLSN - min(storedLSN, manifest.state.flushedLSN) >= limit
    }

    /// Writes the memtable as a table and makes everything durable that goes with it (rule 10): table, then the edit that names it
    /// with positions, allocation and live packed bytes, then log segments are released.
    package func flush() async throws(DriveError) {
        try checkWritable()
        await flushGate.enter()
        defer { flushGate.leave() }
        try checkWritable()
        if unfinishedFlush == nil { unfinishedFlush = try await beginFlush() }
        guard let flush = unfinishedFlush else { return }
        var edit = IndexEdit(origin: .flush, removed: [], added: [])
        if let job = flush.job {
            edit = try await withReserve { () async throws(DriveError) in try await index.flush(job) }
        }
        do { try await finish(flush, edit) } catch {
            if flush.job != nil { index.abandon(edit) }
            throw error
        }
        unfinishedFlush = nil
        flushedEnd = flush.end
        counters.flushes += 1
        if flush.job != nil { install(edit) }
        allocator.stored(upTo: flush.generation)
        usage.stored(upTo: flush.generation)
        releaseFreed(flushed: flush.generation)
        cleanedSinceFlush = 0
        try await releaseLogSegments()
        try await removeEmptyDataSegments()
        try await rollManifestIfLarge()
        let wasShort = isShortOfSpace
        await measureSpace()
        if wasShort { await restoreReserve() }
        compactionSignal.raise()
        cleaningSignal.raise()
    }

    /// The step in which it is decided what the flush holds. The change list's rows go with it.
    private func beginFlush() async throws(DriveError) -> FlushInWork {
        let state = manifest.state
        // A rebuilding drive drops nothing: it copies the list before it is intact (rule 11).
        let mark = state.isRebuilding ? state.mark : max(state.mark, confirmed)
        let dropped = try await droppedChanges(upTo: mark)
        // From here to the freeze in one step.
        for key in dropped { index.delete(key) }
        for (position, change) in changeList.takeForFlush(above: mark) {
            index.put(ChangeRow.key(position), ChangeRow.value(change))
        }
        // What recovery found and `resolve` has not reached is in no memtable yet.
        let unresolved = replay[resolvedCount...].map(\.place.lsn)
        let pendingLSNs = pending.values.compactMap { $0.place?.lsn }
        var open = Set(unresolved + pendingLSNs).filter { $0 <= storedLSN }.sorted()
        if parameters.broken.contains(.pendingForgotten) { open = [] }
        // Up to the end of the last batch, not to its last record only: what is released must not be asked for again, and after
        // starts without a write the end lies segments beyond the record.
        let lsn = storedLSN == 0 ? 0 : max(storedLSN, storedEnd - 1)
        let flush = FlushInWork(
            job: index.freeze(), generation: generation, lsn: lsn, end: storedEnd, open: open, decided: decided,
            mark: mark,
            statement: statement)
        generation += 1
        return flush
    }

    private func finish(_ flush: FlushInWork, _ edit: IndexEdit) async throws(DriveError) {
        try await workOffReplaced(upTo: flush.generation)
        var facts = edit.removed.map { ManifestFact.tableRemoved(number: $0) }
        facts += edit.added.map { ManifestFact.tableAdded($0) }
        facts.append(.flushed(lsn: flush.lsn, open: flush.open))
        facts += [.decided(flush.decided), .mark(flush.mark)]
        if let statement = flush.statement, statement.position > manifest.state.statement?.position ?? .zero {
            facts.append(.statement(position: statement.position, note: statement.note))
        }
        for (number, runs) in allocator.checkpoint(upTo: flush.generation)
        where !parameters.broken.contains(.allocationForgotten) {
            facts.append(.allocation(segment: number, runs: runs))
        }
        facts.append(.livePacked(usage.checkpoint(upTo: flush.generation)))
        try await appendToManifest(facts)
    }

    private func install(_ edit: IndexEdit) {
        index.install(edit)
        measureIndex()
    }

    func measureIndex() {
        tableBytes = index.statistics.tableBytes
        compactionDebt = index.compactionDebt
    }

    // MARK: Change list

    /// Keys of rows at or below the mark, at most a bounded number a flush: the rest goes with the next one.
    private func droppedChanges(upTo mark: Position) async throws(DriveError) -> [IndexKey] {
        guard changeList.droppedUpTo < mark else { return [] }
        var keys: [IndexKey] = []
        var reached = mark
        try await index.scan(from: ChangeRow.key(changeList.droppedUpTo), to: ChangeRow.end) {
            (key, _) throws(DriveError) in
            let position = try ChangeRow.position(key)
            guard position <= mark else { return false }
            keys.append(ChangeRow.key(position))
            if keys.count == 65_536 { reached = position }
            return keys.count < 65_536
        }
        changeList.droppedUpTo = reached
        return keys
    }

    func flushedChanges(above mark: Position) async throws(DriveError) -> [Position: ListedChange] {
        var changes: [Position: ListedChange] = [:]
        try await index.scan(from: ChangeRow.key(mark), to: ChangeRow.end) { (key, value) throws(DriveError) in
            let position = try ChangeRow.position(key)
            if position > mark { changes[position] = try ChangeRow.decode(value) }
            return true
        }
        return changes
    }

    package func changes() async throws(DriveError) -> [Change] {
        try checkReadable()
        let mark = max(manifest.state.mark, manifest.state.isRebuilding ? .zero : confirmed)
        var all = try await flushedChanges(above: mark)
        for (position, change) in changeList.recent where position > mark { all[position] = change }
        for (position, commit) in pending where commit.place != nil && position > mark {
            all[position] = commit.record.listed
        }
        return all.keys.sorted().compactMap { all[$0]?.change($0) }
    }

    package func changedKeys(_ positions: [Position]) async throws(DriveError) -> [ChangedKeys] {
        try checkReadable()
        var found: [ChangedKeys] = []
        for position in positions {
            if let listed = pending[position]?.record.listed ?? changeList.recent[position] {
                found.append(listed.changedKeys(position))
                continue
            }
            let listed = try await index.get(ChangeRow.key(position)) { (value) throws(DriveError) in
                try ChangeRow.decode(value)
            }
            if let listed = listed ?? changeList.recent[position] { found.append(listed.changedKeys(position)) }
        }
        return found
    }

    // MARK: After a flush

    /// Log segments whose records are all in tables, and that hold no live packed data and no pending commit.
    func releaseLogSegments() async throws(DriveError) {
        let open = manifest.state.openRecords
        let held = Set(pending.values.compactMap { $0.place?.segment } + replay[resolvedCount...].map(\.place.segment))
        var start = LSN.zero
        var kept = held
        for segment in log.segmentEnds {
            // Records that the manifest calls open lie there even if they have been published since.
            if open.contains(where: { $0 >= start.rawValue && $0 < segment.end.rawValue }) {
                kept.insert(segment.number)
            }
            if !usage.isFree(segment.number) { kept.insert(segment.number) }
            start = segment.end
        }
        do { try await log.release(upTo: LSN(rawValue: flushedEnd)) { kept.contains($0) } } catch {
            throw failed(error)
        }
    }

    private func removeEmptyDataSegments() async throws(DriveError) {
        await segmentGate.enter()
        defer { segmentGate.leave() }
        // The flush's own edit has taken the place of any that failed before it.
        let unnamed = unnamedDataFiles
        unnamedDataFiles = []
        do { for number in unnamed { try await dataFiles.remove(number) } } catch { throw failed(error) }
        let empty = allocator.empty().dropFirst(parameters.emptyDataSegmentsKept)
        guard !empty.isEmpty else { return }
        for number in empty { allocator.removeSegment(number) }
        try await appendToManifest(empty.map { ManifestFact.dataSegmentRemoved(number: $0) })
        do { for number in empty { try await dataFiles.remove(number) } } catch { throw failed(error) }
    }

    private func rollManifestIfLarge() async throws(DriveError) {
        guard manifest.editedBytes > max(parameters.manifestBytes, manifest.wholeBytes) else { return }
        do { try await manifest.roll() } catch { throw failed(error) }
    }

    // MARK: Compaction

    /// One step of compaction; false when nothing is to be done.
    package func compactOnce() async throws(DriveError) -> Bool {
        try checkWritable()
        await compactionGate.enter()
        defer { compactionGate.leave() }
        try checkWritable()
        // A compaction that failed gives its job back, so each attempt picks anew.
        let done = try await withReserve { () async throws(DriveError) -> IndexEdit? in
            guard let job = index.pickCompaction() else { return nil }
            return try await index.compact(job)
        }
        guard let edit = done else { return false }
        var facts = edit.removed.map { ManifestFact.tableRemoved(number: $0) }
        facts += edit.added.map { ManifestFact.tableAdded($0) }
        do { try await appendToManifest(facts) } catch {
            index.abandon(edit)
            throw error
        }
        install(edit)
        counters.compactions += 1
        try await index.removeReleasedFiles()
        return true
    }
}
