import Base
import Drives
import ObjectFormat

/// Starting (rules 5, 6 and 13): promises, decisions, completions, the statement, and what the leader then knows.
extension ErasureSet {
    /// Why an attempt did not come through.
    enum Setback: Error {
        /// Something changed that the next attempt will see: a drive failed, a higher promise was met.
        case again
        case refused(SetError)
    }

    /// An undecided commit as the drives that have it pending hold it.
    typealias WholeCommit = [Int: DriveCommit]

    /// Opens the drives and takes the lead. Throws when nothing can be served, saying what is missing; may be called again.
    /// Read-only when fewer drives than the write quorum are here.
    package func start(declaringLost lost: SlotMask = SlotMask()) async throws(SetError) {
        declaredLost = declaredLost.union(lost)
        switch phase {
        case .starting: throw .readQuorumLost(detail: "the set is starting")
        case .shutDown: throw .shutDown
        case .stopped, .serving: phase = .starting
        }
        isWritable = false
        needsStart = false
        audit { $0.starts += 1 }
        leader = UniqueID(random: random)
        var reports: [Int: SlotReport] = [:]
        var problem = SetError.readQuorumLost(detail: "drives kept failing during the start")
        // Each attempt ends with one drive fewer, or with a higher epoch: a few always do.
        attempts: for _ in 0..<(slots.count + 4) {
            do throws(Setback) {
                try await attempt(&reports)
                return
            } catch {
                switch error {
                case .again: continue
                case .refused(let refusal):
                    problem = refusal
                    break attempts
                }
            }
        }
        if case .shutDown = phase { throw .shutDown }
        // A drive that was written to has to be opened anew to be asked again.
        for slot in slots.indices where slots[slot].drive != nil && slots[slot].recovery == nil {
            putAway(slot, "the start failed")
        }
        phase = .stopped(problem)
        failLockWaiters(problem)
        throw problem
    }

    private func attempt(_ reports: inout [Int: SlotReport]) async throws(Setback) {
        for slot in slots.indices where reports[slot] == nil || slots[slot].drive == nil {
            reports[slot] = try await report(slot)
        }
        let known = slots.indices.compactMap { reports[$0] }
        var rules = StartRules(quorum: quorum)
        rules.declaredLost = declaredLost
        rules.broken = settings.broken
        let plan: StartPlan
        do throws(SetError) { plan = try StartPlan(reports: known, rules: rules) } catch { throw .refused(error) }
        for refusal in plan.refused { slots[refusal.slot].problem = refusal.reason }
        for slot in plan.participants.slots where plan.admitted.contains(slot) || reports[slot]?.isDamaged == true {
            try await call(slot) { drive throws(DriveError) in try await drive.setRebuilding(true, holdingUpTo: .zero) }
        }
        if plan.writable { try await takePromises(plan, &reports) }

        let members = plan.participants.slots.compactMap { reports[$0] }
        let undecided = StartDecision.undecided(plan, members)
        let whole = try await gather(undecided, plan, reports)
        let decision = StartDecision(plan, members, evidence: evidence(whole), rules: rules)
        if plan.writable {
            for position in decision.completions {
                try await complete(position, plan, decision, whole[position] ?? [:], &reports)
            }
            try await state(plan, decision, &reports)
        }
        await lead(plan, decision, whole, reports)
    }

    /// The drive's report, if there is a drive and it opens.
    private func report(_ slot: Int) async throws(Setback) -> SlotReport? {
        if slots[slot].drive == nil {
            if let former = slots[slot].former { await former.shutDown() }
            slots[slot].former = nil
            slots[slot].recovery = nil
            slots[slot].drive = await source?.openDrive(slot: slot)
        }
        guard let drive = slots[slot].drive else { return nil }
        slots[slot].isHere = false
        slots[slot].comparison = nil
        let recovery: DriveRecovery
        do throws(DriveError) {
            if let told = slots[slot].recovery { recovery = told } else { recovery = try await drive.recover() }
        } catch {
            putAway(slot, "\(error)")
            return nil
        }
        // Kept until a start writes: one that is refused may be tried again when more drives are here.
        slots[slot].recovery = recovery
        slots[slot].problem = nil
        do throws(SetError) {
            return try SlotReport(slot: slot, drive: drive.identity.drive, recovery: recovery)
        } catch { throw .refused(error) }
    }

    /// One call on a slot's drive; a failure puts the drive away and begins the start anew.
    private func call(_ slot: Int, _ body: (any Drive) async throws(DriveError) -> Void) async throws(Setback) {
        guard let drive = slots[slot].drive else { throw .again }
        do throws(DriveError) { try await body(drive) } catch {
            putAway(slot, "\(error)")
            throw .again
        }
    }

