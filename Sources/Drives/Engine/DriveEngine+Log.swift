import Base

/// What a record in the log's queue is, until its batch has ended.
enum QueuedRecord {
    case commit(Position, any AppendListener, attempts: Int)
    case caughtUp(CaughtUpRecord, Position, any AppendListener)
    case moves([MoveRecord], UnsafeContinuation<Result<Void, DriveError>, Never>)
    /// A pending commit appended again, because the segment that it lies in is to be released.
    case commitAgain(CommitRecord, UnsafeContinuation<Result<Void, DriveError>, Never>)
}

/// An answer that waits: behind others, or because the drive is behind with its background work.
struct DelayedReport {
    var position: Position
    var result: Result<Void, DriveError>
    var listener: any AppendListener
    var due: UInt64
}

extension DriveEngine: LogListener {
    /// Hands a record to the log, in the caller's step.
    func enqueue(_ record: EncodedRecord, _ queuedRecord: QueuedRecord, freesSpace: Bool) throws(DriveError) {
        let token = nextToken
        let parts = [LogPart.bytes(record.head)] + record.pieces.map { .slice($0) }
        do { try log.append(parts, token: token, freesSpace: freesSpace) } catch { throw failed(error) }
        nextToken += 1
        queued[token] = queuedRecord
    }

    func failed(_ error: LogError) -> DriveError {
        switch error {
        case .poisoned(let cause):
            poison(cause)
            return .poisoned(cause: cause)
        case .noSpace:
            isShortOfSpace = true
            return .noSpace
        // Back-pressure of the same kind: the drive cannot take this now.
        case .queueFull: return .noSpace
        case .recordTooLarge: return .damagedFormat(what: "a record larger than the log takes")
        case .closed: return .shutDown
        }
    }

    package nonisolated func logStored(_ entries: [LogEntry]) {
        assumeIsolated { engine in
            engine.counters.batches += 1
            if let last = entries.last {
                // Batches are padded to whole pages.
                engine.storedEnd = (last.lsn.rawValue + UInt64(last.location.count) + 4095) & ~4095
            }
            for entry in entries {
                engine.storedLSN = entry.lsn.rawValue
                engine.counters.records += 1
                guard let record = engine.queued.removeValue(forKey: entry.token) else { continue }
                engine.ended(record, at: RecordPlace(lsn: entry.lsn.rawValue, location: entry.location))
            }
            if engine.needsFlush { engine.flushSignal.raise() }
        }
    }

    package nonisolated func logFailed(_ tokens: [UInt64], _ error: LogError) {
        assumeIsolated { engine in
            let cause = engine.failed(error)
            for token in tokens {
                guard let record = engine.queued.removeValue(forKey: token) else { continue }
                engine.ended(record, cause)
            }
        }
    }

    private func ended(_ record: QueuedRecord, at place: RecordPlace) {
        switch record {
        case .commit(let position, let listener, _): stored(position, at: place, listener)
        case .caughtUp(let record, let position, let listener):
            caughtUp(record, at: place)
            reportDurable(position, to: listener)
        case .moves(let moves, let continuation):
            // Held until each is applied: nothing else names the new place before.
            usage.hold(place.segment)
            movesToApply.append((moves, place))
            continuation.resume(returning: .success(()))
        case .commitAgain(let record, let continuation):
            // Published or dropped meanwhile: then the repetition means nothing.
            if let old = pending[record.header.position] {
                pending[record.header.position] = PendingCommit(record: record, place: place, isDecided: old.isDecided)
            }
            continuation.resume(returning: .success(()))
        }
    }

    private func ended(_ record: QueuedRecord, _ error: DriveError) {
        switch record {
        case .commit(let position, let listener, let attempts):
            guard error.isNoSpace, pending[position]?.commit?.takesSpace == false else {
                return notStored(position, error, listener)
            }
            starved.append(StarvedCommit(position: position, listener: listener, attempts: attempts))
            guard !isFeeding else { return }
            isFeeding = true
            executor.spawn { [self] in await feedStarved() }
        case .caughtUp(_, let position, let listener): report(position, .failure(error), to: listener)
        case .moves(_, let continuation), .commitAgain(_, let continuation):
            continuation.resume(returning: .failure(error))
        }
    }

    // MARK: Answers

    /// Tells that a record is durable; later if background work is behind, so that writers slow down in proportion (rule 18).
    func reportDurable(_ position: Position, to listener: any AppendListener) {
        let delay = writeDelay
        if delay == 0 && reports.isEmpty {
            listener.appended(position, slot: identity.slot, .success(()))
        } else {
            enqueueReport(position, .success(()), listener, after: delay)
        }
    }

    /// Tells of a refusal, never in the step of the call that is refused.
    func report(_ position: Position, _ result: Result<Void, DriveError>, to listener: any AppendListener) {
        enqueueReport(position, result, listener, after: 0)
    }

    private func enqueueReport(
        _ position: Position, _ result: Result<Void, DriveError>, _ listener: any AppendListener, after delay: UInt64
    ) {
        let due = max(lastReportDue, time.monotonicNanoseconds() + delay)
        lastReportDue = due
        reports.append(DelayedReport(position: position, result: result, listener: listener, due: due))
        guard !isReporting else { return }
        isReporting = true
        executor.spawn { [self] in await sendReports() }
    }

    private func sendReports() async {
        while let next = reports.first {
            let now = time.monotonicNanoseconds()
            if next.due > now {
                // Nobody cancels this task; if it were, the reports would go out at once.
                try? await executor.sleep(for: .nanoseconds(Int64(clamping: next.due - now)))
            }
            reports.popFirst()
            next.listener.appended(next.position, slot: identity.slot, next.result)
        }
        isReporting = false
    }

    /// How long an answer is held back now: nothing until a flush or compaction is behind, `delayMax` when it is far behind.
    private var writeDelay: UInt64 {
        let (seconds, attoseconds) = parameters.delayMax.components
        let most = Double(seconds) * 1e9 + Double(attoseconds) / 1e9
        let memory = Double(index.memtableBytes) / Double(max(1, parameters.memtableBytes)) - 1
        let debt = max(memory, compactionDebt - 1)
        return debt <= 0 ? 0 : UInt64(most * min(1, debt))
    }
}
