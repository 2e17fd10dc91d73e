package import Base
import Drives
package import ObjectFormat

/// Limits on what a bucket holds, judged by the exact counters of the sets at each commit that makes it larger.
extension ObjectStore {
    /// Sets the quota, or removes it when it limits nothing. A bucket that is over it already only stops growing.
    package func setQuota(_ bucket: String, _ quota: BucketQuota, tenant: TenantID) async throws(ObjectError) {
        try await setBucketDocument(bucket, .quota, quota.isEmpty ? nil : quota.stored, tenant: tenant)
    }

    /// Runs a commit that makes `change`, within every quota that the bucket is under. Called under the key's lock.
    func withinQuota<Value>(
        _ bucket: Bucket, _ change: VersionChange, _ commit: () async throws(ObjectError) -> Value
    ) async throws(ObjectError) -> Value {
        let scopes = quotaScopes(bucket)
        guard !scopes.isEmpty else { return try await commit() }
        var growth = change.growth
        // What frees room is never refused, and what stays as large is no growth.
        growth.bytes = max(growth.bytes, 0)
        growth.versions = max(growth.versions, 0)
        guard growth.bytes > 0 || growth.versions > 0 else { return try await commit() }
        let wanted = scopes.map { $0.ledger.reserve(growth) }
        defer { for scope in scopes { scope.ledger.release(growth) } }
        for (scope, wanted) in zip(scopes, wanted) {
            try scope.check(try await usage(of: scope.buckets), wanted, growth)
        }
        return try await commit()
    }

    /// Refuses a body that can't be taken whatever happens before its commit: before the client is told to send it.
    func checkQuotaEarly(_ bucket: Bucket, key: ObjectKey, size: Int64?, set: SetHandle) async throws(ObjectError) {
        let scopes = quotaScopes(bucket)
        guard !scopes.isEmpty else { return }
        var growth = Counter(versions: 1, bytes: size ?? 0)
        if bucket.info.versioning != .enabled {
            let lookup = VersionLookup(set: set, bucket: bucket.id, key: key)
            let replaced = try await set.run { () async throws(ObjectError) in try await lookup.null() }
            if let replaced, !replaced.isDeleteMarker { growth = Counter(bytes: growth.bytes - replaced.record.size) }
        }
        for scope in scopes { try scope.check(try await usage(of: scope.buckets), growth, growth) }
    }

    /// Of a part: it becomes the bucket's with the completion, and there must be room for it alone.
    func checkQuota(ofPart size: Int64?, _ bucket: Bucket) async throws(ObjectError) {
        guard let size else { return }
        let growth = Counter(bytes: size)
        for scope in quotaScopes(bucket) { try scope.check(try await usage(of: scope.buckets), growth, growth) }
    }

    func usage(of bucket: Bucket) async throws(ObjectError) -> Counter { try await usage(of: [bucket.id]) }

    func usage(of buckets: [BucketID]) async throws(ObjectError) -> Counter {
        var sum = Counter()
        for set in placement.sets {
            sum.add(try await set.run { () async throws(ObjectError) in try await set.counter(sum: buckets) })
        }
        return sum
    }

    /// The quotas that what is written into the bucket counts for: its own, its owner's, its tenant's.
    private func quotaScopes(_ bucket: Bucket) -> [QuotaScope] {
        var scopes: [QuotaScope] = []
        let info = bucket.info
        if let quota = info.quota, !quota.isEmpty {
            scopes.append(QuotaScope(whose: "bucket", quota: quota, ledger: bucket.quotaLedger, buckets: [bucket.id]))
        }
        let tenant = tenant(info.tenant), limits = tenant.limits
        let perAccount = limits.perAccount.quota, total = limits.total.quota
        guard !perAccount.isEmpty || !total.isEmpty else { return scopes }
        let snapshot = tenant.snapshot
        if !perAccount.isEmpty {
            scopes.append(
                QuotaScope(
                    whose: "account", quota: perAccount, ledger: tenant.ledger(of: info.owner),
                    buckets: snapshot.idsByOwner[info.owner] ?? [bucket.id]))
        }
        if !total.isEmpty {
            let all = snapshot.names.compactMap { snapshot.buckets[$0]?.id }
            scopes.append(QuotaScope(whose: "tenant", quota: total, ledger: tenant.ledger, buckets: all))
        }
        return scopes
    }
}

/// One quota that a commit has to stay within, and what counts for it.
private struct QuotaScope {
    let whose: String
    let quota: BucketQuota
    let ledger: QuotaLedger
    let buckets: [BucketID]

    /// `wanted` comes on top of `used`; only what `growth` makes larger is judged.
    func check(_ used: Counter, _ wanted: Counter, _ growth: Counter) throws(ObjectError) {
        if let bytes = quota.bytes, growth.bytes > 0, used.bytes + wanted.bytes > bytes {
            throw .quotaExceeded(detail: "The \(whose) may hold \(bytes) bytes, and holds \(used.bytes).")
        }
        if let objects = quota.objects, growth.versions > 0, used.versions + wanted.versions > objects {
            throw .quotaExceeded(detail: "The \(whose) may hold \(objects) objects, and holds \(used.versions).")
        }
    }
}

extension BucketInfo {
    /// nil when there is none. Bytes that are no quota can't be stored, and would limit nothing.
    package var quota: BucketQuota? { documents[.quota].flatMap { BucketQuota(stored: $0.bytes) } }
}
