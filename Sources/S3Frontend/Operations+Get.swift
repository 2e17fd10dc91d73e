import Base
import ObjectFormat
import Objects
import S3Protocol

extension Operations {
    func getObject(_ context: RequestContext) async throws(S3Error) -> Answer {
        let bucket = try bucket(context), options = try readOptions(context)
        let result: GetResult
        do throws(ObjectError) {
            result = try await store.get(
                context.bucketOrEmpty, context.objectKey, tenant: context.tenant, options: options)
        } catch {
            return try refusedRead(error, context, bucket)
        }
        do throws(S3Error) { try await confirm(result.head.object, context) } catch {
            await result.reader.close()
            throw error
        }
        let count = result.head.range?.count ?? 0
        return describe(result.head, context, bucket, body: .object(result.reader, count: count))
    }

    func headObject(_ context: RequestContext) async throws(S3Error) -> Answer {
        let bucket = try bucket(context), options = try readOptions(context)
        let head: HeadResult
        do throws(ObjectError) {
            head = try await store.head(
                context.bucketOrEmpty, context.objectKey, tenant: context.tenant, options: options)
        } catch {
            return try refusedRead(error, context, bucket)
        }
        try await confirm(head.object, context)
        return describe(head, context, bucket, body: .withheld(count: head.range?.count ?? 0))
    }

    private func describe(
        _ head: HeadResult, _ context: RequestContext, _ bucket: BucketInfo, body: Answer.Body
    ) -> Answer {
        var answer = Answer(head.isPartial ? 206 : 200, body: body)
        answer.setFields(of: head, context)
        answer.setVersion(head.object.version, in: bucket)
        answer.setRange(of: head, context)
        if context.target.contains("partNumber"), let parts = head.object.partCount {
            answer.set("x-amz-mp-parts-count", String(parts))
        }
        return answer
    }

    /// 304 is an answer, not an error document; everything else is thrown on.
    private func refusedRead(
        _ error: ObjectError, _ context: RequestContext, _ bucket: BucketInfo
    ) throws(S3Error) -> Answer {
        guard case .notModified(let object) = error else {
            throw refusal(error, context)
        }
        var answer = Answer(304)
        answer.set("ETag", "\"\(object.etag)\"")
        answer.set("Last-Modified", HTTPDate.format(object.lastModified))
        answer.set("Cache-Control", object.cacheControl)
        answer.set("Expires", object.expires)
        if let version = object.version { answer.setVersion(version, in: bucket) }
        return answer
    }

    /// The error of a request for one version of an object, which tells of a delete marker in its fields.
    func refusal(_ error: ObjectError, _ context: RequestContext) -> S3Error {
        guard case .noSuchKey(let marker?) = error else { return S3Error(error, context) }
        return S3Error.noSuchKey(context.key).with("x-amz-delete-marker", "true")
            .with("x-amz-version-id", marker.description)
    }

    /// The same for what belongs to a version, tags or a list: a delete marker has none, whether it was named or not.
    func refusalOfPart(_ error: ObjectError, _ context: RequestContext) -> S3Error {
        guard case .noSuchKey(let marker?) = error else { return S3Error(error, context) }
        return .methodNotAllowed(method: context.head.string(context.head.method), resourceType: "DeleteMarker")
            .with("Allow", "DELETE").with("x-amz-delete-marker", "true").with("x-amz-version-id", marker.description)
    }

    private func readOptions(_ context: RequestContext) throws(S3Error) -> GetOptions {
        var options = GetOptions()
        options.version = try context.versionID()
        options.conditions = Conditions.ofRead(context)
        let range = context.header("range").flatMap { RangeHeader.parse($0) }
        if let number = try context.target.partNumber() {
            guard context.header("range") == nil else {
                throw S3Error(.invalidRequest, "Cannot specify both Range header and partNumber query parameter")
            }
            options.selection = .part(number)
        } else if let range {
            options.selection =
                switch range {
                case .from(let first, let last): .from(first, to: last == .max ? nil : last)
                case .suffix(let count): .suffix(count)
                }
        }
        return options
    }
}
