/// A file or directory of a tar archive. Its bytes follow, padded to blocks.
package struct TarEntry: Hashable, Sendable {
    package var name: [UInt8]
    package var size: Int64
    package var isDirectory: Bool

    package init(name: [UInt8], size: Int64, isDirectory: Bool) {
        self.name = name
        self.size = size
        self.isDirectory = isDirectory
    }

    /// Bytes up to the next block.
    package var padding: Int { Int((512 - size % 512) % 512) }
}

/// Reads the headers of a tar archive: the old form, ustar, and what GNU tar and pax put before a header for long names and sizes.
/// A value that says what to read next; it never holds file data.
package struct TarReader: Sendable {
    package enum Step: Hashable, Sendable {
        case entry(TarEntry)
        /// Read this many bytes and their padding, and hand them to `extend`.
        case extended(byteCount: Int)
        /// Pass over this many bytes and their padding: a link, a device, a header for all that nobody needs.
        case skip(byteCount: Int64)
        case end
    }

    private enum Pending: Sendable { case pax, longName, global, longLink }

    private var pending: Pending?
    private var longName: [UInt8]?
    private var longSize: Int64?

    package static let blockBytes = 512
    /// Of one extended header: many times what names and sizes need.
    private static let extensionBytesMax: Int64 = 1 << 20

    package init() {}

    /// The next header, of 512 bytes.
    package mutating func take(_ block: [UInt8]) throws(ArchiveError) -> Step {
        guard block.count == Self.blockBytes else { throw .malformed("a header of the archive is cut") }
        if block.allSatisfy({ $0 == 0 }) { return .end }
        try Self.checkSum(block)
        let size = try Self.number(block[124..<136], "size")
        guard size >= 0 else { throw .malformed("a size below zero") }
        switch block[156] {
        case UInt8(ascii: "x"): return try extend(.pax, size)
        case UInt8(ascii: "g"): return try extend(.global, size)
        case UInt8(ascii: "L"): return try extend(.longName, size)
        case UInt8(ascii: "K"): return try extend(.longLink, size)
        case 0, UInt8(ascii: "0"), UInt8(ascii: "7"), UInt8(ascii: "5"):
            defer { (longName, longSize) = (nil, nil) }
            let name = longName ?? Self.name(block)
            let isDirectory = block[156] == UInt8(ascii: "5") || name.last == UInt8(ascii: "/")
            return .entry(TarEntry(name: name, size: longSize ?? size, isDirectory: isDirectory))
        default:
            // Links and devices have no bytes, whatever old archivers wrote as their size.
            defer { (longName, longSize) = (nil, nil) }
            let hasData = !(UInt8(ascii: "1")...UInt8(ascii: "6")).contains(block[156])
            return .skip(byteCount: hasData ? longSize ?? size : 0)
        }
    }

    private mutating func extend(_ kind: Pending, _ size: Int64) throws(ArchiveError) -> Step {
        guard size <= Self.extensionBytesMax else { throw .unsupported("an extended header of \(size) bytes") }
        pending = kind
        return .extended(byteCount: Int(size))
    }

    /// The bytes that `.extended` asked for.
    package mutating func extend(_ bytes: [UInt8]) throws(ArchiveError) {
        defer { pending = nil }
        switch pending {
        case .longName: longName = Array(bytes.prefix { $0 != 0 })
        case .pax: try readRecords(bytes)
        case .global, .longLink, nil: break
        }
    }

    /// Records of the form `<length> <key>=<value>\n`, where the length counts all of it.
    private mutating func readRecords(_ bytes: [UInt8]) throws(ArchiveError) {
        let wrong = ArchiveError.malformed("an extended header does not parse")
        var rest = bytes[...]
        while let first = rest.first, first != 0 {
            guard let space = rest.firstIndex(of: UInt8(ascii: " ")), space - rest.startIndex < 10,
                let length = Int(String(decoding: rest[rest.startIndex..<space], as: UTF8.self)),
                length > space - rest.startIndex + 1, length <= rest.count
            else { throw wrong }
            let end = rest.startIndex + length
            let record = rest[(space + 1)..<(end - 1)]
            guard rest[end - 1] == UInt8(ascii: "\n"), let equals = record.firstIndex(of: UInt8(ascii: "=")) else {
                throw wrong
            }
            let value = record[(equals + 1)...]
            switch String(decoding: record[..<equals], as: UTF8.self) {
            case "path": longName = Array(value)
            case "size":
                guard let size = Int64(String(decoding: value, as: UTF8.self)), size >= 0 else { throw wrong }
                longSize = size
            default: break
            }
            rest = rest[end...]
        }
    }

    private static func name(_ block: [UInt8]) -> [UInt8] {
        let name = Array(block[0..<100].prefix { $0 != 0 })
        // GNU's own form has other things where ustar has the prefix.
        guard block[257..<263].elementsEqual(Array("ustar\0".utf8)) else { return name }
        let prefix = Array(block[345..<500].prefix { $0 != 0 })
        return prefix.isEmpty ? name : prefix + [UInt8(ascii: "/")] + name
    }

    /// Octal digits, or with the highest bit set a binary number.
    private static func number(_ field: ArraySlice<UInt8>, _ what: String) throws(ArchiveError) -> Int64 {
        if let first = field.first, first & 0x80 != 0 {
            guard first == 0x80, field.dropFirst().dropLast(8).allSatisfy({ $0 == 0 }) else {
                throw .unsupported("a \(what) beyond 63 bits")
            }
            let value = field.suffix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            guard let number = Int64(exactly: value) else { throw .unsupported("a \(what) beyond 63 bits") }
            return number
        }
        var value: Int64 = 0
        for byte in field.drop(while: { $0 == UInt8(ascii: " ") }) {
            if byte == 0 || byte == UInt8(ascii: " ") { break }
            guard (0x30...0x37).contains(byte) else { throw .malformed("the \(what) of a header is no number") }
            value = value << 3 | Int64(byte & 7)
        }
        return value
    }

    private static func checkSum(_ block: [UInt8]) throws(ArchiveError) {
        let declared = try number(block[148..<156], "checksum")
        var unsigned: Int64 = 0, signed: Int64 = 0
        for (index, byte) in block.enumerated() {
            let byte = (148..<156).contains(index) ? UInt8(ascii: " ") : byte
            unsigned += Int64(byte)
            // Some old archivers summed signed characters.
            signed += Int64(Int8(bitPattern: byte))
        }
        guard declared == unsigned || declared == signed else {
            throw .malformed("this is no tar archive, or a header of it is damaged")
        }
    }
}
