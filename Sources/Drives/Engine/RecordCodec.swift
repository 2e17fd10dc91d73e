package import Base
package import Runtime

/// What one record of the log says, without the packed data that follows it. Byte layout: Docs/formats/record.md.
package enum LogRecord: Sendable {
    /// A commit. `replaces` is the LSN of the record that this one repeats, when a pending commit was appended again.
    case commit(CommitRecord, replaces: UInt64?)
    /// Present state of keys that were missed, applied as soon as it is durable.
    case caughtUp(CaughtUpRecord)
    /// Packed data that cleaning appended again: each move holds only while the row still points to where the data was.
    case moves([MoveRecord])
}

package struct CommitRecord: Sendable {
    package var header: CommitHeader
    package var note: [UInt8]
    package var supersededKeys: [UInt64]
    package var rows: [RecordRow]

    package var keyHashes: [UInt64] { rows.map(\.key.changeHash) + supersededKeys }
}

package struct RecordRow: Sendable {
    package enum Change: Sendable {
        case put(payload: [UInt8], RecordData)
        case delete
    }
    package var key: IndexKey
    package var change: Change
}

/// Data of a row as a record names it: packed data lies in the record itself, `offset` bytes from its first byte.
package enum RecordData: Sendable {
    case none
    case packed(offset: Int, count: Int, checksum: UInt64)
    case extents([Extent], blockBytes: Int, checksums: [UInt64])

    package var packedCount: Int { if case .packed(_, let count, _) = self { count } else { 0 } }
}

package struct CaughtUpRecord: Sendable {
    package struct Row: Sendable {
        package var key: IndexKey
        package var revision: Position?
        package var payload: [UInt8]
        package var data: RecordData
    }
    package var rows: [Row]
    package var positions: [ChangedKeys]
    package var statement: (position: Position, note: [UInt8])?
}

package struct MoveRecord: Sendable {
    package var key: IndexKey
    package var from: PackedLocation
    package var data: RecordData
}

/// A record as it goes to the log: the head, then the packed pieces without padding.
package struct EncodedRecord: Sendable {
    package var head: [UInt8]
    package var pieces: [BufferSlice]
    package var byteCount: Int
}

