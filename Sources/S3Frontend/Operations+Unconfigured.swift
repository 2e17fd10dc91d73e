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
        case .getBucketLifecycleConfiguration, .getBucketLifecycle:
            throw try missing(.noSuchLifecycleConfiguration, context)
        case .getBucketEncryption: throw try missing(.serverSideEncryptionConfigurationNotFoundError, context)
        case .getBucketReplication: throw try missing(.replicationConfigurationNotFoundError, context)
        // Deleting what is not there succeeds.
        case .deleteBucketLifecycle, .deleteBucketEncryption, .deleteBucketReplication:
            _ = try bucket(context)
            return Answer(204)
        case .getBucketAbac:
            _ = try bucket(context)
            return document("AbacStatus") { $0.element("Status", "Disabled") }
        // Nothing can be stored of these, so there is nothing to find and nothing to list.
        case .getBucketAnalyticsConfiguration, .deleteBucketAnalyticsConfiguration, .getBucketMetricsConfiguration,
            .deleteBucketMetricsConfiguration, .getBucketIntelligentTieringConfiguration,
            .deleteBucketIntelligentTieringConfiguration:
            throw try missing(.noSuchConfiguration, context)
        case .listBucketAnalyticsConfigurations: return try emptyList("ListBucketAnalyticsConfigurationResult", context)
        case .listBucketMetricsConfigurations: return try emptyList("ListMetricsConfigurationsResult", context)
        case .listBucketIntelligentTieringConfigurations:
            return try emptyList("ListBucketIntelligentTieringConfigurationsOutput", context)
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
}
