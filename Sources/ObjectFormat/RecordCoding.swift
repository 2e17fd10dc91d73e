import Base

/// Why bytes are not a record. Never trapped on: records come from drives.
package enum FormatError: Error, Hashable, Sendable {
    case truncated
    case trailingBytes
    /// A record of a later format that this program can't read.
    case unsupportedVersion(UInt8)
    case unsupportedField(UInt32)
    /// Fields are in rising order of their numbers, each at most once.
    case fieldOrder
    case missing(StaticName)
    case invalid(StaticName)

    /// The name of a field, for messages. A type of its own because StaticString is not Hashable.
    package struct StaticName: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
        package let description: String
        package init(stringLiteral value: String) { description = value }
    }
}

/// Appends the primitives that records are made of (Docs/formats/records.md).
struct ByteWriter {
    var bytes: [UInt8] = []

    mutating func byte(_ value: UInt8) { bytes.append(value) }

    mutating func raw(_ value: some Sequence<UInt8>) { bytes.append(contentsOf: value) }

    mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// For counts and sizes, which are never negative.
    mutating func varint(_ value: some BinaryInteger) { varint(UInt64(clamping: value)) }

    mutating func fixed(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func id(_ value: UniqueID) {
        fixed(value.high)
        fixed(value.low)
    }

    mutating func position(_ value: Position) {
        fixed(value.epoch)
        fixed(value.sequence)
    }

    mutating func counted(_ value: [UInt8]) {
        varint(value.count)
        raw(value)
    }

    mutating func text(_ value: String) {
        varint(value.utf8.count)
        raw(value.utf8)
    }
}

/// Takes the primitives apart again, strictly: each value has one encoding only.
struct ByteReader {
    private let bytes: [UInt8]
    private var index: Int
    private let end: Int

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        index = 0
        end = bytes.count
    }

    private init(_ bytes: [UInt8], _ range: Range<Int>) {
        self.bytes = bytes
        index = range.lowerBound
        end = range.upperBound
    }

    var remaining: Int { end - index }
    var isAtEnd: Bool { index == end }

    mutating func byte() throws(FormatError) -> UInt8 {
        guard index < end else { throw .truncated }
        defer { index += 1 }
        return bytes[index]
    }

    mutating func raw(_ count: Int) throws(FormatError) -> [UInt8] {
        guard count >= 0, count <= remaining else { throw .truncated }
        defer { index += count }
        return Array(bytes[index..<index + count])
    }

    /// A reader of the next `count` bytes, which are skipped here.
    mutating func slice(_ count: Int) throws(FormatError) -> ByteReader {
        guard count >= 0, count <= remaining else { throw .truncated }
        defer { index += count }
        return ByteReader(bytes, index..<index + count)
    }

    mutating func rest() -> [UInt8] {
        defer { index = end }
        return Array(bytes[index..<end])
    }

    mutating func varint() throws(FormatError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let next = try byte()
            let piece = UInt64(next & 0x7F)
            guard shift < 63 || piece <= 1 else { throw .invalid("varint") }
            value |= piece << shift
            if next < 0x80 {
                guard next != 0 || shift == 0 else { throw .invalid("varint") }
                return value
            }
            shift += 7
            guard shift <= 63 else { throw .invalid("varint") }
        }
    }

    /// A varint that is a size: fits Int64.
    mutating func size() throws(FormatError) -> Int64 {
        guard let size = Int64(exactly: try varint()) else { throw .invalid("size") }
        return size
    }

    /// A varint that is a small number, at most `limit`.
    mutating func number(_ limit: Int) throws(FormatError) -> Int {
        guard let number = Int(exactly: try varint()), number <= limit else { throw .invalid("number") }
        return number
    }

    /// A number of items of at least `itemBytes` each: never more than the bytes left can hold.
    mutating func count(itemBytes: Int) throws(FormatError) -> Int {
        guard let count = Int(exactly: try varint()), count <= remaining / itemBytes else { throw .truncated }
        return count
    }

    mutating func fixed<Integer: FixedWidthInteger>(_: Integer.Type) throws(FormatError) -> Integer {
        let size = MemoryLayout<Integer>.size
        guard size <= remaining else { throw .truncated }
        var value: Integer = 0
        withUnsafeMutableBytes(of: &value) { target in
            for offset in 0..<size { target[offset] = bytes[index + offset] }
        }
        index += size
        return Integer(littleEndian: value)
    }

    mutating func id() throws(FormatError) -> UniqueID {
        UniqueID(high: try fixed(UInt64.self), low: try fixed(UInt64.self))
    }

    mutating func position() throws(FormatError) -> Position {
        Position(epoch: try fixed(UInt64.self), sequence: try fixed(UInt64.self))
    }

    mutating func counted() throws(FormatError) -> [UInt8] { try raw(try count(itemBytes: 1)) }

    mutating func text() throws(FormatError) -> String { try Self.text(try counted()) }

    mutating func restText() throws(FormatError) -> String { try Self.text(rest()) }

    private static func text(_ bytes: [UInt8]) throws(FormatError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .invalid("text") }
        return text
    }

    func expectEnd() throws(FormatError) {
        guard isAtEnd else { throw .trailingBytes }
    }
}