package enum RecordCodec {
    enum Kind: UInt8 { case commit = 1, caughtUp = 2, moves = 3, commitAgain = 4 }
    private enum Change: UInt8 { case delete = 0, put = 1 }
    private enum Data: UInt8 { case none = 0, packed = 1, extents = 2 }

    /// Kind, three zero bytes, length of the head.
    package static let prefixBytes = 8
    /// Rows in one record: a commit is bounded, and so is one step of copying or cleaning.
    package static let rowsMax = 65_536

    // MARK: Writing

    package static func encode(_ commit: DriveCommit, replaces: UInt64? = nil) -> EncodedRecord {
        var pieces = Pieces()
        var writer = begin(replaces == nil ? .commit : .commitAgain)
        if let replaces { writer.number(replaces) }
        write(commit.header, to: &writer)
        writer.blob(commit.note)
        writer.count(commit.supersededKeys.count)
        for hash in commit.supersededKeys { writer.fixed(hash) }
        writer.count(commit.mutations.count)
        for mutation in commit.mutations {
            writer.blob(mutation.key.bytes)
            switch mutation.change {
            case .delete: writer.byte(Change.delete.rawValue)
            case .put(let payload, let attachment):
                writer.byte(Change.put.rawValue)
                writer.blob(payload)
                write(attachment, to: &writer, &pieces)
            }
        }
        return finish(writer, pieces)
    }

    package static func encode(_ state: CaughtUpState) -> EncodedRecord {
        var pieces = Pieces()
        var writer = begin(.caughtUp)
        write(state.positions, to: &writer)
        writer.byte(state.statement == nil ? 0 : 1)
        if let statement = state.statement {
            writer.position(statement.position)
            writer.blob(statement.note)
        }
        writer.count(state.rows.count)
        for row in state.rows {
            writer.blob(row.key.bytes)
            guard let revision = row.revision else {
                writer.byte(Change.delete.rawValue)
                continue
            }
            writer.byte(Change.put.rawValue)
            writer.position(revision)
            writer.blob(row.payload)
            write(row.attachment, to: &writer, &pieces)
        }
        return finish(writer, pieces)
    }

    package static func encode(moves: [(key: IndexKey, from: PackedLocation, data: BufferSlice)]) -> EncodedRecord {
        var pieces = Pieces()
        var writer = begin(.moves)
        writer.count(moves.count)
        for move in moves {
            writer.blob(move.key.bytes)
            writer.number(UInt64(move.from.segment))
            writer.number(UInt64(move.from.offset))
            writer.number(UInt64(move.from.count))
            writer.fixed(move.from.checksum)
            write(.packed(move.data, checksum: move.from.checksum), to: &writer, &pieces)
        }
        return finish(writer, pieces)
    }

    private struct Pieces {
        var slices: [BufferSlice] = []
        var bytes = 0
    }

    private static func begin(_ kind: Kind) -> FieldWriter {
        var writer = FieldWriter(reserving: 512)
        writer.fixed(UInt32(kind.rawValue))
        writer.fixed(UInt32(0))
        return writer
    }

    private static func finish(_ writer: FieldWriter, _ pieces: Pieces) -> EncodedRecord {
        var writer = writer
        writer.patch(UInt32(writer.bytes.count), at: 4)
        return EncodedRecord(
            head: writer.bytes, pieces: pieces.slices, byteCount: writer.bytes.count + pieces.bytes)
    }

    private static func write(_ header: CommitHeader, to writer: inout FieldWriter) {
        writer.byte(header.kind.rawValue)
        writer.position(header.position)
        writer.position(header.decided)
        writer.position(header.confirmed)
        writer.fixed(header.membership)
        writer.fixed(header.sent)
    }

    private static func write(_ attachment: Attachment, to writer: inout FieldWriter, _ pieces: inout Pieces) {
        switch attachment {
        case .none: writer.byte(Data.none.rawValue)
        case .packed(let slice, let checksum):
            writer.byte(Data.packed.rawValue)
            writer.count(pieces.bytes)
            writer.count(slice.count)
            writer.fixed(checksum)
            pieces.slices.append(slice)
            pieces.bytes += slice.count
        case .extents(let extents, let blockBytes, let checksums):
            writer.byte(Data.extents.rawValue)
            ExtentCodec.write(extents, blockBytes: blockBytes, checksums: checksums, to: &writer)
        }
    }

    private static func write(_ changes: [ChangedKeys], to writer: inout FieldWriter) {
        writer.count(changes.count)
        for change in changes {
            writer.position(change.position)
            writer.blob(change.note)
            writer.count(change.keys.count)
            for key in change.keys { writer.blob(key.bytes) }
        }
    }

    // MARK: Reading

    /// Decodes a whole record: the head and the packed data behind it, whose bounds are checked against `bytes`.
    package static func decode(_ bytes: UnsafeRawBufferPointer) throws(MalformedField) -> LogRecord {
        var prefix = FieldReader(bytes)
        let word = try prefix.fixed(UInt32.self, "record kind")
        let headBytes = Int(try prefix.fixed(UInt32.self, "record head length"))
        guard word <= 0xFF, let kind = Kind(rawValue: UInt8(word)) else { throw MalformedField("record kind") }
        guard headBytes >= prefixBytes, headBytes <= bytes.count else { throw MalformedField("record head length") }
        let head = Head(bytes: headBytes, dataBytes: bytes.count - headBytes)
        var reader = FieldReader(UnsafeRawBufferPointer(rebasing: bytes[prefixBytes..<headBytes]))
        let record: LogRecord
        switch kind {
        case .commit: record = .commit(try readCommit(&reader, head), replaces: nil)
        case .commitAgain:
            let replaces = try reader.number("repeated record")
            record = .commit(try readCommit(&reader, head), replaces: replaces)
        case .caughtUp: record = .caughtUp(try readCaughtUp(&reader, head))
        case .moves: record = .moves(try readMoves(&reader, head))
        }
        guard reader.isAtEnd else { throw MalformedField("end of record head") }
        return record
    }

    private struct Head {
        var bytes: Int
        var dataBytes: Int
    }

    private static func readCommit(_ reader: inout FieldReader, _ head: Head) throws(MalformedField) -> CommitRecord {
        let header = try readHeader(&reader)
        let note = try reader.blob("note")
        let supersededCount = try reader.count(of: 8, "superseded keys")
        var superseded: [UInt64] = []
        for _ in 0..<supersededCount { superseded.append(try reader.fixed(UInt64.self, "superseded key")) }
        let count = try rowCount(&reader)
        var rows: [RecordRow] = []
        rows.reserveCapacity(count)
        for _ in 0..<count {
            let key = IndexKey(try reader.blob("key"))
            switch try change(&reader) {
            case .delete: rows.append(RecordRow(key: key, change: .delete))
            case .put:
                let payload = try reader.blob("payload")
                rows.append(RecordRow(key: key, change: .put(payload: payload, try readData(&reader, head))))
            }
        }
        return CommitRecord(header: header, note: note, supersededKeys: superseded, rows: rows)
    }

    private static func readCaughtUp(
        _ reader: inout FieldReader, _ head: Head
    ) throws(MalformedField) -> CaughtUpRecord {
        let positions = try readChanges(&reader)
        var statement: (position: Position, note: [UInt8])?
        if try reader.byte("statement flag") != 0 {
            statement = (position: try reader.position("statement position"), note: try reader.blob("statement"))
        }
        let count = try rowCount(&reader)
        var rows: [CaughtUpRecord.Row] = []
        rows.reserveCapacity(count)
        for _ in 0..<count {
            let key = IndexKey(try reader.blob("key"))
            switch try change(&reader) {
            case .delete: rows.append(.init(key: key, revision: nil, payload: [], data: .none))
            case .put:
                let revision = try reader.position("revision")
                let payload = try reader.blob("payload")
                rows.append(
                    .init(key: key, revision: revision, payload: payload, data: try readData(&reader, head)))
            }
        }
        return CaughtUpRecord(rows: rows, positions: positions, statement: statement)
    }

    private static func readMoves(_ reader: inout FieldReader, _ head: Head) throws(MalformedField) -> [MoveRecord] {
        let count = try rowCount(&reader)
        var moves: [MoveRecord] = []
        moves.reserveCapacity(count)
        for _ in 0..<count {
            let key = IndexKey(try reader.blob("key"))
            let from = PackedLocation(
                segment: try reader.narrow(UInt32.self, "old segment"),
                offset: try reader.narrow(UInt32.self, "old offset"),
                count: try reader.narrow(UInt32.self, "old count"),
                checksum: try reader.fixed(UInt64.self, "old checksum"))
            moves.append(MoveRecord(key: key, from: from, data: try readData(&reader, head)))
        }
        return moves
    }

    private static func readHeader(_ reader: inout FieldReader) throws(MalformedField) -> CommitHeader {
        guard let kind = CommitHeader.Kind(rawValue: try reader.byte("commit kind")) else {
            throw MalformedField("commit kind")
        }
        return CommitHeader(
            kind: kind, position: try reader.position("position"), decided: try reader.position("decided"),
            confirmed: try reader.position("confirmed"), membership: try reader.fixed(UInt32.self, "membership"),
            sent: try reader.fixed(UInt16.self, "slots"))
    }

    private static func readChanges(_ reader: inout FieldReader) throws(MalformedField) -> [ChangedKeys] {
        let count = try reader.count(of: 4, "positions")
        var changes: [ChangedKeys] = []
        changes.reserveCapacity(count)
        for _ in 0..<count {
            let position = try reader.position("position"), note = try reader.blob("note")
            let keyCount = try reader.count(of: 1, "keys")
            var keys: [IndexKey] = []
            keys.reserveCapacity(keyCount)
            for _ in 0..<keyCount { keys.append(IndexKey(try reader.blob("key"))) }
            changes.append(ChangedKeys(position: position, keys: keys, note: note))
        }
        return changes
    }

    private static func rowCount(_ reader: inout FieldReader) throws(MalformedField) -> Int {
        let count = try reader.count(of: 2, "rows")
        guard count <= rowsMax else { throw MalformedField("rows") }
        return count
    }

    private static func change(_ reader: inout FieldReader) throws(MalformedField) -> Change {
        guard let change = Change(rawValue: try reader.byte("change")) else { throw MalformedField("change") }
        return change
    }

    private static func readData(_ reader: inout FieldReader, _ head: Head) throws(MalformedField) -> RecordData {
        guard let tag = Data(rawValue: try reader.byte("data tag")) else { throw MalformedField("data tag") }
        switch tag {
        case .none: return .none
        case .packed:
            let offset = try reader.narrow(UInt32.self, "packed offset")
            let count = try reader.narrow(UInt32.self, "packed count")
            let checksum = try reader.fixed(UInt64.self, "packed checksum")
            guard Int(offset) + Int(count) <= head.dataBytes else { throw MalformedField("packed data") }
            return .packed(offset: head.bytes + Int(offset), count: Int(count), checksum: checksum)
        case .extents:
            let read = try ExtentCodec.read(from: &reader)
            return .extents(read.extents, blockBytes: read.blockBytes, checksums: read.checksums)
        }
    }
}
