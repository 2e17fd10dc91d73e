package import Base

/// Writes XML from front to back into a byte array: no tree, no indentation, as S3 answers.
///
/// Element names are the program's own and are not checked; text is escaped. The caller may take what has been written
/// at any time with `take()` and go on, so a long listing streams.
package struct XMLWriter: Sendable {
    package private(set) var bytes: [UInt8] = []
    /// What to write for a character that no XML 1.0 document can have.
    private let impossible: Impossible

    package enum Impossible: Sendable {
        /// Its number, as AWS does in listings: most readers refuse it, some can use it, and encoding-type=url avoids it.
        case number
        /// The replacement character: an error must be readable, whatever the key in it.
        case replacement
    }

    package init(capacity: Int = 4096, impossible: Impossible = .number) {
        self.impossible = impossible
        bytes.reserveCapacity(capacity)
    }

    /// The namespace of every S3 document but the error document.
    package static let namespace: StaticString = "http://s3.amazonaws.com/doc/2006-03-01/"

    /// Hands out what has been written, keeping room for as much again.
    package mutating func take() -> [UInt8] {
        let taken = bytes
        bytes = []
        bytes.reserveCapacity(taken.count)
        return taken
    }

    package mutating func declaration() {
        raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
    }

    /// Opens the outermost element with the S3 namespace.
    package mutating func openRoot(_ name: StaticString) {
        declaration()
        raw("<")
        raw(name)
        raw(" xmlns=\"")
        raw(Self.namespace)
        raw("\">")
    }

    package mutating func open(_ name: StaticString) {
        raw("<")
        raw(name)
        raw(">")
    }

    package mutating func close(_ name: StaticString) {
        raw("</")
        raw(name)
        raw(">")
    }

    package mutating func empty(_ name: StaticString) {
        raw("<")
        raw(name)
        raw("/>")
    }

    package mutating func element(_ name: StaticString, _ text: String) {
        open(name)
        escape(text)
        close(name)
    }

    package mutating func element(_ name: StaticString, bytes text: [UInt8]) {
        open(name)
        text.withUnsafeBufferPointer { escape($0) }
        close(name)
    }

    /// Text that lies in memory already.
    package mutating func element(_ name: StaticString, raw text: UnsafeRawBufferPointer) {
        open(name)
        escape(text.bindMemory(to: UInt8.self))
        close(name)
    }

    /// The same in quotes: an ETag.
    package mutating func quoted(_ name: StaticString, raw text: UnsafeRawBufferPointer) {
        open(name)
        raw("&quot;")
        escape(text.bindMemory(to: UInt8.self))
        raw("&quot;")
        close(name)
    }

    /// In whole seconds, as AWS shows times: one that a listing tells is the one that Last-Modified tells.
    package mutating func element(_ name: StaticString, time: Timestamp) {
        open(name)
        ISO8601.append(Timestamp(seconds: time.seconds), to: &bytes)
        close(name)
    }

    package mutating func element(_ name: StaticString, _ value: Bool) {
        open(name)
        raw(value ? "true" : "false")
        close(name)
    }

    package mutating func element(_ name: StaticString, _ value: some BinaryInteger) {
        open(name)
        bytes.appendDecimal(Int64(value))
        close(name)
    }

    /// Writes nothing when there is no value.
    package mutating func element(ifPresent name: StaticString, _ text: String?) {
        if let text { element(name, text) }
    }

    /// An element whose name is only known when the program runs.
    package mutating func element(named name: String, _ text: String) {
        raw("<")
        bytes.append(contentsOf: name.utf8)
        raw(">")
        escape(text)
        raw("</")
        bytes.append(contentsOf: name.utf8)
        raw(">")
    }

    package mutating func raw(_ text: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    package mutating func escape(_ text: String) {
        var text = text
        text.withUTF8 { escape($0) }
    }

    /// Appends runs that need no escape at once; most text is one such run.
    private mutating func escape(_ text: UnsafeBufferPointer<UInt8>) {
        var start = 0
        for index in text.indices where Self.needsEscape(text[index]) {
            var end = index + 1
            if text[index] == 0xEF {
                // U+FFFE and U+FFFF begin like many others.
                guard index + 2 < text.count, text[index + 1] == 0xBF, text[index + 2] >= 0xBE else { continue }
                end = index + 3
            }
            bytes.append(contentsOf: text[start..<index])
            start = end
            switch text[index] {
            case UInt8(ascii: "&"): raw("&amp;")
            case UInt8(ascii: "<"): raw("&lt;")
            case UInt8(ascii: ">"): raw("&gt;")
            case UInt8(ascii: "\""): raw("&quot;")
            // A carriage return would be read back as a line feed if it were written as it is.
            case 0x09, 0x0A, 0x0D: number(UInt16(text[index]))
            case 0xEF: refuse(text[index + 2] == 0xBE ? 0xFFFE : 0xFFFF)
            default: refuse(UInt16(text[index]))
            }
        }
        bytes.append(contentsOf: text[start...])
    }

    private mutating func number(_ character: UInt16) {
        raw("&#x")
        bytes.append(contentsOf: String(character, radix: 16).utf8)
        raw(";")
    }

    private mutating func refuse(_ character: UInt16) {
        switch impossible {
        case .number: number(character)
        case .replacement: number(0xFFFD)
        }
    }

    @inline(__always)
    private static func needsEscape(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == 0x22 || byte == 0x26 || byte == 0x3C || byte == 0x3E || byte == 0xEF
    }
}

extension [UInt8] {
    /// Appends the decimal digits of a number.
    mutating func appendDecimal(_ value: Int64) {
        if value < 0 { append(UInt8(ascii: "-")) }
        var magnitude = value.magnitude
        let start = count
        repeat {
            append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: magnitude % 10))
            magnitude /= 10
        } while magnitude > 0
        self[start...].reverse()
    }

    mutating func append(_ text: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}
