/// The head of an HTTP/1.1 request as it came over the wire: the exact bytes, and where in them each piece lies.
///
/// Signatures cover the exact bytes, so nothing here is decoded, folded or changed. The codec (HTTPServer) fills it and has
/// validated the syntax; S3Protocol reads it. Field names compare case-insensitively; order and duplicates are kept.
package struct RequestHead: Sendable {
    /// `start ..< start + count` in `bytes`.
    package struct Slice: Hashable, Sendable {
        package var start: Int32
        package var count: Int32
        package init(start: Int, count: Int) {
            self.start = Int32(start)
            self.count = Int32(count)
        }
        package var range: Range<Int> { Int(start)..<Int(start) + Int(count) }
    }

    package struct Field: Hashable, Sendable {
        package var name: Slice
        /// Without leading and trailing white space.
        package var value: Slice
        package init(name: Slice, value: Slice) {
            self.name = name
            self.value = value
        }
    }

    package enum Version: Sendable { case http10, http11 }

    /// The bytes of the head, request line to the empty line.
    package var bytes: [UInt8]
    package var method: Slice
    /// The request target exactly as sent: path and query, percent-encoding untouched.
    package var target: Slice
    package var version: Version
    package var fields: [Field]

    package init(bytes: [UInt8], method: Slice, target: Slice, version: Version, fields: [Field]) {
        self.bytes = bytes
        self.method = method
        self.target = target
        self.version = version
        self.fields = fields
    }

    package func string(_ slice: Slice) -> String { String(decoding: bytes[slice.range], as: UTF8.self) }

    /// The value of the first field of that name. `name` is in lower case.
    package func first(_ name: StaticString) -> Slice? {
        for field in fields where matches(field.name, name) { return field.value }
        return nil
    }

    /// The text of the first field of that name; nil when there is none. `name` is in lower case.
    package func value(_ name: StaticString) -> String? { first(name).map(string) }

    /// How often the field occurs.
    package func count(_ name: StaticString) -> Int {
        var count = 0
        for field in fields where matches(field.name, name) { count += 1 }
        return count
    }

    /// True when the slice's bytes equal the lower-case `name`, ASCII case ignored.
    package func matches(_ slice: Slice, _ name: StaticString) -> Bool {
        guard Int(slice.count) == name.utf8CodeUnitCount else { return false }
        return bytes.withUnsafeBufferPointer { bytes in
            for index in 0..<name.utf8CodeUnitCount {
                var byte = bytes[Int(slice.start) + index]
                if byte >= 0x41 && byte <= 0x5A { byte |= 0x20 }
                if byte != name.utf8Start[index] { return false }
            }
            return true
        }
    }
}
