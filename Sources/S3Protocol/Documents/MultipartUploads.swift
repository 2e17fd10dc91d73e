import Base
import Digests

/// The answer of CreateMultipartUpload.
package func initiateMultipartUploadDocument(bucket: String, key: [UInt8], uploadID: String) -> [UInt8] {
    var writer = XMLWriter(capacity: 384 + key.count)
    writer.openRoot("InitiateMultipartUploadResult")
    writer.element("Bucket", bucket)
    writer.element("Key", bytes: key)
    writer.element("UploadId", uploadID)
    writer.close("InitiateMultipartUploadResult")
    return writer.bytes
}

/// The body of CompleteMultipartUpload: 1 to 10,000 parts in ascending order.
package struct CompleteMultipartUploadRequest: Hashable, Sendable {
    package static let partsMax = 10_000

    package struct Part: Hashable, Sendable {
        package var number: Int
        /// Without quotes.
        package var etag: String
        package var checksum: ChecksumValue?
        package init(number: Int, etag: String, checksum: ChecksumValue? = nil) {
            self.number = number
            self.etag = etag
            self.checksum = checksum
        }
    }

    package var parts: [Part]

    package init(parsing body: [UInt8]) throws(S3Error) {
        // No body is a document that breaks the schema here, not a missing one.
        guard !body.isEmpty else { throw S3Error(.malformedXML) }
        let root = try XMLReader.parse(body, limits: .longLists)
        try root.expect("CompleteMultipartUpload", children: ["Part"])
        guard (1...Self.partsMax).contains(root.children.count) else { throw S3Error(.malformedXML) }
        parts = []
        parts.reserveCapacity(root.children.count)
        for element in root.children {
            let part = try Self.part(element)
            if let last = parts.last, last.number >= part.number { throw S3Error(.invalidPartOrder) }
            parts.append(part)
        }
    }

    private static func part(_ element: XMLElement) throws(S3Error) -> Part {
        try element.expect("Part", children: ["PartNumber", "ETag"] + XMLElement.checksumNames)
        guard let number = try element.integer("PartNumber"), let etag = try element.trimmed("ETag") else {
            throw S3Error(.malformedXML)
        }
        guard (1...Int64(partsMax)).contains(number) else {
            throw .invalidArgument(
                "PartNumber must be an integer between 1 and 10000, inclusive", name: "partNumber",
                value: String(number))
        }
        return Part(number: Int(number), etag: ETagList.unquoted(etag), checksum: try element.checksum())
    }
}

/// The answer of CompleteMultipartUpload.
package struct CompleteMultipartUploadResult: Sendable {
    package var location: String
    package var bucket: String
    package var key: [UInt8]
    /// Without quotes.
    package var etag: String
    package var checksum: ChecksumValue?
    package var checksumType: ChecksumType?

    package init(
        location: String, bucket: String, key: [UInt8], etag: String, checksum: ChecksumValue? = nil,
        checksumType: ChecksumType? = nil
    ) {
        self.location = location
        self.bucket = bucket
        self.key = key
        self.etag = etag
        self.checksum = checksum
        self.checksumType = checksumType
    }

    package func document() -> [UInt8] {
        var writer = XMLWriter(capacity: 512 + key.count)
        writer.openRoot("CompleteMultipartUploadResult")
        writer.element("Location", location)
        writer.element("Bucket", bucket)
        writer.element("Key", bytes: key)
        writer.etag(etag)
        writer.checksum(checksum)
        writer.element(ifPresent: "ChecksumType", checksumType?.rawValue)
        writer.close("CompleteMultipartUploadResult")
        return writer.bytes
    }
}
