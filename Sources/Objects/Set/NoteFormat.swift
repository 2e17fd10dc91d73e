import Base

/// Little-endian bytes for notes, counter rows and row trailers: what the set itself writes on drives.
struct NoteWriter {
    var bytes: [UInt8] = []
    mutating func put(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
    mutating func put(_ position: Position) {
        put(position.epoch)
        put(position.sequence)
    }
    mutating func put(_ id: UniqueID) {
        put(id.high)
        put(id.low)
    }
}

/// Reads what `NoteWriter` wrote; nil for bytes that end early. Counts are checked against the bytes left before use.
struct NoteReader {
    private let bytes: [UInt8]
    private var index: Int

    init(_ bytes: [UInt8], from start: Int = 0) {
        self.bytes = bytes
        index = min(max(0, start), bytes.count)
    }

    var remaining: Int { bytes.count - index }

    mutating func take<Integer: FixedWidthInteger>(_: Integer.Type) -> Integer? {
        let size = MemoryLayout<Integer>.size
        guard remaining >= size else { return nil }
        let value = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: index, as: Integer.self) }
        index += size
        return Integer(littleEndian: value)
    }
    mutating func position() -> Position? {
        guard let epoch = take(UInt64.self), let sequence = take(UInt64.self) else { return nil }
        return Position(epoch: epoch, sequence: sequence)
    }
    mutating func uniqueID() -> UniqueID? {
        guard let high = take(UInt64.self), let low = take(UInt64.self) else { return nil }
        return UniqueID(high: high, low: low)
    }
    /// A count of items of at least `size` bytes each.
    mutating func count(of size: Int) -> Int? {
        guard let count = take(UInt32.self), Int(count) <= remaining / size else { return nil }
        return Int(count)
    }
}

/// The note of an ordinary commit: its counter changes. Empty when it has none.
package enum CommitNote {
    static let version: UInt8 = 2

    package static func encode(_ changes: [CounterChange]) -> [UInt8] {
        guard !changes.isEmpty else { return [] }
        var writer = NoteWriter()
        writer.put(version)
        writer.put(changes)
        return writer.bytes
    }

    /// nil for bytes that are no such note.
    package static func decode(_ note: [UInt8]) -> [CounterChange]? {
        guard !note.isEmpty else { return [] }
        var reader = NoteReader(note)
        guard reader.take(UInt8.self) == version, let changes = reader.counterChanges(), reader.remaining == 0 else {
            return nil
        }
        return changes
    }
}

extension NoteWriter {
    mutating func put(_ changes: [CounterChange]) {
        put(UInt32(changes.count))
        for change in changes {
            put(change.key.bucket.rawValue)
            put(change.objects)
            put(change.versions)
            put(change.bytes)
        }
    }
}

extension NoteReader {
    mutating func counterChanges() -> [CounterChange]? {
        guard let count = count(of: 32) else { return nil }
        var changes: [CounterChange] = []
        for _ in 0..<count {
            guard let bucket = take(UInt64.self), let objects = take(Int64.self),
                let versions = take(Int64.self), let bytes = take(Int64.self)
            else {
                return nil
            }
            changes.append(
                CounterChange(
                    key: CounterKey(bucket: BucketID(rawValue: bucket)), objects: objects, versions: versions,
                    bytes: bytes))
        }
        return changes
    }
}

extension Statement {
    /// Tells a statement from an ordinary commit's note.
    static let formatVersion: UInt8 = 0x52

    package func encoded() -> [UInt8] {
        var writer = NoteWriter()
        writer.put(Self.formatVersion)
        writer.put(UInt8(members.count))
        writer.put(membership)
        writer.put(floor)
        writer.put(stale.rawValue)
        writer.put(returning.rawValue)
        for member in members {
            writer.put(member.drive)
            writer.put(member.since)
        }
        writer.put(UInt32(ends.count))
        for (epoch, end) in ends.sorted(by: { $0.key < $1.key }) {
            writer.put(epoch)
            writer.put(end)
        }
        for positions in [voids, dones] {
            writer.put(UInt32(positions.count))
            for position in positions.sorted() { writer.put(position) }
        }
        writer.put(UInt32(opens.count))
        for (position, hashes) in opens.sorted(by: { $0.key < $1.key }) {
            writer.put(position)
            writer.put(UInt32(hashes.count))
            for hash in hashes { writer.put(hash) }
        }
        writer.put(UInt32(counts.count))
        for count in counts {
            writer.put(count.position)
            writer.put(count.changes)
        }
        return writer.bytes
    }

    /// nil for bytes that are no statement of a version that this program knows.
    package init?(note: [UInt8]) {
        var reader = NoteReader(note)
        guard reader.take(UInt8.self) == Self.formatVersion, let slots = reader.take(UInt8.self),
            (1...16).contains(slots),
            let membership = reader.take(UInt32.self), let floor = reader.position(),
            let stale = reader.take(UInt16.self), let returning = reader.take(UInt16.self)
        else { return nil }
        var members: [Member] = []
        for _ in 0..<slots {
            guard let drive = reader.uniqueID(), let since = reader.take(UInt32.self) else { return nil }
            members.append(Member(drive: drive, since: since))
        }
        self.init(membership: membership, members: members)
        self.floor = floor
        self.stale = SlotMask(rawValue: stale)
        self.returning = SlotMask(rawValue: returning)
        guard self.stale.union(self.returning).isSubset(of: .first(members.count)), let endCount = reader.count(of: 16)
        else {
            return nil
        }
        for _ in 0..<endCount {
            guard let epoch = reader.take(UInt64.self), let end = reader.take(UInt64.self) else { return nil }
            ends[epoch] = end
        }
        guard let voids = reader.positions(), let dones = reader.positions(), let openCount = reader.count(of: 20)
        else {
            return nil
        }
        self.voids = voids
        self.dones = dones
        for _ in 0..<openCount {
            guard let position = reader.position(), let hashCount = reader.count(of: 8) else { return nil }
            var hashes: [UInt64] = []
            for _ in 0..<hashCount {
                guard let hash = reader.take(UInt64.self) else { return nil }
                hashes.append(hash)
            }
            opens[position] = hashes
        }
        guard let closedCount = reader.count(of: 20) else { return nil }
        for _ in 0..<closedCount {
            guard let position = reader.position(), let changes = reader.counterChanges() else { return nil }
            counts.append(ClosedCount(position: position, changes: changes))
        }
        guard reader.remaining == 0 else { return nil }
    }
}

extension NoteReader {
    mutating func positions() -> Set<Position>? {
        guard let count = count(of: 16) else { return nil }
        var positions: Set<Position> = []
        for _ in 0..<count {
            guard let position = position() else { return nil }
            positions.insert(position)
        }
        return positions
    }
}
