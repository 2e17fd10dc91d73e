import Base
import ObjectFormat
import Objects
import S3Protocol

extension Operations {
    func getBucketVersioning(_ context: RequestContext) throws(S3Error) -> Answer {
        let status: VersioningConfiguration.Status? =
            switch try bucket(context).versioning {
            case .unversioned: nil
            case .enabled: .enabled
            case .suspended: .suspended
            }
        return .xml(VersioningConfiguration(status: status).document())
    }

    func putBucketVersioning(_ context: RequestContext, _ body: RequestBody) async throws(S3Error) -> Answer {
        _ = try bucket(context)
        let configuration = try VersioningConfiguration(parsing: try await body.document(limit: 64 << 10))
        if configuration.wantsMFADelete {
            guard context.header("x-amz-mfa") == nil else { throw .notImplemented(header: "x-amz-mfa") }
            throw S3Error(.accessDenied, "Mfa Authentication must be used for this request")
        }
        try await translating(context) { () async throws(ObjectError) in
            try await store.setVersioning(
                context.bucketOrEmpty, tenant: context.tenant, enabled: configuration.status == .enabled)
        }
        return Answer(200)
    }

    func listObjectVersions(_ context: RequestContext) async throws(S3Error) -> Answer {
        _ = try bucket(context)
        let query = try ListObjectVersionsQuery(context.target)
        var options = ListVersionsOptions()
        options.prefix = ObjectKey(query.scope.prefix)
        options.delimiter = ObjectKey(query.scope.delimiter ?? [])
        options.limit = query.scope.maxKeys
        if !query.keyMarker.isEmpty { options.keyMarker = ObjectKey(query.keyMarker) }
        if let text = query.versionIDMarker {
            guard let version = VersionID(text) else {
                throw .invalidArgument("Invalid version id specified", name: "version-id-marker", value: text)
            }
            options.versionMarker = version
        }
        let chosen = options
        let page = try await translating(context) { () async throws(ObjectError) in
            try await store.listVersions(context.bucketOrEmpty, tenant: context.tenant, options: chosen)
        }
        var entries: [ListObjectVersionsResult.Entry] = [], prefixes: [[UInt8]] = []
        for entry in page.entries {
            switch entry {
            case .version(let object, let isLatest):
                entries.append(.init(object, isLatest: isLatest, owner: owner(object.owner, context)))
            case .commonPrefix(let prefix): prefixes.append(prefix.bytes)
            }
        }
        let next = page.next.map {
            ListObjectVersionsResult.Marker(key: $0.key.bytes, versionID: $0.version?.description)
        }
        let result = ListObjectVersionsResult(
            bucket: context.bucketOrEmpty, query: query, entries: entries, commonPrefixes: prefixes, next: next)
        return .xml(result.document())
    }

    func renameObject(_ context: RequestContext) async throws(S3Error) -> Answer {
        _ = try bucket(context)
        let source = try renameSource(context)
        var options = RenameOptions()
        options.target = Conditions.ofRead(context)
        options.source = Conditions.ofRenameSource(context)
        let chosen = options
        try await translating(context) { () async throws(ObjectError) in
            try await store.rename(
                context.bucketOrEmpty, from: source, to: context.objectKey, tenant: context.tenant, options: chosen)
        }
        return Answer(200)
    }

    /// A key of the same bucket, percent-encoded, or `/bucket/key`, as some clients write it.
    private func renameSource(_ context: RequestContext) throws(S3Error) -> ObjectKey {
        let text = context.header("x-amz-rename-source") ?? ""
        guard var key = PercentEncoding.decode(Array(text.utf8)), !key.isEmpty else {
            throw .invalidArgument("The rename source is missing or invalid", name: "x-amz-rename-source", value: text)
        }
        let prefix = Array("/\(context.bucketOrEmpty)/".utf8)
        if key.starts(with: prefix) { key.removeFirst(prefix.count) }
        try ObjectKeyRule.validate(key)
        return ObjectKey(key)
    }
}

extension ListObjectVersionsResult.Entry {
    fileprivate init(_ object: ObjectInfo, isLatest: Bool, owner: OwnerElement) {
        let key = object.key.bytes, id = object.version.description
        guard !object.isDeleteMarker else {
            self = .deleteMarker(
                key: key, id: id, isLatest: isLatest, lastModified: object.lastModified, owner: owner)
            return
        }
        self = .version(
            ListedObject(
                key: key, lastModified: object.lastModified, etag: object.etag, size: object.size,
                storageClass: S3Protocol.StorageClass(object.attributes.storageClass), owner: owner,
                checksumAlgorithm: object.checksum?.algorithm,
                checksumType: object.checksum.map { S3Protocol.ChecksumType($0.type) }),
            id: id, isLatest: isLatest)
    }
}

extension BucketInfo {
    /// Whether answers name versions, the null version among them.
    var namesVersions: Bool { versioning != .unversioned }
}

extension Answer {
    /// Names the version that a request read or changed.
    mutating func setVersion(_ version: VersionID, in bucket: BucketInfo) {
        if bucket.namesVersions { set("x-amz-version-id", version.description) }
    }
}
