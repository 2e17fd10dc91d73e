import LoadGenerator
import Testing

@Suite struct TimelineTests {
    @Test func `slices widen instead of becoming many, and nothing is lost`() {
        var timeline = LoadTimeline()
        for second in 0..<1000 {
            timeline.add(nanoseconds: UInt64(second), bytes: 10, endedAt: UInt64(second) * 1_000_000_000)
        }
        #expect(timeline.slices.count <= LoadTimeline.slicesMax)
        #expect(timeline.slices.reduce(0) { $0 + $1.operations } == 1000)
        #expect(timeline.slices.reduce(0) { $0 + $1.bodyBytes } == 10_000)
        #expect(timeline.slices.last?.largestNanoseconds == 999)
        // 100 ms, doubled until 240 of them hold 999 s.
        #expect(timeline.sliceNanoseconds == 6_400_000_000)
    }

    @Test func `timelines of different slices add up to the wider ones`() {
        var short = LoadTimeline(), long = LoadTimeline()
        short.add(nanoseconds: 5, bytes: 1, endedAt: 50_000_000)
        short.add(nanoseconds: 7, bytes: 1, endedAt: 150_000_000)
        long.add(nanoseconds: 3, bytes: 2, endedAt: 40_000_000_000)
        var first = short, second = long
        first.add(long)
        second.add(short)
        #expect(first.slices == second.slices)
        #expect(first.sliceNanoseconds == 200_000_000)
        #expect(first.slices[0] == LoadTimeline.Slice(operations: 2, bodyBytes: 2, largestNanoseconds: 7))
        #expect(first.slices[200].operations == 1)
    }

    @Test func `samples of the server are thinned evenly`() {
        var samples = ServerTimeline()
        for tick in 0..<5000 where samples.isDue(at: UInt64(tick) * 100_000_000) {
            samples.add(.init(nanoseconds: UInt64(tick) * 100_000_000, cpuNanoseconds: UInt64(tick), residentBytes: 1))
        }
        let times = samples.samples.map(\.nanoseconds)
        #expect((100...LoadTimeline.slicesMax).contains(times.count))
        #expect(times.first == 0)
        #expect(Set(zip(times, times.dropFirst()).map { $1 - $0 }).count <= 2)
    }

    @Test func `a bar of progress is as long at the start as at the end`() {
        func line(_ done: Int) -> String {
            LoadProgress(name: "put", isWarmUp: false, done: done, limit: 1000, elapsedSeconds: 2, limitSeconds: 3600)
                .line
        }
        #expect(line(0).contains("[........................] 0 %"))
        #expect(line(500).contains("[############............] 50 %  500 of 1000  250/s"))
        #expect(line(1000).contains("[########################] 100 %"))
        let timed = LoadProgress(
            name: "get", isWarmUp: true, done: 30, limit: nil, elapsedSeconds: 3, limitSeconds: 12)
        #expect(timed.share == 0.25)
        #expect(timed.line == "warm-up get [######..................] 25 %  30  10/s")
    }

    @Test func `bars of a histogram hold every operation and do not overlap`() {
        var histogram = LatencyHistogram()
        for value in 1...5000 { histogram.add(UInt64(value * value)) }
        let bars = histogram.bars
        #expect(bars.reduce(0) { $0 + $1.count } == 5000)
        for (bar, next) in zip(bars, bars.dropFirst()) { #expect(bar.to == next.from && bar.from < bar.to) }
        #expect(bars.first.map { $0.count > 0 } == true && bars.last.map { $0.count > 0 } == true)
    }
}
