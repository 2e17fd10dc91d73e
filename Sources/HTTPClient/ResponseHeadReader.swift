/// The head of an HTTP/1.1 response, as far as these clients care.
struct ResponseHeadReader: Sendable {
    var status = 0
    var byteCount = 0
    var contentLength: Int?
    var isChunked = false
    var closes = false
    var etag: String?

    /// nil while the head is not complete.
    static func parse(_ bytes: UnsafeRawBufferPointer) throws(ClientError) -> ResponseHeadReader? {
        guard let end = endOfHead(bytes) else { return nil }
        var head = ResponseHeadReader()
        head.byteCount = end + 4
        var start = 0
        var isFirst = true
        while start <= end {
            var stop = start
            while stop < end, bytes[stop] != 0x0D { stop += 1 }
            let line = bytes[start..<stop]
            if isFirst {
                // "HTTP/1.1 200"
                guard line.count >= 12, line.starts(with: "HTTP/1.".utf8),
                    let status = decimal(line[(start + 9)..<(start + 12)])
                else { throw .malformed("not an HTTP/1 answer") }
                head.status = status
                isFirst = false
            } else {
                head.take(line)
            }
            start = stop + 2
        }
        return head
    }

    private static func endOfHead(_ bytes: UnsafeRawBufferPointer) -> Int? {
        var at = 0
        while at + 4 <= bytes.count {
            if bytes[at] == 0x0D, bytes[at + 1] == 0x0A, bytes[at + 2] == 0x0D, bytes[at + 3] == 0x0A { return at }
            at += 1
        }
        return nil
    }

    private mutating func take(_ line: Slice<UnsafeRawBufferPointer>) {
        guard let first = line.first else { return }
        // Only four names matter; their first letters spare the others a comparison.
        switch first | 0x20 {
        case UInt8(ascii: "c"):
            if let value = Self.value(line, of: "content-length") {
                contentLength = Self.decimal(value)
            } else if let value = Self.value(line, of: "connection") {
                closes = value.elementsEqual("close".utf8) { $0 | 0x20 == $1 }
            }
        case UInt8(ascii: "t"):
            if let value = Self.value(line, of: "transfer-encoding") {
                isChunked = value.elementsEqual("chunked".utf8) { $0 | 0x20 == $1 }
            }
        case UInt8(ascii: "e"):
            if let value = Self.value(line, of: "etag") { etag = String(decoding: value, as: UTF8.self) }
        default: break
        }
    }

    private static func value(
        _ line: Slice<UnsafeRawBufferPointer>, of name: StaticString
    ) -> Slice<UnsafeRawBufferPointer>? {
        let count = name.utf8CodeUnitCount
        guard line.count > count, line[line.startIndex + count] == UInt8(ascii: ":") else { return nil }
        for index in 0..<count where line[line.startIndex + index] | 0x20 != name.utf8Start[index] | 0x20 {
            return nil
        }
        return line.dropFirst(count + 1).drop { $0 == 0x20 }
    }

    private static func decimal(_ digits: Slice<UnsafeRawBufferPointer>) -> Int? {
        guard !digits.isEmpty, digits.count <= 18 else { return nil }
        var value = 0
        for digit in digits {
            guard (0x30...0x39).contains(digit) else { return nil }
            value = value * 10 + Int(digit - 0x30)
        }
        return value
    }

    /// The bytes inside a chunked body; nil while it is not complete.
    static func unwrapped(_ raw: [UInt8]) throws(ClientError) -> [UInt8]? {
        var body: [UInt8] = []
        var at = 0
        while true {
            guard let lineEnd = raw[at...].firstIndex(of: 0x0D), lineEnd + 1 < raw.count else { return nil }
            let digits = raw[at..<lineEnd].prefix { $0 != UInt8(ascii: ";") }
            guard digits.count <= 8, let count = Int(String(decoding: digits, as: UTF8.self), radix: 16) else {
                throw .malformed("a chunk without a length")
            }
            at = lineEnd + 2
            guard at + count + 2 <= raw.count else { return nil }
            if count == 0 { return body }
            body.append(contentsOf: raw[at..<at + count])
            at += count + 2
        }
    }
}
