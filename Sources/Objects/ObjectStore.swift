package import Base
package import ObjectFormat

/// Buckets, objects and uploads over one or more erasure sets: what the S3 front end calls.
///
/// Stateless towards requests: every call takes the tenant, names the bucket by name, and may be made from any executor. Bodies
/// are read and hashed on the caller's executor; the rest crosses to the set's loop once.
package final class ObjectStore: Sendable {
    /// Opens the store: reads the partition map and the buckets, and finishes or undoes what a crash left half done.
    package init(sets: [any SetStore], time: any TimeSource, random: any RandomSource) async throws(ObjectError) {
        throw .shuttingDown
    }

    // MARK: Buckets

    package func createBucket(
        _ name: String, tenant: TenantID, options: CreateBucketOptions
    ) async throws(ObjectError) -> CreateBucketResult { throw .shuttingDown }

    /// A look-up in memory. `.noSuchBucket` when there is none.
    package func bucket(_ name: String, tenant: TenantID) throws(ObjectError) -> BucketInfo { throw .shuttingDown }

    /// `.bucketNotEmpty` when any version of any object is left. Uploads in progress go with the bucket.
    package func deleteBucket(_ name: String, tenant: TenantID) async throws(ObjectError) {}

    /// In order of name.
    package func listBuckets(tenant: TenantID, options: ListBucketsOptions) -> ListBucketsResult {
        ListBucketsResult(buckets: [], next: nil)
    }

    // MARK: Objects

    /// Stores an object. Nothing is visible until it is durable; then it is, at once and whole.
    package func put(
        _ bucket: String, _ key: ObjectKey, tenant: TenantID, options: PutOptions, body: any BodySource
    ) async throws(ObjectError) -> PutResult { throw .shuttingDown }

    /// Opens an object for reading. The result's reader must be closed on every path.
    package func get(
        _ bucket: String, _ key: ObjectKey, tenant: TenantID, options: GetOptions
    ) async throws(ObjectError) -> GetResult { throw .shuttingDown }

    package func head(
        _ bucket: String, _ key: ObjectKey, tenant: TenantID, options: GetOptions
    ) async throws(ObjectError) -> HeadResult { throw .shuttingDown }

    /// Deleting what does not exist succeeds.
    package func delete(
        _ bucket: String, _ key: ObjectKey, tenant: TenantID, options: DeleteOptions
    ) async throws(ObjectError) -> DeleteResult { throw .shuttingDown }

    /// One result for each request, in their order.
    package func deleteMany(
        _ bucket: String, _ requests: [DeleteRequest], tenant: TenantID
    ) async throws(ObjectError) -> [Result<DeleteResult, ObjectError>] { throw .shuttingDown }

    package func copy(
        from source: CopySource, to bucket: String, _ key: ObjectKey, tenant: TenantID, options: CopyOptions
    ) async throws(ObjectError) -> CopyResult { throw .shuttingDown }

    package func list(
        _ bucket: String, tenant: TenantID, options: ListOptions
    ) async throws(ObjectError) -> ListResult { throw .shuttingDown }

    package func listVersions(
        _ bucket: String, tenant: TenantID, options: ListVersionsOptions
    ) async throws(ObjectError) -> ListVersionsResult { throw .shuttingDown }

    // MARK: Multipart uploads

    package func createUpload(
        _ bucket: String, _ key: ObjectKey, tenant: TenantID, options: CreateUploadOptions
    ) async throws(ObjectError) -> UploadInfo { throw .shuttingDown }

    /// Stores part 1 to 10,000; one stored before under the number is replaced.
    package func uploadPart(
        _ bucket: String, _ key: ObjectKey, upload: UniqueID, number: Int, tenant: TenantID, options: PartOptions,
        body: any BodySource
    ) async throws(ObjectError) -> PartInfo { throw .shuttingDown }

    /// A part from (a range of) an object that exists.
    package func uploadPartCopy(
        from source: CopySource, range: ByteRange?, to bucket: String, _ key: ObjectKey, upload: UniqueID, number: Int,
        tenant: TenantID
    ) async throws(ObjectError) -> PartInfo { throw .shuttingDown }

    package func listParts(
        _ bucket: String, _ key: ObjectKey, upload: UniqueID, tenant: TenantID, options: ListPartsOptions
    ) async throws(ObjectError) -> ListPartsResult { throw .shuttingDown }

    package func listUploads(
        _ bucket: String, tenant: TenantID, options: ListUploadsOptions
    ) async throws(ObjectError) -> ListUploadsResult { throw .shuttingDown }

    /// Makes the object out of the parts, atomically. The same request again answers the same for 24 hours.
    package func completeUpload(
        _ bucket: String, _ key: ObjectKey, upload: UniqueID, parts: [PartClaim], tenant: TenantID,
        options: CompleteOptions
    ) async throws(ObjectError) -> PutResult { throw .shuttingDown }

    package func abortUpload(
        _ bucket: String, _ key: ObjectKey, upload: UniqueID, tenant: TenantID
    ) async throws(ObjectError) { throw .shuttingDown }

    // MARK: Background

    /// Frees what deleted and abandoned multipart uploads left, in bounded steps, until cancelled. Started once.
    package func runSweeper() async {}
}