    /// Rule 5: the epoch is ours only when every drive that takes part has stored the promise.
    private func takePromises(_ plan: StartPlan, _ reports: inout [Int: SlotReport]) async throws(Setback) {
        let promise = Promise(epoch: plan.epoch, leader: leader)
        for slot in plan.participants.slots {
            guard let drive = slots[slot].drive else { throw .again }
            do throws(DriveError) { try await drive.store(promise) } catch {
                if case .promisedHigher(let other) = error {
                    reports[slot]?.promise = other
                } else {
                    putAway(slot, "\(error)")
                }
                throw .again
            }
            reports[slot]?.promise = promise
        }
    }

    // MARK: Undecided commits

    private func gather(
        _ undecided: [Position: SlotReport.Record], _ plan: StartPlan, _ reports: [Int: SlotReport]
    ) async throws(Setback) -> [Position: WholeCommit] {
        var whole: [Position: WholeCommit] = [:]
        for position in undecided.keys.sorted() {
            for slot in plan.here.slots where reports[slot]?.pending[position] != nil {
                try await call(slot) { drive throws(DriveError) in
                    do throws(DriveError) {
                        whole[position, default: [:]][slot] = try await drive.pendingCommit(position)
                    } catch {
                        // Its packed data is damaged: the record counts, the share does not.
                        guard error.isDamage else { throw error }
                    }
                }
            }
        }
        return whole
    }

    private func evidence(_ whole: [Position: WholeCommit]) -> [Position: [StartDecision.Evidence]] {
        whole.mapValues { commits in
            guard let commit = commits.min(by: { $0.key < $1.key })?.value else { return [] }
            var rows: [StartDecision.Evidence] = []
            for mutation in commit.mutations {
                guard let layout = mutation.attachedLayout else { continue }
                let needed = RowFormat.shares(of: layout, in: quorum.all).needed
                let shares = SlotMask(commits.keys.filter { commits[$0]?.share(of: mutation.key) != nil })
                rows.append(.init(keyHash: mutation.key.changeHash, needed: needed, shares: shares))
            }
            return rows
        }
    }

    /// Sends an undecided commit to the drives that lack it. Only when all of them have it does the start go on.
    private func complete(
        _ position: Position, _ plan: StartPlan, _ decision: StartDecision, _ commits: WholeCommit,
        _ reports: inout [Int: SlotReport]
    ) async throws(Setback) {
        guard let (_, model) = commits.min(by: { $0.key < $1.key }) else { throw .again }
        let hashes = model.mutations.map(\.key.changeHash)
        audit { $0.completed += 1 }
        for slot in plan.here.slots {
            guard let report = reports[slot], !report.holds(position) else { continue }
            slots[slot].recovery = nil
            let newer = decision.superseded(hashes, at: position, on: report)
            var commit = model
            if plan.rebuilding.contains(slot) { commit.header.confirmed = .zero }
            commit.supersededKeys = hashes.filter(newer.contains)
            commit.mutations = []
            for mutation in model.mutations where !newer.contains(mutation.key.changeHash) {
                commit.mutations.append(try await rebuilt(mutation, position, slot: slot, commits, plan.here))
            }
            let waiter = AppendWaiter(), ready = commit
            try await call(slot) { drive throws(DriveError) in
                drive.appendNow(ready, reportingTo: waiter)
                try await waiter.wait()
            }
            reports[slot]?.pending[position] = .init(header: commit.header, keyHashes: hashes, note: commit.note)
        }
    }

    /// The mutation with the share that `slot` has to hold, made from the shares in the other drives' records.
    private func rebuilt(
        _ mutation: Mutation, _ position: Position, slot: Int, _ commits: WholeCommit, _ here: SlotMask
    ) async throws(Setback) -> Mutation {
        guard case .put(let payload, _) = mutation.change else { return mutation }
        var attachment = Attachment.none
        if let layout = mutation.attachedLayout, RowFormat.shares(of: layout, in: quorum.all).on.contains(slot) {
            do throws(SetError) {
                attachment = try await plane.rebuild(
                    layout, key: mutation.key, revision: position, slot: slot,
                    shares: commits.compactMapValues { $0.share(of: mutation.key) }, on: driveSnapshot(here))
            } catch { throw .again }
        }
        return Mutation(key: mutation.key, change: .put(payload: payload, attachment))
    }

    // MARK: The statement

