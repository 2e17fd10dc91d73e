/// Sizes and limits of a drive. The defaults serve a drive of terabytes; tests take tiny ones, so that everything happens often.
package struct DriveParameters: Sendable {
    package var log = LogParameters()
    package var index = IndexParameters()
    /// Blocks of tables kept in memory.
    package var cacheBytes = 256 << 20
    /// A flush starts here. Larger memtables make fewer, larger tables; twice this is in memory while one is being flushed.
    package var memtableBytes = 48 << 20
    /// A flush starts here too, however small the memtable: the log since the last flush is what a start replays.
    package var unflushedLogBytes: UInt64 = 1 << 30
    /// Data segments are made in this size: few files on a large drive, and little lost when the last one is nearly empty.
    package var dataSegmentBytes = 256 << 20
    /// Empty data segments beyond this many are removed.
    package var emptyDataSegmentsKept = 1
    /// Open data files: each costs a descriptor.
    package var dataFilesOpenMax = 256
    /// The manifest is written whole again after this many bytes of edits, and when they pass what the whole takes.
    package var manifestBytes: UInt64 = 4 << 20
    /// Log segments below this share of live packed data are cleaned when space or debt asks for it.
    package var cleaningLiveRatio = 0.5
    /// Cleaned segments that wait for a flush before one is made for their sake: each flush makes a table.
    package var cleanedSegmentsPerFlush = 8
    /// Bytes moved by one step of cleaning: one record.
    package var cleaningStepBytes = 1 << 20
    /// The drive's own limit of space; nil takes what the file system has.
    package var capacityBytes: UInt64?
    /// Puts are refused above this share of live data (rule 18): write amplification at 90 % live is about 5, at 98 % about 28.
    package var fullRatio = 0.95
    /// Kept in a preallocated file for deletes, flushes and cleaning of a full drive: two log segments and one compaction.
    package var reserveBytes: UInt64 = 256 << 20
    /// How long the answer to a commit is held back at most while flushes and compaction are behind.
    package var delayMax: Duration = .milliseconds(50)
    /// Background work yields after this much time on the loop.
    package var sliceNanoseconds: UInt64 = 1_000_000
    /// A drive that was idle this long stores its decided position.
    package var idleSync: Duration = .seconds(1)
    /// Checks that cost more than they should in production (rule 9's overlap check at every publish).
    package var checksInvariants = false

    /// Rules switched off by the simulation's canaries.
    package var broken: Set<BrokenDriveRule> = []

    package init() {}
}

/// Rules that a test can break, to prove that the checker sees it. Empty outside tests.
package enum BrokenDriveRule: String, CaseIterable, Sendable {
    /// A batch counts as durable when it is written (rule 2).
    case logNotSynced
    /// A record names data that is not synced (rule 8).
    case dataNotSynced
    /// Space is free before the commit that frees it is decided, and while readers have it (rule 7).
    case freedEarly
    /// A flush does not say which records below it are still pending (rule 10).
    case pendingForgotten
    /// A flush does not store what is allocated (rule 9).
    case allocationForgotten
}
