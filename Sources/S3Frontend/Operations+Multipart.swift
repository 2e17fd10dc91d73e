import Base
import Digests
import ObjectFormat
import Objects
import S3Protocol

extension Operations {
    func createMultipartUpload(_ context: RequestContext) async throws(S3Error) -> Answer {
        try Unsupported.refuse(context)
        let acl = try newObjectAccess(context)
        let bucket = try bucket(context)
        var options = CreateUploadOptions()
        options.attributes = try ObjectFields.attributes(context)
        (options.owner, options.grants, options.initiator) = (acl.owner, acl.grants, context.signer.initiator)
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
        var answer = Answer.xml(
            initiateMultipartUploadDocument(
                bucket: context.bucketOrEmpty, key: context.key, uploadID: upload.upload.description))
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
                throw S3Error(.invalidRequest, "Value for x-amz-mp-object-size header is invalid.")
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
        let completed = CompleteMultipartUploadResult(
            location: location(context), bucket: context.bucketOrEmpty, key: context.key, etag: result.etag,
            checksum: result.checksum.map { ChecksumValue($0) },
            checksumType: result.checksum.map { S3Protocol.ChecksumType($0.type) })
        var answer = Answer.xml(completed.document())
        if let version = result.version { answer.set("x-amz-version-id", version.description) }
        return answer
    }

    /// The checksum of the whole object, in the header that elsewhere carries a body's.
    private func expectedChecksum(_ context: RequestContext) throws(S3Error) -> ObjectChecksum? {
        guard case .header(let value)? = try DeclaredChecksum.parse(context.head)?.source else { return nil }
        return ObjectChecksum(value)
    }

    func location(_ context: RequestContext) -> String {
        let key = String(decoding: PercentEncoding.encode(context.key, keepingSlash: true), as: UTF8.self)
        let scheme = context.isSecure ? "https" : "http"
        // A host that names the bucket needs no other mention of it.
        let bucket = context.request.address.isVirtualHosted ? "" : context.bucketOrEmpty + "/"
        return "\(scheme)://\(context.header("host") ?? "localhost")/\(bucket)\(key)"
    }

    func abortMultipartUpload(_ context: RequestContext) async throws(S3Error) -> Answer {
        _ = try bucket(context)
        var initiated: Timestamp?
        if let text = context.header("x-amz-if-match-initiated-time") {
            guard let time = HTTPDate.parse(text) ?? ISO8601.parse(text) else {
                throw .invalidArgument("Invalid date", name: "x-amz-if-match-initiated-time", value: text)
            }
            initiated = time
        }
        let condition = initiated
        do throws(S3Error) {
            let upload = try context.uploadID()
            try await translating(context) { () async throws(ObjectError) in
                try await store.abortUpload(
                    context.bucketOrEmpty, context.objectKey, upload: upload, tenant: context.tenant,
                    ifInitiated: condition)
            }
        } catch {
            // Who names the time wants that upload gone, and it is.
            guard condition != nil, error.code == .noSuchUpload else { throw error }
        }
        return Answer(204)
    }

    func listParts(_ context: RequestContext) async throws(S3Error) -> Answer {
        _ = try bucket(context)
        let upload = try context.uploadID(), query = try ListPartsQuery(context.target)
        var options = ListPartsOptions()
        options.limit = query.maxParts
        options.marker = query.partNumberMarker
        let chosen = options
        let page = try await translating(context) { () async throws(ObjectError) in
            try await store.listParts(
                context.bucketOrEmpty, context.objectKey, upload: upload, tenant: context.tenant, options: chosen)
        }
        let parts = page.parts.map { part in
            S3Protocol.ListPartsResult.Part(
                number: part.number, lastModified: part.lastModified, etag: part.etag, size: part.size,
                checksum: part.checksum.map { ChecksumValue($0) })
        }
        let result = S3Protocol.ListPartsResult(
            bucket: context.bucketOrEmpty, key: context.key, query: query, owner: owner(page.upload.owner, context),
            initiator: initiator(page.upload.initiator, context),
            storageClass: S3Protocol.StorageClass(page.upload.storageClass), checksum: UploadChecksum(page.upload),
            parts: parts, isTruncated: page.next != nil)
        return .xml(result.document())
    }

    func listMultipartUploads(_ context: RequestContext) async throws(S3Error) -> Answer {
        _ = try bucket(context)
        let query = try ListMultipartUploadsQuery(context.target)
        var options = ListUploadsOptions()
        options.prefix = ObjectKey(query.scope.prefix)
        options.delimiter = ObjectKey(query.scope.delimiter ?? [])
        options.limit = query.scope.maxKeys
        if !query.keyMarker.isEmpty { options.keyMarker = ObjectKey(query.keyMarker) }
        if let marker = query.uploadIDMarker {
            guard UniqueID(marker) != nil else {
                throw .invalidArgument("Invalid uploadId marker", name: "upload-id-marker", value: marker)
            }
            options.uploadMarker = marker
        }
        let chosen = options
        let page = try await translating(context) { () async throws(ObjectError) in
            try await store.listUploads(context.bucketOrEmpty, tenant: context.tenant, options: chosen)
        }
        var uploads: [ListMultipartUploadsResult.Upload] = [], prefixes: [[UInt8]] = []
        for entry in page.entries {
            switch entry {
            case .commonPrefix(let prefix): prefixes.append(prefix.bytes)
            case .upload(let upload):
                uploads.append(
                    .init(
                        key: upload.key.bytes, id: upload.upload.description, initiated: upload.initiated,
                        owner: owner(upload.owner, context), initiator: initiator(upload.initiator, context),
                        storageClass: S3Protocol.StorageClass(upload.storageClass), checksum: UploadChecksum(upload)))
            }
        }
        let result = ListMultipartUploadsResult(
            bucket: context.bucketOrEmpty, query: query, uploads: uploads, commonPrefixes: prefixes,
            next: page.next.map { .init(key: $0.key.bytes, uploadID: $0.upload?.description) })
        return .xml(result.document())
    }
}

extension UploadChecksum {
    /// nil when the client did not choose one.
    fileprivate init?(_ upload: UploadInfo) {
        guard let algorithm = upload.checksum else { return nil }
        self.init(
            algorithm: algorithm,
            type: upload.checksumType.map { S3Protocol.ChecksumType($0) } ?? algorithm.defaultType)
    }
}
