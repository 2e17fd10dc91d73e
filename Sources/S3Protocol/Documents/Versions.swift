package import Base

package struct ListObjectVersionsQuery: Hashable, Sendable {
    package var scope: ListingScope
    package var keyMarker: [UInt8]
    package var versionIDMarker: String?

    package init(_ target: RequestTarget) throws(S3Error) {
        scope = try ListingScope(target)
        keyMarker = target.bytes("key-marker") ?? []
        versionIDMarker = target.string("version-id-marker")
        if let versionIDMarker {
            guard !versionIDMarker.isEmpty else {
                throw .invalidArgument(
                    "A version-id marker cannot be empty.", name: "version-id-marker", value: "")
            }
            guard !keyMarker.isEmpty else {
                throw .invalidArgument(
                    "A version-id marker cannot be specified without a key marker.", name: "version-id-marker",
                    value: versionIDMarker)
            }
        }
    }
}

/// One page of ListObjectVersions.
package struct ListObjectVersionsResult: Sendable {
    package enum Entry: Hashable, Sendable {
        case version(ListedObject, id: String, isLatest: Bool)
        case deleteMarker(key: [UInt8], id: String, isLatest: Bool, lastModified: Timestamp, owner: OwnerElement?)
    }

    package struct Marker: Hashable, Sendable {
        package var key: [UInt8]
        /// Nil when the page ended with a common prefix.
        package var versionID: String?
        package init(key: [UInt8], versionID: String? = nil) {
            self.key = key
            self.versionID = versionID
        }
    }

    package var bucket: String
    package var query: ListObjectVersionsQuery
    /// In the order of the listing, versions and delete markers mixed.
    package var entries: [Entry]
    package var commonPrefixes: [[UInt8]]
    /// Nil on the last page.
    package var next: Marker?

    package init(
        bucket: String, query: ListObjectVersionsQuery, entries: [Entry], commonPrefixes: [[UInt8]], next: Marker?
    ) {
        self.bucket = bucket
        self.query = query
        self.entries = entries
        self.commonPrefixes = commonPrefixes
        self.next = next
    }

    package func document() -> [UInt8] {
        let scope = query.scope, encoded = scope.urlEncoded
        var writer = XMLWriter(capacity: 1024 + (entries.count + commonPrefixes.count) * 400)
        writer.openRoot("ListVersionsResult")
        writer.element("Name", bucket)
        writer.key("Prefix", scope.prefix, urlEncoded: encoded)
        writer.key("KeyMarker", query.keyMarker, urlEncoded: encoded)
        writer.element("VersionIdMarker", query.versionIDMarker ?? "")
        if let next {
            writer.key("NextKeyMarker", next.key, urlEncoded: encoded)
            writer.element(ifPresent: "NextVersionIdMarker", next.versionID)
        }
        writer.element("MaxKeys", scope.maxKeys)
        writer.key(ifPresent: "Delimiter", scope.delimiter, urlEncoded: encoded)
        if encoded { writer.element("EncodingType", "url") }
        writer.element("IsTruncated", next != nil)
        for entry in entries { writer.entry(entry, urlEncoded: encoded) }
        writer.commonPrefixes(commonPrefixes, urlEncoded: encoded)
        writer.close("ListVersionsResult")
        return writer.bytes
    }
}

extension XMLWriter {
    fileprivate mutating func entry(_ entry: ListObjectVersionsResult.Entry, urlEncoded: Bool) {
        switch entry {
        case .version(let object, let id, let isLatest):
            open("Version")
            key("Key", object.key, urlEncoded: urlEncoded)
            element("VersionId", id)
            element("IsLatest", isLatest)
            listed(object)
            close("Version")
        case .deleteMarker(let key, let id, let isLatest, let lastModified, let owner):
            open("DeleteMarker")
            self.key("Key", key, urlEncoded: urlEncoded)
            element("VersionId", id)
            element("IsLatest", isLatest)
            timestamp("LastModified", lastModified)
            if let owner { self.owner("Owner", owner) }
            close("DeleteMarker")
        }
    }
}