/// A field that this program does not know, kept byte for byte.
package struct UnknownField: Hashable, Sendable {
    var header: UInt32
    var bytes: [UInt8]
}

/// Fields of one record: number, length, bytes. The lowest bit of a field's header says that a reader which does not know the
/// field must refuse the record; all others are skipped and kept.
enum FieldHeader {
    static let numberMax: UInt32 = 1 << 20
    static func isCritical(_ header: UInt32) -> Bool { header & 1 == 1 }
    static func plain(_ number: UInt32) -> UInt32 { number << 1 }
    static func critical(_ number: UInt32) -> UInt32 { number << 1 | 1 }
}

struct FieldWriter {
    private var out = ByteWriter()
    private var unknown: ArraySlice<UnknownField>

    /// `unknown` is in rising order, as it was read.
    init(version: UInt8, kind: UInt8, unknown: [UnknownField]) {
        self.unknown = unknown[...]
        out.byte(version)
        out.byte(kind)
    }

    /// Fields must be written in rising order of their headers.
    mutating func field(_ header: UInt32, _ build: (inout ByteWriter) -> Void) {
        flush(below: header)
        var value = ByteWriter()
        build(&value)
        put(header, value.bytes)
    }

    mutating func text(_ header: UInt32, _ value: String?) {
        guard let value else { return }
        field(header) { $0.raw(value.utf8) }
    }

    mutating func finish() -> [UInt8] {
        flush(below: .max)
        return out.bytes
    }

    private mutating func flush(below header: UInt32) {
        while let next = unknown.first, next.header < header {
            put(next.header, next.bytes)
            unknown.removeFirst()
        }
    }

    private mutating func put(_ header: UInt32, _ bytes: [UInt8]) {
        out.varint(header)
        out.counted(bytes)
    }
}

struct FieldReader {
    let kind: UInt8
    private var reader: ByteReader
    private var last: UInt32?
    private(set) var unknown: [UnknownField] = []

    init(_ bytes: [UInt8], version: UInt8) throws(FormatError) {
        reader = ByteReader(bytes)
        let found = try reader.byte()
        guard found == version else { throw .unsupportedVersion(found) }
        kind = try reader.byte()
    }

    /// The next field, its header and its bytes; nil at the end.
    mutating func next() throws(FormatError) -> (header: UInt32, value: ByteReader)? {
        guard !reader.isAtEnd else { return nil }
        guard let header = UInt32(exactly: try reader.varint()), header <= FieldHeader.numberMax << 1 else {
            throw .invalid("field")
        }
        if let last, header >> 1 <= last >> 1 { throw .fieldOrder }
        last = header
        return (header, try reader.slice(try reader.count(itemBytes: 1)))
    }

    mutating func keepUnknown(_ header: UInt32, _ value: ByteReader) throws(FormatError) {
        guard !FieldHeader.isCritical(header) else { throw .unsupportedField(header >> 1) }
        var value = value
        unknown.append(UnknownField(header: header, bytes: value.rest()))
    }
}
