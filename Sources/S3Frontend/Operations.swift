package import Base
package import Objects
import S3Protocol

/// The operations of S3 over an object store. Stateless: one value serves all requests.
package struct Operations: Sendable {
    let store: ObjectStore
    let time: any TimeSource
    let region: String
    let parsed = DocumentCache()
    /// Of the default tenant, but for the time of a request of another.
    private(set) var accounts: any AccountDirectory
    let bucketAccess = BucketAccessCache()

    package init(
        store: ObjectStore, time: any TimeSource, region: String, accounts: any AccountDirectory = NoAccounts()
    ) {
        self.accounts = accounts
        self.store = store
        self.time = time
        self.region = region
    }

    func scoped(to tenant: TenantID) -> Operations {
        guard tenant != .default else { return self }
        var scoped = self
        scoped.accounts = accounts.scoped(to: tenant)
        return scoped
    }

    /// Runs the operation of a request whose signer is verified. `body` is the request's body, unread.
    func run(_ context: RequestContext, body: RequestBody) async throws(S3Error) -> Answer {
        // Most requests are the default tenant's, and need no other view of accounts.
        if context.tenant == .default { return try await runScoped(context, body) }
        return try await scoped(to: context.tenant).runScoped(context, body)
    }

    private func runScoped(_ context: RequestContext, _ body: RequestBody) async throws(S3Error) -> Answer {
        // A file in an archive is the archive's reader's: whatever is judged and looked up is the archive.
        var context = context
        let member = ArchiveMemberName(context)
        if let member { context.request.address.key = member.archive }
        let named = context
        try await authorize(context)
        if let member {
            do throws(S3Error) { return try await archiveMember(member, named) } catch {
                throw await concealed(error, named)
            }
        }
        do throws(S3Error) { return try await perform(context, body) } catch { throw await concealed(error, context) }
    }

    private func perform(_ context: RequestContext, _ body: RequestBody) async throws(S3Error) -> Answer {
        switch context.request.operation {
        case .listBuckets: return try listBuckets(context)
        case .createBucket: return try await createBucket(context, body)
        case .headBucket: return try headBucket(context)
        case .deleteBucket: return try await deleteBucket(context)
        case .getBucketLocation: return try getBucketLocation(context)

        case .getBucketPolicy: return try getBucketPolicy(context)
        case .putBucketPolicy: return try await putBucketPolicy(context, body)
        case .deleteBucketPolicy: return try await deleteBucketPolicy(context)
        case .getBucketPolicyStatus: return try getBucketPolicyStatus(context)
        case .getPublicAccessBlock: return try getPublicAccessBlock(context)
        case .putPublicAccessBlock: return try await putPublicAccessBlock(context, body)
        case .deletePublicAccessBlock: return try await deletePublicAccessBlock(context)
        case .getBucketOwnershipControls: return try getBucketOwnershipControls(context)
        case .putBucketOwnershipControls: return try await putBucketOwnershipControls(context, body)
        case .deleteBucketOwnershipControls: return try await deleteBucketOwnershipControls(context)
        case .getBucketAcl: return try getBucketAcl(context)
        case .putBucketAcl: return try await putBucketAcl(context, body)
        case .getObjectAcl: return try await getObjectAcl(context)
        case .putObjectAcl: return try await putObjectAcl(context, body)

        case .putObject: return try await putObject(context, body)
        case .getObject: return try await getObject(context)
        case .headObject: return try await headObject(context)
        case .deleteObject: return try await deleteObject(context)
        case .deleteObjects: return try await deleteObjects(context, body)
        case .copyObject: return try await copyObject(context)
        case .renameObject: return try await renameObject(context)

        case .getBucketVersioning: return try getBucketVersioning(context)
        case .putBucketVersioning: return try await putBucketVersioning(context, body)
        case .getObjectTagging: return try await getObjectTagging(context)
        case .putObjectTagging: return try await putObjectTagging(context, body)
        case .deleteObjectTagging: return try await deleteObjectTagging(context)
        case .getObjectAttributes: return try await getObjectAttributes(context)
        case .getObjectLockConfiguration: return try getObjectLockConfiguration(context)
        case .putObjectLockConfiguration: return try await putObjectLockConfiguration(context, body)
        case .getObjectRetention: return try await getObjectRetention(context)
        case .putObjectRetention: return try await putObjectRetention(context, body)
        case .getObjectLegalHold: return try await getObjectLegalHold(context)
        case .putObjectLegalHold: return try await putObjectLegalHold(context, body)

        case .listObjects: return try await listObjects(context)
        case .listObjectsV2: return try await listObjectsV2(context)
        case .listObjectVersions: return try await listObjectVersions(context)

        case .createMultipartUpload: return try await createMultipartUpload(context)
        case .uploadPart: return try await uploadPart(context, body)
        case .uploadPartCopy: return try await uploadPartCopy(context)
        case .listParts: return try await listParts(context)
        case .listMultipartUploads: return try await listMultipartUploads(context)
        case .completeMultipartUpload: return try await completeMultipartUpload(context, body)
        case .abortMultipartUpload: return try await abortMultipartUpload(context)

        case let operation where Self.inventoryOperations.contains(operation): return try await inventory(context, body)
        case let operation where Self.configurations.contains(operation): return try await configuration(context, body)
        default: return try await unconfigured(context)
        }
    }

    /// The bucket of the request, or NoSuchBucket.
    func bucket(_ context: RequestContext) throws(S3Error) -> BucketInfo {
        do throws(ObjectError) {
            return try store.bucket(context.bucketOrEmpty, tenant: context.tenant)
        } catch { throw S3Error(error, context) }
    }
}

/// Runs a call of the object layer and turns its error into S3's.
func translating<Result>(
    _ context: RequestContext, _ call: () async throws(ObjectError) -> Result
) async throws(S3Error) -> Result {
    do throws(ObjectError) { return try await call() } catch { throw S3Error(error, context) }
}
