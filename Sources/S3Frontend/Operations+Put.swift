import Base
import Digests
import ObjectFormat
import Objects
import S3Protocol

extension Operations {
    /// The largest object of a single PUT, and the largest part (AWS: 5 GiB).
    static let singlePutBytesMax: Int64 = 5 << 30

    func putObject(_ context: RequestContext, _ body: RequestBody) async throws(S3Error) -> Answer {
        try Unsupported.refuse(context)
        let acl = try newObjectAccess(context)
        let bucket = try bucket(context)
        let lock = try lock(context, bucket)
        try requireDigest(context, of: "Put Object", in: bucket, lock)
        let source = try body.source(context, sizeMax: Self.singlePutBytesMax)
        var options = PutOptions()
        options.attributes = try ObjectFields.attributes(context)
        options.conditions = try Conditions.ofWrite(context)
        options.checksum = source.checksumAlgorithm
        options.wantsSHA256 = source.wantsSHA256
        (options.owner, options.grants) = (acl.owner, acl.grants)
        options.lock = lock
        if let extraction = ArchiveExtraction(context) {
            return try await extract(extraction, context, source, options)
        }
        let chosen = options, offset = try writeOffset(context)
        let result = try await translating(context) { () async throws(ObjectError) in
            if let offset {
                return try await store.append(
                    context.bucketOrEmpty, context.objectKey, tenant: context.tenant, at: offset, options: chosen,
                    body: source)
            }
            return try await store.put(
                context.bucketOrEmpty, context.objectKey, tenant: context.tenant, options: chosen, body: source)
        }
        var answer = Answer(200).with("ETag", "\"\(result.etag)\"")
        if let checksum = result.checksum {
            answer.set(checksum.algorithm.headerName, checksum.text)
            answer.set("x-amz-checksum-type", checksum.type.s3Name)
        }
        if let version = result.version { answer.set("x-amz-version-id", version.description) }
        if offset != nil { answer.set("x-amz-object-size", String(result.size)) }
        return answer
    }

    /// Where the body is to go on with an object that exists; nil for a whole object.
    private func writeOffset(_ context: RequestContext) throws(S3Error) -> Int64? {
        guard let text = context.header("x-amz-write-offset-bytes") else { return nil }
        guard let offset = Int64(text), offset >= 0 else {
            throw .invalidArgument(
                "The write offset must be a whole number", name: "x-amz-write-offset-bytes", value: text)
        }
        return offset
    }

    func deleteObject(_ context: RequestContext) async throws(S3Error) -> Answer {
        var options = DeleteOptions()
        options.version = try context.versionID()
        options.conditions = try Conditions.ofDelete(context)
        options.bypassesGovernance = try deleteBypassesGovernance(context)
        let chosen = options
        let result = try await translating(context) { () async throws(ObjectError) in
            try await store.delete(
                context.bucketOrEmpty, context.objectKey, tenant: context.tenant, options: chosen)
        }
        var answer = Answer(204)
        if result.deleteMarker != nil { answer.set("x-amz-delete-marker", "true") }
        if let version = result.deleteMarker ?? result.version {
            answer.set("x-amz-version-id", version.description)
        }
        return answer
    }
}

/// What a request says of the object that it makes.
enum ObjectFields {
    static func attributes(_ context: RequestContext) throws(S3Error) -> ObjectAttributes {
        var attributes = ObjectAttributes()
        attributes.headers.contentType = context.header("content-type")
        attributes.headers.contentEncoding = contentEncoding(context)
        attributes.headers.contentDisposition = context.header("content-disposition")
        attributes.headers.contentLanguage = context.header("content-language")
        attributes.headers.cacheControl = context.header("cache-control")
        attributes.headers.expires = context.header("expires")
        attributes.headers.websiteRedirect = try websiteRedirect(context)
        attributes.metadata = try metadata(context)
        attributes.tags = try tags(context)
        attributes.storageClass = try storageClass(context)
        return attributes
    }

    /// Where a web site sends whoever asks for the object.
    static func websiteRedirect(_ context: RequestContext) throws(S3Error) -> String? {
        guard let place = context.header("x-amz-website-redirect-location") else { return nil }
        guard ["/", "http://", "https://"].contains(where: { place.hasPrefix($0) }) else {
            throw S3Error(.invalidRedirectLocation)
        }
        guard place.utf8.count <= 2048 else {
            throw S3Error(
                .invalidRedirectLocation, "The length of website redirect location cannot exceed 2,048 characters.")
        }
        return place
    }

    static func storageClass(_ context: RequestContext) throws(S3Error) -> ObjectFormat.StorageClass {
        ObjectFormat.StorageClass(try S3Protocol.StorageClass.parse(context.head))
    }

    /// `aws-chunked` is the framing of the request, not a property of the object.
    private static func contentEncoding(_ context: RequestContext) -> String? {
        guard let text = context.header("content-encoding") else { return nil }
        let kept = text.split(separator: ",").map { $0.split(separator: " ").joined(separator: " ") }
            .filter { $0.lowercased() != "aws-chunked" && !$0.isEmpty }
        return kept.isEmpty ? nil : kept.joined(separator: ",")
    }

    private static func metadata(_ context: RequestContext) throws(S3Error) -> [NameValue] {
        try UserMetadata.parse(context.head).map { entry in
            NameValue(name: entry.name, value: String(decoding: entry.value, as: UTF8.self))
        }
    }
}
