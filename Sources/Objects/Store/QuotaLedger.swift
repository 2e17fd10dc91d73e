import Synchronization

/// What commits under way will add to a bucket. A commit is admitted when the bucket's counters, everything reserved before it, and
/// itself stay within the quota; so two of them that race for the last room can't both have it. One that was reserved before and
/// fails in the end may cost another its room for that moment, never the other way round.
final class QuotaLedger: Sendable {
    private let reserved = Mutex(Counter())

    /// Everything that is reserved now, with `growth`.
    func reserve(_ growth: Counter) -> Counter {
        reserved.withLock { reserved in
            reserved.bytes += growth.bytes
            reserved.versions += growth.versions
            return reserved
        }
    }

    /// The counters tell of it, or it failed.
    func release(_ growth: Counter) {
        reserved.withLock { reserved in
            reserved.bytes -= growth.bytes
            reserved.versions -= growth.versions
        }
    }
}
