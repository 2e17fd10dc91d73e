import ObjectFormat
import Objects
import S3Protocol

extension Operations {
    static let inventoryOperations: Set<S3Operation> = [
        .getBucketInventoryConfiguration, .putBucketInventoryConfiguration, .deleteBucketInventoryConfiguration,
        .listBucketInventoryConfigurations,
    ]

    /// Of one bucket, as on AWS.
    private static let configurationsMax = 1000
    private static let pageMax = 100

    func inventory(_ context: RequestContext, _ body: RequestBody) async throws(S3Error) -> Answer {
        let bucket = try bucket(context)
        if context.request.operation == .listBucketInventoryConfigurations { return try list(context, bucket) }
        let id = context.target.string("id") ?? ""
        guard InventoryConfiguration.isID(id) else {
            throw .invalidArgument("The id of the configuration is missing or not allowed", name: "id", value: id)
        }
        switch context.request.operation {
        case .putBucketInventoryConfiguration: return try await put(id, context, body, bucket)
        case .deleteBucketInventoryConfiguration:
            guard bucket.documents[.inventory, id] != nil else { throw Self.missing(.noSuchConfiguration, bucket) }
            try await change(id, context) { _ in .delete }
            return Answer(204)
        default:
            guard let found = bucket.documents[.inventory, id] else {
                throw Self.missing(.noSuchConfiguration, bucket)
            }
            return .xml(found.bytes)
        }
    }

    private func put(
        _ id: String, _ context: RequestContext, _ body: RequestBody, _ bucket: BucketInfo
    ) async throws(S3Error) -> Answer {
        let configuration = try InventoryConfiguration(
            parsing: try await body.document(limit: Self.configurationBytesMax))
        guard configuration.id == id else {
            throw .invalidArgument("The id in the query is not the one in the document", name: "id", value: id)
        }
        // None is refused like a stranger's.
        let target = try? store.bucket(configuration.destinationBucket, tenant: context.tenant)
        guard let target, target.owner == bucket.owner else {
            throw S3Error(.invalidS3DestinationBucket).with("BucketName", configuration.destinationBucket)
        }
        let bytes = configuration.document()
        let changed = try await change(id, context) { info in
            let all = info.documents.all(.inventory)
            return all.count < Self.configurationsMax || info.documents[.inventory, id] != nil ? .store(bytes) : .keep
        }
        guard changed.documents[.inventory, id]?.bytes == bytes else { throw S3Error(.tooManyConfigurations) }
        return Answer(204)
    }

    @discardableResult
    private func change(
        _ id: String, _ context: RequestContext, _ change: @Sendable (BucketInfo) -> BucketDocumentChange
    ) async throws(S3Error) -> BucketInfo {
        try await translating(context) { () async throws(ObjectError) in
            try await store.updateBucketDocument(
                context.bucketOrEmpty, .inventory, id: id, tenant: context.tenant, change)
        }
    }

    private func list(_ context: RequestContext, _ bucket: BucketInfo) throws(S3Error) -> Answer {
        var rest = bucket.documents.all(.inventory)
        let token = context.target.string("continuation-token")
        if let token {
            let after = try ContinuationToken(parsing: token)
            rest = rest.drop { !after.position.lexicographicallyPrecedes($0.id.utf8) }
        }
        let page = rest.prefix(Self.pageMax)
        var writer = XMLWriter(capacity: 4096)
        writer.openRoot("ListInventoryConfigurationsResult")
        for document in page {
            writer.open("InventoryConfiguration")
            try InventoryConfiguration(parsing: document.bytes).write(to: &writer)
            writer.close("InventoryConfiguration")
        }
        writer.element("IsTruncated", page.count < rest.count)
        writer.element(ifPresent: "ContinuationToken", token)
        if page.count < rest.count, let last = page.last {
            writer.element("NextContinuationToken", ContinuationToken(after: Array(last.id.utf8)).text)
        }
        writer.close("ListInventoryConfigurationsResult")
        return .xml(writer.bytes)
    }
}
