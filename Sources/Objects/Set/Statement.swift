package import Base

/// What a leader states about earlier positions (rule 5): the note of a commit of kind `.statement`. Docs/formats/statement.md.
///
/// Cumulative above `floor`: what it does not name valid is void wherever it turns up later.
package struct Statement: Hashable, Sendable {
    package struct Member: Hashable, Sendable {
        package var drive: UniqueID
        /// The membership number with which this drive was admitted.
        package var since: UInt32
        package init(drive: UniqueID, since: UInt32) {
            self.drive = drive
            self.since = since
        }
    }
    package struct ClosedCount: Hashable, Sendable {
        package var position: Position
        package var changes: [CounterChange]
        package init(position: Position, changes: [CounterChange]) {
            self.position = position
            self.changes = changes
        }
    }

    package var membership: UInt32
    /// By slot.
    package var members: [Member]
    /// At or below it every position that a record names is valid: nothing void is left in any log that counts.
    package var floor: Position
    /// The last sequence of each earlier epoch above the floor; an epoch without an entry is empty.
    package var ends: [UInt64: UInt64]
    package var voids: Set<Position>
    /// Positions of the statement's own epoch that were completed on drives that they were not sent to.
    package var dones: Set<Position>
    package var opens: [Position: [UInt64]]
    /// Away for so long that the change list no longer waits for them.
    package var stale: SlotMask
    /// Stale ones that are back and being rebuilt: they count for r and with what they hold, never with what they lack.
    package var returning: SlotMask
    /// Counter changes of positions that were open and are decided by this statement (rule 16): folding has passed their place,
    /// so they count here and not at their own position.
    package var counts: [ClosedCount]

    package init(membership: UInt32, members: [Member]) {
        self.membership = membership
        self.members = members
        floor = .zero
        ends = [:]
        voids = []
        dones = []
        opens = [:]
        stale = SlotMask()
        returning = SlotMask()
        counts = []
    }

    /// Whether the drive that now has the slot is the one that records of that membership mean.
    package func isSameMember(_ slot: Int, membership: UInt32) -> Bool {
        slot < members.count && members[slot].since <= membership
    }

    /// Whether a position of an earlier epoch is valid by this statement alone.
    package func isValidBefore(_ position: Position, epoch: UInt64) -> Bool {
        if voids.contains(position) || opens[position] != nil { return false }
        if position <= floor { return true }
        return position.epoch < epoch && position.sequence <= (ends[position.epoch] ?? 0)
    }

    /// Drops what lies at or below the new floor.
    package mutating func raiseFloor(_ new: Position) {
        guard new > floor else { return }
        floor = new
        voids = voids.filter { $0 > new }
        dones = dones.filter { $0 > new }
        ends = ends.filter { Position(epoch: $0.key, sequence: $0.value) > new }
    }
}

/// A change of a counter, carried by the commit that makes it (rule 16).
package struct CounterChange: Hashable, Sendable {
    package var key: CounterKey
    package var objects: Int64
    package var versions: Int64
    package var bytes: Int64
    package init(key: CounterKey, objects: Int64, versions: Int64 = 0, bytes: Int64) {
        self.key = key
        self.objects = objects
        self.versions = versions
        self.bytes = bytes
    }
}
