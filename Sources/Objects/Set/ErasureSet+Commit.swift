package import Base
import Drives
import ObjectFormat

/// Commits (rules 1, 3, 6 running, 14): position and queues in one step, decision by countdown, statements inside the epoch.
extension ErasureSet {
    package func commit(_ build: @Sendable (Position) -> [SetChange]) async throws(SetError) -> Position {
        try checkWritable()
        let position = Position(epoch: epoch, sequence: sequence + 1)
        let prepared = PreparedCommit(build(position), quorum: quorum)
        let targets = takers.intersection(prepared.allowed)
        guard targets.count >= quorum.write else {
            throw .writeQuorumLost(
                detail: "\(targets.count) drives have the data or keep up, \(quorum.write) are needed to write")
        }
        sequence += 1
        let flight = CommitFlight(
            position: position, keyHashes: prepared.keyHashes, targets: targets, copies: prepared.copies,
            counts: prepared.counts, statement: nil)
        let result = await withCheckedContinuation { (waiter: CommitFlight.Waiter) in
            var flight = flight
            flight.waiter = waiter
            enter(flight, note: CommitNote.encode(prepared.counts), prepared)
        }
        try result.get()
        return position
    }

    /// Gives a commit to the queues of its drives. No suspension, so all drives get positions in the same order.
    func enter(_ flight: CommitFlight, note: [UInt8], _ prepared: PreparedCommit) {
        let number = flight.position.sequence
        flights[number] = flight
        for hash in flight.keyHashes { busy[hash, default: 0] += 1 }
        for watch in watches.keys { watches[watch]?.formUnion(flight.keyHashes) }
        carriedDecided = decided
        lastCommitTick += 1
        var taken = SlotMask()
        for slot in flight.targets.slots {
            guard let drive = slots[slot].drive, let listener = slots[slot].listener else {
                flights[number]?.waiting.remove(slot)
                continue
            }
            taken.insert(slot)
            slots[slot].outstanding += 1
            drive.appendNow(
                DriveCommit(
                    header: header(flight, slot: slot), mutations: prepared.mutations(slot: slot), note: note),
                reportingTo: listener)
        }
        prepared.handOver(to: taken)
        flights[number]?.isEntering = false
        conclude(number)
    }

    private func header(_ flight: CommitFlight, slot: Int) -> CommitHeader {
        CommitHeader(
            kind: flight.statement == nil ? .commit : .statement, position: flight.position, decided: decided,
            confirmed: slots[slot].isRebuilding ? .zero : confirmed, membership: statement.membership,
            sent: flight.targets.rawValue)
    }

    /// Change lists are kept up to here: confirmed by all members, and counted by the counter rows (rules 11 and 16).
    var confirmed: Position { min(ledger.confirmed, counters.stored) }

    // MARK: Answers

    func driveAnswered(_ position: Position, slot: Int, incarnation: UInt64, _ result: Result<Void, DriveError>) {
        guard slots[slot].incarnation == incarnation else { return }
        slots[slot].outstanding -= 1
        if slots[slot].outstanding == 0 { slots[slot].isLate = false }
        let number = position.sequence
        guard position.epoch == epoch, flights[number] != nil else { return }
        flights[number]?.waiting.remove(slot)
        switch result {
        case .success:
            flights[number]?.durable.insert(slot)
            switch flights[number]?.state {
            case .decided:
                slots[slot].drive?.publishNow(position)
                ledger.markHeld(position, slot: slot)
                if position == statementPosition { slots[slot].hasStatement = true }
            case .void: slots[slot].drive?.discardNow(position)
            case .queued, .voiding, nil:
                if settings.broken.contains(.pendingVisible) { slots[slot].drive?.publishNow(position) }
            }
        case .failure(let error):
            if case .noSpace = error { flights[number]?.ranOutOfSpace = true }
            heardFault(slot, error)
        }
        conclude(number)
        confirmMore()
    }

    /// Looks at a commit after something about it changed.
    func conclude(_ number: UInt64) {
        guard let flight = flights[number] else { return }
        let ackEarly = settings.broken.contains(.ackEarly)
        switch flight.conclusion(quorum, ackEarly: ackEarly) {
        case .none: break
        case .decide: decide(number)
        case .giveUp: giveUp(number)
        }
        settle(number)
    }

    /// Answers the caller if that is possible now, and forgets the commit when nothing about it is left to do.
    private func settle(_ number: UInt64) {
        guard let flight = flights[number] else { return }
        switch flight.answer(quorum, late: late, ackEarly: settings.broken.contains(.ackEarly)) {
        case .wait: break
        case .acknowledge:
            flights[number]?.waiter = nil
            flight.waiter?.resume(returning: .success(()))
        case .unknown:
            flights[number]?.waiter = nil
            flight.waiter?.resume(returning: .failure(.outcomeUnknown))
        }
        guard let flight = flights[number], flight.state == .decided || flight.state == .void, flight.waiting.isEmpty,
            flight.waiter == nil
        else { return }
        flights[number] = nil
        for hash in flight.keyHashes {
            let left = (busy[hash] ?? 1) - 1
            busy[hash] = left == 0 ? nil : left
        }
    }

