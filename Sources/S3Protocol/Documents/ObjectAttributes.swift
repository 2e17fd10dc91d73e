package import Base

/// The fields of GetObjectAttributes that say what is wanted.
package struct ObjectAttributesQuery: Hashable, Sendable {
    package enum Attribute: String, Hashable, Sendable {
        case etag = "ETag"
        case checksum = "Checksum"
        case parts = "ObjectParts"
        case storageClass = "StorageClass"
        case size = "ObjectSize"
    }

    package var attributes: [Attribute] = []
    package var maxParts: Int
    package var partNumberMarker: Int

    package init(_ head: RequestHead) throws(S3Error) {
        let name = "x-amz-object-attributes"
        // Clients send one field with a list, or a field for each.
        let text = head.fields.filter { head.lowercased($0.name) == name }.map { head.string($0.value) }
            .joined(separator: ",")
        for item in text.split(separator: ",") {
            guard let attribute = Attribute(rawValue: String(item.trimmingSpaces())) else {
                throw .invalidArgument("Invalid attribute name specified.", name: name, value: text)
            }
            if !attributes.contains(attribute) { attributes.append(attribute) }
        }
        guard !attributes.isEmpty else {
            throw .invalidArgument(
                "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty",
                name: name, value: text)
        }
        maxParts = min(try Self.number(head.value("x-amz-max-parts"), "x-amz-max-parts") ?? 1000, 1000)
        partNumberMarker =
            try Self.number(head.value("x-amz-part-number-marker"), "x-amz-part-number-marker") ?? 0
    }

    private static func number(_ text: String?, _ name: String) throws(S3Error) -> Int? {
        guard let text, !text.isEmpty else { return nil }
        guard let value = Int32(text) else {
            throw .invalidArgument(
                "Provided \(name) not an integer or within integer range", name: name, value: text)
        }
        guard value >= 0 else {
            throw .invalidArgument(
                "Argument \(name) must be an integer between 0 and 2147483647", name: name, value: text)
        }
        return Int(value)
    }
}

/// The answer of GetObjectAttributes: what is nil was not asked for, or the object has none.
package struct ObjectAttributesResult: Sendable {
    package struct Part: Hashable, Sendable {
        package var number: Int
        package var size: Int64
        package var checksum: ChecksumValue?
        package init(number: Int, size: Int64, checksum: ChecksumValue?) {
            self.number = number
            self.size = size
            self.checksum = checksum
        }
    }

    package struct Parts: Sendable {
        package var totalCount: Int
        package var marker: Int
        package var maxParts: Int
        package var next: Int?
        package var parts: [Part]
        package init(totalCount: Int, marker: Int, maxParts: Int, next: Int?, parts: [Part]) {
            self.totalCount = totalCount
            self.marker = marker
            self.maxParts = maxParts
            self.next = next
            self.parts = parts
        }
    }

    /// Without quotes, here and in the document.
    package var etag: String?
    package var checksum: ChecksumValue?
    package var checksumType: ChecksumType?
    package var parts: Parts?
    package var storageClass: StorageClass?
    package var size: Int64?

    package init() {}

    package func document() -> [UInt8] {
        var writer = XMLWriter(capacity: 512 + (parts?.parts.count ?? 0) * 160)
        writer.openRoot("GetObjectAttributesResponse")
        writer.element(ifPresent: "ETag", etag)
        if let checksum {
            writer.open("Checksum")
            writer.checksum(checksum)
            writer.element(ifPresent: "ChecksumType", checksumType?.rawValue)
            writer.close("Checksum")
        }
        if let parts { write(parts, to: &writer) }
        writer.element(ifPresent: "StorageClass", storageClass?.rawValue)
        if let size { writer.element("ObjectSize", size) }
        writer.close("GetObjectAttributesResponse")
        return writer.bytes
    }

    private func write(_ parts: Parts, to writer: inout XMLWriter) {
        writer.open("ObjectParts")
        writer.element("PartsCount", parts.totalCount)
        writer.element("PartNumberMarker", parts.marker)
        writer.element("NextPartNumberMarker", parts.next ?? parts.parts.last?.number ?? 0)
        writer.element("MaxParts", parts.maxParts)
        writer.element("IsTruncated", parts.next != nil)
        for part in parts.parts {
            writer.open("Part")
            writer.checksum(part.checksum)
            writer.element("PartNumber", part.number)
            writer.element("Size", part.size)
            writer.close("Part")
        }
        writer.close("ObjectParts")
    }
}
