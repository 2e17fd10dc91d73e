package import Base
package import Drives
package import ObjectFormat
import Runtime

/// An erasure set: the leader of one log replicated over its drives (Docs/design, the commit protocol).
///
/// The rules live in values (`StartPlan`, `StartDecision`, `SetLedger`, `CommitFlight`, `KeyLocks`, `Counters`); this actor moves
/// what they say between the drives and its callers. It is pinned to the executor that its drives have, and hands a commit to
/// all of them in one step.
///
///     stopped ── start() ──▶ starting ──▶ serving, writable ── fewer than w drives ──▶ serving, read-only
///                               ▲                                                         │
///                               └────────────── a drive returns that needs a new epoch ◀──┘
package actor ErasureSet: SetStore {
    enum Phase {
        case stopped(SetError)
        case starting
        case serving
        case shutDown
    }

    /// One slot: its drive while it takes part, and what is known of it.
    struct Slot {
        var drive: (any Drive)?
        var listener: SlotListener?
        var incarnation: UInt64 = 0
        /// A member, recovered, taking commits.
        var isHere = false
        /// Its log is whole: it counts for r.
        var votes = true
        var isRebuilding = false
        /// Not waited for and not sent commits until it has answered for all that it was sent (rule 1).
        var isLate = false
        /// Commits that it has not answered for.
        var outstanding = 0
        /// It stores the statement in force.
        var hasStatement = true
        var comparison: RebuildProgress?
        /// Rows whose share was found damaged: made anew from the others.
        var damaged: Set<IndexKey> = []
        /// Why it takes no part.
        var problem: String?
        /// What it told when it was opened, until a start has used it.
        var recovery: DriveRecovery?
        /// The drive that failed here, to be shut down before it is opened again.
        var former: (any Drive)?
    }

    package nonisolated let executor: any PinnedExecutor
    package nonisolated let geometry: Geometry
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    let quorum: Quorum
    let settings: SetSettings
    let random: any RandomSource
    let plane: any DataPlane
    let source: (any DriveSource)?

    var phase = Phase.stopped(.readQuorumLost(detail: "the set has not been started"))
    var slots: [Slot]
    var declaredLost = SlotMask()
    var isWritable = false
    /// The epoch has lost its write quorum: only a new one decides what is left.
    var needsStart = false
    var leader: UniqueID

    var epoch: UInt64 = 0
    var sequence: UInt64 = 0
    /// At or below it everything is decided, void or open.
    var decided = Position.zero
    var statement: Statement
    var statementPosition = Position.zero
    var statementInFlight: UInt64?
    var wanted = WantedStatement()
    var openKeys: [IndexKey] = []
    var openHashes: Set<UInt64> = []

    var ledger: SetLedger
    var counters = Counters(position: .zero, stored: .zero)
    /// Commits of this epoch that some drive has not answered for, or that are not decided.
    var flights: [UInt64: CommitFlight] = [:]
    /// Keys in flights, and the watches of copies under way (rule 11: a copy is made as if under the key's lock).
    var busy: [UInt64: Int] = [:]
    var watches: [Int: Set<UInt64>] = [:]
    var nextWatch = 0
    var locks: KeyLocks
    var lockWaiters: [UInt64: CheckedContinuation<Result<KeyLock, SetError>, Never>] = [:]
    var graceRound: UInt64 = 0
    var isGraceRunning = false
    var rotation: UInt8 = 0
    var nextReader = 0
    var commitsSinceNote = 0
    /// The decided position that the newest record carries.
    var carriedDecided = Position.zero
    /// The newest decided position that changed something.
    var lastChange = Position.zero
    var lastCommitTick: UInt64 = 0
    var isStoringCounters = false
    /// Rows and notes could be read at the start.
    var areCountersKnown = false
    var audited = SetAudit()

    /// `drives` by slot; nil for one that is away.
    package init(
        geometry: Geometry, drives: [(any Drive)?], executor: any PinnedExecutor, random: any RandomSource,
        plane: any DataPlane, source: (any DriveSource)? = nil, settings: SetSettings = SetSettings()
    ) {
        precondition(drives.count == geometry.data + geometry.parity, "a set has a place for each of its drives")
        self.geometry = geometry
        quorum = Quorum(geometry)
        self.executor = executor
        self.random = random
        self.plane = plane
        self.source = source
        self.settings = settings
        slots = drives.map { Slot(drive: $0) }
        ledger = SetLedger(drives: drives.count, confirmed: .zero)
        locks = KeyLocks(waitersMax: settings.lockWaitersMax)
        leader = UniqueID(random: random)
        statement = Statement(membership: 0, members: [])
    }

    // MARK: Who is here

    var here: SlotMask { mask { $0.isHere } }
    var intact: SlotMask {
        let isBroken = settings.broken.contains(.voteOfRebuilding)
        return mask { $0.isHere && ($0.votes || isBroken) }
    }
    /// Drives that new commits are sent to.
    var takers: SlotMask { mask { $0.isHere && !$0.isLate } }
    var late: SlotMask { mask { $0.isLate } }

    private func mask(_ isIn: (Slot) -> Bool) -> SlotMask {
        var mask = SlotMask()
        for slot in slots.indices where isIn(slots[slot]) { mask.insert(slot) }
        return mask
    }

    func checkReadable() throws(SetError) {
        switch phase {
        case .stopped(let error): throw error
        case .starting: throw .readQuorumLost(detail: "the set is starting")
        case .shutDown: throw .shutDown
        case .serving: break
        }
        let count = intact.count
        guard count >= (settings.broken.contains(.noReadQuorum) ? 1 : quorum.read) else {
            throw .readQuorumLost(
                detail: "\(count) of \(quorum.drives) drives can answer, \(quorum.read) are needed; missing: "
                    + "\(quorum.all.subtracting(intact))")
        }
    }

    func checkWritable() throws(SetError) {
        try checkReadable()
        let count = here.count
        guard isWritable, count >= quorum.write else {
            throw .writeQuorumLost(
                detail: "\(count) of \(quorum.drives) drives are here, \(quorum.write) are needed to write; missing: "
                    + "\(quorum.all.subtracting(here))")
        }
        guard flights.count < settings.flightsMax else { throw .overloaded }
    }

    // MARK: Faults

    /// A drive call failed. Damage and lack of space leave the drive in; anything else puts it away until it is opened again.
    func faulted(_ slot: Int, _ drive: any Drive, _ error: DriveError, key: IndexKey? = nil) {
        // The slot may have another drive by now.
        guard let current = slots[slot].drive, current === drive else { return }
        heardFault(slot, error)
        if let key, error.isDamage, slots[slot].isHere, slots[slot].damaged.count < settings.damagedMax {
            slots[slot].damaged.insert(key)
        }
    }

    func heardFault(_ slot: Int, _ error: DriveError) {
        switch error {
        case .noSpace, .checksumMismatch, .damagedFormat:
            audited.damagedReads += error.isDamage ? 1 : 0
        case .io, .poisoned, .foreignDrive, .inUse, .promisedHigher, .shutDown:
            putAway(slot, "\(error)")
        }
    }

    /// The drive takes no part until it returns: what it has not answered for it misses.
    func putAway(_ slot: Int, _ problem: String) {
        guard slots[slot].drive != nil else { return }
        slots[slot].former = slots[slot].drive
        slots[slot].drive = nil
        slots[slot].recovery = nil
        slots[slot].listener = nil
        slots[slot].incarnation += 1
        slots[slot].isHere = false
        slots[slot].isLate = false
        slots[slot].outstanding = 0
        slots[slot].comparison = nil
        slots[slot].damaged = []
        slots[slot].problem = problem
        audited.drivesLost += 1
        guard case .serving = phase else { return }
        for number in flights.keys.sorted() where flights[number]?.waiting.contains(slot) == true {
            flights[number]?.waiting.remove(slot)
            conclude(number)
        }
        if here.count < quorum.write { loseWriteQuorum() }
    }

    /// Nothing more is decided in this epoch by new commits. Callers whose commit is undecided learn of it at the next start.
    func loseWriteQuorum() {
        guard isWritable else { return }
        isWritable = false
        needsStart = true
        failFlights()
        failLockWaiters(.writeQuorumLost(detail: "\(here.count) drives are here, \(quorum.write) are needed to write"))
    }

    /// Answers every caller at the end of an epoch. What is undecided the next one decides.
    func failFlights() {
        for number in flights.keys.sorted() {
            guard let flight = flights[number], let waiter = flight.waiter else { continue }
            flights[number]?.waiter = nil
            let isSafe = flight.state == .decided && quorum.acknowledges(copies: flight.copies, durable: flight.durable)
            waiter.resume(returning: isSafe ? .success(()) : .failure(.outcomeUnknown))
        }
    }

    func failLockWaiters(_ error: SetError) {
        for token in locks.waitingTokens {
            grant(locks.withdraw(token))
            lockWaiters.removeValue(forKey: token)?.resume(returning: .failure(error))
        }
    }

    /// The drives for staging and reading data.
    func driveSnapshot(_ mask: SlotMask) -> SetDrives {
        rotation = UInt8((Int(rotation) + 1) % quorum.drives)
        let drives = slots.indices.map { mask.contains($0) ? slots[$0].drive : nil }
        return SetDrives(
            geometry: geometry, drives: drives, rotation: rotation, faults: SnapshotFaults(set: self, drives: drives))
    }

    package var audit: SetAudit { audited }
    func audit(_ change: (inout SetAudit) -> Void) { change(&audited) }

    // MARK: Locks

    package func lock(_ names: [LockName]) async throws(SetError) -> KeyLock {
        try checkWritable()
        switch locks.request(names) {
        case .taken(let lock): return lock
        case .refused: throw .overloaded
        case .queued(let token):
            return try await withCheckedContinuation { lockWaiters[token] = $0 }.get()
        }
    }

    package func unlock(_ lock: KeyLock) { grant(locks.release(lock)) }

    func grant(_ ready: [KeyLock]) {
        for lock in ready { lockWaiters.removeValue(forKey: lock.token)?.resume(returning: .success(lock)) }
    }

    // MARK: Data

    package func stage(hint: Int64?) async throws(SetError) -> any DataStager {
        try checkWritable()
        return try plane.stage(hint: hint, on: driveSnapshot(takers))
    }

    package func open(_ layout: DataLayout, of row: SetRow, range: ByteRange?) async throws(SetError) -> any DataReader
    {
        try checkReadable()
        return try await plane.open(layout, of: row, range: range, on: driveSnapshot(here))
    }

    package func counter(_ key: CounterKey) async throws(SetError) -> Counter {
        try checkReadable()
        guard areCountersKnown else { throw .readQuorumLost(detail: "the counters can't be read") }
        return counters.total(key)
    }

    package func counter(sum buckets: [BucketID]) async throws(SetError) -> Counter {
        try checkReadable()
        guard areCountersKnown else { throw .readQuorumLost(detail: "the counters can't be read") }
        return buckets.reduce(into: Counter()) { $0.add(counters.total(CounterKey(bucket: $1))) }
    }
}

