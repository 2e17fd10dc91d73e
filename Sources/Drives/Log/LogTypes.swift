package import Runtime

/// A place in a drive's log for its whole life: bytes counted from the first segment on, headers and unused ends included.
///
/// Byte `o` of a segment is `firstLSN + o`. LSNs only grow; none is used twice, not even that of a batch that was cut.
package struct LSN: Hashable, Comparable, Sendable {
    package var rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
    package static let zero = LSN(rawValue: 0)
    package static func < (lhs: LSN, rhs: LSN) -> Bool { lhs.rawValue < rhs.rawValue }
    package static func + (lhs: LSN, rhs: Int) -> LSN { LSN(rawValue: lhs.rawValue + UInt64(rhs)) }
}

extension LSN: CustomStringConvertible {
    package var description: String { String(rawValue) }
}

/// Where bytes of a record lie. Its parts follow each other, so the place of a part is a sum.
package struct LogLocation: Hashable, Sendable {
    package var segment: UInt32
    package var offset: UInt32
    package var count: UInt32

    package init(segment: UInt32, offset: UInt32, count: UInt32) {
        self.segment = segment
        self.offset = offset
        self.count = count
    }
}

/// A piece of a record's bytes.
package enum LogPart: Sendable {
    case bytes([UInt8])
    case slice(BufferSlice)

    var count: Int {
        switch self {
        case .bytes(let bytes): bytes.count
        case .slice(let slice): slice.count
        }
    }
}

/// A record that is durable: the caller's token, and where its bytes lie.
package struct LogEntry: Hashable, Sendable {
    package var token: UInt64
    package var lsn: LSN
    package var location: LogLocation
}

/// A record that recovery found. Its bytes are valid during the call that hands it over.
package struct RecoveredRecord {
    package var lsn: LSN
    package var location: LogLocation
    package var bytes: UnsafeRawBufferPointer
}

/// Something in the log that was stored once and is not whole any more (rule 2).
package struct LogDamage: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// A batch does not match its checksum, and a valid one follows.
        case badBatch
        /// The drive could not read these bytes.
        case unreadable
        /// A segment's first block is not whole, or is another drive's or another segment's.
        case badHeader
        /// A segment that later ones build on is not there.
        case missingSegment
    }
    package var kind: Kind
    package var segment: UInt32
    /// Positions that may have been there.
    package var lsns: Range<LSN>
}

/// What recovery found, besides the records.
package struct LogRecovery: Hashable, Sendable {
    /// Lost batches from the point of replay on: what this drive lacks is not known.
    package var damages: [LogDamage] = []
    /// Damage below the point of replay: no commit is lost by it, but packed data may be.
    package var oldDamages: [LogDamage] = []
    /// The log's end: of the last batch kept.
    package var end = LSN.zero
    /// A torn batch was cut there.
    package var hasTornBatch = false
    package var recordCount = 0
    /// Segments kept, in order, without the one that the start opens.
    package var segments: [UInt32] = []
}

package enum LogError: Error, Hashable, Sendable {
    /// A write or sync failed: nothing is appended any more until the drive is opened anew and recovered.
    case poisoned(cause: String)
    /// No space for another segment. Back-pressure: a later append may succeed.
    case noSpace
    /// More is queued than the drive takes in time. Back-pressure.
    case queueFull
    case recordTooLarge
    case closed
}

/// Hears how records ended: every record that `append` took is in exactly one call, in order of append, on the log's executor.
package protocol LogListener: AnyObject, Sendable {
    /// The batch is durable; locations are final.
    func logStored(_ entries: [LogEntry])
    /// The batch is not durable, or not known to be. `.noSpace`: it was not written. `.poisoned`: it may turn up at recovery.
    func logFailed(_ tokens: [UInt64], _ error: LogError)
}

/// Sizes and limits of a drive's log.
package struct LogParameters: Sendable {
    /// Size of new segments, a multiple of 4 KiB. 64 MiB: a header, rename and directory sync a segment stay below a percent.
    package var segmentBytes = 64 << 20
    /// A batch takes queued records up to this size: half a huge page, one operation of about half a millisecond.
    package var batchBytes = 1 << 20
    /// The largest record: a commit is at most 64 KiB and the packed data of one object.
    package var recordBytesMax = 2 << 20
    /// Beyond this the drive is too slow for what it is given.
    package var queuedBytesMax = 64 << 20
    /// Fresh segments are written with zeros once, so that their first use needs no journal commit for unwritten extents. It
    /// doubles the volume of a store that keeps taking fresh segments, so it is for drives whose log is mostly recycled.
    package var prewritesFreshSegments = false
    /// Segments kept allocated for appends that free space (rule 18).
    package var reserveSegments = 2
    /// Free segments kept beyond the reserve; more are removed.
    package var spareSegments = 2
    /// Segment files kept open for reading.
    package var openSegmentsMax = 128
    /// A hook for the canary only: false believes the salt that a batch claims instead of its segment's.
    package var checksSalt = true
    /// A hook for the canary only: batches count as durable when they are written.
    package var isUnsynced = false

    package init() {}
}
