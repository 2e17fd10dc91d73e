package import Base

/// Objects, versions and bytes by bucket, each commit counted once (rule 16).
///
/// A commit's note carries its change. `folded` counts every decided commit up to `position`; changes decided above it wait
/// in `above` until the decided position has passed them. Counter rows store `folded` with its position; at a start the notes
/// of the valid commits above a row's position are added to it.
package struct Counters: Sendable {
    private struct Folded {
        var counter: Counter
        /// The row on the drives says less than this.
        var isDirty: Bool
    }
    private var folded: [CounterKey: Folded] = [:]
    private var above: [Position: [CounterChange]] = [:]
    private var totals: [CounterKey: Counter] = [:]
    package private(set) var position: Position
    /// Up to here the rows on the drives count everything: change lists may forget the notes.
    package private(set) var stored: Position
    private var dirty: [CounterKey] = []

    /// `stored`: up to where the rows that will be loaded are known to count everything.
    package init(position: Position, stored: Position) {
        self.position = position
        self.stored = stored
    }

    package func total(_ key: CounterKey) -> Counter { totals[key] ?? Counter() }

    /// A row as it was found at the start.
    package mutating func load(_ key: CounterKey, _ counter: Counter) {
        folded[key] = Folded(counter: counter, isDirty: false)
        totals[key] = counter
    }

    /// A change found at the start above the row's position.
    package mutating func replay(_ change: CounterChange) {
        totals[change.key, default: Counter()].add(change)
        fold(change)
    }

    /// Everything that the notes told has been replayed.
    package mutating func endReplay() { if dirty.isEmpty { stored = position } }

    package mutating func decided(_ position: Position, _ changes: [CounterChange]) {
        guard !changes.isEmpty else { return }
        for change in changes { totals[change.key, default: Counter()].add(change) }
        if position <= self.position {
            for change in changes { fold(change) }
        } else {
            above[position] = changes
        }
    }

    /// Everything up to `decided` is decided or void.
    package mutating func advance(to decided: Position) {
        guard decided > position else { return }
        if !above.isEmpty {
            for passed in above.keys.filter({ $0 <= decided }).sorted() {
                for change in above.removeValue(forKey: passed) ?? [] { fold(change) }
            }
        }
        position = decided
        if dirty.isEmpty { stored = decided }
    }

    private mutating func fold(_ change: CounterChange) {
        var entry = folded[change.key] ?? Folded(counter: Counter(), isDirty: false)
        entry.counter.add(change)
        if !entry.isDirty {
            entry.isDirty = true
            dirty.append(change.key)
        }
        folded[change.key] = entry
    }

    package var isDirty: Bool { !dirty.isEmpty }

    package struct Snapshot: Sendable {
        package var position: Position
        package var rows: [(key: CounterKey, counter: Counter)]
    }

    /// The rows to be written, all saying the same position.
    package func snapshot() -> Snapshot {
        Snapshot(position: position, rows: dirty.sorted().map { ($0, folded[$0]?.counter ?? Counter()) })
    }

    /// All rows of the snapshot are on the drives.
    package mutating func didStore(_ snapshot: Snapshot) {
        for (key, counter) in snapshot.rows where folded[key]?.counter == counter { folded[key]?.isDirty = false }
        dirty.removeAll { folded[$0]?.isDirty != true }
        stored = dirty.isEmpty ? position : max(stored, snapshot.position)
    }
}

extension Counter {
    mutating func add(_ change: CounterChange) {
        objects &+= change.objects
        versions &+= change.versions
        bytes &+= change.bytes
    }
}

/// Counter rows: key and payload (Docs/formats/statement.md).
enum CounterRow {
    static let prefix: [UInt8] = [0x40, 0x63]  // the system space, "c"

    static func key(_ counter: CounterKey) -> [UInt8] {
        var bytes = prefix
        withUnsafeBytes(of: counter.bucket.rawValue.bigEndian) { bytes.append(contentsOf: $0) }
        return bytes
    }

    static func key(decoding bytes: [UInt8]) -> CounterKey? {
        guard bytes.count == prefix.count + 8, bytes.starts(with: prefix) else { return nil }
        let id = bytes.dropFirst(prefix.count).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return CounterKey(bucket: BucketID(rawValue: id))
    }

    static func encode(_ counter: Counter, foldedUpTo position: Position) -> [UInt8] {
        var writer = NoteWriter()
        writer.put(UInt8(2))
        writer.put(position)
        writer.put(counter.objects)
        writer.put(counter.versions)
        writer.put(counter.bytes)
        return writer.bytes
    }

    static func decode(_ payload: [UInt8]) -> (counter: Counter, position: Position)? {
        var reader = NoteReader(payload)
        guard reader.take(UInt8.self) == 2, let position = reader.position(), let objects = reader.take(Int64.self),
            let versions = reader.take(Int64.self), let bytes = reader.take(Int64.self), reader.remaining == 0
        else { return nil }
        return (Counter(objects: objects, versions: versions, bytes: bytes), position)
    }
}