    private func state(
        _ plan: StartPlan, _ decision: StartDecision, _ reports: inout [Int: SlotReport]
    ) async throws(Setback) {
        let position = Position(epoch: plan.epoch, sequence: 1)
        let header = CommitHeader(
            kind: .statement, position: position, decided: decision.decided, confirmed: .zero,
            membership: decision.statement.membership, sent: plan.participants.rawValue)
        let commit = DriveCommit(header: header, mutations: [], note: decision.statement.encoded())
        // A newcomer does not count towards the statement that admits it, and hears of it only when it holds (rule 13):
        // until then it is still blank, and the next start may take it or another.
        let others = await store(commit, decision.statement, on: plan.here, &reports)
        guard others.count >= min(quorum.write, plan.admitted.isEmpty ? .max : plan.here.count) else { throw .again }
        let durable = others.union(await store(commit, decision.statement, on: plan.admitted, &reports))
        guard durable.count >= quorum.write else { throw .again }
    }

    /// Where the statement has become durable.
    private func store(
        _ commit: DriveCommit, _ statement: Statement, on targets: SlotMask, _ reports: inout [Int: SlotReport]
    ) async -> SlotMask {
        var waiters: [(slot: Int, waiter: AppendWaiter)] = []
        for slot in targets.slots {
            guard let drive = slots[slot].drive else { continue }
            let waiter = AppendWaiter()
            slots[slot].recovery = nil
            drive.appendNow(commit, reportingTo: waiter)
            waiters.append((slot, waiter))
        }
        var durable = SlotMask()
        for (slot, waiter) in waiters {
            do throws(DriveError) {
                try await waiter.wait()
                durable.insert(slot)
                let position = commit.header.position
                reports[slot]?.pending[position] = .init(header: commit.header, keyHashes: [], note: commit.note)
                reports[slot]?.statements[position] = statement
                reports[slot]?.isBlank = false
            } catch { putAway(slot, "\(error)") }
        }
        return durable
    }

    // MARK: Leading

    private func lead(
        _ plan: StartPlan, _ decision: StartDecision, _ whole: [Position: WholeCommit], _ reports: [Int: SlotReport]
    ) async {
        epoch = plan.epoch
        sequence = plan.writable ? 1 : 0
        statement = decision.statement
        statementPosition = plan.writable ? Position(epoch: epoch, sequence: 1) : plan.basePosition
        statementInFlight = nil
        wanted = WantedStatement()
        decided = plan.writable ? statementPosition : decision.decided
        carriedDecided = .zero
        failFlights()
        flights = [:]
        busy = [:]
        openKeys = decision.statement.opens.keys.sorted().flatMap { position in
            whole[position]?.min { $0.key < $1.key }?.value.mutations.map(\.key) ?? []
        }
        openHashes = Set(decision.statement.opens.values.joined())
        audit { audit in audit.suspects += decision.suspects }
        for slot in plan.participants.slots { await resolve(slot, plan, decision, reports[slot]) }
        buildLedger(plan, decision, reports)
        if case .shutDown = phase { return }
        phase = .serving
        areCountersKnown = await loadCounters(plan, reports)
        if plan.writable && areCountersKnown && here.count >= quorum.write {
            isWritable = true
        } else {
            needsStart = true
        }
        declaredLost = declaredLost.subtracting(plan.admitted)
        confirmMore()
        if isWritable { tellDrives() }
    }

    private func resolve(
        _ slot: Int, _ plan: StartPlan, _ decision: StartDecision, _ report: SlotReport?
    ) async {
        guard let drive = slots[slot].drive, let report else { return }
        let verdict = SlotVerdict(
            statement: statement, epoch: epoch, decided: decided, decidedAbove: [], undecided: [],
            isReturning: statement.returning.contains(slot), isReadOnly: !plan.writable)
        do throws(DriveError) { try await drive.resolve(verdict) } catch {
            putAway(slot, "\(error)")
            return
        }
        // What this start has sent the drive, in an attempt that did not come through too, is in nobody's replay: a later attempt
        // takes such commits for settled, and the drive would count as holding them without ever showing them.
        for position in report.pending.keys.sorted() {
            switch verdict.verdict(on: position) {
            case .valid: drive.publishNow(position)
            case .void: drive.discardNow(position)
            case .pending: continue
            }
        }
        if plan.writable { drive.publishNow(statementPosition) }
        slots[slot].incarnation += 1
        slots[slot].listener = SlotListener(set: self, incarnation: slots[slot].incarnation)
        slots[slot].outstanding = 0
        slots[slot].isLate = false
        slots[slot].isRebuilding = plan.rebuilding.contains(slot) || plan.admitted.contains(slot)
        slots[slot].votes = report.votes && !plan.admitted.contains(slot)
        slots[slot].hasStatement = report.statements[statementPosition] != nil
        slots[slot].comparison = nil
        slots[slot].recovery = nil
        slots[slot].isHere = true
    }

