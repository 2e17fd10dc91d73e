import Base
import Objects
import S3Protocol

extension Operations {
    /// Reads of configurations that can't be set yet answer what AWS answers when nothing is configured, which is the truth;
    /// everything else that is not built is NotImplemented.
    func unconfigured(_ context: RequestContext) async throws(S3Error) -> Answer {
        switch context.request.operation {
        case .getBucketLogging: return try empty("BucketLoggingStatus", context)
        case .getBucketNotificationConfiguration, .getBucketNotification:
            return try empty("NotificationConfiguration", context)
        case .getBucketAccelerateConfiguration: return try empty("AccelerateConfiguration", context)
        case .getBucketRequestPayment:
            _ = try bucket(context)
            return document("RequestPaymentConfiguration") { $0.element("Payer", "BucketOwner") }
        case .getBucketOwnershipControls:
            _ = try bucket(context)
            return document("OwnershipControls") { writer in
                writer.open("Rule")
                writer.element("ObjectOwnership", "BucketOwnerEnforced")
                writer.close("Rule")
            }
        case .getBucketAcl:
            _ = try bucket(context)
            return acl(context)
        case .getObjectAcl:
            try await requireObject(context)
            return acl(context)
        case .getBucketTagging: throw try missing(.noSuchTagSet, context)
        case .getBucketPolicy, .getBucketPolicyStatus: throw try missing(.noSuchBucketPolicy, context)
        case .getBucketCors: throw try missing(.noSuchCORSConfiguration, context)
        case .getBucketLifecycleConfiguration, .getBucketLifecycle:
            throw try missing(.noSuchLifecycleConfiguration, context)
        case .getBucketEncryption: throw try missing(.serverSideEncryptionConfigurationNotFoundError, context)
        case .getBucketReplication: throw try missing(.replicationConfigurationNotFoundError, context)
        case .getBucketWebsite: throw try missing(.noSuchWebsiteConfiguration, context)
        case .getPublicAccessBlock: throw try missing(.noSuchPublicAccessBlockConfiguration, context)
        default: throw S3Error(.notImplemented)
        }
    }

    private func missing(_ code: S3Error.Code, _ context: RequestContext) throws(S3Error) -> S3Error {
        let bucket = try bucket(context)
        return S3Error(code).with("BucketName", bucket.name)
    }

    private func empty(_ root: StaticString, _ context: RequestContext) throws(S3Error) -> Answer {
        _ = try bucket(context)
        return document(root) { _ in }
    }

    private func document(_ root: StaticString, _ content: (inout XMLWriter) -> Void) -> Answer {
        var writer = XMLWriter(capacity: 256)
        writer.openRoot(root)
        content(&writer)
        writer.close(root)
        return .xml(writer.bytes)
    }

    private func requireObject(_ context: RequestContext) async throws(S3Error) {
        var options = GetOptions()
        options.version = try context.versionID()
        let chosen = options
        _ = try await translating(context) { () async throws(ObjectError) in
            try await store.head(context.bucketOrEmpty, context.objectKey, tenant: context.tenant, options: chosen)
        }
    }

    /// One owner, who has full control: what AWS shows of an owner-enforced bucket.
    private func acl(_ context: RequestContext) -> Answer {
        document("AccessControlPolicy") { writer in
            writeOwner(&writer, context.signer)
            writer.open("AccessControlList")
            writer.open("Grant")
            writer.raw("<Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\">")
            writer.element("ID", context.signer.canonicalID)
            writer.element("DisplayName", context.signer.displayName)
            writer.close("Grantee")
            writer.element("Permission", "FULL_CONTROL")
            writer.close("Grant")
            writer.close("AccessControlList")
        }
    }
}
