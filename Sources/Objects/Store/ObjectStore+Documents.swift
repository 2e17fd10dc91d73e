package import Base
package import ObjectFormat

/// The documents that a bucket is configured with: policy, CORS rules, tags and the rest. `BucketInfo.documents` has them all.
extension ObjectStore {
    /// Stores a document, or deletes it when `bytes` is nil; deleting what is not there succeeds. Every later look-up sees it.
    package func setBucketDocument(
        _ bucket: String, _ kind: BucketDocumentKind, id: String = "", _ bytes: [UInt8]?, tenant: TenantID
    ) async throws(ObjectError) {
        try await updateBucketDocument(bucket, kind, id: id, tenant: tenant) { _ in bytes.map { .store($0) } ?? .delete
        }
    }

    /// Reads and changes a document in one step: `change` sees the bucket as it is under the lock of its record, so that rules
    /// which span documents (a limit of their number, a policy that another document forbids) hold. It must be quick.
    @discardableResult
    package func updateBucketDocument(
        _ bucket: String, _ kind: BucketDocumentKind, id: String = "", tenant: TenantID,
        _ change: @Sendable (BucketInfo) -> BucketDocumentChange
    ) async throws(ObjectError) -> BucketInfo {
        let bucket = try self.tenant(tenant).bucket(bucket)
        do {
            return try await bucket.update(kind, id, now: time.now(), change)
        } catch {
            if bucket.mustReload { sweepRequests.ask() }
            throw error
        }
    }

    /// Reads again what writes of unknown outcome left in doubt.
    func settleDocuments() async throws(ObjectError) {
        for bucket in allBuckets() where bucket.mustReload { try await bucket.reload() }
    }
}
