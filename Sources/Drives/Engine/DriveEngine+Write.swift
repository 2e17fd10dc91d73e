package import Base

/// Whether somebody reads what a key's row names, and what was freed meanwhile.
struct Pin {
    var count = 0
    var extents: [Extent] = []
    var segments: [UInt32] = []
}

/// A row that was written over something which only the tables know.
struct ReplacedRow {
    var key: IndexKey
    var generation: UInt64
    /// The commit that did it; nil for a state that was copied.
    var position: Position?
    /// Extents that the new row names too: they stay.
    var kept: [Extent]
}

/// What a record does to one row.
struct RowChange {
    var key: IndexKey
    /// nil deletes.
    var row: (revision: Position, payload: [UInt8], stored: IndexEntry.Stored)?
}

extension DriveCommit {
    /// True for a commit that brings data, or rows without deleting any. A delete makes room even if it writes a small row too,
    /// such as a delete marker's.
    var takesSpace: Bool {
        var puts = false, deletes = false
        for mutation in mutations {
            switch mutation.change {
            case .delete: deletes = true
            case .put(_, .none): puts = true
            case .put(_, .packed), .put(_, .extents): return true
            }
        }
        return puts && !deletes
    }
}

extension IndexEntry.Stored {
    var extentList: [Extent] { if case .extents(let extents, _, _) = self { extents } else { [] } }
}

extension DriveEngine {
    // MARK: Append

    package func append(_ commit: DriveCommit, reportingTo listener: any AppendListener) {
        let position = commit.header.position
        lastAppend = time.monotonicNanoseconds()
        if let refusal = refusal(of: commit) {
            report(position, .failure(refusal), to: listener)
            return
        }
        let encoded = RecordCodec.encode(commit)
        let record = CommitRecord(commit, headBytes: encoded.head.count)
        let entry = PendingCommit(record: record, place: nil, commit: commit)
        do throws(DriveError) {
            try enqueue(encoded, .commit(position, listener, attempts: 0), freesSpace: !commit.takesSpace)
        } catch {
            report(position, .failure(error), to: listener)
            return
        }
        pending[position] = entry
        for extent in entry.extents { allocator.hold(extent) }
    }

    /// Why a commit is not taken into the log at all; nil when it is.
    private func refusal(of commit: DriveCommit) -> DriveError? {
        do { try checkWritable() } catch { return error }
        var hasPuts = false
        for mutation in commit.mutations {
            guard mutation.key.bytes.count <= IndexLimits.keyBytes else { return .damagedFormat(what: "key too long") }
            guard case .put(let payload, _) = mutation.change else { continue }
            hasPuts = true
            guard payload.count + 128 <= IndexLimits.valueBytes / 2 else {
                return .damagedFormat(what: "payload too long")
            }
        }
        // Deletes and statements go on when the drive is full: they are what makes room (rule 18).
        let isRefused = hasPuts && commit.header.kind == .commit && commit.takesSpace && (isFull || isCrowded)
        return isRefused ? .noSpace : nil
    }

    /// A commit's record is durable.
    func stored(_ position: Position, at place: RecordPlace, _ listener: any AppendListener) {
        if let header = pending[position]?.record.header { note(decided: header.decided, confirmed: header.confirmed) }
        pending[position]?.place = place
        pending[position]?.commit = nil
        reportDurable(position, to: listener)
        if pending[position]?.isDecided == true { publish(position) }
    }

    /// A commit's record is not durable, or not known to be.
    func notStored(_ position: Position, _ error: DriveError, _ listener: any AppendListener) {
        // Its extents stay held while it is not known whether the record is there; without a record they are the writer's.
        pending[position] = nil
        report(position, .failure(error), to: listener)
    }

    // MARK: Publish

    package func publish(_ position: Position) {
        guard let commit = pending[position] else { return }
        guard phase == .open, let place = commit.place else {
            pending[position]?.isDecided = true
            return
        }
        pending[position] = nil
        for change in commit.rowChanges(at: place) { apply(change, by: position) }
        published(commit.record)
        if !replaced.isEmpty || needsFlush { flushSignal.raise() }
    }

    package func discard(_ position: Position) {
        guard let commit = pending.removeValue(forKey: position) else { return }
        for extent in commit.extents { allocator.unreserve(extent) }
    }

    func published(_ record: CommitRecord) {
        changeList.add(record.header.position, record.listed)
        if record.header.kind == .statement { takeStatement((record.header.position, record.note)) }
    }

    func takeStatement(_ new: (position: Position, note: [UInt8])) {
        if let statement, statement.position >= new.position { return }
        statement = new
    }

    /// Writes a row and frees what it replaces. What is only in tables is looked up later, before this memtable's flush ends.
    ///
    /// By a commit the row is written only over older revisions: a drive that holds the later takes nothing earlier.
    func apply(_ change: RowChange, by position: Position?) {
        switch index.memtableRow(change.key) {
        case .row(let value):
            let old = decoded(value, change.key)
            if let position, let old, old.revision >= position { return skip(change) }
            write(change, over: old, by: position)
        case .tombstone: write(change, over: nil, by: position)
        case .absent:
            replaced.append(
                ReplacedRow(
                    key: change.key, generation: generation, position: position,
                    kept: change.row?.stored.extentList ?? []))
            write(change, over: nil, by: position)
        }
    }

