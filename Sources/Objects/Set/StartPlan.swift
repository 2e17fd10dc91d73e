package import Base
import Drives
import ObjectFormat

/// Who takes part in a start and with what (rules 5 and 13): everything that is known before promises are asked for.
package struct StartPlan: Sendable {
    /// The newest statement on a drive with a vote; nil when the set is formed by this start.
    package var base: Statement?
    package var basePosition = Position.zero
    package var statement: Statement
    /// Members that are here.
    package var here = SlotMask()
    /// Those that count for r.
    package var intact = SlotMask()
    /// Those that are being rebuilt, or will be: flagged, damaged, stale.
    package var rebuilding = SlotMask()
    /// Blank drives that this start takes as members.
    package var admitted = SlotMask()
    package var epoch: UInt64 = 1
    package var writable = false
    /// Why a drive that is here takes no part, by slot.
    package var refused: [(slot: Int, reason: String)] = []

    package var participants: SlotMask { here.union(admitted) }
}

package struct StartRules: Sendable {
    package var quorum: Quorum
    /// Slots whose old drive the operator has declared gone.
    package var declaredLost = SlotMask()
    /// Rules switched off by the simulation's canaries.
    package var broken: Set<BrokenRule> = []

    package init(quorum: Quorum) { self.quorum = quorum }
}

/// Rules that a test can break, to prove that the checker sees it. Empty outside tests.
package enum BrokenRule: String, CaseIterable, Sendable {
    /// Acknowledged one drive short of the quorum.
    case ackEarly
    /// Undecided commits are void although drives that were sent them are only away.
    case voidWhatIsAway
    /// A drive without its log is taken for intact.
    case voteOfRebuilding
    /// A leader starts with fewer than r intact drives.
    case noReadQuorum
    /// A returning drive counts as in step.
    case missedForgotten
    /// A new leader does not honour what earlier epochs declared void.
    case voidForgotten
    /// Records are published when they are durable, decided or not.
    case pendingVisible
    /// Copies are not checked against commits under way.
    case copyRace
    /// A blank drive is admitted at once, whatever the others lack.
    case blankAtOnce
}

extension StartPlan {
    /// Throws `.readQuorumLost`, saying what is missing, when nothing may be served.
    package init(reports: [SlotReport], rules: StartRules) throws(SetError) {
        let quorum = rules.quorum
        var newest: (position: Position, statement: Statement)?
        for report in reports where report.votes && !report.isBlank {
            for (position, statement) in report.statements where position > newest?.position ?? .zero {
                newest = (position, statement)
            }
        }
        guard let newest else {
            self = try Self.formation(reports, rules)
            return
        }
        let base = newest.statement
        guard base.members.count == quorum.drives else {
            throw .readQuorumLost(
                detail: "the set was made with \(base.members.count) drives and is opened with \(quorum.drives)")
        }
        self.init(base: base, basePosition: newest.position, statement: base)
        let byMember = reports.filter { base.members[$0.slot].drive == $0.drive }
        here = SlotMask(byMember.map(\.slot))
        rebuilding = SlotMask(byMember.filter { !$0.votes }.map(\.slot)).union(
            base.stale.union(base.returning).intersection(here))
        intact = SlotMask(byMember.filter { $0.votes || rules.broken.contains(.voteOfRebuilding) }.map(\.slot))
        guard intact.count >= (rules.broken.contains(.noReadQuorum) ? 1 : quorum.read) else {
            throw .readQuorumLost(
                detail: Self.missing(base, intact: intact, here: here, quorum: quorum, reports: reports))
        }
        admit(reports.filter { base.members[$0.slot].drive != $0.drive }, members: byMember, rules)
        writable = participants.count >= quorum.write
        if !writable { admitted = SlotMask() }
        if !admitted.isEmpty {
            statement.membership += 1
            for report in reports where admitted.contains(report.slot) {
                statement.members[report.slot] = .init(drive: report.drive, since: statement.membership)
                statement.stale.remove(report.slot)
                statement.returning.remove(report.slot)
            }
        }
        epoch = 1 + Self.highestEpoch(reports.filter { participants.contains($0.slot) })
    }

    private init(base: Statement?, basePosition: Position, statement: Statement) {
        self.base = base
        self.basePosition = basePosition
        self.statement = statement
    }

