import Base
import Drives

/// Housekeeping: repair, drives to be opened again, the idle mark, counters.
extension ErasureSet {
    /// Runs until cancelled. Started once by the composition root.
    package func run() async {
        var sinceReopen = Duration.zero, sinceCounters = Duration.zero, sinceCommit = Duration.zero
        var lastTick = lastCommitTick
        while !Task.isCancelled {
            let isWorking = await repairStep()
            let pause = isWorking ? Duration.milliseconds(1) : settings.repairEvery
            do { try await executor.sleep(for: pause) } catch { return }
            sinceReopen += pause
            sinceCounters += pause
            sinceCommit = lastTick == lastCommitTick ? sinceCommit + pause : .zero
            lastTick = lastCommitTick
            if sinceReopen >= settings.reopenEvery {
                sinceReopen = .zero
                await reopenDrives()
            }
            if sinceCounters >= settings.countersEvery {
                sinceCounters = .zero
                await storeCounters()
            }
            if sinceCommit >= settings.idle { await markIdle() }
        }
    }

    /// Drives that are away and can be opened again come back; a set without its quorum is started anew when that may help.
    package func reopenDrives() async {
        guard let source else { return }
        for slot in slots.indices where slots[slot].drive == nil {
            switch phase {
            case .shutDown, .starting: return
            case .stopped, .serving: break
            }
            if let former = slots[slot].former { await former.shutDown() }
            slots[slot].former = nil
            guard slots[slot].drive == nil, let drive = await source.openDrive(slot: slot) else { continue }
            // A start that fails says why in the slot or the phase; the next round tries again.
            try? await driveReturned(slot: slot, drive: drive)
        }
        if needsStart, case .serving = phase, slots.count(where: { $0.drive != nil }) >= quorum.write {
            try? await restart()
        }
    }

    /// An empty commit that carries the decided position to every drive (rule 1).
    package func markIdle() async {
        guard case .serving = phase, isWritable, flights.isEmpty, carriedDecided < decided,
            decided.sequence > carriedDecided.sequence + 1 || decided.epoch != carriedDecided.epoch
        else { return }
        _ = try? await commit { _ in [] }
    }

    /// Writes the counters that changed since they were written last.
    package func storeCounters() async {
        guard case .serving = phase, isWritable, counters.isDirty, !isStoringCounters else { return }
        isStoringCounters = true
        defer { isStoringCounters = false }
        let snapshot = counters.snapshot(), began = epoch
        var index = 0
        while index < snapshot.rows.count {
            let rows = snapshot.rows[index..<min(index + 256, snapshot.rows.count)]
            index += rows.count
            do throws(SetError) {
                _ = try await commit { _ in
                    rows.map { row in
                        .put(
                            key: IndexKey(CounterRow.key(row.key)),
                            payload: CounterRow.encode(row.counter, foldedUpTo: snapshot.position), data: nil)
                    }
                }
            } catch { return }
            guard epoch == began else { return }
        }
        counters.didStore(snapshot)
        confirmMore()
    }
}
