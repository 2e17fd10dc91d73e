import Synchronization

/// A rate that all loops share: its state is one word, exchanged atomically. Times are monotonic nanoseconds.
package final class SharedBucket: Sendable {
    package let rate: Rate
    private let paid: Atomic<UInt64>

    package init(_ rate: Rate) {
        self.rate = rate
        paid = Atomic(0)
    }

    /// The same limit, set anew: what was taken of the old one stays taken.
    package init(_ rate: Rate, after old: SharedBucket?) {
        self.rate = rate
        paid = Atomic(old?.paid.load(ordering: .relaxed) ?? 0)
    }

    /// nil when it was taken; else the nanoseconds after which it may be there.
    package func take(_ amount: Int64, at nanoseconds: UInt64) -> UInt64? {
        let now = Self.ticks(nanoseconds)
        var old = paid.load(ordering: .relaxed)
        while true {
            switch rate.take(amount, paid: old, at: now) {
            case .refused(let wait): return Self.nanoseconds(wait)
            case .taken(let next):
                let (exchanged, found) = paid.weakCompareExchange(expected: old, desired: next, ordering: .relaxed)
                if exchanged { return nil }
                old = found
            }
        }
    }

    /// Undoes a take: another limit refused the same request.
    package func giveBack(_ amount: Int64) {
        let cost = rate.ticks(amount)
        var old = paid.load(ordering: .relaxed)
        while true {
            let next = old > cost ? old - cost : 0
            let (exchanged, found) = paid.weakCompareExchange(expected: old, desired: next, ordering: .relaxed)
            if exchanged { return }
            old = found
        }
    }

    /// Takes on credit; the nanoseconds to wait before going on.
    package func charge(_ amount: Int64, at nanoseconds: UInt64) -> UInt64 {
        let now = Self.ticks(nanoseconds)
        var old = paid.load(ordering: .relaxed)
        while true {
            let (next, wait) = rate.charge(amount, paid: old, at: now)
            let (exchanged, found) = paid.weakCompareExchange(expected: old, desired: next, ordering: .relaxed)
            if exchanged { return Self.nanoseconds(wait) }
            old = found
        }
    }

    package func backlog(at nanoseconds: UInt64) -> UInt64 {
        Self.nanoseconds(rate.backlog(paid: paid.load(ordering: .relaxed), at: Self.ticks(nanoseconds)))
    }

    private static func ticks(_ nanoseconds: UInt64) -> UInt64 { nanoseconds &* Rate.ticksPerNanosecond }

    /// Rounded up: never too early.
    private static func nanoseconds(_ ticks: UInt64) -> UInt64 {
        (ticks &+ (Rate.ticksPerNanosecond - 1)) / Rate.ticksPerNanosecond
    }
}
