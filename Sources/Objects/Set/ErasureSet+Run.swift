package import Base
import Drives

/// Housekeeping: repair, drives to be opened again, the idle mark, counters.
extension ErasureSet {
    /// Runs until cancelled. Started once by the composition root.
    package func run() async {
        var sinceLook = Duration.zero, sinceReopen = Duration.zero, sinceCounters = Duration.zero,
            sinceCommit = Duration.zero
        var lastTick = lastCommitTick
        while !Task.isCancelled {
            let isWorking = await repairStep()
            let pause = isWorking ? Duration.milliseconds(1) : settings.repairEvery
            do { try await executor.sleep(for: pause) } catch { return }
            sinceLook += pause
            sinceReopen += pause
            sinceCounters += pause
            sinceCommit = lastTick == lastCommitTick ? sinceCommit + pause : .zero
            lastTick = lastCommitTick
            if sinceLook >= settings.lookEvery {
                sinceLook = .zero
                await lookAtDrives()
            }
            if sinceReopen >= settings.reopenEvery {
                sinceReopen = .zero
                await reopenDrives()
            }
            if sinceCounters >= settings.countersEvery {
                sinceCounters = .zero
                await storeCounters()
            }
            if sinceCommit >= settings.idle { await markIdle() }
            if ledger.count >= settings.listMax {
                for slot in quorum.all.subtracting(here).slots { recordStale(slot: slot) }
            }
        }
    }

    /// Puts drives away whose directory is gone or somebody else's.
    package func lookAtDrives() async {
        guard let source else { return }
        for slot in slots.indices {
            guard slots[slot].isHere, let drive = slots[slot].drive else { continue }
            guard let problem = await source.disappearance(of: drive.identity) else { continue }
            guard let current = slots[slot].drive, current === drive else { continue }
            putAway(slot, problem)
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
        guard case .serving = phase, isWritable, flights.isEmpty, carriedDecided < lastChange else { return }
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

/// The set as its operators see it.
package struct SetStatus: Sendable {
    package struct Slot: Sendable {
        package var isHere: Bool
        package var isRebuilding: Bool
        package var isLate: Bool
        /// Listed commits that it does not hold.
        package var missed: Int
        package var hasStatement: Bool
        package var problem: String?
    }
    package var isServing: Bool
    package var isWritable: Bool
    package var needsStart: Bool
    package var epoch: UInt64
    package var decided: Position
    package var confirmed: Position
    package var listed: Int
    package var inFlight: Int
    package var open: Int
    package var members: [UniqueID]
    package var slots: [Slot]

    /// Drives that hold everything.
    package var whole: SlotMask {
        SlotMask(
            slots.indices.filter {
                slots[$0].isHere && !slots[$0].isRebuilding && slots[$0].missed == 0 && slots[$0].hasStatement
            })
    }
}

extension ErasureSet {
    package var status: SetStatus {
        var isServing = false
        if case .serving = phase { isServing = true }
        return SetStatus(
            isServing: isServing, isWritable: isServing && isWritable, needsStart: needsStart, epoch: epoch,
            decided: decided, confirmed: ledger.confirmed, listed: ledger.count, inFlight: flights.count,
            open: statement.opens.count, members: statement.members.map(\.drive),
            slots: slots.indices.map { index in
                let slot = slots[index]
                return .init(
                    isHere: slot.isHere, isRebuilding: slot.isRebuilding, isLate: slot.isLate,
                    missed: ledger.missedCount(index), hasStatement: slot.hasStatement, problem: slot.problem)
            })
    }

    /// Records a drive that is away as stale (rule 11): the change list no longer waits for it.
    package func recordStale(slot: Int) {
        guard isWritable, !slots[slot].isHere, !statement.stale.contains(slot) else { return }
        wanted.stale.insert(slot)
        pumpStatement()
    }
}
