import Base
package import Drives

/// Calls that must happen in the leader's own step (rule 3): the drive shares the set's executor, so none of them suspends.
extension Drive {
    nonisolated func appendNow(_ commit: DriveCommit, reportingTo listener: any AppendListener) {
        assumeIsolated { $0.append(commit, reportingTo: listener) }
    }
    nonisolated func appendNow(_ state: CaughtUpState, reportingTo listener: any AppendListener) {
        assumeIsolated { $0.append(state, reportingTo: listener) }
    }
    nonisolated func publishNow(_ position: Position) { assumeIsolated { $0.publish(position) } }
    nonisolated func discardNow(_ position: Position) { assumeIsolated { $0.discard(position) } }
    nonisolated func noteNow(decided: Position, confirmed: Position) {
        assumeIsolated { $0.note(decided: decided, confirmed: confirmed) }
    }
    nonisolated func releaseNow(_ extents: [Extent]) { assumeIsolated { $0.release(extents) } }
}

/// Passes one drive's answers on to the set. A slot gets a new one whenever its drive is opened, so that an answer of the drive
/// that was there before counts for nothing.
final class SlotListener: AppendListener {
    private let set: ErasureSet
    private let incarnation: UInt64

    init(set: ErasureSet, incarnation: UInt64) {
        self.set = set
        self.incarnation = incarnation
    }

    func appended(_ position: Position, slot: Int, _ result: Result<Void, DriveError>) {
        set.assumeIsolated { $0.driveAnswered(position, slot: slot, incarnation: incarnation, result) }
    }
}

/// Opens a slot's drive again after it failed or was replaced; nil while there is none. The composition root has one.
package protocol DriveSource: Sendable {
    func openDrive(slot: Int) async -> (any Drive)?
    /// What has become of an open drive's directory when it no longer is that drive's; nil while all is well. Open files go on
    /// working after their directory was emptied, unmounted or replaced, and what is written to them then is lost.
    func disappearance(of drive: DriveIdentity) async -> String?
}

extension DriveSource {
    package func disappearance(of drive: DriveIdentity) async -> String? { nil }
}

package struct SetSettings: Sendable {
    /// How long a decided write waits for a drive that is late (rule 1). Long enough for a slow flush, short for a client.
    package var grace: Duration = .milliseconds(500)
    /// After this long without a commit each drive stores the decided position (rule 1).
    package var idle: Duration = .seconds(1)
    /// Between two attempts to open a drive that is away.
    package var reopenEvery: Duration = .seconds(5)
    /// Between two looks whether the drives' directories are still theirs.
    package var lookEvery: Duration = .seconds(1)
    /// Between two looks for repair work when there is none.
    package var repairEvery: Duration = .milliseconds(500)
    /// How often counters are written.
    package var countersEvery: Duration = .seconds(5)
    /// Requests that may wait for locks, and commits under way: beyond, clients are told to slow down.
    package var lockWaitersMax = 16_384
    package var flightsMax = 8_192
    /// Rows that one step of repair copies.
    package var repairRows = 64
    /// Bytes of keys, records and packed data after which a step of repair ends: with one row more it fits a record of the log.
    package var repairBytes = 512 << 10
    /// Listed positions after which a drive that is away is recorded stale (rule 11).
    package var listMax = 1_000_000
    /// Damaged rows remembered for repair; the scrub finds what lies beyond.
    package var damagedMax = 4_096
    package var broken: Set<BrokenRule> = []
    package init() {}
}
