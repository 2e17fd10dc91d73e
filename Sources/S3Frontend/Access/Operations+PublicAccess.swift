import Base
import ObjectFormat
import Objects
import S3Protocol

extension Operations {
    /// Changes one document of the request's bucket.
    @discardableResult
    func changing(
        _ context: RequestContext, _ kind: BucketDocumentKind,
        _ change: @Sendable (BucketInfo) -> BucketDocumentChange
    ) async throws(S3Error) -> BucketInfo {
        try await translating(context) { () async throws(ObjectError) in
            try await store.updateBucketDocument(
                context.bucketOrEmpty, kind, id: "", tenant: context.tenant, change)
        }
    }

    // MARK: Public access block

    func getPublicAccessBlock(_ context: RequestContext) throws(S3Error) -> Answer {
        let info = try bucket(context)
        guard let block = access(of: info).block else {
            throw Self.missing(.noSuchPublicAccessBlockConfiguration, info)
        }
        var writer = XMLWriter(capacity: 512)
        writer.openRoot("PublicAccessBlockConfiguration")
        writer.element("BlockPublicAcls", block.blockPublicACLs)
        writer.element("IgnorePublicAcls", block.ignorePublicACLs)
        writer.element("BlockPublicPolicy", block.blockPublicPolicy)
        writer.element("RestrictPublicBuckets", block.restrictPublicBuckets)
        writer.close("PublicAccessBlockConfiguration")
        return .xml(writer.bytes)
    }

    func putPublicAccessBlock(_ context: RequestContext, _ body: RequestBody) async throws(S3Error) -> Answer {
        let root = try XMLReader.parse(try await body.document(limit: 64 << 10))
        try root.expect(
            "PublicAccessBlockConfiguration",
            children: ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"])
        var block = PublicAccessBlock()
        block.blockPublicACLs = try root.boolean("BlockPublicAcls") ?? false
        block.ignorePublicACLs = try root.boolean("IgnorePublicAcls") ?? false
        block.blockPublicPolicy = try root.boolean("BlockPublicPolicy") ?? false
        block.restrictPublicBuckets = try root.boolean("RestrictPublicBuckets") ?? false
        let stored = block.stored
        try await changing(context, .publicAccessBlock) { _ in .store(stored) }
        return Answer(200)
    }

    func deletePublicAccessBlock(_ context: RequestContext) async throws(S3Error) -> Answer {
        try await changing(context, .publicAccessBlock) { _ in .delete }
        return Answer(204)
    }

    // MARK: Ownership controls

    func getBucketOwnershipControls(_ context: RequestContext) throws(S3Error) -> Answer {
        let info = try bucket(context)
        guard let ownership = access(of: info).configuredOwnership else {
            throw Self.missing(.ownershipControlsNotFoundError, info)
        }
        var writer = XMLWriter(capacity: 256)
        writer.openRoot("OwnershipControls")
        writer.open("Rule")
        writer.element("ObjectOwnership", ownership.rawValue)
        writer.close("Rule")
        writer.close("OwnershipControls")
        return .xml(writer.bytes)
    }

    func putBucketOwnershipControls(_ context: RequestContext, _ body: RequestBody) async throws(S3Error) -> Answer {
        let root = try XMLReader.parse(try await body.document(limit: 64 << 10))
        try root.expect("OwnershipControls", children: ["Rule"])
        guard let rule = try root.child("Rule") else { throw S3Error(.malformedXML) }
        try rule.expect("Rule", children: ["ObjectOwnership"])
        guard let ownership = try rule.trimmed("ObjectOwnership").flatMap(ObjectOwnership.init(rawValue:)) else {
            throw S3Error(.malformedXML)
        }
        let owner = try bucket(context).owner
        let changed = try await changing(context, .ownershipControls) { info in
            // Grants to others would be cut off without a word; whoever wants that takes them away first.
            let list = BucketAccess(info).list
            let keepsGrants = list.grants.contains { $0.grantee != .account(owner) }
            return ownership == .bucketOwnerEnforced && keepsGrants ? .keep : .store(Array(ownership.rawValue.utf8))
        }
        guard BucketAccess(changed).configuredOwnership == ownership else {
            throw S3Error(.invalidBucketAclWithObjectOwnership)
        }
        return Answer(200)
    }

    func deleteBucketOwnershipControls(_ context: RequestContext) async throws(S3Error) -> Answer {
        try await changing(context, .ownershipControls) { _ in .store(BucketAccess.deletedOwnership) }
        return Answer(204)
    }
}
