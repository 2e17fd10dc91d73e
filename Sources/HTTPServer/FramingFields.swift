import Base

/// Collects the fields that decide where a message ends and whether the connection goes on, while a head is being parsed.
struct FramingFields {
    private var contentLength: Int64?
    private var isChunked = false
    private var hasTransferEncoding = false
    private var hosts = 0
    private var saysClose = false
    private var saysKeepAlive = false
    private var expectsContinue = false

    mutating func note(_ bytes: UnsafeRawBufferPointer, _ field: RequestHead.Field) throws(HeadError) {
        let name = field.name.range, value = field.value.range
        // By length first: few fields of a request have one of these names.
        switch name.count {
        case 4 where Syntax.equals(bytes, name, "host"):
            hosts += 1
            guard hosts == 1, Self.isHost(bytes, value) else { throw HeadError(400, "bad Host") }
        case 6 where Syntax.equals(bytes, name, "expect"):
            // RFC 9110, 10.1.1 lets a server pass over what it does not know, and AWS does.
            if Syntax.equals(bytes, value, "100-continue") { expectsContinue = true }
        case 10 where Syntax.equals(bytes, name, "connection"):
            Syntax.forEachElement(bytes, value) { element in
                if Syntax.equals(bytes, element, "close") { saysClose = true }
                if Syntax.equals(bytes, element, "keep-alive") { saysKeepAlive = true }
            }
        case 14 where Syntax.equals(bytes, name, "content-length"):
            // Two equal ones could be folded into one; a peer in front of us may read them otherwise.
            guard contentLength == nil else { throw HeadError(400, "more than one Content-Length") }
            contentLength = try Self.length(bytes, value)
        case 17 where Syntax.equals(bytes, name, "transfer-encoding"):
            guard !hasTransferEncoding else { throw HeadError(400, "more than one Transfer-Encoding") }
            hasTransferEncoding = true
            if Syntax.equals(bytes, value, "chunked") {
                isChunked = true
            } else {
                var lastIsChunked = false
                Syntax.forEachElement(bytes, value) { lastIsChunked = Syntax.equals(bytes, $0, "chunked") }
                // RFC 9112, 6.3: without chunked at the end the length cannot be known; with it, a coding we do not have.
                throw lastIsChunked
                    ? HeadError(501, "transfer coding not implemented") : HeadError(400, "bad Transfer-Encoding")
            }
        default: break
        }
    }

    func finish(_ head: RequestHead) throws(HeadError) -> ParsedHead {
        let is11 = head.version == .http11
        if is11 && hosts == 0 { throw HeadError(400, "no Host") }
        if hasTransferEncoding && contentLength != nil {
            throw HeadError(400, "Content-Length and Transfer-Encoding together")
        }
        if hasTransferEncoding && !is11 { throw HeadError(400, "Transfer-Encoding in HTTP/1.0") }
        let body: ParsedHead.Body = isChunked ? .chunked : contentLength.map { $0 == 0 ? .none : .length($0) } ?? .none
        return ParsedHead(
            head: head, body: body, keepsAlive: is11 ? !saysClose : saysKeepAlive && !saysClose,
            expectsContinue: is11 && expectsContinue && (body != .none || contentLength != nil))
    }

    private static func length(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) throws(HeadError) -> Int64 {
        guard !range.isEmpty else { throw HeadError(400, "bad Content-Length") }
        var value: Int64 = 0
        for index in range {
            guard Syntax.isDigit(bytes[index]) else { throw HeadError(400, "bad Content-Length") }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int64(bytes[index] - 0x30))
            guard !overflow, !carry else { throw HeadError(400, "Content-Length too large") }
            value = sum
        }
        return value
    }

    /// Characters of a host and port; what ends a host in a URI, or hides one, is refused.
    private static func isHost(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Bool {
        range.allSatisfy { index in
            switch bytes[index] {
            case 0x2F, 0x3F, 0x23, 0x40, 0x5C, 0x2C: false
            case 0x21...0x7E: true
            default: false
            }
        }
    }
}