    private func decide(_ number: UInt64) {
        guard let flight = flights[number] else { return }
        flights[number]?.state = .decided
        var held = SlotMask()
        for slot in flight.durable.slots where slots[slot].isHere {
            slots[slot].drive?.publishNow(flight.position)
            held.insert(slot)
        }
        if flight.keyHashes.isEmpty { held = held.union(here) }
        ledger.insert(flight.position, keyHashes: flight.keyHashes, held: held)
        if !flight.keyHashes.isEmpty || !flight.counts.isEmpty { lastChange = max(lastChange, flight.position) }
        counters.decided(flight.position, flight.counts)
        if let statement = flight.statement { statementDecided(statement, at: flight.position, on: flight.durable) }
        if !flight.waiting.isEmpty {
            flights[number]?.graceRound = graceRound
            startGrace()
        }
        advance()
    }

    /// Moves the decided position over everything that is decided or void.
    func advance() {
        while decided.epoch == epoch, decided.sequence < sequence {
            let next = decided.sequence + 1
            if let flight = flights[next], flight.state == .queued || flight.state == .voiding { break }
            decided.sequence = next
        }
        counters.advance(to: decided)
        confirmMore()
        commitsSinceNote += 1
        if commitsSinceNote >= 32 { tellDrives() }
    }

    /// Lets drives know how far everything is decided and confirmed: flushes use it.
    func tellDrives() {
        commitsSinceNote = 0
        for slot in here.slots {
            slots[slot].drive?.noteNow(decided: decided, confirmed: slots[slot].isRebuilding ? .zero : confirmed)
        }
    }

    func confirmMore() {
        guard isWritable else { return }
        let members = quorum.all.subtracting(statement.stale)
        guard members.isSubset(of: here) else { return }
        var limit = Position(epoch: decided.epoch, sequence: decided.sequence + 1)
        if let open = statement.opens.keys.min() { limit = min(limit, open) }
        ledger.confirm(members: members, below: limit)
    }

    // MARK: Grace

    /// One timer for the set: a drive that is still out when it has run once in full since a commit was decided is late.
    private func startGrace() {
        guard !isGraceRunning else { return }
        isGraceRunning = true
        executor.spawn { await self.grace() }
    }

    private func grace() async {
        graceRound += 1
        // Cancelled at shutdown: the round then ends early, which harms nothing.
        try? await executor.sleep(for: settings.grace)
        isGraceRunning = false
        var isMore = false
        for number in flights.keys.sorted() {
            guard let flight = flights[number], flight.state == .decided, let round = flight.graceRound else {
                continue
            }
            if round < graceRound {
                for slot in flight.waiting.slots { slots[slot].isLate = true }
                settle(number)
            } else {
                isMore = true
            }
        }
        if isMore, case .serving = phase { startGrace() }
    }

    // MARK: Statements inside the epoch

    /// A commit misses its quorum (rule 6, running). It was never acknowledged, so a statement makes it void.
    private func giveUp(_ number: UInt64) {
        guard let flight = flights[number] else { return }
        guard flight.statement == nil, here.count >= quorum.write else {
            loseWriteQuorum()
            return
        }
        flights[number]?.state = .voiding
        wanted.voids.insert(flight.position)
        pumpStatement()
    }

    /// Issues the next statement if one is wanted and none is under way.
    func pumpStatement() {
        guard statementInFlight == nil, isWritable, !wanted.isEmpty else { return }
        var next = statement
        next.counts = []
        next.voids.formUnion(wanted.voids)
        next.stale = next.stale.union(wanted.stale.subtracting(here))
        next.returning = next.returning.subtracting(wanted.readmitted)
        wanted = WantedStatement()
        sequence += 1
        let flight = CommitFlight(
            position: Position(epoch: epoch, sequence: sequence), keyHashes: [], targets: here, copies: nil, counts: [],
            statement: next)
        statementInFlight = sequence
        enter(flight, note: next.encoded(), PreparedCommit([], quorum: quorum))
    }

    private func statementDecided(_ new: Statement, at position: Position, on durable: SlotMask) {
        let voids = new.voids.subtracting(statement.voids)
        statement = new
        statementPosition = position
        statementInFlight = nil
        for slot in slots.indices { slots[slot].hasStatement = durable.contains(slot) }
        for void in voids.sorted() { becomeVoid(void) }
        pumpStatement()
        // A drive that came back while it was being recorded stale has to be admitted by a start.
        if !new.stale.intersection(here).isEmpty { executor.spawn { try? await self.restart() } }
    }

    private func becomeVoid(_ position: Position) {
        let number = position.sequence
        guard position.epoch == epoch, let flight = flights[number] else { return }
        flights[number]?.state = .void
        flights[number]?.waiter = nil
        for slot in flight.durable.slots { slots[slot].drive?.discardNow(position) }
        audit { $0.voided += 1 }
        flight.waiter?.resume(
            returning: .failure(
                flight.ranOutOfSpace ? .noSpace : .writeQuorumLost(detail: "too few drives stored the commit")))
        settle(number)
    }
}