    /// Writes a row whose predecessor is known.
    func write(_ change: RowChange, over old: IndexEntry?, by position: Position?) {
        let kept = change.row?.stored.extentList ?? []
        if let row = change.row {
            let value = RowEnvelope.encode(revision: row.revision, stored: row.stored, payload: row.payload)
            index.put(change.key, value)
            if case .packed(let location) = row.stored {
                usage.add(Int(location.count), to: location.segment, generation: generation)
            }
            for extent in kept { allocator.use(extent, generation: generation) }
        } else {
            index.delete(change.key)
        }
        if let old { free(old, kept: kept, generation: generation, by: position) }
    }

    /// A row that is not written: what its record brought is free.
    func skip(_ change: RowChange) {
        for extent in change.row?.stored.extentList ?? [] {
            allocator.unreserve(extent)
        }
    }

    func decoded(_ value: [UInt8], _ key: IndexKey) -> IndexEntry? {
        do { return try RowEnvelope.decode(value, key: key) } catch {
            // The index's blocks are checksummed, so this is a defect, not damage. The space is found by `verify`.
            counters.damagedRows += 1
            return nil
        }
    }

    // MARK: Freeing (rule 7)

    func free(_ old: IndexEntry, kept: [Extent], generation: UInt64, by position: Position?) {
        let isEarly = parameters.broken.contains(.freedEarly)
        let isPinned = pins[old.key] != nil && !isEarly
        switch old.stored {
        case .none: break
        case .packed(let location):
            usage.remove(Int(location.count), from: location.segment, generation: generation)
            if isPinned {
                usage.hold(location.segment)
                pins[old.key]?.segments.append(location.segment)
            }
        case .extents(let extents, _, _):
            for extent in extents where !kept.contains(extent) {
                let waits = !isEarly && position.map { $0 > decided } ?? false
                allocator.free(extent, kept: isPinned || waits, generation: generation)
                if isPinned {
                    freedHolds[extent, default: 0] += 1
                    pins[old.key]?.extents.append(extent)
                }
                if waits, let position {
                    freedHolds[extent, default: 0] += 1
                    freed.append((position, generation, extent))
                }
            }
        }
    }

    /// Ends one reason to keep a freed extent.
    private func letGo(_ extent: Extent) {
        let holds = (freedHolds[extent] ?? 1) - 1
        freedHolds[extent] = holds > 0 ? holds : nil
        if holds == 0 { allocator.letGo(extent) }
    }

    /// Lets go of extents whose freeing commit is known as decided to any later start: it is at or below the decided position
    /// that records carry from now on, or in a table. Before, a start could find the commit undecided, the old row in force,
    /// and the extent in a later commit's hands.
    func releaseFreed(flushed: UInt64 = 0) {
        guard !freed.isEmpty else { return }
        for entry in freed where entry.by <= decided || entry.generation <= flushed {
            letGo(entry.extent)
        }
        freed.removeAll { $0.by <= decided || $0.generation <= flushed }
    }

    package func pin(_ key: IndexKey) { pins[key, default: Pin()].count += 1 }

    package func unpin(_ key: IndexKey) {
        guard var pin = pins.removeValue(forKey: key) else { return }
        pin.count -= 1
        guard pin.count == 0 else {
            pins[key] = pin
            return
        }
        for extent in pin.extents { letGo(extent) }
        for segment in pin.segments { usage.unhold(segment) }
    }

    /// Looks up what rows of generations up to `limit` replaced in the tables, and frees it.
    func workOffReplaced(upTo limit: UInt64) async throws(DriveError) {
        await replacedGate.enter()
        defer { replacedGate.leave() }
        var slice = Slice(time, parameters)
        while let next = replaced.first, next.generation <= limit {
            let old = try await tableRow(next.key)
            replaced.popFirst()
            if let old { free(old, kept: next.kept, generation: next.generation, by: next.position) }
            if slice.isUsedUp { await slice.yield() }
        }
    }

    /// The row as the tables have it, memtables left out.
    func tableRow(_ key: IndexKey) async throws(DriveError) -> IndexEntry? {
        guard let value = try await index.tableValue(key) else { return nil }
        return try RowEnvelope.decode(value, key: key)
    }

    /// The row as memtables and tables have it.
    func currentRow(_ key: IndexKey) async throws(DriveError) -> IndexEntry? {
        guard let value = try await index.get(key) else { return nil }
        return try RowEnvelope.decode(value, key: key)
    }

    // MARK: Caught-up state

    package func append(_ state: CaughtUpState, reportingTo listener: any AppendListener) {
        let position = state.positions.map(\.position).max() ?? state.rows.compactMap(\.revision).max() ?? .zero
        lastAppend = time.monotonicNanoseconds()
        do { try checkWritable() } catch {
            report(position, .failure(error), to: listener)
            return
        }
        let encoded = RecordCodec.encode(state)
        let record = CaughtUpRecord(state, headBytes: encoded.head.count)
        do throws(DriveError) {
            try enqueue(encoded, .caughtUp(record, position, listener), freesSpace: false)
        } catch {
            report(position, .failure(error), to: listener)
            return
        }
        for extent in record.extents { allocator.hold(extent) }
    }

    func caughtUp(_ record: CaughtUpRecord, at place: RecordPlace) {
        guard phase == .open else {
            replay.append(ReplayItem(place: place, content: .caughtUp(record)))
            return
        }
        for change in record.rowChanges(at: place) { apply(change, by: nil) }
        heldThrough(record)
        flushSignal.raise()
    }

    func heldThrough(_ record: CaughtUpRecord) {
        for change in record.positions {
            changeList.add(change.position, ListedChange(keys: change.keys, superseded: [], note: change.note))
        }
        if let statement = record.statement { takeStatement(statement) }
    }
}
