import Base
import Drives
import ObjectFormat
import Runtime

/// Bringing drives in step again (rule 11): the present state of what they missed, a bounded amount at a time.
extension ErasureSet {
    /// One piece of repair. False when there was nothing to do, or nothing that could be done now.
    package func repairStep() async -> Bool {
        guard case .serving = phase, isWritable else { return false }
        var didWork = false
        for slot in here.slots where slots[slot].isHere && !slots[slot].isLate {
            if slots[slot].isRebuilding {
                didWork = await rebuildStep(slot) || didWork
            } else {
                didWork = await catchUpStep(slot, above: .zero) || didWork
                didWork = await mendStep(slot) || didWork
            }
            guard case .serving = phase, isWritable else { return didWork }
        }
        return didWork
    }

    /// Whether every member is here, whole and in step.
    package var isFullyRedundant: Bool {
        guard case .serving = phase, here == quorum.all else { return false }
        return slots.indices.allSatisfy { !slots[$0].isRebuilding && slots[$0].hasStatement && ledger.isInStep($0) }
    }

    /// Copies the oldest positions that the drive missed.
    func catchUpStep(_ slot: Int, above floor: Position) async -> Bool {
        if !slots[slot].hasStatement, !(await giveStatement(slot)) { return false }
        let missed = ledger.missed(slot, above: floor, limit: 16)
        guard !missed.isEmpty else { return false }
        let listed = await listedKeys(missed)
        guard !listed.isEmpty else { return false }
        let copy = beginCopy(slot)
        defer { endCopy(copy) }
        var rows: [IndexKey: CaughtUpState.Row?] = [:]
        var done: [ChangedKeys] = []
        var bytes = 0
        for change in listed {
            guard rows.count < settings.repairRows, bytes < settings.repairBytes else { break }
            for key in change.keys where rows[key] == nil {
                guard bytes < settings.repairBytes, let row = await present(key, for: copy) else { break }
                rows[key] = .some(row.row)
                bytes += 2 * key.bytes.count + (row.row?.byteCount ?? 0)
            }
            // What can't be copied now holds up only itself.
            if change.keys.allSatisfy({ rows[$0] != nil }) { done.append(change) }
        }
        // The state is queued in the step that finds that nothing has touched its keys since they were read.
        done.removeAll { change in !change.keys.allSatisfy { isUntouched($0, copy) } }
        guard !done.isEmpty else {
            // More than a record holds belongs to one commit: what is here goes first, and is found there the next time.
            let first = rows.keys.sorted().filter { isUntouched($0, copy) }.compactMap { rows[$0] ?? nil }
            guard bytes >= settings.repairBytes, !first.isEmpty else { return false }
            return await append(CaughtUpState(rows: first, positions: []), copy)
        }
        let keys = Set(done.flatMap(\.keys))
        let state = CaughtUpState(rows: keys.sorted().compactMap { rows[$0] ?? nil }, positions: done)
        guard await append(state, copy) else { return false }
        for change in done { ledger.markHeld(change.position, slot: slot) }
        confirmMore()
        return true
    }

    /// Makes one damaged row's share anew from the other drives.
    private func mendStep(_ slot: Int) async -> Bool {
        guard let key = slots[slot].damaged.min() else { return false }
        let copy = beginCopy(slot)
        defer { endCopy(copy) }
        guard let found = await present(key, for: copy, isDamaged: true), isUntouched(key, copy) else {
            // Not now; the next read that meets the damage names it again.
            slots[slot].damaged.remove(key)
            return false
        }
        slots[slot].damaged.remove(key)
        guard let row = found.row else { return true }
        return await append(CaughtUpState(rows: [row], positions: []), copy)
    }

    /// The statement in force, for a drive that missed it.
    func giveStatement(_ slot: Int) async -> Bool {
        let copy = beginCopy(slot), position = statementPosition
        defer { endCopy(copy) }
        let state = CaughtUpState(rows: [], positions: [], statement: (position, statement.encoded()))
        guard await append(state, copy) else { return false }
        if position == statementPosition { slots[slot].hasStatement = true }
        return true
    }

    /// The keys in full of listed positions, asked of drives that hold them.
    func listedKeys(_ entries: [SetLedger.Entry]) async -> [ChangedKeys] {
        var found: [Position: ChangedKeys] = [:]
        for entry in entries where found[entry.position] == nil {
            for slot in entry.held.intersection(here).slots {
                guard let drive = slots[slot].drive else { continue }
                let wanted = entries.filter { found[$0.position] == nil && $0.held.contains(slot) }.map(\.position)
                do throws(DriveError) {
                    for change in try await drive.changedKeys(wanted) { found[change.position] = change }
                } catch { faulted(slot, drive, error) }
                if found[entry.position] != nil { break }
            }
        }
        return entries.compactMap { found[$0.position] }
    }