/// Passes on what staging and reading meet, for the drives that they were given.
final class SnapshotFaults: DriveFaultSink {
    private let set: ErasureSet
    private let drives: [(any Drive)?]

    init(set: ErasureSet, drives: [(any Drive)?]) {
        self.set = set
        self.drives = drives
    }

    func driveFailed(slot: Int, _ error: DriveError, key: IndexKey?) {
        guard let drive = drives[slot] else { return }
        set.assumeIsolated { $0.faulted(slot, drive, error, key: key) }
    }
}

/// What the next statement of this epoch has to say.
struct WantedStatement {
    var voids: Set<Position> = []
    var stale = SlotMask()
    /// Stale drives that have been rebuilt.
    var readmitted = SlotMask()
    var isEmpty: Bool { voids.isEmpty && stale.isEmpty && readmitted.isEmpty }
}

/// Things that should not happen unnoticed, counted since the process began.
package struct SetAudit: Sendable {
    package var drivesLost = 0
    package var damagedReads = 0
    package var rowsCopied = 0
    package var drivesRebuilt = 0
    package var voided = 0
    package var completed = 0
    package var starts = 0
    /// Void, and perhaps acknowledged before more than m drives went (rule 6).
    package var suspects: [Position] = []
    package init() {}
}

extension DriveError {
    var isDamage: Bool {
        switch self {
        case .checksumMismatch, .damagedFormat: true
        case .io, .poisoned, .noSpace, .foreignDrive, .inUse, .promisedHigher, .shutDown: false
        }
    }
}
