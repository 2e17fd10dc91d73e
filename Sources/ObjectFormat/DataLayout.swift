package import Base

/// k data and m parity shards.
package struct Geometry: Hashable, Sendable {
    package var data: Int
    package var parity: Int
    package init(data: Int, parity: Int) {
        self.data = data
        self.parity = parity
    }
}

/// Where the bytes of an object or part are, independent of drives: part of the version record (Docs/formats/version-record.md).
package enum DataLayout: Hashable, Sendable {
    /// Zero bytes.
    case empty
    /// Full copies in the log records of some drives, attached to the version row.
    case copies(count: Int64, slots: [UInt8])
    /// Coded shards in the log records of all drives, attached to the version row.
    case packed(count: Int64, geometry: Geometry, rotation: UInt8)
    /// Coded shards in extents: rows `data` ‖ id ‖ chunk number. `blockBytes` is one shard's share of a stripe.
    case coded(count: Int64, geometry: Geometry, rotation: UInt8, blockBytes: Int32, id: UniqueID)

    package var byteCount: Int64 {
        switch self {
        case .empty: 0
        case .copies(let count, _), .packed(let count, _, _), .coded(let count, _, _, _, _): count
        }
    }
}
