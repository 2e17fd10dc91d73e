import Digests

/// Encodings of the pieces that several records share (Docs/formats/records.md).
enum AttributeCoding {
    private static let headerCount: UInt8 = 7

    static func write(_ headers: ContentHeaders, to out: inout ByteWriter) {
        for number in 1...headerCount {
            guard let value = headers[keyPath: path(number)] else { continue }
            out.byte(number)
            out.text(value)
        }
    }

    static func headers(_ reader: inout ByteReader) throws(FormatError) -> ContentHeaders {
        var headers = ContentHeaders(), last: UInt8 = 0
        while !reader.isAtEnd {
            let number = try reader.byte()
            guard number > last, number <= headerCount else { throw .invalid("content header") }
            last = number
            headers[keyPath: path(number)] = try reader.text()
        }
        return headers
    }

    private static func path(_ number: UInt8) -> WritableKeyPath<ContentHeaders, String?> {
        switch number {
        case 1: \.contentType
        case 2: \.contentEncoding
        case 3: \.contentDisposition
        case 4: \.contentLanguage
        case 5: \.cacheControl
        case 6: \.expires
        default: \.websiteRedirect
        }
    }

    static func write(_ list: [NameValue], to out: inout ByteWriter) {
        out.varint(list.count)
        for entry in list {
            out.text(entry.name)
            out.text(entry.value)
        }
    }

    static func list(_ reader: inout ByteReader) throws(FormatError) -> [NameValue] {
        let count = try reader.count(itemBytes: 2)
        var list: [NameValue] = []
        list.reserveCapacity(count)
        for _ in 0..<count { list.append(NameValue(name: try reader.text(), value: try reader.text())) }
        try reader.expectEnd()
        return list
    }

    static func write(_ checksum: ObjectChecksum, to out: inout ByteWriter) {
        out.byte(checksum.algorithm.rawValue)
        out.byte(checksum.type.rawValue)
        out.varint(checksum.partCount)
        out.raw(checksum.value)
    }

    static func checksum(_ reader: inout ByteReader) throws(FormatError) -> ObjectChecksum {
        guard let algorithm = ChecksumAlgorithm(rawValue: try reader.byte()) else {
            throw .invalid("checksum algorithm")
        }
        guard let type = ChecksumType(rawValue: try reader.byte()) else { throw .invalid("checksum type") }
        let partCount = try reader.number(PartNumber.max)
        return ObjectChecksum(
            algorithm: algorithm, type: type, value: try reader.raw(algorithm.byteCount), partCount: partCount)
    }

    static func storageClass(_ reader: inout ByteReader) throws(FormatError) -> StorageClass {
        guard let found = StorageClass(rawValue: try reader.byte()) else { throw .invalid("storage class") }
        return found
    }
}

package enum PartNumber {
    package static let max = 10_000
}

enum LayoutCoding {
    static func write(_ layout: DataLayout, to out: inout ByteWriter) {
        switch layout {
        case .empty:
            out.byte(0)
        case .copies(let count, let slots):
            out.byte(1)
            out.varint(count)
            out.counted(slots)
        case .packed(let count, let geometry, let rotation):
            out.byte(2)
            out.varint(count)
            write(geometry, rotation, to: &out)
        case .coded(let count, let geometry, let rotation, let blockBytes, let id):
            out.byte(3)
            out.varint(count)
            write(geometry, rotation, to: &out)
            out.varint(blockBytes)
            out.id(id)
        }
    }

    private static func write(_ geometry: Geometry, _ rotation: UInt8, to out: inout ByteWriter) {
        out.byte(UInt8(clamping: geometry.data))
        out.byte(UInt8(clamping: geometry.parity))
        out.byte(rotation)
    }

    static func layout(_ reader: inout ByteReader) throws(FormatError) -> DataLayout {
        let tag = try reader.byte()
        return try layout(&reader, tag: tag)
    }

    static func layout(_ reader: inout ByteReader, tag: UInt8) throws(FormatError) -> DataLayout {
        switch tag {
        case 0:
            return .empty
        case 1:
            let count = try reader.size(), slots = try reader.counted()
            guard slots.count <= 16 else { throw .invalid("slots") }
            return .copies(count: count, slots: slots)
        case 2:
            let count = try reader.size(), (geometry, rotation) = try shape(&reader)
            return .packed(count: count, geometry: geometry, rotation: rotation)
        case 3:
            let count = try reader.size(), (geometry, rotation) = try shape(&reader)
            let blockBytes = try reader.number(Int(Int32.max))
            return .coded(
                count: count, geometry: geometry, rotation: rotation, blockBytes: Int32(blockBytes), id: try reader.id()
            )
        default:
            throw .invalid("layout")
        }
    }

    private static func shape(_ reader: inout ByteReader) throws(FormatError) -> (Geometry, UInt8) {
        let data = Int(try reader.byte()), parity = Int(try reader.byte())
        guard data >= 1, data + parity <= 16 else { throw .invalid("geometry") }
        return (Geometry(data: data, parity: parity), try reader.byte())
    }
}
