import ObjectFormat

/// How much there may be: bytes and objects as in a bucket's quota, and buckets. nil limits nothing.
package struct ResourceLimits: Hashable, Sendable {
    package var bytes: Int64?
    package var objects: Int64?
    package var buckets: Int64?

    package init(bytes: Int64? = nil, objects: Int64? = nil, buckets: Int64? = nil) {
        (self.bytes, self.objects, self.buckets) = (bytes, objects, buckets)
    }

    /// What commits of objects are judged by.
    var quota: BucketQuota { BucketQuota(bytes: bytes, objects: objects) }
}

/// The limits of a tenant: of all its buckets together, and of those that one of its accounts owns.
package struct TenantLimits: Hashable, Sendable {
    package var total = ResourceLimits()
    package var perAccount = ResourceLimits()
    package init() {}
}

/// What a tenant holds, and what of it each account owns.
package struct TenantUsage: Sendable {
    package struct Part: Sendable {
        package var buckets: Int64 = 0
        package var counter = Counter()
    }
    package var total = Part()
    /// By canonical id, in their order; accounts without buckets are not in it.
    package var owners: [(id: String, part: Part)] = []
}

/// Counts of buckets being made: an actor's method that waits lets others in, and two that race for the last bucket must not both
/// have it.
struct BucketCreations {
    private var byOwner: [String: Int64] = [:]
    private(set) var total: Int64 = 0

    /// Whether there is room for one more beside those there are and those under way.
    func hasRoom(_ limits: TenantLimits, total: Int, owned: Int, owner: String) -> Bool {
        if let most = limits.total.buckets, Int64(total) + self.total >= most { return false }
        if let most = limits.perAccount.buckets, Int64(owned) + (byOwner[owner] ?? 0) >= most { return false }
        return true
    }

    mutating func began(_ owner: String) {
        total += 1
        byOwner[owner, default: 0] += 1
    }

    mutating func ended(_ owner: String) {
        total -= 1
        byOwner[owner, default: 0] -= 1
        if byOwner[owner] == 0 { byOwner[owner] = nil }
    }
}
