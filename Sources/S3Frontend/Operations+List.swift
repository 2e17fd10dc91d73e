import Base
import Digests
import ObjectFormat
import Objects
import S3Protocol

/// What the three listings have in common: prefix, delimiter, limit, and how names are written.
private struct ListingRequest {
    var prefix: [UInt8]
    var delimiter: [UInt8]
    var limit: Int
    var isEncoded: Bool

    init(_ context: RequestContext) throws(S3Error) {
        prefix = context.target.bytes("prefix") ?? []
        delimiter = context.target.bytes("delimiter") ?? []
        limit = try context.target.pageSize("max-keys")
        isEncoded = try context.target.wantsURLEncoding()
    }

    func name(_ bytes: [UInt8]) -> [UInt8] { isEncoded ? PercentEncoding.encodeForListing(bytes) : bytes }

    func options(from start: ListStart) -> ListOptions {
        var options = ListOptions()
        options.prefix = ObjectKey(prefix)
        options.delimiter = ObjectKey(delimiter)
        options.start = start
        options.limit = limit
        return options
    }
}

extension Operations {
    func listObjectsV2(_ context: RequestContext) async throws(S3Error) -> Answer {
        _ = try bucket(context)
        let listing = try ListingRequest(context)
        let token = context.target.string("continuation-token"), after = context.target.bytes("start-after")
        var start: ListStart = after.map { $0.isEmpty ? .beginning : .after(ObjectKey($0)) } ?? .beginning
        if let token {
            guard let place = ContinuationToken.start(token) else {
                throw .invalidArgument(
                    "The continuation token provided is incorrect", name: "continuation-token", value: token)
            }
            start = place
        }
        let page = try await page(context, listing, from: start)
        let fetchOwner = context.target.string("fetch-owner") == "true"

        var writer = XMLWriter(capacity: 300 * page.entries.count + 1024)
        writer.openRoot("ListBucketResult")
        writer.element("Name", context.bucketOrEmpty)
        writer.element("Prefix", bytes: listing.name(listing.prefix))
        if let token { writer.element("ContinuationToken", token) }
        if let after, !after.isEmpty { writer.element("StartAfter", bytes: listing.name(after)) }
        writer.element("KeyCount", page.entries.count)
        writer.element("MaxKeys", listing.limit)
        if !listing.delimiter.isEmpty { writer.element("Delimiter", bytes: listing.name(listing.delimiter)) }
        if listing.isEncoded { writer.element("EncodingType", "url") }
        writer.element("IsTruncated", page.next != nil)
        if let next = page.next, let token = ContinuationToken.of(next) {
            writer.element("NextContinuationToken", token)
        }
        writeEntries(page, listing, owner: fetchOwner ? context.signer : nil, to: &writer)
        writer.close("ListBucketResult")
        return .xml(writer.take())
    }

    func listObjects(_ context: RequestContext) async throws(S3Error) -> Answer {
        _ = try bucket(context)
        let listing = try ListingRequest(context)
        let marker = context.target.bytes("marker") ?? []
        let page = try await page(context, listing, from: marker.isEmpty ? .beginning : .marker(ObjectKey(marker)))

        var writer = XMLWriter(capacity: 400 * page.entries.count + 1024)
        writer.openRoot("ListBucketResult")
        writer.element("Name", context.bucketOrEmpty)
        writer.element("Prefix", bytes: listing.name(listing.prefix))
        writer.element("Marker", bytes: listing.name(marker))
        // S3 names the next marker only with a delimiter; without one it is the last key.
        if page.next != nil, !listing.delimiter.isEmpty, let last = page.entries.last {
            writer.element("NextMarker", bytes: listing.name(Self.name(of: last)))
        }
        writer.element("MaxKeys", listing.limit)
        if !listing.delimiter.isEmpty { writer.element("Delimiter", bytes: listing.name(listing.delimiter)) }
        if listing.isEncoded { writer.element("EncodingType", "url") }
        writer.element("IsTruncated", page.next != nil)
        writeEntries(page, listing, owner: context.signer, to: &writer)
        writer.close("ListBucketResult")
        return .xml(writer.take())
    }

