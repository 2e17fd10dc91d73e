package import Base
package import Runtime

/// One drive of an erasure set as its leader sees it: a log of commits, the index that their decided part produces, and space
/// for large data. `DriveEngine` is the one on this machine; a remote drive comes later.
///
/// Pinned to its set's executor. Everything that is not `async` runs to its end in the caller's step, so that the set can hand
/// one commit to all drives between two suspensions (rule 3: a position is given in the step that queues the commit).
package protocol Drive: Actor {
    nonisolated var identity: DriveIdentity { get }
    nonisolated var executor: any PinnedExecutor { get }

    // MARK: Start (rules 2, 5, 6)

    /// Opens files, loads manifest and tables, reads the log's tail. Publishes nothing that is not below the flushed state.
    func recover() async throws(DriveError) -> DriveRecovery
    /// Stores a promise (rule 5): refuses with `.promisedHigher` unless it is above the stored one, or equal with the same leader.
    func store(_ promise: Promise) async throws(DriveError)
    /// Ends recovery: publishes every recovered commit that the verdict calls valid, drops the void ones, keeps the rest pending.
    /// The leader may append between `recover` and this call (completions, its statement); it publishes those itself.
    func resolve(_ verdict: any CommitVerdict) async throws(DriveError)
    /// A recovered or running commit that is pending here, whole with its packed data, to be sent to other drives.
    func pendingCommit(_ position: Position) async throws(DriveError) -> DriveCommit?

    // MARK: The log (rules 1 to 3)

    /// Queues a commit for the next batch, in the caller's step. `listener` hears exactly once, on the executor, that the batch
    /// is durable or that it failed.
    func append(_ commit: DriveCommit, reportingTo listener: any AppendListener)
    /// Applies a durable, decided commit to the index; what it replaces is freed (rule 7). Commits on the same key come in order
    /// of append; others may be decided, and so published, out of order. Nothing happens when it is published already.
    func publish(_ position: Position)
    /// Drops a void commit: it is never published, its space is free.
    func discard(_ position: Position)
    /// The leader's decided and confirmed positions, for records, flushes and the change list (rules 1, 11).
    func note(decided: Position, confirmed: Position)

    // MARK: Large data (rules 7 to 9)

    /// Space for `bytes` (rounded up to 4 KiB) as one extent, or `.noSpace`. Not durable; free again unless a commit names it.
    func reserve(_ bytes: Int) async throws(DriveError) -> Extent
    /// Writes at `offset` in the extent; both 4 KiB-aligned, and the slice's address and length too.
    func write(_ slice: BufferSlice, to extent: Extent, at offset: Int) async throws(DriveError)
    /// Makes written extents durable. Calls that wait together share one sync.
    func syncData() async throws(DriveError)
    /// Gives back reserved extents that no commit will name.
    func release(_ extents: [Extent])

    // MARK: Reads (rule 4: the set decides whom to ask)

    func entry(_ key: IndexKey) async throws(DriveError) -> IndexEntry?
    /// The first entry whose key starts with `prefix`: the newest version, when the prefix is a version key without its position.
    func firstEntry(prefix: [UInt8]) async throws(DriveError) -> IndexEntry?
    /// Entries in key order from `start` (inclusive) up to `end` (exclusive), at most `limit`; holds the loop at most ~1 ms a step.
    func entries(from start: IndexKey, to end: IndexKey, limit: Int) async throws(DriveError) -> [IndexEntry]
    /// The same rows in one piece of memory, without what is stored with them.
    func page(from start: IndexKey, to end: IndexKey, limit: Int) async throws(DriveError) -> RowPage
    /// Packed data, its checksum verified.
    func read(_ packed: PackedLocation) async throws(DriveError) -> BufferSlice
    /// Bytes of an extent, offset and buffer 4 KiB-aligned. The caller verifies the block checksums.
    func read(_ extent: Extent, at offset: Int, into slice: BufferSlice) async throws(DriveError)
    /// While a key is pinned, space that its entry names is not reused, even after it is deleted or replaced.
    func pin(_ key: IndexKey)
    func unpin(_ key: IndexKey)

    // MARK: Change list and repair (rules 11, 12)

    /// Commits not yet confirmed everywhere that this drive holds, by position, with the hashes of their keys
    /// (`IndexKey.changeHash`); pending ones are among them once their record is durable here.
    func changes() async throws(DriveError) -> [Change]
    /// The keys of commits in the change list, for catch-up. Positions that are not in the list here are left out.
    func changedKeys(_ positions: [Position]) async throws(DriveError) -> [ChangedKeys]
    /// Queues the present state of keys that this drive missed (rule 11): `entry == nil` deletes. Applied when durable. The
    /// positions listed count as held from then on.
    func append(_ state: CaughtUpState, reportingTo listener: any AppendListener)
    /// Marks the drive as rebuilding (blank, stale, damaged) or intact again, durably.
    func setRebuilding(_ rebuilding: Bool, holdingUpTo own: Position) async throws(DriveError)

    // MARK: Housekeeping

    /// Flushes, compacts, cleans and checkpoints until cancelled. Started once by the composition root.
    func run() async
    func statistics() -> DriveStatistics
    /// Stops taking writes, waits for what is in flight, writes a last checkpoint and closes.
    func shutDown() async
}

