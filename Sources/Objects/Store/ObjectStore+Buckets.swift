package import Base
import ObjectFormat

extension ObjectStore {
    package func createBucket(
        _ name: String, tenant: TenantID, options: CreateBucketOptions
    ) async throws(ObjectError) -> CreateBucketResult {
        // Ids are random, so that none is used twice though buckets are created on different sets; 0 is never one.
        let id = BucketID(rawValue: random.next() | 1)
        var record = BucketRecord(id: id, tenant: tenant, name: name, created: time.now())
        record.region = options.region
        record.owner = options.owner
        record.objectLockEnabled = options.objectLockEnabled
        if options.objectLockEnabled { record.versioning = .enabled }
        record.objectOwnership = options.objectOwnership ?? "BucketOwnerEnforced"
        return try await self.tenant(tenant).create(record, documents: options.documents)
    }

    /// A look-up in memory. `.noSuchBucket` when there is none.
    package func bucket(_ name: String, tenant: TenantID) throws(ObjectError) -> BucketInfo {
        try self.tenant(tenant).bucket(name).info
    }

    /// `.bucketNotEmpty` when any version of any object is left. Uploads in progress go with the bucket, as on AWS.
    package func deleteBucket(_ name: String, tenant: TenantID) async throws(ObjectError) {
        try await self.tenant(tenant).delete(name)
        sweepRequests.ask()
    }

    /// In order of name.
    package func listBuckets(tenant: TenantID, options: ListBucketsOptions) -> ListBucketsResult {
        let snapshot = self.tenant(tenant).snapshot
        var index = snapshot.firstIndex(notBefore: options.prefix)
        if let after = options.after {
            index = max(index, snapshot.firstIndex(notBefore: after))
            if index < snapshot.names.count, snapshot.names[index] == after { index += 1 }
        }
        var buckets: [BucketInfo] = []
        while index < snapshot.names.count, snapshot.names[index].hasPrefix(options.prefix) {
            defer { index += 1 }
            guard let bucket = snapshot.buckets[snapshot.names[index]]?.info,
                options.owner == nil || options.owner == bucket.owner
            else { continue }
            guard buckets.count < options.limit else {
                return ListBucketsResult(buckets: buckets, next: buckets.last?.name)
            }
            buckets.append(bucket)
        }
        return ListBucketsResult(buckets: buckets, next: nil)
    }

    /// Objects, versions and bytes in a bucket, counted exactly by the commits that changed them.
    package func usage(_ bucket: String, tenant: TenantID) async throws(ObjectError) -> Counter {
        try await usage(of: try self.tenant(tenant).bucket(bucket))
    }
}
