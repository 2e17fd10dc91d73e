import Base
import Objects
import S3Protocol

extension Operations {
    func listBuckets(_ context: RequestContext) throws(S3Error) -> Answer {
        var options = ListBucketsOptions()
        options.prefix = context.target.string("prefix") ?? ""
        if let token = context.target.string("continuation-token") {
            guard !token.isEmpty, let name = ContinuationToken.bucketName(token) else {
                throw .invalidArgument(
                    "The continuation token provided is incorrect", name: "continuation-token", value: token)
            }
            options.after = name
        }
        if let text = context.target.string("max-buckets") {
            guard let limit = Int(text), (1...10_000).contains(limit) else {
                throw .invalidArgument(
                    "Argument max-buckets must be an integer between 1 and 10000", name: "max-buckets", value: text)
            }
            options.limit = limit
        }
        let page = store.listBuckets(tenant: context.tenant, options: options)
        var writer = XMLWriter()
        writer.openRoot("ListAllMyBucketsResult")
        writeOwner(&writer, context.signer)
        writer.open("Buckets")
        let wantedRegion = context.target.string("bucket-region")
        for bucket in page.buckets where wantedRegion == nil || wantedRegion == bucket.region {
            writer.open("Bucket")
            writer.element("Name", bucket.name)
            writer.element("CreationDate", ISO8601.format(bucket.created))
            writer.element("BucketRegion", bucket.region)
            writer.close("Bucket")
        }
        writer.close("Buckets")
        if let next = page.next { writer.element("ContinuationToken", ContinuationToken.of(bucketName: next)) }
        if !options.prefix.isEmpty { writer.element("Prefix", options.prefix) }
        writer.close("ListAllMyBucketsResult")
        return .xml(writer.bytes)
    }

    func createBucket(_ context: RequestContext, _ body: RequestBody) async throws(S3Error) -> Answer {
        let name = context.bucketOrEmpty
        try BucketName.validateForCreation(name)
        try Unsupported.refuseACL(context)
        var options = CreateBucketOptions()
        options.owner = context.signer.canonicalID
        options.region = region
        options.objectLockEnabled = context.header("x-amz-bucket-object-lock-enabled")?.lowercased() == "true"
        if let ownership = context.header("x-amz-object-ownership") {
            guard ["BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"].contains(ownership) else {
                throw .invalidArgument(
                    "Invalid x-amz-object-ownership header: \(ownership)", name: "x-amz-object-ownership",
                    value: ownership)
            }
            // Without ACLs every bucket behaves as owner-enforced.
            guard ownership == "BucketOwnerEnforced" else { throw .notImplemented(header: "x-amz-object-ownership") }
            options.objectOwnership = ownership
        }
        let configuration = try CreateBucketConfiguration(parsing: try await body.document(limit: 64 << 10))
        try configuration.validate(region: region)
        if !configuration.tags.isEmpty { throw S3Error(.notImplemented, "Bucket tags are not implemented.") }
        let result = try await translating(context) { () async throws(ObjectError) in
            try await store.createBucket(name, tenant: context.tenant, options: options)
        }
        if case .alreadyOwnedByYou = result, region != "us-east-1" {
            throw S3Error(.bucketAlreadyOwnedByYou).with("BucketName", name)
        }
        return Answer(200).with("Location", "/" + name)
    }

    func headBucket(_ context: RequestContext) throws(S3Error) -> Answer {
        let bucket = try bucket(context)
        return Answer(200).with("x-amz-bucket-region", bucket.region).with("x-amz-access-point-alias", "false")
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

    func writeOwner(_ writer: inout XMLWriter, _ signer: SignerIdentity, as name: StaticString = "Owner") {
        writer.open(name)
        writer.element("ID", signer.canonicalID)
        writer.element("DisplayName", signer.displayName)
        writer.close(name)
    }
}
