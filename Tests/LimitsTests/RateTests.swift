import Limits
import Testing

@Suite struct RateTests {
    static let second: UInt64 = 1_000_000_000

    /// Asks `perSecond × tries` times a second, evenly, for some seconds: how many are taken.
    static func taken(_ bucket: SharedBucket, asked: UInt64, seconds: UInt64, from: UInt64 = 0) -> Int {
        var count = 0
        for index in 0..<asked * seconds where bucket.take(1, at: from + index * second / asked) == nil { count += 1 }
        return count
    }

    @Test(arguments: [(1, 1), (7, 2), (100, 25), (1000, 10), (33_333, 8333)] as [(Int64, Int64)])
    func `a rate is held exactly, and a burst is had once`(_ perSecond: Int64, _ burst: Int64) {
        let bucket = SharedBucket(Rate(perSecond: perSecond, burst: burst))
        let taken = Self.taken(bucket, asked: UInt64(perSecond) * 3, seconds: 10)
        #expect(abs(taken - Int(perSecond * 10 + burst)) <= 1)
    }

    @Test func `a burst and no more is had at once, and a pause brings it back`() {
        let bucket = SharedBucket(Rate(perSecond: 10, burst: 5))
        for start in [0, 3 * Self.second] {
            for _ in 0..<5 { #expect(bucket.take(1, at: start) == nil) }
            #expect(bucket.take(1, at: start) == 100_000_000)
            #expect(bucket.take(1, at: start + 99_999_999) == 1)
            #expect(bucket.take(1, at: start + 100_000_000) == nil)
        }
    }

    @Test func `what is refused costs nothing`() {
        let bucket = SharedBucket(Rate(perSecond: 1, burst: 1))
        #expect(bucket.take(1, at: 0) == nil)
        for _ in 0..<1000 { #expect(bucket.take(1, at: 0) == Self.second) }
        #expect(bucket.take(1, at: Self.second) == nil)
    }

    @Test func `what is given back can be taken again`() {
        let bucket = SharedBucket(Rate(perSecond: 1, burst: 1))
        #expect(bucket.take(1, at: 5) == nil)
        bucket.giveBack(1)
        #expect(bucket.take(1, at: 5) == nil)
        #expect(bucket.take(1, at: 5) != nil)
    }

    @Test func `charges are on credit and their waits come to the rate`() {
        let bucket = SharedBucket(Rate(perSecond: 1 << 20, burst: 1 << 18))
        var now: UInt64 = 77, moved: Int64 = 0
        while now < 10 * Self.second {
            let piece: Int64 = 100_000
            now += bucket.charge(piece, at: now)
            moved += piece
        }
        let expected = Double(10 << 20) + Double(1 << 18)
        #expect(abs(Double(moved) - expected) < 200_000)
    }

    @Test func `a backlog is what a newcomer would wait for`() {
        let bucket = SharedBucket(Rate(perSecond: 1000, burst: 100))
        #expect(bucket.backlog(at: 0) == 0)
        _ = bucket.charge(100, at: 0)
        #expect(bucket.backlog(at: 0) == 0)
        _ = bucket.charge(12_000, at: 0)
        #expect(bucket.backlog(at: 0) == 12 * Self.second)
        #expect(bucket.backlog(at: 13 * Self.second) == 0)
    }

    @Test func `extremes neither trap nor let everything through`() {
        for rate in [Rate(perSecond: 1), Rate(perSecond: .max), Rate(perSecond: 0, burst: 0)] {
            #expect(rate.perSecond >= 1 && rate.burst >= 1)
            #expect(rate.ticks(.max) > 0 && rate.ticks(-1) == 0)
            let bucket = SharedBucket(rate)
            _ = bucket.charge(.max, at: 1 << 60)
            bucket.giveBack(.max)
        }
    }

    @Test func `a limit that is set anew remembers what was taken`() {
        let old = SharedBucket(Rate(perSecond: 1, burst: 1))
        #expect(old.take(1, at: 10) == nil)
        let new = SharedBucket(Rate(perSecond: 1, burst: 1), after: old)
        #expect(new.take(1, at: 10) != nil)
    }

    @Test func `threads together take what one would`() async {
        let bucket = SharedBucket(Rate(perSecond: 1, burst: 10_000))
        let taken = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask { (0..<5000).count { _ in bucket.take(1, at: 0) == nil } }
            }
            return await group.reduce(0, +)
        }
        #expect(taken == 10_000)
    }
}
