package import Base
package import Drives

/// Rule 6 as a function of what the drives told: which positions are valid, void or open, and what has to be completed.
package struct StartDecision: Sendable {
    /// A row of an undecided commit that carries data: how many shares it needs and on which drives they are.
    package struct Evidence: Sendable {
        package var keyHash: UInt64
        package var needed: Int
        package var shares: SlotMask
        package init(keyHash: UInt64, needed: Int, shares: SlotMask) {
            self.keyHash = keyHash
            self.needed = needed
            self.shares = shares
        }
    }
    package enum Outcome: Hashable, Sendable { case decided, complete, open, void }

    /// What the new epoch's first commit says.
    package private(set) var statement: Statement
    package private(set) var outcomes: [Position: Outcome] = [:]
    /// In ascending order.
    package private(set) var completions: [Position] = []
    /// Void, and perhaps acknowledged before more than m drives went: reported and audited.
    package private(set) var suspects: [Position] = []
    package private(set) var decided: Position
    /// Newest valid position by key.
    package private(set) var later: [UInt64: Position] = [:]

    private let plan: StartPlan
    private let quorum: Quorum
    private let broken: Set<BrokenRule>

    /// The undecided positions of a start: above the highest decided position found, settled by nothing else.
    package static func undecided(_ plan: StartPlan, _ reports: [SlotReport]) -> [Position: SlotReport.Record] {
        guard let base = plan.base else { return [:] }
        let intact = reports.filter { plan.intact.contains($0.slot) }
        let here = reports.filter { plan.here.contains($0.slot) }
        let decided = highestDecided(intact)
        let epoch = plan.basePosition.epoch
        func isSettled(_ position: Position) -> Bool {
            if position.epoch < epoch { return base.opens[position] == nil }
            return base.voids.contains(position) || base.dones.contains(position)
                || (position.epoch == epoch && position <= decided) || position == plan.basePosition
        }
        var found: [Position: SlotReport.Record] = [:]
        for report in intact {
            for (position, record) in report.pending
            where position > decided && position.epoch >= epoch && !isSettled(position) {
                found[position] = record
            }
        }
        for position in base.opens.keys where !here.contains(where: { $0.isProof(of: position) }) {
            if let record = intact.lazy.compactMap({ $0.pending[position] }).first { found[position] = record }
        }
        return found
    }

    private static func highestDecided(_ intact: [SlotReport]) -> Position {
        intact.map { max($0.decided, $0.mark) }.max() ?? .zero
    }

    package init(
        _ plan: StartPlan, _ reports: [SlotReport], evidence: [Position: [Evidence]], rules: StartRules
    ) {
        self.plan = plan
        quorum = rules.quorum
        broken = rules.broken
        statement = plan.statement
        statement.counts = []
        let intact = reports.filter { plan.intact.contains($0.slot) }
        let here = reports.filter { plan.here.contains($0.slot) }
        decided = Self.highestDecided(intact)
        guard let base = plan.base else { return }

        let undecided = Self.undecided(plan, reports)
        if broken.contains(.voidForgotten) { statement.voids = [] }
        var opens: [Position: [UInt64]] = [:]
        for (position, hashes) in base.opens where undecided[position] == nil {
            if !here.contains(where: { $0.isProof(of: position) }) {
                statement.voids.insert(position)
                outcomes[position] = .void
            } else {
                outcomes[position] = .decided
                for hash in hashes { later[hash] = max(later[hash] ?? .zero, position) }
            }
        }
        var proven: Set<Position> = []
        for report in here { proven.formUnion(report.settled.keys) }
        for position in undecided.keys where here.contains(where: { position <= $0.mark }) { proven.insert(position) }
        let highest = decided, voids = statement.voids
        var newest = later
        for report in intact {
            report.forEachPosition { position, hashes in
                guard undecided[position] == nil, !voids.contains(position),
                    position <= highest || proven.contains(position)
                else { return }
                for hash in hashes { newest[hash] = max(newest[hash] ?? .zero, position) }
            }
        }
        later = newest

        for position in undecided.keys.sorted(by: >) {
            guard let record = undecided[position] else { continue }
            let superseded =
                !record.keyHashes.isEmpty
                && record.keyHashes.allSatisfy { (later[$0] ?? .zero) > position }
            let outcome: Outcome
            if proven.contains(position) && base.opens[position] == nil || superseded {
                outcome = .decided
            } else {
                outcome = decide(position, record, here, evidence[position])
            }
            outcomes[position] = outcome
            switch outcome {
            case .void: statement.voids.insert(position)
            case .open: opens[position] = record.keyHashes
            case .complete, .decided:
                decided = max(decided, position)
                for hash in record.keyHashes { later[hash] = max(later[hash] ?? .zero, position) }
                if outcome == .complete { completions.append(position) }
            }
        }
        completions.reverse()
        suspects.sort()
        endEpochs(intact, opens, highest)
        for (position, hashes) in opens { statement.opens[position] = hashes }
        for position in base.opens.keys where opens[position] == nil { statement.opens[position] = nil }
        statement.dones = []
        statement.returning = base.returning.union(base.stale.intersection(plan.here))
            .subtracting(plan.admitted)
        statement.stale = base.stale.subtracting(plan.participants)
        countClosedOpens(base, undecided, here)
        raiseFloor(intact, here)
        if !plan.writable {
            // Nothing can be completed, so nothing that would have to be is shown (rule 5).
            for position in completions {
                statement.opens[position] = undecided[position]?.keyHashes ?? []
                outcomes[position] = .open
            }
            completions = []
            // Drives must not hear of a decided position that stands on opens which no statement on them names.
            decided = highest
        }
    }

    private mutating func decide(
        _ position: Position, _ record: SlotReport.Record, _ here: [SlotReport], _ evidence: [Evidence]?
    ) -> Outcome {
        let present = here.filter { $0.holds(position) }.count
        if present >= quorum.write { return .decided }
        var away = 0, lost = 0
        for slot in SlotMask(rawValue: record.header.sent).slots where slot < quorum.drives {
            if !statement.isSameMember(slot, membership: record.header.membership) {
                lost += 1
            } else if let report = here.first(where: { $0.slot == slot }) {
                if !report.holds(position) && !report.votes { lost += 1 }
            } else {
                away += 1
            }
        }
        // Without a readable record there is nothing to complete.
        let isRebuildable =
            evidence.map { rows in
                rows.allSatisfy { row in
                    (later[row.keyHash] ?? .zero) > position
                        || row.shares.count >= row.needed
                }
            } ?? false
        if isRebuildable { return .complete }
        let anyAway = plan.participants.count < quorum.drives
        if anyAway && present + away + lost >= quorum.write && !broken.contains(.voidWhatIsAway) { return .open }
        if present + lost >= quorum.write { suspects.append(position) }
        return .void
    }

    /// States, for the epochs from the base statement's on, where each ends, and that the holes in it are void.
    private mutating func endEpochs(_ intact: [SlotReport], _ opens: [Position: [UInt64]], _ highest: Position) {
        var known: Set<Position> = []
        for report in intact { report.forEachPosition { position, _ in known.insert(position) } }
        let first = plan.basePosition.epoch
        var ends: [UInt64: UInt64] = [:]
        for position in known where position.epoch >= first && !statement.voids.contains(position) {
            ends[position.epoch] = max(ends[position.epoch] ?? 0, position.sequence)
        }
        for position in [highest, plan.basePosition] + Array(opens.keys) where position.epoch >= first {
            ends[position.epoch] = max(ends[position.epoch] ?? 0, position.sequence)
        }
        for epoch in ends.keys.sorted() {
            guard let end = ends[epoch], end > 0 else { continue }
            let start = highest.epoch > epoch ? end + 1 : highest.epoch == epoch ? highest.sequence + 1 : 1
            for sequence in stride(from: start, through: end, by: 1) {
                let position = Position(epoch: epoch, sequence: sequence)
                if !known.contains(position) && opens[position] == nil { statement.voids.insert(position) }
            }
            statement.ends[epoch] = end
        }
    }

    /// A position that was open and is decided now is counted by the statement: folding has passed its place (rule 16).
    private mutating func countClosedOpens(
        _ base: Statement, _ undecided: [Position: SlotReport.Record], _ here: [SlotReport]
    ) {
        for position in base.opens.keys.sorted() {
            guard let outcome = outcomes[position], outcome == .decided || outcome == .complete else { continue }
            let note = undecided[position]?.note ?? here.lazy.compactMap { $0.settled[position]?.note }.first ?? []
            let changes = CommitNote.decode(note) ?? []
            if !changes.isEmpty { statement.counts.append(.init(position: position, changes: changes)) }
        }
    }

    /// What lies at or below the mark needs no names any more once no member that counts has a void record there (rule 5).
    private mutating func raiseFloor(_ intact: [SlotReport], _ here: [SlotReport]) {
        guard plan.writable, plan.admitted.isEmpty, plan.here.union(statement.stale) == quorum.all else { return }
        var floor = intact.map(\.mark).max() ?? .zero
        for report in here {
            for position in report.pending.keys where position <= floor && !isValid(position) {
                floor = min(floor, Position(epoch: position.epoch, sequence: position.sequence - 1))
            }
        }
        statement.raiseFloor(floor)
    }

    /// Whether a position of an earlier epoch is valid by this decision.
    package func isValid(_ position: Position) -> Bool { statement.isValidBefore(position, epoch: plan.epoch) }

    /// Keys of the commit for which the drive already holds something newer: it takes nothing earlier for them.
    package func superseded(_ hashes: [UInt64], at position: Position, on report: SlotReport) -> Set<UInt64> {
        let wanted = Set(hashes)
        var found: Set<UInt64> = []
        report.forEachPosition { other, keys in
            guard other > position, isValid(other) else { return }
            for key in keys where wanted.contains(key) { found.insert(key) }
        }
        return found
    }
}

extension SlotReport {
    /// Whether this drive proves that the position was decided: it lies in a table, a caught-up state or below the mark.
    package func isProof(of position: Position) -> Bool { settled[position] != nil || position <= mark }
}

/// What a drive is told to do with the records in its log (rule 6): valid, void, or kept as they are.
package struct SlotVerdict: CommitVerdict {
    package var statement: Statement
    package var epoch: UInt64
    /// Positions of the leader's own epoch: valid up to here unless void, and these above it.
    package var decided: Position
    package var decidedAbove: Set<Position>
    package var undecided: Set<Position>
    /// A stale drive that is back: below the floor nothing tells its void records from valid ones, so they only wait.
    package var isReturning: Bool
    package var isReadOnly: Bool

    package func verdict(on position: Position) -> Verdict {
        if statement.opens[position] != nil || undecided.contains(position) { return .pending }
        if isReturning && position <= statement.floor { return .pending }
        return isValid(position) ? .valid : isReadOnly ? .pending : .void
    }

    private func isValid(_ position: Position) -> Bool {
        if position.epoch < epoch { return statement.isValidBefore(position, epoch: epoch) }
        if statement.voids.contains(position) { return false }
        return position.epoch == epoch && (position <= decided || decidedAbove.contains(position))
    }
}
