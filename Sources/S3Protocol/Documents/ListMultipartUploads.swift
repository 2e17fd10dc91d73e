package import Base
import Digests

package struct ListMultipartUploadsQuery: Hashable, Sendable {
    /// Its `maxKeys` is max-uploads.
    package var scope: ListingScope
    package var keyMarker: [UInt8]
    /// Means nothing without a key marker, and is then ignored, as AWS does.
    package var uploadIDMarker: String?

    package init(_ target: RequestTarget) throws(S3Error) {
        scope = try ListingScope(target, pageSize: "max-uploads")
        keyMarker = target.bytes("key-marker") ?? []
        uploadIDMarker = keyMarker.isEmpty ? nil : target.string("upload-id-marker").flatMap { $0.isEmpty ? nil : $0 }
    }
}

/// One page of ListMultipartUploads.
package struct ListMultipartUploadsResult: Sendable {
    package struct Upload: Hashable, Sendable {
        package var key: [UInt8]
        package var id: String
        package var initiated: Timestamp
        package var owner: OwnerElement
        package var initiator: OwnerElement
        package var storageClass: StorageClass
        package var checksum: UploadChecksum?
        package init(
            key: [UInt8], id: String, initiated: Timestamp, owner: OwnerElement, initiator: OwnerElement,
            storageClass: StorageClass,
            checksum: UploadChecksum? = nil
        ) {
            self.key = key
            self.id = id
            self.initiated = initiated
            self.owner = owner
            self.initiator = initiator
            self.storageClass = storageClass
            self.checksum = checksum
        }
    }

    package struct Marker: Hashable, Sendable {
        package var key: [UInt8]
        /// Nil when the page ended with a common prefix.
        package var uploadID: String?
        package init(key: [UInt8], uploadID: String? = nil) {
            self.key = key
            self.uploadID = uploadID
        }
    }

    package var bucket: String
    package var query: ListMultipartUploadsQuery
    package var uploads: [Upload]
    package var commonPrefixes: [[UInt8]]
    /// Nil on the last page.
    package var next: Marker?

    package init(
        bucket: String, query: ListMultipartUploadsQuery, uploads: [Upload], commonPrefixes: [[UInt8]], next: Marker?
    ) {
        self.bucket = bucket
        self.query = query
        self.uploads = uploads
        self.commonPrefixes = commonPrefixes
        self.next = next
    }

    package func document() -> [UInt8] {
        let scope = query.scope, encoded = scope.urlEncoded
        var writer = XMLWriter(capacity: 1024 + uploads.count * 512)
        writer.openRoot("ListMultipartUploadsResult")
        writer.element("Bucket", bucket)
        writer.key("KeyMarker", query.keyMarker, urlEncoded: encoded)
        writer.element("UploadIdMarker", query.uploadIDMarker ?? "")
        // Told on the last page too.
        let last = next ?? uploads.last.map { Marker(key: $0.key, uploadID: $0.id) }
        writer.key("NextKeyMarker", last?.key ?? [], urlEncoded: encoded)
        writer.element("NextUploadIdMarker", last?.uploadID ?? "")
        writer.key("Prefix", scope.prefix, urlEncoded: encoded)
        writer.key(ifPresent: "Delimiter", scope.delimiter, urlEncoded: encoded)
        if encoded { writer.element("EncodingType", "url") }
        writer.element("MaxUploads", scope.maxKeys)
        writer.element("IsTruncated", next != nil)
        for upload in uploads {
            writer.open("Upload")
            writer.key("Key", upload.key, urlEncoded: encoded)
            writer.element("UploadId", upload.id)
            writer.owner("Initiator", upload.initiator)
            writer.owner("Owner", upload.owner)
            writer.element("StorageClass", upload.storageClass.rawValue)
            writer.timestamp("Initiated", upload.initiated)
            writer.element(ifPresent: "ChecksumAlgorithm", upload.checksum?.algorithm.name)
            writer.element(ifPresent: "ChecksumType", upload.checksum?.type.rawValue)
            writer.close("Upload")
        }
        writer.commonPrefixes(commonPrefixes, urlEncoded: encoded)
        writer.close("ListMultipartUploadsResult")
        return writer.bytes
    }
}