/// Who a drive is: written to drive.json when it is formatted.
package struct DriveIdentity: Hashable, Sendable {
    package var deployment: UniqueID
    package var drive: UniqueID
    package var pool: Int
    package var set: Int
    package var slot: Int

    package init(deployment: UniqueID, drive: UniqueID, pool: Int, set: Int, slot: Int) {
        self.deployment = deployment
        self.drive = drive
        self.pool = pool
        self.set = set
        self.slot = slot
    }
}

package struct Promise: Hashable, Sendable {
    package var epoch: UInt64
    package var leader: UniqueID
    package init(epoch: UInt64, leader: UniqueID) {
        self.epoch = epoch
        self.leader = leader
    }
}

/// What a drive says of itself when it has been opened.
package struct DriveRecovery: Sendable {
    package struct Pending: Sendable {
        package var header: CommitHeader
        package var keyHashes: [UInt64]
        /// What `DriveCommit.note` held: statements and the like.
        package var note: [UInt8]
        /// True when this drive has the commit's data for each key that has any.
        package var hasData: Bool
        /// True for a mutation list without puts.
        package var deletesOnly: Bool

        package init(header: CommitHeader, keyHashes: [UInt64], note: [UInt8], hasData: Bool, deletesOnly: Bool) {
            self.header = header
            self.keyHashes = keyHashes
            self.note = note
            self.hasData = hasData
            self.deletesOnly = deletesOnly
        }
    }

    /// Formatted, but never part of a commit.
    package var isBlank: Bool
    package var isRebuilding: Bool
    /// A damaged batch was found in the log: what this drive lacks is not known (rule 2).
    package var isDamaged: Bool
    package var promise: Promise?
    /// The highest decided position in any record or checkpoint here.
    package var decided: Position
    /// The drive's confirmed mark (rule 11), and the position up to which a finished rebuilding holds everything.
    package var mark: Position
    package var own: Position
    /// Commits in the log above the flushed state, in log order, none of them published yet.
    package var pending: [Pending]
    /// Positions held through tables or caught-up states, with key hashes.
    package var changes: [Change]
    /// Payloads (`DriveCommit.note`) of statements that were flushed: the newest one.
    package var statement: (position: Position, note: [UInt8])?

    package init(
        isBlank: Bool, isRebuilding: Bool, isDamaged: Bool, promise: Promise?, decided: Position, mark: Position,
        own: Position,
        pending: [Pending], changes: [Change], statement: (position: Position, note: [UInt8])?
    ) {
        self.isBlank = isBlank
        self.isRebuilding = isRebuilding
        self.isDamaged = isDamaged
        self.promise = promise
        self.decided = decided
        self.mark = mark
        self.own = own
        self.pending = pending
        self.changes = changes
        self.statement = statement
    }
}

