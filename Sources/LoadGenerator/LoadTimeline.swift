/// What happened in each slice of a pass. A fixed number of slices: when they are used up, two become one and each lasts twice as long, so that
/// a minute and a day take the same memory.
package struct LoadTimeline: Sendable {
    package struct Slice: Hashable, Sendable {
        package var operations = 0
        package var bodyBytes = 0
        /// Of the slowest operation that ended in the slice.
        package var largestNanoseconds: UInt64 = 0

        package init(operations: Int = 0, bodyBytes: Int = 0, largestNanoseconds: UInt64 = 0) {
            self.operations = operations
            self.bodyBytes = bodyBytes
            self.largestNanoseconds = largestNanoseconds
        }

        mutating func add(_ other: Slice) {
            operations += other.operations
            bodyBytes += other.bodyBytes
            largestNanoseconds = max(largestNanoseconds, other.largestNanoseconds)
        }
    }
    /// As many points as a plot of a screen's width can show.
    package static let slicesMax = 240

    package private(set) var sliceNanoseconds: UInt64 = 100_000_000
    package private(set) var slices: [Slice] = []

    package init() {}

    /// An operation that took `nanoseconds` and ended at `end`, counted from the start of the pass.
    package mutating func add(nanoseconds: UInt64, bytes: Int, endedAt end: UInt64) {
        while end / sliceNanoseconds >= UInt64(Self.slicesMax) { widen() }
        let index = Int(end / sliceNanoseconds)
        reach(index + 1)
        slices[index].add(Slice(operations: 1, bodyBytes: bytes, largestNanoseconds: nanoseconds))
    }

    package mutating func add(_ other: LoadTimeline) {
        var other = other
        while other.sliceNanoseconds < sliceNanoseconds { other.widen() }
        while sliceNanoseconds < other.sliceNanoseconds { widen() }
        reach(other.slices.count)
        for index in other.slices.indices { slices[index].add(other.slices[index]) }
    }

    private mutating func reach(_ count: Int) {
        while slices.count < count { slices.append(Slice()) }
    }

    private mutating func widen() {
        sliceNanoseconds *= 2
        var halved: [Slice] = []
        for index in stride(from: 0, to: slices.count, by: 2) {
            var slice = slices[index]
            if index + 1 < slices.count { slice.add(slices[index + 1]) }
            halved.append(slice)
        }
        slices = halved
    }
}

/// What the server had used at moments of a pass, thinned as `LoadTimeline` is.
package struct ServerTimeline: Sendable {
    package struct Sample: Hashable, Sendable {
        /// Since the start of the pass.
        package var nanoseconds: UInt64
        /// Since the server started.
        package var cpuNanoseconds: UInt64
        package var residentBytes: Int

        package init(nanoseconds: UInt64, cpuNanoseconds: UInt64, residentBytes: Int) {
            self.nanoseconds = nanoseconds
            self.cpuNanoseconds = cpuNanoseconds
            self.residentBytes = residentBytes
        }
    }
    package private(set) var samples: [Sample] = []
    private var spacing: UInt64 = 100_000_000
    private static let early: UInt64 = 10_000_000

    package init() {}

    package func isDue(at nanoseconds: UInt64) -> Bool {
        guard let last = samples.last else { return true }
        // A little early rather than a whole turn of the sampler late.
        return nanoseconds &- last.nanoseconds &+ Self.early >= spacing
    }

    package mutating func add(_ sample: Sample) {
        samples.append(sample)
        guard samples.count > LoadTimeline.slicesMax else { return }
        spacing *= 2
        samples = stride(from: 0, to: samples.count, by: 2).map { samples[$0] }
    }
}
