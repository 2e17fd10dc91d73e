import Base
import ObjectFormat
import Objects
import S3Protocol

/// What a bucket is configured with, where the front end alone gives it meaning: each is one stored document.
extension Operations {
    static let configurations: Set<S3Operation> = [
        .getBucketTagging, .putBucketTagging, .deleteBucketTagging, .getBucketCors, .putBucketCors, .deleteBucketCors,
        .getBucketWebsite, .putBucketWebsite, .deleteBucketWebsite, .getBucketLogging, .putBucketLogging,
        .getBucketRequestPayment, .putBucketRequestPayment, .getBucketAccelerateConfiguration,
        .putBucketAccelerateConfiguration,
    ]

    func configuration(_ context: RequestContext, _ body: RequestBody) async throws(S3Error) -> Answer {
        let bucket = try bucket(context)
        switch context.request.operation {
        case .getBucketTagging: return try stored(.tagging, bucket, or: .noSuchTagSet)
        case .putBucketTagging:
            try RequiredDigest.check(context)
            let tags = try BucketTagSet(parsing: try await body.document(limit: Self.configurationBytesMax))
            try await store(.tagging, tags.tags.isEmpty ? nil : tags.document(), context)
            return Answer(204)
        case .deleteBucketTagging: return try await remove(.tagging, context)

        case .getBucketCors: return try stored(.cors, bucket, or: .noSuchCORSConfiguration)
        case .putBucketCors:
            try RequiredDigest.check(context)
            let rules = try CORSConfiguration(parsing: try await body.document(limit: Self.configurationBytesMax))
            try await store(.cors, rules.document(), context)
            return Answer(200)
        case .deleteBucketCors: return try await remove(.cors, context)

        case .getBucketWebsite: return try stored(.website, bucket, or: .noSuchWebsiteConfiguration)
        case .putBucketWebsite:
            let site = try WebsiteConfiguration(parsing: try await body.document(limit: Self.configurationBytesMax))
            try await store(.website, site.document(), context)
            return Answer(200)
        case .deleteBucketWebsite: return try await remove(.website, context)

        case .getBucketLogging:
            return bucket.documents[.logging].map { .xml($0.bytes) } ?? .xml(emptyDocument("BucketLoggingStatus"))
        case .putBucketLogging: return try await putLogging(context, body, bucket)

        case .getBucketRequestPayment:
            return bucket.documents[.requestPayment].map { .xml($0.bytes) }
                ?? .xml(RequestPayment.bucketOwner.document())
        case .putBucketRequestPayment:
            let payer = try RequestPayment(parsing: try await body.document(limit: Self.configurationBytesMax))
            try await store(.requestPayment, payer.document(), context)
            return Answer(200)

        case .getBucketAccelerateConfiguration:
            return bucket.documents[.accelerate].map { .xml($0.bytes) }
                ?? .xml(emptyDocument("AccelerateConfiguration"))
        case .putBucketAccelerateConfiguration: return try await putAccelerate(context, body, bucket)
        default: throw S3Error(.notImplemented)
        }
    }

    /// More than any configuration needs; the stored form has a limit of its own.
    static let configurationBytesMax = 1 << 20

    private func stored(
        _ kind: BucketDocumentKind, _ bucket: BucketInfo, or missing: S3Error.Code
    ) throws(S3Error) -> Answer {
        guard let document = bucket.documents[kind] else { throw S3Error(missing).with("BucketName", bucket.name) }
        return .xml(document.bytes)
    }

    private func store(
        _ kind: BucketDocumentKind, _ bytes: [UInt8]?, _ context: RequestContext
    ) async throws(S3Error) {
        try await translating(context) { () async throws(ObjectError) in
            try await store.setBucketDocument(context.bucketOrEmpty, kind, bytes, tenant: context.tenant)
        }
    }

    private func remove(_ kind: BucketDocumentKind, _ context: RequestContext) async throws(S3Error) -> Answer {
        try await store(kind, nil, context)
        return Answer(204)
    }

    private func emptyDocument(_ root: StaticString) -> [UInt8] {
        var writer = XMLWriter(capacity: 128)
        writer.openRoot(root)
        writer.close(root)
        return writer.bytes
    }

    private func putLogging(
        _ context: RequestContext, _ body: RequestBody, _ bucket: BucketInfo
    ) async throws(S3Error) -> Answer {
        let logging = try BucketLogging(parsing: try await body.document(limit: Self.configurationBytesMax))
        guard let target = logging.target else {
            try await store(.logging, nil, context)
            return Answer(200)
        }
        let found = try? store.bucket(target.bucket, tenant: context.tenant)  // None is refused like a stranger's.
        guard let found, found.owner == bucket.owner else {
            throw S3Error(.invalidTargetBucketForLogging).with("TargetBucket", target.bucket)
        }
        guard found.region == bucket.region else { throw S3Error(.crossLocationLoggingProhibited) }
        try await store(.logging, logging.document(), context)
        return Answer(200)
    }

    /// Nobody has AWS's edge network, so acceleration can't be switched on; that it is off can be recorded.
    private func putAccelerate(
        _ context: RequestContext, _ body: RequestBody, _ bucket: BucketInfo
    ) async throws(S3Error) -> Answer {
        let status = try TransferAcceleration(parsing: try await body.document(limit: Self.configurationBytesMax))
        guard !bucket.name.contains(".") else {
            throw S3Error(
                .invalidRequest, "S3 Transfer Acceleration is not supported for buckets with periods (.) in their names"
            )
        }
        guard status == .suspended else {
            throw S3Error(.notImplemented, "Transfer acceleration is not implemented.")
        }
        try await store(.accelerate, status.document(), context)
        return Answer(200)
    }
}

/// Documents whose loss on the way would do harm come with a digest, or not at all.
enum RequiredDigest {
    static func check(_ context: RequestContext) throws(S3Error) {
        let head = context.head
        if head.first("content-md5") != nil { return }
        if try DeclaredChecksum.parse(head) != nil { return }
        throw S3Error(
            .invalidRequest, "Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
    }
}
