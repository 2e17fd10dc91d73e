import Synchronization

/// What the clients of one pass share.
final class LoadPass: Sendable {
    private let next = Atomic<Int>(0)
    private let running: Atomic<Int>
    private let deadline: UInt64
    /// Operations asked for; nil when the pass ends by time.
    let limit: Int?
    let started: UInt64
    /// When requests that are still in flight are given up.
    let stopsAt: UInt64
    let seconds: Int

    init(_ end: LoadEnd, limitSeconds: Int, clients: Int, now: UInt64) {
        switch end {
        case .operations(let count): (limit, seconds) = (count, limitSeconds)
        case .seconds(let wanted): (limit, seconds) = (nil, min(wanted, limitSeconds))
        }
        started = now
        deadline = now &+ UInt64(seconds) * 1_000_000_000
        stopsAt = deadline &+ UInt64(LoadPlan.graceSeconds) * 1_000_000_000
        running = Atomic(clients)
    }

    /// The number of the next operation; nil when the pass is over.
    func claim(now: UInt64) -> Int? {
        guard now < deadline else { return nil }
        let index = next.add(1, ordering: .relaxed).oldValue
        return index < limit ?? .max ? index : nil
    }

    /// Operations begun so far.
    var begun: Int { min(next.load(ordering: .relaxed), limit ?? .max) }

    var isRunning: Bool { running.load(ordering: .acquiring) > 0 }

    /// True for the last client.
    func clientEnded() -> Bool { running.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 }
}

/// What a client counted.
struct LoadTally: Sendable {
    struct Row: Sendable {
        var latencies = LatencyHistogram()
        var timeline = LoadTimeline()
        var bodyBytes = 0
        /// Keys and prefixes of listings.
        var items = 0

        mutating func record(nanoseconds: UInt64, bytes: Int, items: Int, at end: UInt64) {
            latencies.add(nanoseconds)
            timeline.add(nanoseconds: nanoseconds, bytes: bytes, endedAt: end)
            bodyBytes += bytes
            self.items += items
        }

        mutating func add(_ other: Row) {
            latencies.add(other.latencies)
            timeline.add(other.timeline)
            bodyBytes += other.bodyBytes
            items += other.items
        }
    }
    var rows: [LoadOperation: Row] = [:]
    var failures = 0
    var firstFailure: String?
    var ended: UInt64 = 0

    mutating func add(_ other: LoadTally) {
        for operation in LoadOperation.allCases {
            guard let row = other.rows[operation] else { continue }
            rows[operation, default: Row()].add(row)
        }
        failures += other.failures
        firstFailure = firstFailure ?? other.firstFailure
        ended = max(ended, other.ended)
    }
}