    // MARK: One copy

    /// A copy under way: what it was begun under, and the watch that sees commits on its keys.
    struct Copy {
        let slot: Int
        let drive: (any Drive)?
        let epoch: UInt64
        let watch: Int
    }

    func beginCopy(_ slot: Int) -> Copy {
        nextWatch += 1
        watches[nextWatch] = []
        return Copy(slot: slot, drive: slots[slot].drive, epoch: epoch, watch: nextWatch)
    }

    func endCopy(_ copy: Copy) { watches[copy.watch] = nil }

    private func isCurrent(_ copy: Copy) -> Bool {
        guard case .serving = phase, epoch == copy.epoch, slots[copy.slot].isHere, let drive = slots[copy.slot].drive
        else {
            return false
        }
        return drive === copy.drive
    }

    /// No commit on the key is under way, and none has begun since the copy did.
    func isUntouched(_ key: IndexKey, _ copy: Copy) -> Bool {
        if settings.broken.contains(.copyRace) { return true }
        let hash = key.changeHash
        return busy[hash] == nil && !openHashes.contains(hash) && watches[copy.watch]?.contains(hash) == false
    }

    /// What a copy has to write for a key; `row` nil when the drive has it already.
    struct Present { var row: CaughtUpState.Row? }

    /// The present state of a key, with the share that the slot has to hold; nil when that can't be told or made now.
    func present(_ key: IndexKey, for copy: Copy, isDamaged: Bool = false) async -> Present? {
        guard isUntouched(key, copy), isCurrent(copy), let target = copy.drive else { return nil }
        let current: (entry: IndexEntry, payload: [UInt8], attached: DataLayout?)?
        do throws(SetError) {
            current = try await ask(.key(key.changeHash), avoiding: SlotMask([copy.slot])) { drive throws(DriveError) in
                try await drive.entry(key)
            }
        } catch { return nil }
        let own: IndexEntry?
        do throws(DriveError) { own = try await target.entry(key) } catch { own = nil }
        guard let current else {
            return Present(row: own == nil ? nil : .init(key: key, revision: nil, payload: [], attachment: .none))
        }
        let entry = current.entry
        var attachment = Attachment.none
        if let layout = current.attached, RowFormat.shares(of: layout, in: quorum.all).on.contains(copy.slot) {
            if !isDamaged, let own, own.revision == entry.revision, await hasShare(own, target) {
                return Present(row: nil)
            }
            guard isCurrent(copy) else { return nil }
            do throws(SetError) {
                attachment = try await plane.rebuild(
                    layout, key: key, revision: entry.revision, slot: copy.slot, shares: [:],
                    on: driveSnapshot(here))
            } catch { return nil }
        } else if !isDamaged, let own, own.revision == entry.revision, own.payload == entry.payload {
            return Present(row: nil)
        }
        return Present(
            row: .init(key: key, revision: entry.revision, payload: entry.payload, attachment: attachment))
    }

    /// Whether the drive's own share is there; packed data is read, which verifies its checksum.
    private func hasShare(_ entry: IndexEntry, _ drive: any Drive) async -> Bool {
        switch entry.stored {
        case .none: return false
        case .extents: return true
        case .packed(let location):
            do throws(DriveError) { _ = try await drive.read(location) } catch { return false }
            return true
        }
    }

    /// Queues a state and waits until it is applied.
    func append(_ state: CaughtUpState, _ copy: Copy) async -> Bool {
        guard isCurrent(copy), let drive = copy.drive else { return false }
        let waiter = AppendWaiter()
        drive.appendNow(state, reportingTo: waiter)
        do throws(DriveError) { try await waiter.wait() } catch {
            faulted(copy.slot, drive, error)
            return false
        }
        guard isCurrent(copy) else { return false }
        audit { $0.rowsCopied += state.rows.count }
        return true
    }
}

extension CaughtUpState.Row {
    /// What the row takes in a record: large data is in its extents already.
    var byteCount: Int {
        guard case .packed(let slice, _) = attachment else { return key.bytes.count + payload.count }
        return key.bytes.count + payload.count + slice.count
    }
}
