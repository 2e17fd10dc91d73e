import Base
import Digests
import ObjectFormat
import Objects
import S3Protocol

extension Operations {
    func createMultipartUpload(_ context: RequestContext) async throws(S3Error) -> Answer {
        try Unsupported.refuse(context)
        try Unsupported.refuseACL(context)
        let bucket = try bucket(context)
        var options = CreateUploadOptions()
        options.attributes = try ObjectFields.attributes(context)
        options.owner = context.signer.canonicalID
        options.lock = try lock(context, bucket)
        if let checksum = try UploadChecksum.parse(context.head) {
            options.checksum = checksum.algorithm
            options.checksumType = .init(checksum.type)
        }
        let chosen = options
        let upload = try await translating(context) { () async throws(ObjectError) in
            try await store.createUpload(
                context.bucketOrEmpty, context.objectKey, tenant: context.tenant, options: chosen)
        }
        var writer = XMLWriter(capacity: 512)
        writer.openRoot("InitiateMultipartUploadResult")
        writer.element("Bucket", context.bucketOrEmpty)
        writer.element("Key", bytes: context.key)
        writer.element("UploadId", upload.upload.description)
        writer.close("InitiateMultipartUploadResult")
        var answer = Answer.xml(writer.bytes)
        answer.set("x-amz-checksum-algorithm", upload.checksum?.name)
        if upload.checksum != nil { answer.set("x-amz-checksum-type", upload.checksumType?.s3Name) }
        return answer
    }

    func uploadPart(_ context: RequestContext, _ body: RequestBody) async throws(S3Error) -> Answer {
        try Unsupported.refuse(context)
        try requireDigest(context, of: "Put Part", in: try bucket(context), VersionLock())
        let upload = try context.uploadID(), number = try partNumber(context)
        let source = try body.source(context, sizeMax: Self.singlePutBytesMax)
        var options = PartOptions()
        options.checksum = source.checksumAlgorithm
        options.wantsSHA256 = source.wantsSHA256
        let chosen = options
        let part = try await translating(context) { () async throws(ObjectError) in
            try await store.uploadPart(
                context.bucketOrEmpty, context.objectKey, upload: upload, number: number, tenant: context.tenant,
                options: chosen, body: source)
        }
        var answer = Answer(200).with("ETag", "\"\(part.etag)\"")
        if let checksum = part.checksum { answer.set(checksum.algorithm.headerName, checksum.text) }
        return answer
    }

    func completeMultipartUpload(_ context: RequestContext, _ body: RequestBody) async throws(S3Error) -> Answer {
        try Unsupported.refuse(context)
        _ = try bucket(context)
        let upload = try context.uploadID()
        var options = CompleteOptions()
        options.conditions = try Conditions.ofWrite(context)
        if let text = context.header("x-amz-mp-object-size") {
            guard let size = Int64(text), size >= 0 else {
                throw .invalidArgument(
                    "The object size must be a whole number", name: "x-amz-mp-object-size", value: text)
            }
            options.expectedSize = size
        }
        options.checksumType = try checksumType(context.head).map { .init($0) }
        options.checksum = try expectedChecksum(context)
        let request = try CompleteMultipartUploadRequest(parsing: try await body.document(limit: 4 << 20))
        let claims = request.parts.map { part in
            PartClaim(number: part.number, etag: part.etag, checksum: part.checksum.map { ObjectChecksum($0) })
        }
        let chosen = options
        let result = try await translating(context) { () async throws(ObjectError) in
            try await store.completeUpload(
                context.bucketOrEmpty, context.objectKey, upload: upload, parts: claims, tenant: context.tenant,
                options: chosen)
        }
        var writer = XMLWriter(capacity: 512)
        writer.openRoot("CompleteMultipartUploadResult")
        writer.element("Location", location(context))
        writer.element("Bucket", context.bucketOrEmpty)
        writer.element("Key", bytes: context.key)
        writer.element("ETag", "\"\(result.etag)\"")
        writer.checksum(result.checksum, withType: true)
        writer.close("CompleteMultipartUploadResult")
        var answer = Answer.xml(writer.bytes)
        if let version = result.version { answer.set("x-amz-version-id", version.description) }
        return answer
    }

    /// The checksum of the whole object, in the header that elsewhere carries a body's.
    private func expectedChecksum(_ context: RequestContext) throws(S3Error) -> ObjectChecksum? {
        guard case .header(let value)? = try DeclaredChecksum.parse(context.head)?.source else { return nil }
        return ObjectChecksum(value)
    }

    private func location(_ context: RequestContext) -> String {
        let key = String(decoding: PercentEncoding.encode(context.key, keepingSlash: true), as: UTF8.self)
        return "http://\(context.header("host") ?? "localhost")/\(context.bucketOrEmpty)/\(key)"
    }

