package import Base

/// Bounds on the head of a request.
package struct HeadLimits: Sendable {
    package var headBytes: Int
    package var targetBytes: Int
    package var fields: Int
    package init(headBytes: Int = 64 << 10, targetBytes: Int = 16 << 10, fields: Int = 200) {
        self.headBytes = headBytes
        self.targetBytes = targetBytes
        self.fields = fields
    }
}

/// Why the bytes are not a request head that this server takes. The connection cannot go on: where the next request begins is
/// not known, or must not be guessed.
package struct HeadError: Error, Hashable, Sendable {
    /// The status that RFC 9112 gives it: 400, 414, 417, 431, 501 or 505.
    package let status: Int
    package let reason: String
    init(_ status: Int, _ reason: String) {
        self.status = status
        self.reason = reason
    }
}

/// A head with what the framing of the message needs of it.
package struct ParsedHead: Sendable {
    package enum Body: Hashable, Sendable {
        case none
        case length(Int64)
        case chunked
    }
    package var head: RequestHead
    package var body: Body
    /// What the client asks for: persistent in HTTP/1.1 unless it says close, the reverse in HTTP/1.0.
    package var keepsAlive: Bool
    package var expectsContinue: Bool
}

/// Strict incremental parser of HTTP/1.1 request heads (RFC 9112), on raw bytes.
///
/// Given all bytes since the previous message at every call, it scans the new ones only. Lines end in CR LF, nothing else; no
/// line folding, no space before a colon, one Content-Length or Transfer-Encoding `chunked`, one Host: what two parsers could
/// read in two ways is refused. Bytes from 0x80 are allowed in targets and values: signatures cover the exact bytes.
package struct RequestParser {
    package enum Outcome: Sendable {
        case needsMore
        /// The head ends after `consumed` bytes.
        case head(ParsedHead, consumed: Int)
    }

    private let limits: HeadLimits
    /// Bytes scanned so far for the end of the head.
    private var scanned = 0
    /// Where the line that is being scanned starts.
    private var lineStart = 0
    /// Where the request line starts: after one empty line that some clients send behind a body (RFC 9112, 2.2).
    private var start = 0

    package init(limits: HeadLimits = HeadLimits()) { self.limits = limits }

    package mutating func parse(_ bytes: UnsafeRawBufferPointer) throws(HeadError) -> Outcome {
        while scanned < bytes.count {
            let byte = bytes[scanned]
            // A peer that speaks another protocol (TLS, say) is told at once and not after the deadline.
            if scanned == start && byte != 0x0D && !Syntax.isToken(byte) {
                throw HeadError(400, "the request line does not start with a method")
            }
            if byte == 0x0A {
                guard scanned > lineStart, bytes[scanned - 1] == 0x0D else { throw HeadError(400, "bare LF") }
                let isEmpty = scanned - 1 == lineStart
                lineStart = scanned + 1
                if isEmpty {
                    guard scanned - 1 == start else {
                        let end = scanned + 1
                        let parsed = try parseHead(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
                        self = RequestParser(limits: limits)
                        return .head(parsed, consumed: end)
                    }
                    guard start == 0 else { throw HeadError(400, "empty lines instead of a request") }
                    start = scanned + 1
                }
            } else if scanned > lineStart && bytes[scanned - 1] == 0x0D {
                throw HeadError(400, "bare CR")
            }
            scanned += 1
            if lineStart == start && scanned - start > limits.targetBytes + Self.restOfRequestLine {
                throw HeadError(414, "request line too long")
            }
            if scanned - start > limits.headBytes { throw HeadError(431, "head too large") }
        }
        return .needsMore
    }

    /// Room for a method, two spaces and a version.
    private static let restOfRequestLine = 80

    // MARK: A complete head

    private func parseHead(_ bytes: UnsafeRawBufferPointer) throws(HeadError) -> ParsedHead {
        var position = 0
        let requestLine = try Self.line(bytes, &position)
        var head = try parseRequestLine(bytes, requestLine)
        head.fields.reserveCapacity(16)
        var framing = FramingFields()
        while true {
            let line = try Self.line(bytes, &position)
            if line.isEmpty { break }
            guard head.fields.count < limits.fields else { throw HeadError(431, "too many fields") }
            let field = try Self.field(bytes, line)
            head.fields.append(field)
            try framing.note(bytes, field)
        }
        head.bytes = Array(bytes)
        return try framing.finish(head)
    }

    /// The next line without its CR LF. `parse` has seen that every line has one.
    private static func line(_ bytes: UnsafeRawBufferPointer, _ position: inout Int) throws(HeadError) -> Range<Int> {
        let start = position
        while position < bytes.count {
            if bytes[position] == 0x0D {
                defer { position += 2 }
                return start..<position
            }
            position += 1
        }
        throw HeadError(400, "a line without an end")
    }

    private func parseRequestLine(_ bytes: UnsafeRawBufferPointer, _ line: Range<Int>) throws(HeadError) -> RequestHead
    {
        var position = line.lowerBound
        while position < line.upperBound, Syntax.isToken(bytes[position]) { position += 1 }
        let method = line.lowerBound..<position
        guard !method.isEmpty, position < line.upperBound, bytes[position] == 0x20 else {
            throw HeadError(400, "malformed request line")
        }
        guard method.count <= 32 else { throw HeadError(501, "unknown method") }
        position += 1
        let targetStart = position
        while position < line.upperBound, bytes[position] > 0x20, bytes[position] != 0x7F { position += 1 }
        let target = targetStart..<position
        guard !target.isEmpty, position < line.upperBound, bytes[position] == 0x20 else {
            throw HeadError(400, "malformed request line")
        }
        guard target.count <= limits.targetBytes else { throw HeadError(414, "target too long") }
        guard Self.isTarget(bytes, target) else { throw HeadError(400, "the target is neither a path nor a URI") }
        let version = try Self.version(bytes, position + 1..<line.upperBound)
        return RequestHead(
            bytes: [], method: .init(start: method.lowerBound, count: method.count),
            target: .init(start: target.lowerBound, count: target.count), version: version, fields: [])
    }

    /// Origin form, absolute form, or the asterisk.
    private static func isTarget(_ bytes: UnsafeRawBufferPointer, _ target: Range<Int>) -> Bool {
        if bytes[target.lowerBound] == 0x2F { return true }
        if bytes[target.lowerBound] == 0x2A { return target.count == 1 }
        return Syntax.hasPrefix(bytes, target, "http://") || Syntax.hasPrefix(bytes, target, "https://")
    }

    private static func version(
        _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>
    ) throws(HeadError) -> RequestHead.Version {
        guard range.count == 8, Syntax.hasExactPrefix(bytes, range, "HTTP/"), bytes[range.lowerBound + 6] == 0x2E else {
            throw HeadError(400, "malformed version")
        }
        let major = bytes[range.lowerBound + 5], minor = bytes[range.lowerBound + 7]
        guard Syntax.isDigit(major), Syntax.isDigit(minor) else { throw HeadError(400, "malformed version") }
        guard major == 0x31 else { throw HeadError(505, "HTTP version not supported") }
        return minor == 0x30 ? .http10 : .http11
    }

    static func field(_ bytes: UnsafeRawBufferPointer, _ line: Range<Int>) throws(HeadError) -> RequestHead.Field {
        var position = line.lowerBound
        while position < line.upperBound, Syntax.isToken(bytes[position]) { position += 1 }
        let name = line.lowerBound..<position
        guard !name.isEmpty, position < line.upperBound, bytes[position] == 0x3A else {
            throw HeadError(400, "malformed field name")
        }
        var start = position + 1, end = line.upperBound
        while start < end, Syntax.isBlank(bytes[start]) { start += 1 }
        while end > start, Syntax.isBlank(bytes[end - 1]) { end -= 1 }
        for index in start..<end where !Syntax.isFieldValue(bytes[index]) {
            throw HeadError(400, "control character in a field value")
        }
        return .init(
            name: .init(start: name.lowerBound, count: name.count), value: .init(start: start, count: end - start))
    }
}
