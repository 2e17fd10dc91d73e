/// The name of an object: any bytes that are UTF-8, at most 1,024. Compared as bytes, never as text, so that canonically
/// equivalent spellings stay different objects.
package struct ObjectKey: Hashable, Comparable, Sendable {
    package static let byteCountMax = 1024

    package var bytes: [UInt8]

    package init(_ bytes: [UInt8]) { self.bytes = bytes }
    package init(_ text: some StringProtocol) { self.bytes = Array(text.utf8) }

    package static func < (lhs: ObjectKey, rhs: ObjectKey) -> Bool { lhs.bytes.lexicographicallyPrecedes(rhs.bytes) }
}

extension ObjectKey: ExpressibleByStringLiteral {
    package init(stringLiteral text: String) { self.init(text) }
}

extension ObjectKey: CustomStringConvertible {
    package var description: String { String(decoding: bytes, as: UTF8.self) }
}
