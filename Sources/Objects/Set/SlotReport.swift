package import Base
package import Drives

/// What the leader knows of one slot's drive when it starts: the drive's own report, ordered and parsed.
package struct SlotReport: Sendable {
    package struct Record: Sendable {
        package var header: CommitHeader
        package var keyHashes: [UInt64]
        package var note: [UInt8]
        package init(header: CommitHeader, keyHashes: [UInt64], note: [UInt8] = []) {
            self.header = header
            self.keyHashes = keyHashes
            self.note = note
        }
    }

    package var slot: Int
    package var drive: UniqueID
    package var isBlank = false
    /// Blank or damaged before, and not rebuilt since: no vote.
    package var isRebuilding = false
    package var isDamaged = false
    package var promise: Promise?
    package var decided = Position.zero
    package var mark = Position.zero
    package var own = Position.zero
    /// Durable records of the log above the flushed state.
    package var pending: [Position: Record] = [:]
    /// Positions held through tables or caught-up states: proof that they were decided.
    package var settled: [Position: Change] = [:]
    package var statements: [Position: Statement] = [:]

    package init(slot: Int, drive: UniqueID) {
        self.slot = slot
        self.drive = drive
    }

    package init(slot: Int, drive: UniqueID, recovery: DriveRecovery) throws(SetError) {
        self.init(slot: slot, drive: drive)
        isBlank = recovery.isBlank
        isRebuilding = recovery.isRebuilding
        isDamaged = recovery.isDamaged
        promise = recovery.promise
        decided = recovery.decided
        mark = recovery.mark
        own = recovery.own
        for record in recovery.pending {
            let position = record.header.position
            pending[position] = Record(header: record.header, keyHashes: record.keyHashes, note: record.note)
            if record.header.kind == .statement {
                statements[position] = try Self.statement(record.note, at: position, slot: slot)
            }
        }
        for change in recovery.changes where pending[change.position] == nil { settled[change.position] = change }
        if let statement = recovery.statement {
            statements[statement.position] = try Self.statement(statement.note, at: statement.position, slot: slot)
        }
        if isDamaged {
            // After damage only what is in the log itself counts as held.
            settled = [:]
            mark = .zero
            own = .zero
        }
    }

    private static func statement(_ note: [UInt8], at position: Position, slot: Int) throws(SetError) -> Statement {
        // Its checksum was right, so this was written by a program that knows more: starting without it could undo decisions.
        guard let statement = Statement(note: note) else {
            throw .readQuorumLost(
                detail: "drive \(slot) holds a statement (\(position)) of a format that this version does not read")
        }
        return statement
    }

    /// Rebuilding drives that lost their log have no vote; what they lack proves nothing.
    package var votes: Bool { !isRebuilding && !isDamaged }

    package func holds(_ position: Position) -> Bool {
        position <= mark || position <= own || pending[position] != nil || settled[position] != nil
    }

    /// Every position named here, with the hashes of its keys.
    package func forEachPosition(_ body: (Position, [UInt64]) -> Void) {
        for (position, record) in pending { body(position, record.keyHashes) }
        for (position, change) in settled { body(position, change.keyHashes) }
    }
}
