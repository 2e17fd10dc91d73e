package import Base
import Digests

package struct ListPartsQuery: Hashable, Sendable {
    package var uploadID: String
    package var maxParts: Int
    package var partNumberMarker: Int

    package init(_ target: RequestTarget) throws(S3Error) {
        uploadID = target.string("uploadId") ?? ""
        maxParts = try target.pageSize("max-parts")
        partNumberMarker = try target.number("part-number-marker") ?? 0
    }
}

/// One page of ListParts.
package struct ListPartsResult: Sendable {
    package struct Part: Hashable, Sendable {
        package var number: Int
        package var lastModified: Timestamp
        /// Without quotes.
        package var etag: String
        package var size: Int64
        package var checksum: ChecksumValue?
        package init(number: Int, lastModified: Timestamp, etag: String, size: Int64, checksum: ChecksumValue? = nil) {
            self.number = number
            self.lastModified = lastModified
            self.etag = etag
            self.size = size
            self.checksum = checksum
        }
    }

    package var bucket: String
    package var key: [UInt8]
    package var query: ListPartsQuery
    package var owner: OwnerElement
    package var initiator: OwnerElement
    package var storageClass: StorageClass
    package var checksum: UploadChecksum?
    package var parts: [Part]
    package var isTruncated: Bool

    package init(
        bucket: String, key: [UInt8], query: ListPartsQuery, owner: OwnerElement, initiator: OwnerElement,
        storageClass: StorageClass, checksum: UploadChecksum?, parts: [Part], isTruncated: Bool
    ) {
        self.bucket = bucket
        self.key = key
        self.query = query
        self.owner = owner
        self.initiator = initiator
        self.storageClass = storageClass
        self.checksum = checksum
        self.parts = parts
        self.isTruncated = isTruncated
    }

    package func document() -> [UInt8] {
        var writer = XMLWriter(capacity: 1024 + key.count + parts.count * 256)
        writer.openRoot("ListPartsResult")
        writer.element("Bucket", bucket)
        writer.element("Key", bytes: key)
        writer.element("UploadId", query.uploadID)
        writer.owner("Initiator", initiator)
        writer.owner("Owner", owner)
        writer.element("StorageClass", storageClass.rawValue)
        writer.element("PartNumberMarker", query.partNumberMarker)
        // AWS gives it on the last page too.
        writer.element("NextPartNumberMarker", parts.last?.number ?? 0)
        writer.element("MaxParts", query.maxParts)
        writer.element("IsTruncated", isTruncated)
        writer.element(ifPresent: "ChecksumAlgorithm", checksum?.algorithm.name)
        writer.element(ifPresent: "ChecksumType", checksum?.type.rawValue)
        for part in parts {
            writer.open("Part")
            writer.element("PartNumber", part.number)
            writer.timestamp("LastModified", part.lastModified)
            writer.etag(part.etag)
            writer.element("Size", part.size)
            writer.checksum(part.checksum)
            writer.close("Part")
        }
        writer.close("ListPartsResult")
        return writer.bytes
    }
}