/// Whether a recovered position counts (rule 6).
package protocol CommitVerdict: Sendable {
    func verdict(on position: Position) -> Verdict
}

package enum Verdict: Sendable { case valid, void, pending }

/// What every record of the log starts with.
package struct CommitHeader: Hashable, Sendable {
    package enum Kind: UInt8, Sendable { case commit = 1, statement = 2 }
    package var kind: Kind
    package var position: Position
    /// The leader's decided and confirmed positions when the commit was sent.
    package var decided: Position
    package var confirmed: Position
    /// The membership that `sent` refers to, and the slots that this commit was sent to.
    package var membership: UInt32
    package var sent: UInt16

    package init(
        kind: Kind, position: Position, decided: Position, confirmed: Position, membership: UInt32, sent: UInt16
    ) {
        self.kind = kind
        self.position = position
        self.decided = decided
        self.confirmed = confirmed
        self.membership = membership
        self.sent = sent
    }
}

/// One commit for one drive. Keys and payloads are the same on all drives (and shared, not copied); attachments differ.
package struct DriveCommit: Sendable {
    package var header: CommitHeader
    package var mutations: [Mutation]
    /// Opaque to the drive and kept with the record: a statement, counter changes. Empty for most.
    package var note: [UInt8]
    /// `IndexKey.changeHash` of keys that this commit changes but for which this drive already holds something newer: they
    /// go into the change list only (rule 6: a drive that holds the later takes nothing earlier for that key).
    package var supersededKeys: [UInt64]

    package init(
        header: CommitHeader, mutations: [Mutation], note: [UInt8] = [], supersededKeys: [UInt64] = []
    ) {
        self.header = header
        self.mutations = mutations
        self.note = note
        self.supersededKeys = supersededKeys
    }
}

package struct Mutation: Sendable {
    package enum Change: Sendable {
        case put(payload: [UInt8], Attachment)
        case delete
    }
    package var key: IndexKey
    package var change: Change

    package init(key: IndexKey, change: Change) {
        self.key = key
        self.change = change
    }
}

/// Data that belongs to an entry on one drive.
package enum Attachment: Sendable {
    case none
    /// Small: rides in the log record itself. `checksum` is the CRC64NVME of the bytes, not seeded: it is kept in the row, apart
    /// from the data, so a misdirected read does not match it.
    case packed(BufferSlice, checksum: UInt64)
    /// Large: written and synced before. One checksum a block of `blockBytes`, the last may be short.
    case extents([Extent], blockBytes: Int, checksums: [UInt64])
}

/// Space in a drive's data segments: 4 KiB-aligned.
package struct Extent: Hashable, Sendable {
    package var segment: UInt32
    package var offset: UInt32
    /// Both in units of 4 KiB.
    package var pages: UInt32

    package init(segment: UInt32, offset: UInt32, pages: UInt32) {
        self.segment = segment
        self.offset = offset
        self.pages = pages
    }

    package var byteCount: Int { Int(pages) * 4096 }
}

/// Where packed data lies in the log.
package struct PackedLocation: Hashable, Sendable {
    package var segment: UInt32
    package var offset: UInt32
    package var count: UInt32
    package var checksum: UInt64

    package init(segment: UInt32, offset: UInt32, count: UInt32, checksum: UInt64) {
        self.segment = segment
        self.offset = offset
        self.count = count
        self.checksum = checksum
    }
}

/// One row of the index.
package struct IndexEntry: Sendable {
    package enum Stored: Sendable {
        case none
        case packed(PackedLocation)
        case extents([Extent], blockBytes: Int, checksums: [UInt64])
    }
    package var key: IndexKey
    /// The commit that wrote the row last: tells copies of one version apart (rule 4).
    package var revision: Position
    package var payload: [UInt8]
    package var stored: Stored

    package init(key: IndexKey, revision: Position, payload: [UInt8], stored: Stored) {
        self.key = key
        self.revision = revision
        self.payload = payload
        self.stored = stored
    }
}

