import Base
import ObjectFormat
import Objects
import S3Protocol

extension Operations {
    func listBuckets(_ context: RequestContext) throws(S3Error) -> Answer {
        let query = try ListBucketsQuery(context.target)
        var options = ListBucketsOptions()
        options.prefix = String(decoding: query.prefix, as: UTF8.self)
        options.after = try query.position()
        options.limit = query.maxBuckets
        options.owner = context.signer.canonicalID
        let page = store.listBuckets(tenant: context.tenant, options: options)
        let shown = page.buckets.filter { query.region == nil || query.region == $0.region }
        let result = S3Protocol.ListBucketsResult(
            owner: owner("", context),
            buckets: shown.map { .init(name: $0.name, created: $0.created, region: $0.region) },
            continuationToken: page.next.map { ContinuationToken(afterBucket: $0).text },
            prefix: query.prefix.isEmpty ? nil : query.prefix)
        return .xml(result.document())
    }

    func createBucket(_ context: RequestContext, _ body: RequestBody) async throws(S3Error) -> Answer {
        let name = context.bucketOrEmpty
        try BucketName.validateForCreation(name)
        let access = try newBucketAccess(context)
        var options = CreateBucketOptions()
        (options.objectOwnership, options.documents) = (access.ownership.rawValue, access.documents)
        options.owner = context.signer.canonicalID
        options.region = region
        options.objectLockEnabled = context.header("x-amz-bucket-object-lock-enabled")?.lowercased() == "true"
        let configuration = try CreateBucketConfiguration(parsing: try await body.document(limit: 64 << 10))
        try configuration.validate(region: region)
        if !configuration.tags.isEmpty {
            options.documents.append(NewBucketDocument(.tagging, try BucketTagSet(configuration.tags).document()))
        }
        let chosen = options
        let result = try await translating(context) { () async throws(ObjectError) in
            try await store.createBucket(name, tenant: context.tenant, options: chosen)
        }
        if case .alreadyOwnedByYou(let info) = result {
            guard info.owner == context.signer.canonicalID else {
                throw S3Error(.bucketAlreadyExists).with("BucketName", name)
            }
            guard region == "us-east-1" else { throw S3Error(.bucketAlreadyOwnedByYou).with("BucketName", name) }
        }
        return Answer(200).with("Location", "/" + name)
    }

    func headBucket(_ context: RequestContext) throws(S3Error) -> Answer {
        let bucket = try bucket(context)
        return Answer(200).with("x-amz-bucket-region", bucket.region).with("x-amz-access-point-alias", "false")
            .with("Content-Type", "application/xml")
    }

    func deleteBucket(_ context: RequestContext) async throws(S3Error) -> Answer {
        try await translating(context) { () async throws(ObjectError) in
            try await store.deleteBucket(context.bucketOrEmpty, tenant: context.tenant)
        }
        return Answer(204)
    }

    func getBucketLocation(_ context: RequestContext) throws(S3Error) -> Answer {
        .xml(locationConstraintDocument(region: try bucket(context).region))
    }
}