    func listObjectVersions(_ context: RequestContext) async throws(S3Error) -> Answer {
        _ = try bucket(context)
        let listing = try ListingRequest(context)
        let keyMarker = context.target.bytes("key-marker") ?? []
        let versionMarker = context.target.string("version-id-marker")
        var options = ListVersionsOptions()
        options.prefix = ObjectKey(listing.prefix)
        options.delimiter = ObjectKey(listing.delimiter)
        options.limit = listing.limit
        if !keyMarker.isEmpty { options.keyMarker = ObjectKey(keyMarker) }
        if let text = versionMarker {
            guard !text.isEmpty else {
                throw .invalidArgument("A version-id marker cannot be empty.", name: "version-id-marker", value: text)
            }
            guard !keyMarker.isEmpty else {
                throw .invalidArgument(
                    "A version-id marker cannot be specified without a key marker.", name: "version-id-marker",
                    value: text)
            }
            guard let version = VersionID(text) else {
                throw .invalidArgument("Invalid version id specified", name: "version-id-marker", value: text)
            }
            options.versionMarker = version
        }
        let chosen = options
        let page = try await translating(context) { () async throws(ObjectError) in
            try await store.listVersions(context.bucketOrEmpty, tenant: context.tenant, options: chosen)
        }

        var writer = XMLWriter(capacity: 400 * page.entries.count + 1024)
        writer.openRoot("ListVersionsResult")
        writer.element("Name", context.bucketOrEmpty)
        writer.element("Prefix", bytes: listing.name(listing.prefix))
        writer.element("KeyMarker", bytes: listing.name(keyMarker))
        writer.element("VersionIdMarker", versionMarker ?? "")
        if let next = page.next {
            writer.element("NextKeyMarker", bytes: listing.name(next.key.bytes))
            writer.element(ifPresent: "NextVersionIdMarker", next.version?.description)
        }
        writer.element("MaxKeys", listing.limit)
        if !listing.delimiter.isEmpty { writer.element("Delimiter", bytes: listing.name(listing.delimiter)) }
        if listing.isEncoded { writer.element("EncodingType", "url") }
        writer.element("IsTruncated", page.next != nil)
        for case .version(let object, let isLatest) in page.entries {
            let name: StaticString = object.isDeleteMarker ? "DeleteMarker" : "Version"
            writer.open(name)
            writer.element("Key", bytes: listing.name(object.key.bytes))
            writer.element("VersionId", object.version.description)
            writer.element("IsLatest", isLatest)
            writer.element("LastModified", ISO8601.format(object.lastModified))
            if !object.isDeleteMarker { writeAttributes(of: object, to: &writer) }
            writeOwner(&writer, context.signer)
            writer.close(name)
        }
        for case .commonPrefix(let prefix) in page.entries { writePrefix(prefix, listing, to: &writer) }
        writer.close("ListVersionsResult")
        return .xml(writer.take())
    }

    private func page(
        _ context: RequestContext, _ listing: ListingRequest, from start: ListStart
    ) async throws(S3Error) -> ListResult {
        return try await translating(context) { () async throws(ObjectError) in
            try await store.list(
                context.bucketOrEmpty, tenant: context.tenant, options: listing.options(from: start))
        }
    }

    private func writeEntries(
        _ page: ListResult, _ listing: ListingRequest, owner: SignerIdentity?, to writer: inout XMLWriter
    ) {
        for case .object(let object) in page.entries {
            writer.open("Contents")
            object.withBytes { key, etag in
                if listing.isEncoded {
                    writer.element("Key", bytes: listing.name(Array(key)))
                } else {
                    writer.element("Key", raw: key)
                }
                writer.element("LastModified", time: object.lastModified)
                writer.quoted("ETag", raw: etag)
            }
            if let checksum = object.checksum {
                writer.element("ChecksumAlgorithm", checksum.algorithm.name)
                writer.element("ChecksumType", checksum.type.s3Name)
            }
            writer.element("Size", object.size)
            writer.element("StorageClass", object.storageClass.s3Name)
            if let owner { writeOwner(&writer, owner) }
            writer.close("Contents")
        }
        for case .commonPrefix(let prefix) in page.entries { writePrefix(prefix, listing, to: &writer) }
    }

    private func writeAttributes(of object: ObjectInfo, to writer: inout XMLWriter) {
        writer.element("ETag", "\"\(object.etag)\"")
        if let checksum = object.checksum {
            writer.element("ChecksumAlgorithm", checksum.algorithm.name)
            writer.element("ChecksumType", checksum.type.s3Name)
        }
        writer.element("Size", object.size)
        writer.element("StorageClass", object.attributes.storageClass.s3Name)
    }

    private func writePrefix(_ prefix: ObjectKey, _ listing: ListingRequest, to writer: inout XMLWriter) {
        writer.open("CommonPrefixes")
        writer.element("Prefix", bytes: listing.name(prefix.bytes))
        writer.close("CommonPrefixes")
    }

    private static func name(of entry: ListResult.Entry) -> [UInt8] {
        switch entry {
        case .object(let object): object.key.bytes
        case .commonPrefix(let prefix): prefix.bytes
        }
    }
}
