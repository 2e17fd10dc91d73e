import Base
import ObjectFormat
import Objects
import S3Protocol

extension Operations {
    func copyObject(_ context: RequestContext) async throws(S3Error) -> Answer {
        try Unsupported.refuse(context)
        let acl = try newObjectAccess(context)
        let bucket = try bucket(context), source = try copySource(context)
        var options = CopyOptions()
        if try CopyDirective.metadata(context.head) == .replace {
            options.replacement = try ObjectFields.attributes(context)
        }
        if try CopyDirective.tagging(context.head) == .replace { options.tags = try ObjectFields.tags(context) }
        options.lock = try lock(context, bucket)
        options.websiteRedirect = try ObjectFields.websiteRedirect(context)
        options.storageClass = try ObjectFields.storageClass(context)
        options.namesStorageClass = context.header("x-amz-storage-class") != nil
        options.conditions = try Conditions.ofWrite(context)
        (options.owner, options.grants) = (acl.owner, acl.grants)
        options.checksum = try requestedChecksumAlgorithm(context.head)
        let chosen = options
        let result = try await translatingCopy(context, source) { () async throws(ObjectError) in
            try await store.copy(
                from: source, to: context.bucketOrEmpty, context.objectKey, tenant: context.tenant, options: chosen)
        }
        let document = S3Protocol.CopyResult(
            .object, lastModified: result.put.lastModified, etag: result.put.etag,
            checksum: result.put.checksum.map { ChecksumValue($0) },
            checksumType: result.put.checksum.map { S3Protocol.ChecksumType($0.type) })
        var answer = Answer.xml(document.document())
        if let version = result.sourceVersion, case .id = version {
            answer.set("x-amz-copy-source-version-id", version.description)
        }
        if let version = result.put.version { answer.set("x-amz-version-id", version.description) }
        return answer
    }

    func uploadPartCopy(_ context: RequestContext) async throws(S3Error) -> Answer {
        try Unsupported.refuse(context)
        let source = try copySource(context), upload = try context.uploadID(), number = try partNumber(context)
        var range: ByteRange?
        if let text = context.header("x-amz-copy-source-range") { range = try RangeHeader.parseCopySource(text) }
        let wanted = range
        let (part, sourceVersion) = try await translatingCopy(context, source) { () async throws(ObjectError) in
            try await store.uploadPartCopy(
                from: source, range: wanted, to: context.bucketOrEmpty, context.objectKey, upload: upload,
                number: number,
                tenant: context.tenant)
        }
        let document = S3Protocol.CopyResult(
            .part, lastModified: part.lastModified, etag: part.etag, checksum: part.checksum.map { ChecksumValue($0) })
        var answer = Answer.xml(document.document())
        if case .id = sourceVersion { answer.set("x-amz-copy-source-version-id", sourceVersion.description) }
        return answer
    }

    private func copySource(_ context: RequestContext) throws(S3Error) -> Objects.CopySource {
        let parsed = try S3Protocol.CopySource(parsing: context.header("x-amz-copy-source") ?? "")
        var source = Objects.CopySource(bucket: parsed.bucket, key: ObjectKey(parsed.key))
        if let text = parsed.versionID {
            guard let version = VersionID(text) else {
                throw .invalidArgument("Invalid version id specified", name: "versionId", value: text)
            }
            source.version = version
        }
        source.conditions = Conditions.ofCopySource(context)
        return source
    }

    func partNumber(_ context: RequestContext) throws(S3Error) -> Int {
        guard let number = try context.target.partNumber() else {
            throw .invalidArgument("A part number is required", name: "partNumber", value: "")
        }
        return number
    }

    /// As `translating`, but what is said of the source names the source.
    private func translatingCopy<Result>(
        _ context: RequestContext, _ source: Objects.CopySource, _ call: () async throws(ObjectError) -> Result
    ) async throws(S3Error) -> Result {
        do throws(ObjectError) { return try await call() } catch {
            switch error {
            // Of a target that is missing only If-Match tells.
            case .noSuchKey where context.header("if-match") == nil: throw .noSuchKey(source.key.bytes)
            case .noSuchVersion:
                throw .noSuchVersion(key: source.key.bytes, version: source.version?.description ?? "")
            case .preconditionFailed(.ifMatch) where context.header("if-match") == nil:
                throw .preconditionFailed("x-amz-copy-source-If-Match")
            case .preconditionFailed(.ifNoneMatch) where context.header("if-none-match") == nil:
                throw .preconditionFailed("x-amz-copy-source-If-None-Match")
            case .preconditionFailed(.ifModifiedSince):
                throw .preconditionFailed("x-amz-copy-source-If-Modified-Since")
            case .preconditionFailed(.ifUnmodifiedSince):
                throw .preconditionFailed("x-amz-copy-source-If-Unmodified-Since")
            case .invalidRange(let size):
                throw RangeHeader.beyondCopySource(context.header("x-amz-copy-source-range") ?? "", size: size)
            default: throw S3Error(error, context)
            }
        }
    }
}
