package import Base
package import Digests

/// An object in a listing.
package struct ListedObject: Hashable, Sendable {
    package var key: [UInt8]
    package var lastModified: Timestamp
    /// Without quotes.
    package var etag: String
    package var size: Int64
    package var storageClass: StorageClass
    package var owner: OwnerElement?
    package var checksumAlgorithm: ChecksumAlgorithm?
    package var checksumType: ChecksumType?

    package init(
        key: [UInt8], lastModified: Timestamp, etag: String, size: Int64, storageClass: StorageClass = .standard,
        owner: OwnerElement? = nil, checksumAlgorithm: ChecksumAlgorithm? = nil, checksumType: ChecksumType? = nil
    ) {
        self.key = key
        self.lastModified = lastModified
        self.etag = etag
        self.size = size
        self.storageClass = storageClass
        self.owner = owner
        self.checksumAlgorithm = checksumAlgorithm
        self.checksumType = checksumType
    }
}

/// What the three listings of objects have in common.
package struct ListingScope: Hashable, Sendable {
    package var prefix: [UInt8]
    /// Nil when there is none; an empty one is none.
    package var delimiter: [UInt8]?
    /// 0 to 1,000.
    package var maxKeys: Int
    package var urlEncoded: Bool

    package init(prefix: [UInt8] = [], delimiter: [UInt8]? = nil, maxKeys: Int = 1000, urlEncoded: Bool = false) {
        self.prefix = prefix
        self.delimiter = delimiter
        self.maxKeys = maxKeys
        self.urlEncoded = urlEncoded
    }

    package init(_ target: RequestTarget, pageSize name: StaticString = "max-keys") throws(S3Error) {
        prefix = target.bytes("prefix") ?? []
        delimiter = target.bytes("delimiter").flatMap { $0.isEmpty ? nil : $0 }
        maxKeys = try target.pageSize(name)
        urlEncoded = try target.wantsURLEncoding()
    }
}

package struct ListObjectsQuery: Hashable, Sendable {
    package var scope: ListingScope
    package var marker: [UInt8]

    package init(_ target: RequestTarget) throws(S3Error) {
        try target.checkListType()
        scope = try ListingScope(target)
        marker = target.bytes("marker") ?? []
    }
}

package struct ListObjectsV2Query: Hashable, Sendable {
    package var scope: ListingScope
    package var startAfter: [UInt8]?
    /// As sent; it goes before `startAfter`.
    package var continuationToken: String?
    package var fetchOwner: Bool

    package init(_ target: RequestTarget) throws(S3Error) {
        scope = try ListingScope(target)
        startAfter = target.bytes("start-after")
        continuationToken = target.string("continuation-token")
        if continuationToken == "" { throw ContinuationToken.incorrect("") }
        fetchOwner = target.string("fetch-owner")?.lowercased() == "true"
    }

    /// The key or common prefix after which the page begins; nil at the beginning.
    package func position() throws(S3Error) -> ContinuationToken? {
        if let continuationToken {
            let token = try ContinuationToken(parsing: continuationToken)
            guard token.kind != .afterBucket else { throw ContinuationToken.incorrect(continuationToken) }
            return token
        }
        return startAfter.map { ContinuationToken(after: $0) }
    }
}

/// One page of ListObjects or ListObjectsV2.
package struct ListObjectsResult: Sendable {
    package enum Version: Sendable {
        case one(marker: [UInt8])
        case two(startAfter: [UInt8]?, continuationToken: String?)
    }

    package var bucket: String
    package var scope: ListingScope
    package var version: Version
    package var objects: [ListedObject]
    package var commonPrefixes: [[UInt8]]
    /// The last key or common prefix of a page that is not the last.
    package var next: ContinuationToken?

    package init(
        bucket: String, scope: ListingScope, version: Version, objects: [ListedObject], commonPrefixes: [[UInt8]],
        next: ContinuationToken?
    ) {
        self.bucket = bucket
        self.scope = scope
        self.version = version
        self.objects = objects
        self.commonPrefixes = commonPrefixes
        self.next = next
    }

    package func document() -> [UInt8] {
        document(objectCount: objects.count) { writer in
            for object in objects { writer.contents(object, urlEncoded: scope.urlEncoded) }
        }
    }

    /// The document with objects that the caller writes, without having made a value of each.
    package func document(objectCount: Int, _ writeObjects: (inout XMLWriter) -> Void) -> [UInt8] {
        let encoded = scope.urlEncoded
        var writer = XMLWriter(capacity: 1024 + (objectCount + commonPrefixes.count) * 400)
        writer.openRoot("ListBucketResult")
        writer.element("Name", bucket)
        writer.key("Prefix", scope.prefix, urlEncoded: encoded)
        switch version {
        case .one(let marker):
            writer.key("Marker", marker, urlEncoded: encoded)
            // Without a delimiter the last key of the page is the next marker.
            if let next, scope.delimiter != nil { writer.key("NextMarker", next.position, urlEncoded: encoded) }
        case .two(let startAfter, let token):
            writer.element(ifPresent: "ContinuationToken", token)
            writer.element(ifPresent: "NextContinuationToken", next?.text)
            writer.key(ifPresent: "StartAfter", startAfter, urlEncoded: encoded)
            writer.element("KeyCount", objectCount + commonPrefixes.count)
        }
        writer.element("MaxKeys", scope.maxKeys)
        writer.key(ifPresent: "Delimiter", scope.delimiter, urlEncoded: encoded)
        if encoded { writer.element("EncodingType", "url") }
        writer.element("IsTruncated", next != nil)
        writeObjects(&writer)
        writer.commonPrefixes(commonPrefixes, urlEncoded: encoded)
        writer.close("ListBucketResult")
        return writer.bytes
    }
}

extension XMLWriter {
    fileprivate mutating func contents(_ object: ListedObject, urlEncoded: Bool) {
        open("Contents")
        key("Key", object.key, urlEncoded: urlEncoded)
        listed(object)
        close("Contents")
    }

    /// What a listing says of an object or a version, after its key.
    mutating func listed(_ object: ListedObject) {
        timestamp("LastModified", object.lastModified)
        etag(object.etag)
        element(ifPresent: "ChecksumAlgorithm", object.checksumAlgorithm?.name)
        element(ifPresent: "ChecksumType", object.checksumType?.rawValue)
        element("Size", object.size)
        if let owner = object.owner { self.owner("Owner", owner) }
        element("StorageClass", object.storageClass.rawValue)
    }
}
