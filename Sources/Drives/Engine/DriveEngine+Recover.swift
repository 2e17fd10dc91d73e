package import Base
import Runtime

/// A record of the log above the flushed state.
struct ReplayItem {
    enum Content {
        /// Found again in `pending` by its position.
        case commit(Position)
        case caughtUp(CaughtUpRecord)
        case moves([MoveRecord])
    }
    var place: RecordPlace
    var content: Content
}

extension DriveEngine {
    package func recover() async throws(DriveError) -> DriveRecovery {
        precondition(phase == .closed, "a drive is opened once")
        lock = try await DriveFormat.openLocked(io, as: identity)
        do throws(DriveError) { return try await recoverLocked() } catch {
            // What can't be used gives its lock back: the directory may be mended, or emptied, and offered again.
            await end()
            throw error
        }
    }

    private func recoverLocked() async throws(DriveError) -> DriveRecovery {
        try await makeDirectories()
        try await manifest.open()
        // Its last edit may be in caches only. Durable before anything that it gives up is removed or used again: a power cut in
        // the middle of this start must find either the old state with its files or the new one.
        try await beginManifest()
        let state = manifest.state
        try await index.open(tables: state.tables.keys.sorted().compactMap { state.tables[$0] })
        for number in state.dataSegments.keys.sorted() {
            let pages = Int(state.dataSegments[number] ?? 0)
            allocator.addSegment(number, pages: pages, stored: state.allocation[number] ?? [])
        }
        measureIndex()
        usage = LogUsage(flushed: state.livePacked)
        (decided, confirmed, statement) = (state.decided, state.mark, state.statement)
        log.listener = self
        let recovered = try await recoverLog()
        try await dataFiles.check(known: Set(state.dataSegments.keys))
        // Durable before the log takes the place where the damage was.
        if !recovered.damages.isEmpty && !state.isDamaged {
            try await appendToManifest([.damaged(true)])
        }
        counters.damagedBatches = UInt64(recovered.damages.count + recovered.oldDamages.count)
        try await startLog(after: recovered)
        await measureSpace()
        phase = .recovered
        return try await recovery()
    }

    private func makeDirectories() async throws(DriveError) {
        do {
            for directory in ["log", "index", DataFiles.directory] { try await io.makeDirectory(directory) }
            try await io.syncDirectory("")
        } catch { throw .io(error) }
    }

    /// A full drive must still start: the reserve is given up for the new manifest if need be.
    private func beginManifest() async throws(DriveError) {
        hasReserve = await reserveExists()
        do throws(DriveError) { try await manifest.roll() } catch {
            guard case .io(.noSpace) = error, await giveUpReserve() else { throw error }
            try await manifest.roll()
        }
    }

    private func startLog(after recovered: LogRecovery) async throws(DriveError) {
        do throws(DriveError) { try await log.start(after: recovered) } catch {
            guard error.isNoSpace, await giveUpReserve() else { throw error }
            try await log.start(after: recovered)
        }
    }

    // MARK: The log

    private func recoverLog() async throws(DriveError) -> LogRecovery {
        let state = manifest.state
        let open = Set(state.openRecords), live = Set(state.livePacked.map(\.segment))
        let first = state.flushedLSN == 0 ? 0 : min(state.flushedLSN + 1, state.openRecords.first ?? .max)
        var byLSN: [UInt64: Position] = [:], missing = open
        let flushed = LSN(rawValue: state.flushedLSN == 0 ? 0 : state.flushedLSN + 1)
        var outcome = try await log.recover(
            from: LSN(rawValue: first), flushed: flushed, keeping: { live.contains($0) }
        ) {
            (found) throws(DriveError) in
            let lsn = found.lsn.rawValue
            guard lsn > state.flushedLSN || open.contains(lsn) else { return }
            missing.remove(lsn)
            let record: LogRecord
            do throws(MalformedField) { record = try RecordCodec.decode(found.bytes) } catch {
                throw .damagedFormat(what: "log record \(lsn): \(error.what)")
            }
            self.found(record, at: RecordPlace(lsn: lsn, location: found.location), isOpen: open.contains(lsn), &byLSN)
            self.storedLSN = max(self.storedLSN, lsn)
        }
        // The manifest names them: a log without them has lost them, however whole it looks.
        for lsn in missing.sorted() {
            outcome.damages.append(
                LogDamage(kind: .missingSegment, segment: 0, lsns: LSN(rawValue: lsn)..<LSN(rawValue: lsn + 1)))
        }
        storedLSN = max(storedLSN, state.flushedLSN)
        storedEnd = outcome.end.rawValue
        flushedEnd = first
        for position in pending.keys.sorted() {
            for extent in pending[position]?.extents ?? [] { allocator.hold(extent) }
        }
        for item in replay {
            if case .caughtUp(let record) = item.content { for extent in record.extents { allocator.hold(extent) } }
        }
        return outcome
    }

    private func found(_ record: LogRecord, at place: RecordPlace, isOpen: Bool, _ byLSN: inout [UInt64: Position]) {
        switch record {
        case .commit(let commit, let replaces):
            let position = commit.header.position
            if let replaces {
                // A repetition counts if what it repeats was still pending; else that one was published or dropped, and its
                // effects, or their end, are in the tables already.
                let known = byLSN.removeValue(forKey: replaces)
                guard isOpen || known == position else { return }
            }
            decided = max(decided, commit.header.decided)
            // Sent twice: the later record holds.
            if pending[position] != nil { replay.removeAll { $0.isCommit(position) } }
            byLSN[place.lsn] = position
            pending[position] = PendingCommit(record: commit, place: place, commit: nil)
            replay.append(ReplayItem(place: place, content: .commit(position)))
        case .caughtUp(let record):
            replay.append(ReplayItem(place: place, content: .caughtUp(record)))
        case .moves(let moves):
            replay.append(ReplayItem(place: place, content: .moves(moves)))
        }
    }

