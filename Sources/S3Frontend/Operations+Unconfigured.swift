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
        case .getBucketTagging: throw try missing(.noSuchTagSet, context)
        case .getBucketCors: throw try missing(.noSuchCORSConfiguration, context)
        case .getBucketLifecycleConfiguration, .getBucketLifecycle:
            throw try missing(.noSuchLifecycleConfiguration, context)
        case .getBucketEncryption: throw try missing(.serverSideEncryptionConfigurationNotFoundError, context)
        case .getBucketReplication: throw try missing(.replicationConfigurationNotFoundError, context)
        case .getBucketWebsite: throw try missing(.noSuchWebsiteConfiguration, context)
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
}
