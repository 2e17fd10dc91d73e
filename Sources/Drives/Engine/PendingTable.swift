import Base
import Runtime

/// Where a durable record lies.
struct RecordPlace: Hashable {
    var lsn: UInt64
    var location: LogLocation

    var segment: UInt32 { location.segment }
    var offset: UInt32 { location.offset }
}

/// A commit that is in this drive's log, or on its way there, and not published.
struct PendingCommit {
    var record: CommitRecord
    /// Where the record lies; nil while it is not durable.
    var place: RecordPlace?
    /// The commit as it was handed over, kept until it is durable: afterwards it is read back from the log.
    var commit: DriveCommit?
    /// The leader decided it before its record was durable here: it is published when it is.
    var isDecided = false

    /// What publishing does to the rows.
    func rowChanges(at place: RecordPlace) -> [RowChange] {
        record.rows.map { row in
            switch row.change {
            case .delete: RowChange(key: row.key, row: nil)
            case .put(let payload, let data):
                RowChange(key: row.key, row: (record.header.position, payload, data.stored(in: place)))
            }
        }
    }

    var extents: [Extent] {
        record.rows.flatMap { row -> [Extent] in
            guard case .put(_, .extents(let extents, _, _)) = row.change else { return [] }
            return extents
        }
    }
}

extension CommitRecord {
    /// What the log will say of a commit whose record has a head of `headBytes`.
    init(_ commit: DriveCommit, headBytes: Int) {
        var offset = headBytes
        var rows: [RecordRow] = []
        rows.reserveCapacity(commit.mutations.count)
        for mutation in commit.mutations {
            switch mutation.change {
            case .delete: rows.append(RecordRow(key: mutation.key, change: .delete))
            case .put(let payload, let attachment):
                let data = RecordData(attachment, at: offset)
                offset += data.packedCount
                rows.append(RecordRow(key: mutation.key, change: .put(payload: payload, data)))
            }
        }
        self.init(header: commit.header, note: commit.note, supersededKeys: commit.supersededKeys, rows: rows)
    }
}

extension RecordData {
    init(_ attachment: Attachment, at offset: Int) {
        switch attachment {
        case .none: self = .none
        case .packed(let slice, let checksum): self = .packed(offset: offset, count: slice.count, checksum: checksum)
        case .extents(let extents, let blockBytes, let checksums):
            self = .extents(extents, blockBytes: blockBytes, checksums: checksums)
        }
    }
}

extension RecordData {
    /// Where the data is, once its record is durable at `place`.
    func stored(in place: RecordPlace) -> IndexEntry.Stored {
        switch self {
        case .none: .none
        case .packed(let offset, let count, let checksum):
            .packed(
                PackedLocation(
                    segment: place.segment, offset: place.offset + UInt32(offset), count: UInt32(count),
                    checksum: checksum))
        case .extents(let extents, let blockBytes, let checksums):
            .extents(extents, blockBytes: blockBytes, checksums: checksums)
        }
    }

    /// The data as it was handed over; `record` holds the whole record.
    func attachment(in record: BufferSlice) -> Attachment {
        switch self {
        case .none: .none
        case .packed(let offset, let count, let checksum):
            .packed(record.buffer.slice(record.start + offset, count), checksum: checksum)
        case .extents(let extents, let blockBytes, let checksums):
            .extents(extents, blockBytes: blockBytes, checksums: checksums)
        }
    }
}

extension CaughtUpRecord {
    /// What the log will say of a state whose record has a head of `headBytes`.
    init(_ state: CaughtUpState, headBytes: Int) {
        var offset = headBytes
        var rows: [Row] = []
        rows.reserveCapacity(state.rows.count)
        for row in state.rows {
            guard row.revision != nil else {
                rows.append(Row(key: row.key, revision: nil, payload: [], data: .none))
                continue
            }
            let data = RecordData(row.attachment, at: offset)
            offset += data.packedCount
            rows.append(Row(key: row.key, revision: row.revision, payload: row.payload, data: data))
        }
        self.init(rows: rows, positions: state.positions, statement: state.statement)
    }

    func rowChanges(at place: RecordPlace) -> [RowChange] {
        rows.map { row in
            RowChange(key: row.key, row: row.revision.map { ($0, row.payload, row.data.stored(in: place)) })
        }
    }

    var extents: [Extent] {
        rows.flatMap { row -> [Extent] in
            guard case .extents(let extents, _, _) = row.data else { return [] }
            return extents
        }
    }
}
