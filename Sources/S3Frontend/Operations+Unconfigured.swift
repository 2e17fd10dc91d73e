import Base
import Objects
import S3Protocol

extension Operations {
    /// Reads of configurations that can't be set yet answer what AWS answers when nothing is configured, which is the truth;
    /// everything else that is not built is NotImplemented.
    func unconfigured(_ context: RequestContext) async throws(S3Error) -> Answer {
        switch context.request.operation {
        case .getBucketNotificationConfiguration, .getBucketNotification:
            return try empty("NotificationConfiguration", context)
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
        case .getBucketPolicy, .getBucketPolicyStatus: throw try missing(.noSuchBucketPolicy, context)
        case .getBucketLifecycleConfiguration, .getBucketLifecycle:
            throw try missing(.noSuchLifecycleConfiguration, context)
        case .getBucketEncryption: throw try missing(.serverSideEncryptionConfigurationNotFoundError, context)
        case .getBucketReplication: throw try missing(.replicationConfigurationNotFoundError, context)
        case .getPublicAccessBlock: throw try missing(.noSuchPublicAccessBlockConfiguration, context)
        // Nothing can be stored of these, so there is nothing to find and nothing to list.
        case .getBucketAnalyticsConfiguration, .deleteBucketAnalyticsConfiguration, .getBucketMetricsConfiguration,
            .deleteBucketMetricsConfiguration, .getBucketIntelligentTieringConfiguration,
            .deleteBucketIntelligentTieringConfiguration, .getBucketInventoryConfiguration,
            .deleteBucketInventoryConfiguration:
            throw try missing(.noSuchConfiguration, context)
        case .listBucketAnalyticsConfigurations: return try emptyList("ListBucketAnalyticsConfigurationResult", context)
        case .listBucketMetricsConfigurations: return try emptyList("ListMetricsConfigurationsResult", context)
        case .listBucketIntelligentTieringConfigurations:
            return try emptyList("ListBucketIntelligentTieringConfigurationsOutput", context)
        case .listBucketInventoryConfigurations: return try emptyList("ListInventoryConfigurationsResult", context)
        default:
            if context.request.address.bucket != nil { _ = try bucket(context) }
            throw S3Error(.notImplemented)
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

    private func emptyList(_ root: StaticString, _ context: RequestContext) throws(S3Error) -> Answer {
        _ = try bucket(context)
        guard context.target.string("continuation-token").map(\.isEmpty) ?? true else {
            throw .invalidArgument(
                "The continuation token provided is incorrect", name: "continuation-token",
                value: context.target.string("continuation-token") ?? "")
        }
        return document(root) { $0.element("IsTruncated", false) }
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
