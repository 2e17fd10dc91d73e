package import Base
import Drives
package import ObjectFormat

/// Limits on what a bucket holds, judged by the exact counters of the sets at each commit that makes it larger.
extension ObjectStore {
    /// Sets the quota, or removes it when it limits nothing. A bucket that is over it already only stops growing.
    package func setQuota(_ bucket: String, _ quota: BucketQuota, tenant: TenantID) async throws(ObjectError) {
        try await setBucketDocument(bucket, .quota, quota.isEmpty ? nil : quota.stored, tenant: tenant)
    }

    /// Runs a commit that makes `change`, within the bucket's quota. Called under the key's lock.
    func withinQuota<Value>(
        _ bucket: Bucket, _ change: VersionChange, _ commit: () async throws(ObjectError) -> Value
    ) async throws(ObjectError) -> Value {
        guard let quota = bucket.info.quota else { return try await commit() }
        var growth = change.growth
        // What frees room is never refused, and what stays as large is no growth.
        growth.bytes = max(growth.bytes, 0)
        growth.versions = max(growth.versions, 0)
        guard growth.bytes > 0 || growth.versions > 0 else { return try await commit() }
        let wanted = bucket.quotaLedger.reserve(growth)
        defer { bucket.quotaLedger.release(growth) }
        try quota.check(try await usage(of: bucket), wanted, growth)
        return try await commit()
    }

    /// Refuses a body that can't be taken whatever happens before its commit: before the client is told to send it.
    func checkQuotaEarly(_ bucket: Bucket, key: ObjectKey, size: Int64?, set: SetHandle) async throws(ObjectError) {
        guard let quota = bucket.info.quota else { return }
        var growth = Counter(versions: 1, bytes: size ?? 0)
        if bucket.info.versioning != .enabled {
            let lookup = VersionLookup(set: set, bucket: bucket.id, key: key)
            let replaced = try await set.run { () async throws(ObjectError) in try await lookup.null() }
            if let replaced, !replaced.isDeleteMarker { growth = Counter(bytes: growth.bytes - replaced.record.size) }
        }
        try quota.check(try await usage(of: bucket), growth, growth)
    }

    /// Of a part: it becomes the bucket's with the completion, and there must be room for it alone.
    func checkQuota(ofPart size: Int64?, _ bucket: Bucket) async throws(ObjectError) {
        guard let quota = bucket.info.quota, let size else { return }
        let growth = Counter(bytes: size)
        try quota.check(try await usage(of: bucket), growth, growth)
    }

    func usage(of bucket: Bucket) async throws(ObjectError) -> Counter {
        var sum = Counter()
        for set in placement.sets {
            let part = try await set.run { () async throws(ObjectError) in try await set.counter(bucket.id) }
            sum.objects += part.objects
            sum.versions += part.versions
            sum.bytes += part.bytes
        }
        return sum
    }
}

extension BucketInfo {
    /// nil when there is none. Bytes that are no quota can't be stored, and would limit nothing.
    package var quota: BucketQuota? { documents[.quota].flatMap { BucketQuota(stored: $0.bytes) } }
}

extension BucketQuota {
    /// `wanted` comes on top of `used`; only what `growth` makes larger is judged.
    fileprivate func check(_ used: Counter, _ wanted: Counter, _ growth: Counter) throws(ObjectError) {
        if let bytes, growth.bytes > 0, used.bytes + wanted.bytes > bytes {
            throw .quotaExceeded(detail: "The bucket may hold \(bytes) bytes, and holds \(used.bytes).")
        }
        if let objects, growth.versions > 0, used.versions + wanted.versions > objects {
            throw .quotaExceeded(detail: "The bucket may hold \(objects) objects, and holds \(used.versions).")
        }
    }
}
