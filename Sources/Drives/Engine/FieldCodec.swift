package import Base

/// Writes the fields of records, manifest edits and index values: fixed-width numbers little-endian, counts as LEB128.
package struct FieldWriter {
    package private(set) var bytes: [UInt8] = []

    package init(reserving capacity: Int = 256) { bytes.reserveCapacity(capacity) }

    package mutating func byte(_ value: UInt8) { bytes.append(value) }

    package mutating func fixed<Value: FixedWidthInteger>(_ value: Value) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    package mutating func number(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    package mutating func count(_ value: Int) { number(UInt64(value)) }

    /// A length and the bytes.
    package mutating func blob(_ value: [UInt8]) {
        count(value.count)
        bytes.append(contentsOf: value)
    }

    package mutating func raw(_ value: [UInt8]) { bytes.append(contentsOf: value) }

    package mutating func position(_ value: Position) {
        number(value.epoch)
        number(value.sequence)
    }

    package mutating func uniqueID(_ value: UniqueID) {
        fixed(value.high)
        fixed(value.low)
    }

    /// Overwrites four bytes that were written before as a placeholder.
    package mutating func patch(_ value: UInt32, at offset: Int) {
        withUnsafeBytes(of: value.littleEndian) { source in
            for index in 0..<4 { bytes[offset + index] = source[index] }
        }
    }
}

/// Bytes that do not follow their format: what was being read.
package struct MalformedField: Error, Hashable, Sendable {
    package var what: String
    package init(_ what: String) { self.what = what }
}

/// Reads what `FieldWriter` wrote. Input is not trusted: every read is bounded, a count never exceeds what the remaining bytes
/// could hold, and nothing traps. The bytes must outlive the reader.
package struct FieldReader {
    private let bytes: UnsafeRawBufferPointer
    package private(set) var offset = 0

    package init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    package var remaining: Int { bytes.count - offset }
    package var isAtEnd: Bool { remaining == 0 }

    package mutating func byte(_ what: String) throws(MalformedField) -> UInt8 {
        guard remaining >= 1 else { throw MalformedField(what) }
        defer { offset += 1 }
        return bytes[offset]
    }

    package mutating func fixed<Value: FixedWidthInteger>(
        _ type: Value.Type, _ what: String
    ) throws(MalformedField) -> Value {
        let size = MemoryLayout<Value>.size
        guard remaining >= size else { throw MalformedField(what) }
        defer { offset += size }
        return Value(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Value.self))
    }

    /// A LEB128 number: at most ten bytes, the shortest form only.
    package mutating func number(_ what: String) throws(MalformedField) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let next = try byte(what)
            let digit = UInt64(next & 0x7F)
            guard shift < 63 || (shift == 63 && digit <= 1) else { throw MalformedField(what) }
            value |= digit << shift
            if next & 0x80 == 0 {
                guard next != 0 || shift == 0 else { throw MalformedField(what) }
                return value
            }
            shift += 7
        }
    }

    /// A number of things of at least `size` bytes each that follow.
    package mutating func count(of size: Int, _ what: String) throws(MalformedField) -> Int {
        let value = try number(what)
        guard value <= UInt64(remaining / max(1, size)) else { throw MalformedField(what) }
        return Int(value)
    }

    package mutating func narrow<Value: FixedWidthInteger>(
        _ type: Value.Type, _ what: String
    ) throws(MalformedField) -> Value {
        guard let value = Value(exactly: try number(what)) else { throw MalformedField(what) }
        return value
    }

    package mutating func blob(_ what: String) throws(MalformedField) -> [UInt8] {
        let count = try count(of: 1, what)
        return try raw(count, what)
    }

    package mutating func raw(_ count: Int, _ what: String) throws(MalformedField) -> [UInt8] {
        guard count >= 0, count <= remaining else { throw MalformedField(what) }
        defer { offset += count }
        return [UInt8](bytes[offset..<offset + count])
    }

    package mutating func position(_ what: String) throws(MalformedField) -> Position {
        Position(epoch: try number(what), sequence: try number(what))
    }

    package mutating func uniqueID(_ what: String) throws(MalformedField) -> UniqueID {
        UniqueID(high: try fixed(UInt64.self, what), low: try fixed(UInt64.self, what))
    }
}

extension [UInt8] {
    /// Reads all of the bytes with `body`.
    package func read<Value>(
        _ body: (inout FieldReader) throws(MalformedField) -> Value
    ) throws(MalformedField) -> Value {
        let result = withUnsafeBytes { (bytes: UnsafeRawBufferPointer) -> Result<Value, MalformedField> in
            var reader = FieldReader(bytes)
            do throws(MalformedField) { return .success(try body(&reader)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}
