import Base
import ObjectFormat
import Objects
import S3Protocol

extension Operations {
    func getObjectTagging(_ context: RequestContext) async throws(S3Error) -> Answer {
        let bucket = try bucket(context), object = try await describedObject(context, orRefuse: refusalOfPart)
        let tags = object.attributes.tags.map { ObjectTagSet.Tag(key: $0.name, value: $0.value) }
        var answer = Answer.xml(ObjectTagSet(stored: tags).document())
        answer.setVersion(object.version, in: bucket)
        return answer
    }

    func putObjectTagging(_ context: RequestContext, _ body: RequestBody) async throws(S3Error) -> Answer {
        _ = try bucket(context)
        let tags = try ObjectTagSet(parsing: try await body.document(limit: 64 << 10))
        return try await setTags(tags, context, status: 200)
    }

    func deleteObjectTagging(_ context: RequestContext) async throws(S3Error) -> Answer {
        try await setTags(ObjectTagSet(stored: []), context, status: 204)
    }

    private func setTags(_ tags: ObjectTagSet, _ context: RequestContext, status: Int) async throws(S3Error) -> Answer {
        let bucket = try bucket(context), version = try context.versionID()
        let changed: VersionID
        do throws(ObjectError) {
            changed = try await store.setTags(
                context.bucketOrEmpty, context.objectKey, version: version, tenant: context.tenant,
                tags: tags.nameValues)
        } catch { throw refusalOfPart(error, context) }
        var answer = Answer(status)
        answer.setVersion(changed, in: bucket)
        return answer
    }

    func describedObject(_ context: RequestContext) async throws(S3Error) -> ObjectInfo {
        try await describedObject(context, orRefuse: refusal)
    }

    /// The version that the request names, or the current one.
    func describedObject(
        _ context: RequestContext, orRefuse refuse: (ObjectError, RequestContext) -> S3Error
    ) async throws(S3Error) -> ObjectInfo {
        var options = GetOptions()
        options.version = try context.versionID()
        do throws(ObjectError) {
            return try await store.head(
                context.bucketOrEmpty, context.objectKey, tenant: context.tenant, options: options
            ).object
        } catch { throw refuse(error, context) }
    }
}

extension ObjectTagSet {
    var nameValues: [NameValue] { tags.map { NameValue(name: $0.key, value: $0.value) } }
}

extension ObjectFields {
    /// The tags that a write brings; none without the field.
    static func tags(_ context: RequestContext) throws(S3Error) -> [NameValue] {
        try ObjectTagSet.parse(context.head)?.nameValues ?? []
    }
}
