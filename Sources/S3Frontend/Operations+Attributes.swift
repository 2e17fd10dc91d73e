import Base
import ObjectFormat
import Objects
import S3Protocol

extension Operations {
    func getObjectAttributes(_ context: RequestContext) async throws(S3Error) -> Answer {
        let bucket = try bucket(context), version = try context.versionID()
        let query = try ObjectAttributesQuery(context.head)
        var parts: ListPartsOptions?
        if query.attributes.contains(.parts) {
            parts = ListPartsOptions()
            parts?.limit = query.maxParts
            parts?.marker = query.partNumberMarker
        }
        let found: (object: ObjectInfo, parts: ObjectPartsPage?)
        do throws(ObjectError) {
            found = try await store.attributes(
                context.bucketOrEmpty, context.objectKey, version: version, tenant: context.tenant, parts: parts)
        } catch { throw refusal(error, context) }

        var result = ObjectAttributesResult()
        for attribute in query.attributes {
            switch attribute {
            case .etag: result.etag = found.object.etag
            case .checksum:
                result.checksum = found.object.checksum.map(ChecksumValue.init(whole:))
                result.checksumType = found.object.checksum.map { S3Protocol.ChecksumType($0.type) }
            case .parts: result.parts = found.parts.map { ObjectAttributesResult.Parts($0, query) }
            case .storageClass: result.storageClass = S3Protocol.StorageClass(found.object.attributes.storageClass)
            case .size: result.size = found.object.size
            }
        }
        var answer = Answer.xml(result.document())
        answer.set("Last-Modified", HTTPDate.format(found.object.lastModified))
        answer.setVersion(found.object.version, in: bucket)
        return answer
    }
}

extension ObjectAttributesResult.Parts {
    fileprivate init(_ page: ObjectPartsPage, _ query: ObjectAttributesQuery) {
        self.init(
            totalCount: page.totalCount, marker: query.partNumberMarker, maxParts: query.maxParts, next: page.next,
            parts: page.parts.map { part in
                ObjectAttributesResult.Part(
                    number: part.number, size: part.size, checksum: part.checksum.map(ChecksumValue.init(whole:)))
            })
    }
}

extension ChecksumValue {
    /// Without the number of parts, which the document tells elsewhere.
    fileprivate init(whole checksum: ObjectChecksum) {
        self.init(algorithm: checksum.algorithm, bytes: checksum.value)
    }
}
