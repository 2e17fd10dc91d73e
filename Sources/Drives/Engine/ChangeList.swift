import Base

/// A commit as this drive's change list keeps it.
struct ListedChange {
    var keys: [IndexKey]
    /// Hashes of keys that the commit changed where this drive held something newer already: that is listed itself.
    var superseded: [UInt64]
    var note: [UInt8]

    var hashes: [UInt64] { keys.map(\.changeHash) + superseded }

    func change(_ position: Position) -> Change { Change(position: position, keyHashes: hashes, note: note) }
    func changedKeys(_ position: Position) -> ChangedKeys { ChangedKeys(position: position, keys: keys, note: note) }
}

/// The change list (rule 11) between two flushes: positions published or caught up on since the last one. Older ones that are not
/// confirmed are rows of `KeySpace.changes`.
struct ChangeList {
    private(set) var recent: [Position: ListedChange] = [:]
    /// Rows up to here have been deleted: the next search for rows to drop begins behind their tombstones.
    var droppedUpTo = Position.zero

    mutating func add(_ position: Position, _ change: ListedChange) { recent[position] = change }

    /// What a flush writes: positions above `mark`, in order.
    mutating func takeForFlush(above mark: Position) -> [(position: Position, change: ListedChange)] {
        defer { recent = [:] }
        return recent.keys.filter { $0 > mark }.sorted().compactMap { position in
            recent[position].map { (position, $0) }
        }
    }

    mutating func removeAll() { recent = [:] }
}

extension CommitRecord {
    var listed: ListedChange {
        ListedChange(keys: rows.map(\.key), superseded: supersededKeys, note: note)
    }
}

/// Rows of the change list: the position big-endian, so that they sort by it; note, keys and hashes. Docs/formats/record.md.
enum ChangeRow {
    static let start = IndexKey([KeySpace.changes.rawValue])
    static let end = IndexKey([KeySpace.changes.rawValue + 1])

    static func key(_ position: Position) -> IndexKey {
        var bytes: [UInt8] = [KeySpace.changes.rawValue]
        for word in [position.epoch, position.sequence] {
            withUnsafeBytes(of: word.bigEndian) { bytes.append(contentsOf: $0) }
        }
        return IndexKey(bytes)
    }

    static func value(_ change: ListedChange) -> [UInt8] {
        var writer = FieldWriter(reserving: 64)
        writer.blob(change.note)
        writer.count(change.keys.count)
        for key in change.keys { writer.blob(key.bytes) }
        writer.count(change.superseded.count)
        for hash in change.superseded { writer.fixed(hash) }
        return writer.bytes
    }

    static func position(_ key: UnsafeRawBufferPointer) throws(DriveError) -> Position {
        guard key.count == 17 else { throw .damagedFormat(what: "key of the change list") }
        let word = { (offset: Int) in UInt64(bigEndian: key.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) }
        return Position(epoch: word(1), sequence: word(9))
    }

    static func decode(_ value: UnsafeRawBufferPointer) throws(DriveError) -> ListedChange {
        var reader = FieldReader(value)
        do throws(MalformedField) {
            let note = try reader.blob("note")
            var keys: [IndexKey] = []
            for _ in 0..<(try reader.count(of: 1, "keys")) { keys.append(IndexKey(try reader.blob("key"))) }
            var superseded: [UInt64] = []
            for _ in 0..<(try reader.count(of: 8, "hashes")) { superseded.append(try reader.fixed(UInt64.self, "hash")) }
            guard reader.isAtEnd else { throw MalformedField("end") }
            return ListedChange(keys: keys, superseded: superseded, note: note)
        } catch { throw .damagedFormat(what: "row of the change list: \(error.what)") }
    }
}
