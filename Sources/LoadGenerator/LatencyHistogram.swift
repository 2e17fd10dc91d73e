/// Counts of durations in buckets that are at most 1.6 % wide: enough for percentiles, in a fixed 15 KiB.
package struct LatencyHistogram: Sendable {
    /// 64 buckets for each power of two from 2^6 ns on.
    private static let stepBits = 6
    private static let powers = 36
    private var counts = [UInt32](repeating: 0, count: powers << stepBits)
    package private(set) var count = 0
    package private(set) var largest: UInt64 = 0
    private var sum: UInt64 = 0

    package init() {}

    package mutating func add(_ nanoseconds: UInt64) {
        counts[min(Self.index(nanoseconds), counts.count - 1)] += 1
        count += 1
        sum &+= nanoseconds
        largest = max(largest, nanoseconds)
    }

    package mutating func add(_ other: LatencyHistogram) {
        for index in counts.indices { counts[index] += other.counts[index] }
        count += other.count
        sum &+= other.sum
        largest = max(largest, other.largest)
    }

    package var mean: UInt64 { count > 0 ? sum / UInt64(count) : 0 }

    /// The duration that `share` (0 to 1) of all were no longer than, to a bucket's upper border.
    package func percentile(_ share: Double) -> UInt64 {
        let wanted = max(1, Int((Double(count) * share).rounded(.up)))
        var seen = 0
        for index in counts.indices {
            seen += Int(counts[index])
            if seen >= wanted { return min(Self.upper(index), largest) }
        }
        return largest
    }

    /// For a plot: counts between the shortest and the longest, in steps that are a factor of 2^(1/4) or so wide.
    package var bars: [(from: UInt64, to: UInt64, count: Int)] {
        let step = (1 << Self.stepBits) / 4
        var bars: [(from: UInt64, to: UInt64, count: Int)] = []
        for start in stride(from: 0, to: counts.count, by: step) {
            let sum = counts[start..<start + step].reduce(0) { $0 + Int($1) }
            let from = start == 0 ? 0 : Self.upper(start - 1)
            if sum > 0 || !bars.isEmpty { bars.append((from, Self.upper(start + step - 1), sum)) }
        }
        while bars.last?.count == 0 { bars.removeLast() }
        return bars
    }

    private static func index(_ value: UInt64) -> Int {
        let value = max(value, 1 << UInt64(stepBits))
        let power = 63 - value.leadingZeroBitCount
        return (power - stepBits) << stepBits + Int(value >> UInt64(power - stepBits)) - 1 << stepBits
    }

    private static func upper(_ index: Int) -> UInt64 {
        let power = index >> stepBits, step = index & ((1 << stepBits) - 1)
        return UInt64((1 << stepBits) + step + 1) << UInt64(power)
    }
}

/// A small fast generator (SplitMix64): a load is the same for the same seed.
struct LoadRandom {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