    /// The change list as the drives here tell it.
    private func buildLedger(_ plan: StartPlan, _ decision: StartDecision, _ reports: [Int: SlotReport]) {
        let told = plan.participants.slots.compactMap { reports[$0] }
        let mark = told.filter(\.votes).map(\.mark).max() ?? .zero
        ledger = SetLedger(drives: quorum.drives, confirmed: mark)
        var listed: [Position: [UInt64]] = [:]
        for report in told {
            report.forEachPosition { position, hashes in
                if position > mark && isValid(position) && listed[position]?.isEmpty != false {
                    listed[position] = hashes
                }
            }
        }
        for position in listed.keys.sorted() {
            let hashes = listed[position] ?? []
            let held = hashes.isEmpty ? plan.participants : SlotMask(told.filter { $0.holds(position) }.map(\.slot))
            ledger.insert(position, keyHashes: hashes, held: held)
        }
    }

    /// Whether a position is decided by what the leader knows.
    func isValid(_ position: Position) -> Bool {
        guard position.epoch == epoch else { return statement.isValidBefore(position, epoch: epoch) }
        if statement.voids.contains(position) { return false }
        if position <= decided { return true }
        return flights[position.sequence]?.state == .decided
    }

    // MARK: Counters

    /// Rows, then the changes of valid commits above the position that each row has folded in (rule 16).
    private func loadCounters(_ plan: StartPlan, _ reports: [Int: SlotReport]) async -> Bool {
        var loaded = Counters(position: decided, stored: ledger.confirmed)
        var foldedUpTo: [CounterKey: Position] = [:]
        var from = IndexKey(CounterRow.prefix)
        let end = IndexKey.after(CounterRow.prefix)
        while true {
            let page: [IndexEntry]
            do throws(SetError) { page = try await entries(from: from, to: end, limit: 512) } catch { return false }
            guard let last = page.last else { break }
            for entry in page {
                guard let payload = RowFormat.decode(entry.payload)?.payload, let row = CounterRow.decode(payload),
                    let key = CounterRow.key(decoding: entry.key.bytes)
                else { continue }
                loaded.load(key, row.counter)
                foldedUpTo[key] = row.position
            }
            from = IndexKey.after(key: last.key)
        }
        let notes = CounterNotes(plan.participants.slots.compactMap { reports[$0] }, isValid: isValid)
        for (position, change) in notes.changes where position > foldedUpTo[change.key] ?? .zero {
            loaded.replay(change)
        }
        loaded.endReplay()
        counters = loaded
        return true
    }
}

/// The counter changes that the drives' notes tell, each once.
struct CounterNotes {
    private(set) var changes: [(position: Position, change: CounterChange)] = []

    init(_ reports: [SlotReport], isValid: (Position) -> Bool) {
        var notes: [Position: [UInt8]] = [:]
        for report in reports {
            for (position, record) in report.pending where !record.note.isEmpty { notes[position] = record.note }
            for (position, change) in report.settled where !change.note.isEmpty { notes[position] = change.note }
        }
        var own: [(Position, [CounterChange])] = []
        var closed: Set<Position> = []
        for position in notes.keys.sorted() where isValid(position) {
            guard let note = notes[position] else { continue }
            if let statement = Statement(note: note) {
                for count in statement.counts where closed.insert(count.position).inserted {
                    changes += count.changes.map { (position, $0) }
                }
            } else if let carried = CommitNote.decode(note) {
                own.append((position, carried))
            }
        }
        for (position, carried) in own where !closed.contains(position) { changes += carried.map { (position, $0) } }
    }
}

extension Mutation {
    /// The layout of the data attached to the row itself.
    var attachedLayout: DataLayout? {
        guard case .put(let payload, _) = change else { return nil }
        return RowFormat.decode(payload)?.attached
    }
}

extension DriveCommit {
    /// This drive's share of the data attached to the row; nil when it has none.
    func share(of key: IndexKey) -> Attachment? {
        for mutation in mutations where mutation.key == key {
            if case .put(_, let attachment) = mutation.change {
                if case .none = attachment { return nil }
                return attachment
            }
        }
        return nil
    }
}
