/// Live packed bytes of each log segment.
///
/// Counts, unlike bits, are not idempotent: the checkpoint holds the effects of flushed generations only (`flushed`), and those of
/// younger memtables are kept apart until their flush, so that a replay counts each record once.
package struct LogUsage: Sendable {
    private(set) var flushed: [UInt32: Int64] = [:]
    private var deltas: [UInt64: [UInt32: Int64]] = [:]
    private var total: [UInt32: Int64] = [:]
    /// Of all segments.
    package private(set) var liveBytes: Int64 = 0
    /// Reasons not to release a segment that are not live rows: pinned readers of dead data, moves not applied yet.
    private var holds: [UInt32: Int] = [:]

    package init() {}

    package init(flushed segments: [(segment: UInt32, bytes: UInt64)]) {
        for (segment, bytes) in segments { flushed[segment] = Int64(clamping: bytes) }
        total = flushed
        liveBytes = total.values.reduce(0, +)
    }

    package mutating func add(_ bytes: Int, to segment: UInt32, generation: UInt64) {
        guard bytes != 0 else { return }
        deltas[generation, default: [:]][segment, default: 0] += Int64(bytes)
        total[segment, default: 0] += Int64(bytes)
        liveBytes += Int64(bytes)
    }

    package mutating func remove(_ bytes: Int, from segment: UInt32, generation: UInt64) {
        add(-bytes, to: segment, generation: generation)
    }

    package mutating func hold(_ segment: UInt32) { holds[segment, default: 0] += 1 }

    package mutating func unhold(_ segment: UInt32) {
        guard let count = holds[segment] else { return }
        holds[segment] = count > 1 ? count - 1 : nil
    }

    package func live(_ segment: UInt32) -> Int64 { total[segment] ?? 0 }

    /// True when neither a row of the tables nor one of a memtable, nor anything that holds it, needs the segment.
    package func isFree(_ segment: UInt32) -> Bool {
        (total[segment] ?? 0) == 0 && (flushed[segment] ?? 0) == 0 && holds[segment] == nil
    }

    /// What the checkpoint says after the flush of all generations up to `generation`.
    package func checkpoint(upTo generation: UInt64) -> [(segment: UInt32, bytes: UInt64)] {
        var counts = flushed
        for number in deltas.keys.sorted() where number <= generation {
            for (segment, bytes) in deltas[number] ?? [:] { counts[segment, default: 0] += bytes }
        }
        return counts.keys.sorted().compactMap { segment in
            guard let bytes = counts[segment], bytes > 0 else { return nil }
            return (segment, UInt64(bytes))
        }
    }

    /// The checkpoint is durable.
    package mutating func stored(upTo generation: UInt64) {
        for number in deltas.keys.sorted() where number <= generation {
            for (segment, bytes) in deltas.removeValue(forKey: number) ?? [:] { flushed[segment, default: 0] += bytes }
        }
        flushed = flushed.filter { $0.value != 0 }
        total = total.filter { $0.value != 0 }
    }
}