/// Hears how a queued record ended. Called once per record, on the drive's executor.
package protocol AppendListener: AnyObject, Sendable {
    func appended(_ position: Position, slot: Int, _ result: Result<Void, DriveError>)
}

/// A commit as the change list keeps it: position and 8-byte hashes of its keys (a false hit asks another drive).
package struct Change: Hashable, Sendable {
    package var position: Position
    /// `IndexKey.changeHash` of each key.
    package var keyHashes: [UInt64]
    /// `DriveCommit.note`: counter changes outlive the log record that brought them, until the position is confirmed.
    package var note: [UInt8]
    package init(position: Position, keyHashes: [UInt64], note: [UInt8] = []) {
        self.position = position
        self.keyHashes = keyHashes
        self.note = note
    }
}

/// A commit of the change list with its keys in full.
package struct ChangedKeys: Hashable, Sendable {
    package var position: Position
    package var keys: [IndexKey]
    package var note: [UInt8]
    package init(position: Position, keys: [IndexKey], note: [UInt8]) {
        self.position = position
        self.keys = keys
        self.note = note
    }
}

/// The present state of keys, copied to a drive that missed commits (rule 11) or is rebuilding (rule 12).
package struct CaughtUpState: Sendable {
    package struct Row: Sendable {
        package var key: IndexKey
        /// Revision of the row at its source, kept here too; nil deletes.
        package var revision: Position?
        package var payload: [UInt8]
        package var attachment: Attachment
        package init(key: IndexKey, revision: Position?, payload: [UInt8], attachment: Attachment) {
            self.key = key
            self.revision = revision
            self.payload = payload
            self.attachment = attachment
        }
    }
    package var rows: [Row]
    /// With their keys, because this drive's change list must be able to tell them on.
    package var positions: [ChangedKeys]
    /// The newest statement, when this drive missed it: stored as its own newest one if it is above that.
    package var statement: (position: Position, note: [UInt8])?
    package init(rows: [Row], positions: [ChangedKeys], statement: (position: Position, note: [UInt8])? = nil) {
        self.rows = rows
        self.positions = positions
        self.statement = statement
    }
}

package enum DriveError: Error, Sendable {
    case io(DriveIOError)
    /// A write or sync failed before: the write path is closed until the drive is reopened and verified.
    case poisoned(cause: String)
    case noSpace
    /// Bytes on the drive do not match their checksum: reported, counted and healed, never served.
    case checksumMismatch(what: String)
    case damagedFormat(what: String)
    case foreignDrive(found: DriveIdentity)
    case inUse
    case promisedHigher(Promise)
    case shutDown
}

package struct DriveStatistics: Sendable {
    package var totalBytes: UInt64 = 0
    package var freeBytes: UInt64 = 0
    package var logBytes: UInt64 = 0
    package var indexBytes: UInt64 = 0
    package var dataBytes: UInt64 = 0
    package var liveDataBytes: UInt64 = 0
    package var batches: UInt64 = 0
    package var records: UInt64 = 0
    package var syncs: UInt64 = 0
    package var flushes: UInt64 = 0
    package var compactions: UInt64 = 0
    package var memtableBytes: UInt64 = 0
    package var tables: UInt64 = 0
    package var cacheHits: UInt64 = 0
    package var cacheMisses: UInt64 = 0
    package var isPoisoned = false
    /// Puts are refused until space is freed (rule 18).
    package var isFull = false
    package var cleanings: UInt64 = 0
    package var checksumMismatches: UInt64 = 0
    package var damagedBatches: UInt64 = 0
    package var damagedRows: UInt64 = 0
    package var failedBackgroundWork: UInt64 = 0
    package init() {}
}
