import Base

/// A commit between the step that queues it and the last drive's answer (rules 1 and 3): one countdown over its drives.
///
/// queued ── durable on w ──▶ decided ── all that keep up have it, or the grace is over ──▶ acknowledged
///    └──── the quorum can't be reached ──▶ voiding ── the statement is decided ──▶ void
struct CommitFlight {
    enum State: Equatable { case queued, voiding, decided, void }
    /// What the caller of `commit` waits for.
    typealias Waiter = CheckedContinuation<Result<Void, SetError>, Never>

    let position: Position
    let keyHashes: [UInt64]
    let targets: SlotMask
    /// Slots with a full copy of the commit's data; nil when it has none or coded shares.
    let copies: SlotMask?
    let counts: [CounterChange]
    let statement: Statement?
    var state = State.queued
    /// Drives that have not answered.
    var waiting: SlotMask
    var durable = SlotMask()
    /// Why a drive could not take it, for the error that the caller gets.
    var ranOutOfSpace = false
    /// When it was decided with drives still out, in grace periods.
    var graceRound: UInt64?
    var waiter: Waiter?
    /// True while the commit is being handed to the drives: nothing is concluded before all have it.
    var isEntering = true

    init(
        position: Position, keyHashes: [UInt64], targets: SlotMask, copies: SlotMask?, counts: [CounterChange],
        statement: Statement?
    ) {
        self.position = position
        self.keyHashes = keyHashes
        self.targets = targets
        self.copies = copies
        self.counts = counts
        self.statement = statement
        waiting = targets
    }

    enum Conclusion { case none, decide, giveUp }

    /// What a drive's answer means for an undecided commit.
    func conclusion(_ quorum: Quorum, ackEarly: Bool) -> Conclusion {
        guard state == .queued, !isEntering else { return .none }
        let needed = quorum.write - (ackEarly ? 1 : 0)
        if durable.count >= needed { return .decide }
        return durable.count + waiting.count < quorum.write ? .giveUp : .none
    }

    enum Answer { case wait, acknowledge, unknown }

    /// Whether the caller can be answered. `late` drives are not waited for.
    func answer(_ quorum: Quorum, late: SlotMask, ackEarly: Bool) -> Answer {
        guard state == .decided else { return .wait }
        let out = waiting.subtracting(late)
        if !out.isEmpty && !ackEarly { return .wait }
        if ackEarly || quorum.acknowledges(copies: copies, durable: durable) { return .acknowledge }
        return waiting.isEmpty ? .unknown : .wait
    }
}
