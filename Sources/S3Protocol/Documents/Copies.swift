package import Base

/// The answer of CopyObject and of UploadPartCopy.
package struct CopyResult: Sendable {
    package enum Kind: Sendable { case object, part }

    package var kind: Kind
    package var lastModified: Timestamp
    /// Without quotes.
    package var etag: String
    package var checksum: ChecksumValue?
    package var checksumType: ChecksumType?

    package init(
        _ kind: Kind, lastModified: Timestamp, etag: String, checksum: ChecksumValue? = nil,
        checksumType: ChecksumType? = nil
    ) {
        self.kind = kind
        self.lastModified = lastModified
        self.etag = etag
        self.checksum = checksum
        self.checksumType = checksumType
    }

    package func document() -> [UInt8] {
        let name: StaticString =
            switch kind {
            case .object: "CopyObjectResult"
            case .part: "CopyPartResult"
            }
        var writer = XMLWriter(capacity: 384)
        writer.openRoot(name)
        writer.timestamp("LastModified", lastModified)
        writer.etag(etag)
        writer.checksum(checksum)
        if kind == .object { writer.element(ifPresent: "ChecksumType", checksumType?.rawValue) }
        writer.close(name)
        return writer.bytes
    }
}