    private func recovery() async throws(DriveError) -> DriveRecovery {
        let state = manifest.state
        var found: [DriveRecovery.Pending] = []
        var held = try await flushedChanges(above: state.mark)
        var newest = state.statement
        for item in replay {
            switch item.content {
            case .commit(let position):
                guard let commit = pending[position] else { continue }
                found.append(commit.summary)
            case .caughtUp(let record):
                for change in record.positions where change.position > state.mark {
                    held[change.position] = ListedChange(keys: change.keys, superseded: [], note: change.note)
                }
                if let statement = record.statement, statement.position > newest?.position ?? .zero {
                    newest = statement
                }
            case .moves: break
            }
        }
        return DriveRecovery(
            isBlank: storedLSN == 0 && state.flushedLSN == 0 && state.tables.isEmpty && state.statement == nil,
            isRebuilding: state.isRebuilding, isDamaged: state.isDamaged, promise: state.promise, decided: decided,
            mark: state.mark, own: state.own, pending: found,
            changes: held.keys.sorted().compactMap { held[$0]?.change($0) },
            statement: newest)
    }

    // MARK: Verdicts

    package func resolve(_ verdict: any CommitVerdict) async throws(DriveError) {
        // `reserve` waits: until the end of replay the maps do not know yet what later records of the log hold.
        await resolveGate.enter()
        defer { resolveGate.leave() }
        guard phase == .recovered else { return }
        var voided: [Extent] = []
        var slice = Slice(time, parameters)
        // In log order. What `append` adds meanwhile comes behind, because it has higher LSNs.
        while resolvedCount < replay.count {
            let item = replay[resolvedCount]
            switch item.content {
            case .commit(let position): try await resolve(position, verdict.verdict(on: position), &voided)
            case .caughtUp(let record):
                for change in record.rowChanges(at: item.place) {
                    write(change, over: try await currentRow(change.key), by: nil)
                }
                heldThrough(record)
            case .moves(let moves):
                for move in moves { try await apply(move, at: item.place) }
            }
            resolvedCount += 1
            // The flush calls open what is not worked off yet.
            if needsFlush { try await flush() }
            if slice.isUsedUp { await slice.yield() }
        }
        // A void record's extent may be in the hands of a later one, and replay of earlier ones has given pending ones' away.
        for extent in voided { allocator.unreserve(extent) }
        for position in pending.keys.sorted() {
            for extent in pending[position]?.extents ?? [] { allocator.hold(extent) }
        }
        (replay, resolvedCount) = ([], 0)
        phase = .open
        for position in pending.keys.sorted() where pending[position]?.isDecided == true { publish(position) }
        for signal in [flushSignal, compactionSignal, cleaningSignal] { signal.raise() }
    }

    private func resolve(
        _ position: Position, _ verdict: Verdict, _ voided: inout [Extent]
    ) async throws(DriveError) {
        guard let commit = pending[position], let place = commit.place else { return }
        switch verdict {
        case .pending: return
        case .void:
            voided += commit.extents
            pending[position] = nil
        case .valid:
            for change in commit.rowChanges(at: place) {
                let old = try await currentRow(change.key)
                if let old, old.revision >= position {
                    skip(change)
                } else {
                    write(change, over: old, by: position)
                }
            }
            pending[position] = nil
            published(commit.record)
        }
    }

    package func pendingCommit(_ position: Position) async throws(DriveError) -> DriveCommit? {
        guard let pending = pending[position] else { return nil }
        if let commit = pending.commit { return commit }
        guard let place = pending.place else { return nil }
        return try await readBack(place)
    }

    /// A commit from its record, whole with its packed data.
    func readBack(_ place: RecordPlace) async throws(DriveError) -> DriveCommit {
        let slice = try await readLog(place.location)
        defer { withExtendedLifetime(slice) {} }
        let record: LogRecord
        do throws(MalformedField) { record = try RecordCodec.decode(slice.bytes) } catch {
            throw .damagedFormat(what: "log record \(place.lsn): \(error.what)")
        }
        guard case .commit(let commit, _) = record else { throw .damagedFormat(what: "log record \(place.lsn)") }
        let mutations = commit.rows.map { row -> Mutation in
            switch row.change {
            case .delete: return Mutation(key: row.key, change: .delete)
            case .put(let payload, let data):
                return Mutation(key: row.key, change: .put(payload: payload, data.attachment(in: slice)))
            }
        }
        return DriveCommit(
            header: commit.header, mutations: mutations, note: commit.note, supersededKeys: commit.supersededKeys)
    }
}

extension DriveEngine {
    func readLog(_ location: LogLocation) async throws(DriveError) -> BufferSlice {
        do { return try await log.read(location) } catch { throw .io(error) }
    }
}

extension ReplayItem {
    fileprivate func isCommit(_ position: Position) -> Bool {
        if case .commit(position) = content { true } else { false }
    }
}

extension PendingCommit {
    fileprivate var summary: DriveRecovery.Pending {
        let puts = record.rows.contains { if case .put = $0.change { true } else { false } }
        return DriveRecovery.Pending(
            header: record.header, keyHashes: record.keyHashes, note: record.note, hasData: true, deletesOnly: !puts)
    }
}
