import Base
import Drives

/// Rebuilding (rule 12): a comparison in key order with drives that can answer, then the changes since, then the change list
/// and the statement; only then is the drive intact.
extension ErasureSet {
    func rebuildStep(_ slot: Int) async -> Bool {
        if slots[slot].comparison == nil { slots[slot].comparison = RebuildProgress(began: decided) }
        guard let progress = slots[slot].comparison else { return false }
        if !progress.isCompared { return await compare(slot, progress) }
        if await catchUpStep(slot, above: progress.began) { return true }
        guard ledger.missed(slot, above: progress.began, limit: 1).isEmpty, statement.opens.isEmpty else {
            return false
        }
        return await finishRebuilding(slot, progress)
    }

    /// Compares one page of keys.
    private func compare(_ slot: Int, _ progress: RebuildProgress) async -> Bool {
        let copy = beginCopy(slot)
        defer { endCopy(copy) }
        let limit = settings.repairRows
        guard let drive = copy.drive,
            let page = try? await entries(
                from: progress.cursor, to: RebuildProgress.end, limit: limit, avoiding: SlotMask([slot]))
        else { return false }
        var upper = page.count == limit ? page.last.map { IndexKey.after(key: $0.key) } : nil
        var own: [IndexEntry] = []
        do throws(DriveError) {
            own = try await drive.entries(from: progress.cursor, to: upper ?? RebuildProgress.end, limit: limit)
        } catch {
            faulted(slot, drive, error)
            return false
        }
        if own.count == limit, let last = own.last {
            upper = min(upper ?? RebuildProgress.end, IndexKey.after(key: last.key))
        }
        let bound = upper ?? RebuildProgress.end
        let keys = Set(page.map(\.key) + own.map(\.key)).filter { $0 < bound }.sorted()
        var rows: [CaughtUpState.Row] = []
        var done = bound, bytes = 0
        var isEnd = upper == nil
        for key in keys {
            // A record takes so much: the next step goes on here.
            guard bytes < settings.repairBytes else {
                done = key
                isEnd = false
                break
            }
            guard let present = await present(key, for: copy) else {
                done = key
                isEnd = false
                break
            }
            if let row = present.row {
                rows.append(row)
                bytes += row.byteCount
            }
        }
        if let touched = keys.first(where: { $0 < done && !isUntouched($0, copy) }) {
            done = touched
            isEnd = false
        }
        rows.removeAll { $0.key >= done }
        if !rows.isEmpty {
            guard await append(CaughtUpState(rows: rows, positions: []), copy) else { return false }
        }
        guard slots[slot].isHere, let now = slots[slot].drive, now === drive, slots[slot].comparison != nil else {
            return false
        }
        let isProgress = done > progress.cursor || isEnd
        slots[slot].comparison?.cursor = done
        slots[slot].comparison?.isCompared = isEnd
        return isProgress
    }

    private func finishRebuilding(_ slot: Int, _ progress: RebuildProgress) async -> Bool {
        let copy = beginCopy(slot)
        defer { endCopy(copy) }
        // Everything up to `began` was compared, so the drive holds it: it takes over the list, to tell it on.
        let lacking = ledger.missed(slot, limit: 256, withoutKeys: true)
            .filter { $0.position <= progress.began || $0.keyHashes.isEmpty }
        if !lacking.isEmpty {
            let listed = await listedKeys(lacking.filter { !$0.keyHashes.isEmpty })
            guard listed.count == lacking.filter({ !$0.keyHashes.isEmpty }).count else { return false }
            var taken: [ChangedKeys] = [], bytes = 0
            for change in listed where bytes < settings.repairBytes {
                taken.append(change)
                bytes += change.keys.reduce(0) { $0 + $1.bytes.count }
            }
            if !taken.isEmpty {
                guard await append(CaughtUpState(rows: [], positions: taken), copy) else { return false }
            }
            for entry in lacking where entry.keyHashes.isEmpty { ledger.markHeld(entry.position, slot: slot) }
            for change in taken { ledger.markHeld(change.position, slot: slot) }
            confirmMore()
            return true
        }
        guard await giveStatement(slot), let drive = copy.drive else { return false }
        do throws(DriveError) {
            try await drive.setRebuilding(false, holdingUpTo: progress.began)
        } catch {
            faulted(slot, drive, error)
            return false
        }
        guard case .serving = phase, epoch == copy.epoch, let now = slots[slot].drive, now === drive else {
            return false
        }
        slots[slot].isRebuilding = false
        slots[slot].votes = true
        slots[slot].comparison = nil
        audit { $0.drivesRebuilt += 1 }
        if statement.returning.contains(slot) {
            wanted.readmitted.insert(slot)
            pumpStatement()
        }
        confirmMore()
        tellDrives()
        return true
    }
}