    func abortMultipartUpload(_ context: RequestContext) async throws(S3Error) -> Answer {
        _ = try bucket(context)
        let upload = try context.uploadID()
        try await translating(context) { () async throws(ObjectError) in
            try await store.abortUpload(
                context.bucketOrEmpty, context.objectKey, upload: upload, tenant: context.tenant)
        }
        return Answer(204)
    }

    func listParts(_ context: RequestContext) async throws(S3Error) -> Answer {
        _ = try bucket(context)
        let upload = try context.uploadID()
        var options = ListPartsOptions()
        options.limit = try context.target.pageSize("max-parts")
        options.marker = try context.target.number("part-number-marker") ?? 0
        let chosen = options
        let page = try await translating(context) { () async throws(ObjectError) in
            try await store.listParts(
                context.bucketOrEmpty, context.objectKey, upload: upload, tenant: context.tenant, options: chosen)
        }
        var writer = XMLWriter(capacity: 300 * page.parts.count + 1024)
        writer.openRoot("ListPartsResult")
        writer.element("Bucket", context.bucketOrEmpty)
        writer.element("Key", bytes: context.key)
        writer.element("UploadId", upload.description)
        writeOwner(&writer, context.signer, as: "Initiator")
        writeOwner(&writer, context.signer)
        writer.element("StorageClass", page.upload.storageClass.s3Name)
        writer.element("PartNumberMarker", options.marker)
        writer.element("NextPartNumberMarker", page.next ?? page.parts.last?.number ?? 0)
        writer.element("MaxParts", options.limit)
        writer.element("IsTruncated", page.next != nil)
        if let checksum = page.upload.checksum {
            writer.element("ChecksumAlgorithm", checksum.name)
            if let type = page.upload.checksumType { writer.element("ChecksumType", type.s3Name) }
        }
        for part in page.parts {
            writer.open("Part")
            writer.element("PartNumber", part.number)
            writer.element("LastModified", ISO8601.format(part.lastModified))
            writer.element("ETag", "\"\(part.etag)\"")
            writer.element("Size", part.size)
            writer.checksum(part.checksum, withType: false)
            writer.close("Part")
        }
        writer.close("ListPartsResult")
        return .xml(writer.take())
    }

    func listMultipartUploads(_ context: RequestContext) async throws(S3Error) -> Answer {
        _ = try bucket(context)
        var options = ListUploadsOptions()
        let prefix = context.target.bytes("prefix") ?? [], delimiter = context.target.bytes("delimiter") ?? []
        let keyMarker = context.target.bytes("key-marker") ?? []
        let uploadMarker = context.target.string("upload-id-marker") ?? ""
        options.prefix = ObjectKey(prefix)
        options.delimiter = ObjectKey(delimiter)
        options.limit = try context.target.pageSize("max-uploads")
        if !keyMarker.isEmpty {
            options.keyMarker = ObjectKey(keyMarker)
            if !uploadMarker.isEmpty { options.uploadMarker = uploadMarker }
        }
        let isEncoded = try context.target.wantsURLEncoding()
        let name = { (bytes: [UInt8]) in isEncoded ? PercentEncoding.encodeForListing(bytes) : bytes }
        let chosen = options
        let page = try await translating(context) { () async throws(ObjectError) in
            try await store.listUploads(context.bucketOrEmpty, tenant: context.tenant, options: chosen)
        }
        var writer = XMLWriter(capacity: 400 * page.entries.count + 1024)
        writer.openRoot("ListMultipartUploadsResult")
        writer.element("Bucket", context.bucketOrEmpty)
        writer.element("KeyMarker", bytes: name(keyMarker))
        writer.element("UploadIdMarker", uploadMarker)
        if let next = page.next {
            writer.element("NextKeyMarker", bytes: name(next.key.bytes))
            writer.element("NextUploadIdMarker", next.upload?.description ?? "")
        }
        writer.element("Prefix", bytes: name(prefix))
        if !delimiter.isEmpty { writer.element("Delimiter", bytes: name(delimiter)) }
        writer.element("MaxUploads", options.limit)
        if isEncoded { writer.element("EncodingType", "url") }
        writer.element("IsTruncated", page.next != nil)
        for case .upload(let upload) in page.entries {
            writer.open("Upload")
            writer.element("Key", bytes: name(upload.key.bytes))
            writer.element("UploadId", upload.upload.description)
            writeOwner(&writer, context.signer, as: "Initiator")
            writeOwner(&writer, context.signer)
            writer.element("StorageClass", upload.storageClass.s3Name)
            writer.element("Initiated", ISO8601.format(upload.initiated))
            if let checksum = upload.checksum {
                writer.element("ChecksumAlgorithm", checksum.name)
                if let type = upload.checksumType { writer.element("ChecksumType", type.s3Name) }
            }
            writer.close("Upload")
        }
        for case .commonPrefix(let prefix) in page.entries {
            writer.open("CommonPrefixes")
            writer.element("Prefix", bytes: name(prefix.bytes))
            writer.close("CommonPrefixes")
        }
        writer.close("ListMultipartUploadsResult")
        return .xml(writer.take())
    }
}
