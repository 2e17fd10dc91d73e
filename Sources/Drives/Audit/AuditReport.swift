/// What an audit of a drive found.
package struct AuditReport: Sendable {
    /// Checked, by kind: what a clean report can say it has looked at.
    package var logSegments = 0, logBatches = 0, logRecords = 0
    package var tables = 0, rows = 0
    package var packedPieces = 0, dataBlocks = 0
    package var checkedBytes: UInt64 = 0
    /// Rows that the unflushed end of the log changes again: their data is checked by what the log says of it.
    package var supersededRows = 0
    package var identity: DriveIdentity?
    /// The drive says so itself: it is being made whole from the others.
    package var isRebuilding = false
    /// A start found damage in the log and nothing has made the drive whole since.
    package var isMarkedDamaged = false

    package private(set) var damages: [Damage] = []
    /// Damages beyond those that are listed.
    package private(set) var unlisted = 0

    /// A drive that is damaged everywhere needs no list of every block.
    static let listedMax = 1_000

    package init() {}

    package var isClean: Bool { damages.allSatisfy { $0.kind == .tornEnd } }

    mutating func add(_ kind: Damage.Kind, _ file: String, _ place: String, _ what: String, key: IndexKey? = nil) {
        guard damages.count < Self.listedMax else {
            unlisted += 1
            return
        }
        damages.append(Damage(kind: kind, file: file, place: place, what: what, key: key))
    }

    package struct Damage: Hashable, Sendable {
        package enum Kind: Hashable, Sendable {
            case identity, manifest, log, table, packed, data
            /// The log ends in a batch that is not whole: what a power cut leaves.
            case tornEnd
            /// Space that two rows name, that a row names and the allocator has as free, or that no row names.
            case doubleUse, unallocated, leak
            /// Live bytes of a log segment are counted wrongly.
            case miscount
            /// A file that something refers to.
            case missing
        }
        package var kind: Kind
        package var file: String
        /// Where in the file; empty for all of it.
        package var place: String
        package var what: String
        /// The row that refers to the place.
        package var key: IndexKey?
    }
}

/// How far an audit is.
package struct AuditProgress: Sendable {
    package enum Phase: String, Sendable { case log, tables, rows, data }
    package var phase: Phase
    package var doneBytes: UInt64
    package var totalBytes: UInt64
}

/// What only the writer of extents knows: how the blocks that a row names are cut, and what their checksums start from.
package protocol ExtentLayout: Sendable {
    /// Bytes of the row's last block as stored, a multiple of 4 KiB; nil for a row whose data can't be cut that way.
    func lastBlockBytes(of entry: IndexEntry) -> Int?
    /// Start values of the checksum of block `block`, one for each shard that the drive may hold.
    func seeds(of key: IndexKey, block: Int) -> [UInt64]
}