    /// No drive with a vote has ever stored a statement: the set is new, and all its drives must be here and blank.
    private static func formation(_ reports: [SlotReport], _ rules: StartRules) throws(SetError) -> StartPlan {
        let quorum = rules.quorum
        let blank = reports.filter { $0.isBlank && !$0.isRebuilding && !$0.isDamaged }
        guard blank.count == reports.count else {
            let slots = reports.filter { !$0.isBlank || !$0.votes }.map { String($0.slot) }.joined(separator: ", ")
            throw .readQuorumLost(
                detail:
                    "drives \(slots) have data, but none of the drives here can say what is valid: start with more drives"
            )
        }
        guard blank.count == quorum.drives else {
            throw .readQuorumLost(
                detail: "a new set is formed with all its \(quorum.drives) drives; \(blank.count) are here")
        }
        let members = blank.sorted { $0.slot < $1.slot }.map { Statement.Member(drive: $0.drive, since: 1) }
        var plan = StartPlan(base: nil, basePosition: .zero, statement: Statement(membership: 1, members: members))
        plan.here = quorum.all
        plan.intact = quorum.all
        plan.writable = true
        plan.epoch = 1 + highestEpoch(reports)
        return plan
    }

    /// Rule 13. A blank drive in a member's slot is admitted without the operator only when all others are here and in step.
    private mutating func admit(_ others: [SlotReport], members: [SlotReport], _ rules: StartRules) {
        let quorum = rules.quorum
        var candidates: [SlotReport] = []
        for report in others {
            if report.isBlank {
                candidates.append(report)
            } else {
                refused.append((report.slot, "its drive is not the member of this slot, and not blank"))
            }
        }
        let replaced = SlotMask(candidates.map(\.slot))
        let unasked = replaced.subtracting(rules.declaredLost)
        guard !unasked.isEmpty else {
            admitted = replaced
            return
        }
        var reason: String?
        let mark = members.filter { intact.contains($0.slot) }.map(\.mark).max() ?? .zero
        var listed: Set<Position> = []
        for member in members {
            member.forEachPosition { position, _ in if position > mark { listed.insert(position) } }
        }
        if here.count < min(quorum.write, quorum.drives - replaced.count) {
            reason = "too few other drives are here"
        } else if rules.broken.contains(.blankAtOnce) {
            reason = nil
        } else if quorum.read == 1 {
            reason = "a set of this size has no second opinion"
        } else if here.count != quorum.drives - replaced.count {
            reason = "not all other drives are here"
        } else if !rebuilding.isEmpty {
            reason = "drives \(rebuilding) are being rebuilt"
        } else if replaced.count > quorum.geometry.parity {
            reason = "more drives are new than parity covers"
        } else if base?.opens.isEmpty == false {
            reason = "commits are open until other drives return"
        } else if !listed.allSatisfy({ position in members.allSatisfy { $0.holds(position) } }) {
            reason = "the other drives are not in step"
        }
        if let reason {
            admitted = replaced.intersection(rules.declaredLost)
            for slot in unasked.slots {
                refused.append(
                    (
                        slot,
                        "its drive is blank and not admitted: \(reason); if the old drive is gone for good, say so with --replaced"
                    ))
            }
        } else {
            admitted = replaced
        }
    }

    private static func highestEpoch(_ reports: [SlotReport]) -> UInt64 {
        var highest: UInt64 = 0
        for report in reports {
            highest = max(highest, report.promise?.epoch ?? 0, report.mark.epoch, report.own.epoch)
            report.forEachPosition { position, _ in highest = max(highest, position.epoch) }
            for position in report.statements.keys { highest = max(highest, position.epoch) }
        }
        return highest
    }

    private static func missing(
        _ base: Statement, intact: SlotMask, here: SlotMask, quorum: Quorum, reports: [SlotReport]
    ) -> String {
        let absent = quorum.all.subtracting(here), rebuilding = here.subtracting(intact)
        var text = "\(intact.count) of \(quorum.drives) drives can answer, \(quorum.read) are needed"
        if !absent.isEmpty { text += "; missing: \(absent)" }
        if !rebuilding.isEmpty { text += "; without their data: \(rebuilding)" }
        let strangers = SlotMask(reports.map(\.slot)).subtracting(here)
        if !strangers.isEmpty { text += "; not members: \(strangers)" }
        return text
    }
}
