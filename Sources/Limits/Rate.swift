/// So much a second, with a burst: how far the use may run ahead after a pause.
///
/// The whole state of such a limit is one moment: when what was taken so far is paid for. It is kept in sixteenths of a nanosecond
/// (36 years fit), each cost rounded up, so that the error of a million takes a second stays below a tenth of a per mille. Pure: the
/// moment and the time come in, so one word that is exchanged atomically serves all threads.
package struct Rate: Hashable, Sendable {
    package let perSecond: Int64
    package let burst: Int64

    package static let ticksPerNanosecond: UInt64 = 16
    private static let ticksPerSecond: UInt64 = 1_000_000_000 * ticksPerNanosecond

    /// Both at least 1. Without a burst: a quarter of a second's worth. Clients that were told to come back in a second find the
    /// rate, and a window of ten seconds holds a fortieth more than the rate at most.
    package init(perSecond: Int64, burst: Int64? = nil) {
        self.perSecond = max(perSecond, 1)
        self.burst = max(burst ?? self.perSecond / 4, 1)
    }

    /// What taking `amount` costs of time.
    package func ticks(_ amount: Int64) -> UInt64 {
        let divisor = UInt64(perSecond)
        let product = UInt64(max(amount, 0)).multipliedFullWidth(by: Self.ticksPerSecond)
        guard product.high < divisor else { return .max >> 1 }
        let (quotient, remainder) = divisor.dividingFullWidth(product)
        return remainder == 0 ? quotient : quotient + 1
    }

    package enum Outcome: Hashable, Sendable {
        /// Taken; the new state.
        case taken(UInt64)
        /// Nothing was taken; what is missing will be there in so many ticks.
        case refused(wait: UInt64)
    }

    /// Takes `amount` now, or nothing.
    package func take(_ amount: Int64, paid: UInt64, at now: UInt64) -> Outcome {
        let next = max(paid, now) &+ ticks(amount), ahead = next &- now, allowed = ticks(burst)
        return ahead <= allowed ? .taken(next) : .refused(wait: ahead &- allowed)
    }

    /// Takes `amount` whatever there is, on credit: the new state, and for how long to wait until it is within the burst.
    package func charge(_ amount: Int64, paid: UInt64, at now: UInt64) -> (paid: UInt64, wait: UInt64) {
        let next = max(paid, now) &+ ticks(amount), ahead = next &- now, allowed = ticks(burst)
        return (next, ahead > allowed ? ahead &- allowed : 0)
    }

    /// How long a next charge would wait for what others have taken already.
    package func backlog(paid: UInt64, at now: UInt64) -> UInt64 {
        let ahead = paid > now ? paid &- now : 0, allowed = ticks(burst)
        return ahead > allowed ? ahead &- allowed : 0
    }
}
