import Base
package import Drives

/// Drives that come and go while the set serves (rule 13), and the end.
extension ErasureSet {
    /// A slot's drive is back, or another is in its place. It joins the running epoch when that needs no new decision; else the
    /// set starts a new epoch with it.
    package func driveReturned(slot: Int, drive: any Drive) async throws(SetError) {
        if slots[slot].drive != nil { putAway(slot, "another drive was put in its place") }
        let recovery: DriveRecovery
        do throws(DriveError) { recovery = try await drive.recover() } catch {
            slots[slot].problem = "\(error)"
            slots[slot].former = drive
            return
        }
        let report = try SlotReport(slot: slot, drive: drive.identity.drive, recovery: recovery)
        guard slots[slot].drive == nil else { return }
        if case .starting = phase {
            // The start under way does not count it in; the housekeeping opens it again.
            slots[slot].former = drive
            return
        }
        slots[slot].former = nil
        slots[slot].drive = drive
        slots[slot].recovery = recovery
        switch phase {
        case .shutDown: throw .shutDown
        case .starting: return
        case .stopped: try await start()
        case .serving:
            if canJoin(report) { try await join(report, drive) } else { try await restart() }
        }
    }

    /// The operator's word that a slot's drive is gone for good: a blank one in its place is admitted at once.
    package func declareLost(slot: Int) async throws(SetError) {
        declaredLost.insert(slot)
        try await restart()
    }

    private func canJoin(_ report: SlotReport) -> Bool {
        isWritable && !needsStart && statement.opens.isEmpty && statement.members[report.slot].drive == report.drive
            && (report.promise?.epoch ?? 0) <= epoch && !report.isBlank
            && !statement.stale.contains(report.slot) && !statement.returning.contains(report.slot)
    }

    private func join(_ report: SlotReport, _ drive: any Drive) async throws(SetError) {
        let slot = report.slot, joined = epoch
        var isResolved = false
        do throws(DriveError) {
            if report.isDamaged { try await drive.setRebuilding(true, holdingUpTo: .zero) }
            try await drive.store(Promise(epoch: joined, leader: leader))
            if isCurrent(joined, slot, drive) {
                isResolved = true
                try await drive.resolve(joinVerdict())
            }
        } catch {
            if let current = slots[slot].drive, current === drive { putAway(slot, "\(error)") }
            return
        }
        guard isCurrent(joined, slot, drive) else {
            // The epoch ended meanwhile; a resolved drive has to be opened anew to be asked again.
            if isResolved, let current = slots[slot].drive, current === drive { putAway(slot, "the epoch ended") }
            needsStart = true
            return
        }
        slots[slot].recovery = nil
        slots[slot].incarnation += 1
        slots[slot].listener = SlotListener(set: self, incarnation: slots[slot].incarnation)
        slots[slot].isRebuilding = !report.votes
        slots[slot].votes = report.votes
        slots[slot].hasStatement = report.statements[statementPosition] != nil
        slots[slot].problem = nil
        slots[slot].isHere = true
        ledger.reset(slot: slot) { report.holds($0) || settings.broken.contains(.missedForgotten) }
        for position in report.pending.keys.sorted() where position.epoch == epoch { rejoin(position, slot, drive) }
        confirmMore()
    }

    private func isCurrent(_ epoch: UInt64, _ slot: Int, _ drive: any Drive) -> Bool {
        guard case .serving = phase, isWritable, self.epoch == epoch, let current = slots[slot].drive else {
            return false
        }
        return current === drive
    }

    /// What the drive has of this epoch, by what has become of it meanwhile.
    private func rejoin(_ position: Position, _ slot: Int, _ drive: any Drive) {
        guard let flight = flights[position.sequence] else {
            if isValid(position) { drive.publishNow(position) } else { drive.discardNow(position) }
            return
        }
        switch flight.state {
        case .decided: drive.publishNow(position)
        case .void: drive.discardNow(position)
        case .queued, .voiding:
            flights[position.sequence]?.durable.insert(slot)
            conclude(position.sequence)
        }
    }

    private func joinVerdict() -> SlotVerdict {
        var above: Set<Position> = [], undecided: Set<Position> = []
        for flight in flights.values {
            switch flight.state {
            case .decided: above.insert(flight.position)
            case .queued, .voiding: undecided.insert(flight.position)
            case .void: break
            }
        }
        return SlotVerdict(
            statement: statement, epoch: epoch, decided: decided, decidedAbove: above, undecided: undecided,
            isReturning: false, isReadOnly: false)
    }

    /// Ends the epoch and starts another: all drives are opened anew, because only their logs say what this epoch left behind.
    package func restart() async throws(SetError) {
        switch phase {
        case .shutDown: throw .shutDown
        case .starting:
            needsStart = true
            return
        case .stopped, .serving: break
        }
        phase = .stopped(.readQuorumLost(detail: "the set is starting"))
        isWritable = false
        failFlights()
        failLockWaiters(.writeQuorumLost(detail: "the set is starting"))
        for slot in slots.indices where slots[slot].drive != nil && slots[slot].recovery == nil {
            putAway(slot, "opened anew")
        }
        try await start()
    }

    /// Waits for commits under way and closes the drives.
    package func shutDown() async {
        if case .shutDown = phase { return }
        phase = .shutDown
        isWritable = false
        failLockWaiters(.shutDown)
        for slot in slots.indices {
            guard let drive = slots[slot].drive else { continue }
            await drive.shutDown()
            slots[slot].drive = nil
            slots[slot].listener = nil
            slots[slot].isHere = false
        }
        failFlights()
    }
}
