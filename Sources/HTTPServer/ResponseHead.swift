/// Status and fields of a response, written as they will go over the wire.
///
/// The server adds the status line, `Date`, `Connection`, and `Content-Length` or `Transfer-Encoding`; they are not set here.
package struct ResponseHead: Sendable {
    package var status: Int
    /// `name: value CR LF` for each field.
    private(set) var fieldBytes: [UInt8] = []

    package init(status: Int) {
        self.status = status
        fieldBytes.reserveCapacity(512)
    }

    /// Control characters in the value become spaces: a stored value can never end a field and start another.
    package mutating func add(_ name: StaticString, _ value: String) {
        fieldBytes.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        addValue(value)
    }

    package mutating func add(_ name: StaticString, _ value: Int64) {
        fieldBytes.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        fieldBytes.append(0x3A)
        fieldBytes.append(0x20)
        fieldBytes.appendDecimal(value)
        endLine()
    }

    /// The same for a name that is known only now. A name that is not a token is left out: nothing valid could be sent for it.
    package mutating func add(named name: String, _ value: String) {
        guard !name.isEmpty, name.utf8.allSatisfy(Syntax.isToken) else { return }
        fieldBytes.append(contentsOf: name.utf8)
        addValue(value)
    }

    private mutating func addValue(_ value: String) {
        fieldBytes.append(0x3A)
        fieldBytes.append(0x20)
        for byte in value.utf8 { fieldBytes.append(Syntax.isFieldValue(byte) ? byte : 0x20) }
        endLine()
    }

    private mutating func endLine() {
        fieldBytes.append(0x0D)
        fieldBytes.append(0x0A)
    }

    /// RFC 9110, 6.4.1: responses that have no content whatever their fields say.
    var hasNoBody: Bool { status == 204 || status == 304 || status < 200 }
}

extension [UInt8] {
    mutating func append(_ text: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func appendDecimal(_ value: Int64) {
        guard value >= 0 else {
            append(0x2D)
            return appendDecimal(value == .min ? .max : -value)
        }
        var divisor: Int64 = 1
        while value / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            append(UInt8(0x30 + value / divisor % 10))
            divisor /= 10
        }
    }

}
