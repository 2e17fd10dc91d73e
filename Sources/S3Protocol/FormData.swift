import Glibc

/// Takes a multipart/form-data body apart as it arrives (RFC 7578): small fields first, then one file, whose bytes are handed on
/// without being kept. What follows the file means nothing, as on AWS.
///
/// Pure and bounded: everything before the file, its headers included, may have 20 KiB.
package struct FormDataParser: Sendable {
    package enum Event: Hashable, Sendable {
        case field(name: String, value: String)
        /// The file begins: take it with `takeFile`.
        case file(name: String?, contentType: String?)
        /// The form ended without a file.
        case end
    }

    private enum Phase: Hashable { case preamble, border, headers, value(name: String), file, ended }

    package static let fieldsBytesMax = 20 << 10

    private let delimiter: [UInt8]
    private var buffer: [UInt8] = [0x0D, 0x0A]
    private var start = 0
    private var phase = Phase.preamble
    private var fieldsBytes = 0

    /// True when all of the file has been taken.
    package var isFileComplete: Bool { phase == .ended }

    /// `contentType` is the request's; its boundary is what parts the form.
    package init(contentType: String) throws(S3Error) {
        let parameters = HeaderParameters(contentType)
        guard parameters.value.lowercased() == "multipart/form-data", let boundary = parameters["boundary"],
            (1...70).contains(boundary.utf8.count)
        else { throw S3Error(.malformedPOSTRequest) }
        delimiter = Array("\r\n--\(boundary)".utf8)
    }

    package mutating func feed(_ bytes: UnsafeRawBufferPointer) throws(S3Error) {
        if start > 0 {
            buffer.removeSubrange(..<start)
            start = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// The next thing in the form; nil when more bytes are needed to tell.
    package mutating func next() throws(S3Error) -> Event? {
        while true {
            switch phase {
            case .preamble:
                guard let end = find(delimiter) else { return try needMore() }
                start = end + delimiter.count
                phase = .border
            case .border:
                guard buffer.count - start >= 2 else { return try needMore() }
                if buffer[start] == UInt8(ascii: "-"), buffer[start + 1] == UInt8(ascii: "-") {
                    phase = .ended
                    return .end
                }
                // White space may follow the boundary on its line.
                guard let end = find([0x0D, 0x0A]) else { return try needMore() }
                guard buffer[start..<end].allSatisfy({ $0 == 0x20 || $0 == 0x09 }) else {
                    throw S3Error(.malformedPOSTRequest)
                }
                start = end
                phase = .headers
            case .headers:
                guard let end = find([0x0D, 0x0A, 0x0D, 0x0A]) else { return try needMore() }
                let part = try PartHead(String(decoding: buffer[start..<end], as: UTF8.self))
                try take(end + 4 - start)
                if part.name.lowercased() == "file" {
                    phase = .file
                    return .file(name: part.fileName, contentType: part.contentType)
                }
                phase = .value(name: part.name)
            case .value(let name):
                guard let end = find(delimiter) else { return try needMore() }
                guard let value = String(validating: buffer[start..<end], as: UTF8.self) else {
                    throw S3Error(.malformedPOSTRequest)
                }
                try take(end - start + delimiter.count)
                phase = .border
                return .field(name: name, value: value)
            case .file, .ended: return nil
            }
        }
    }

    /// Moves bytes of the file into the buffer; 0 when more must be fed first, or when the file is complete.
    package mutating func takeFile(into target: UnsafeMutableRawBufferPointer) -> Int {
        guard phase == .file else { return 0 }
        let end = find(delimiter)
        // Without the delimiter in sight, the last bytes may be its beginning.
        let safe = (end ?? max(start, buffer.count - delimiter.count + 1)) - start
        let count = min(safe, target.count)
        if count > 0 {
            buffer.withUnsafeBytes { bytes in
                target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[start..<start + count]))
            }
            start += count
        }
        if end == start { phase = .ended }
        return count
    }

    /// The offset in the buffer of the pattern's first occurrence at or behind `start`.
    private func find(_ pattern: [UInt8]) -> Int? {
        guard let first = pattern.first else { return nil }
        return buffer.withUnsafeBytes { bytes -> Int? in
            guard let base = bytes.baseAddress else { return nil }
            var index = start
            while index + pattern.count <= bytes.count {
                // SAFETY: both ranges lie in live arrays, and the pointer found is used as an offset only.
                let rest = bytes.count - pattern.count - index + 1
                guard let found = memchr(base + index, Int32(first), rest) else { return nil }
                let offset = UnsafeRawPointer(found) - base
                if memcmp(found, pattern, pattern.count) == 0 { return offset }
                index = offset + 1
            }
            return nil
        }
    }

    private func needMore() throws(S3Error) -> Event? {
        guard fieldsBytes + buffer.count - start <= Self.fieldsBytesMax else {
            throw S3Error(.maxPostPreDataLengthExceededError)
        }
        return nil
    }

    private mutating func take(_ count: Int) throws(S3Error) {
        fieldsBytes += count
        start += count
        guard fieldsBytes <= Self.fieldsBytesMax else { throw S3Error(.maxPostPreDataLengthExceededError) }
    }
}

/// What the headers of one part say.
private struct PartHead {
    var name = ""
    var fileName: String?
    var contentType: String?

    init(_ text: String) throws(S3Error) {
        for line in text.split(separator: "\r\n") {
            guard let colon = line.utf8.firstIndex(of: UInt8(ascii: ":")) else { throw S3Error(.malformedPOSTRequest) }
            let value = String(line[line.utf8.index(after: colon)...].trimmingSpaces())
            switch line[..<colon].lowercased() {
            case "content-disposition":
                let parameters = HeaderParameters(value)
                guard parameters.value.lowercased() == "form-data", let found = parameters["name"] else {
                    throw S3Error(.malformedPOSTRequest)
                }
                name = found
                fileName = parameters.extended("filename") ?? parameters["filename"]
            case "content-type": contentType = value
            default: continue
            }
        }
        guard !name.isEmpty else { throw S3Error(.malformedPOSTRequest) }
    }
}

/// A header value with parameters: `form-data; name="a"; filename="b"`.
struct HeaderParameters {
    private(set) var value = ""
    private var parameters: [(name: String, value: String)] = []

    init(_ text: String) {
        var pieces: [String] = [], piece: [UInt8] = [], isQuoted = false, isEscaped = false
        for byte in text.utf8 {
            if isEscaped {
                // Browsers send back slashes of Windows paths as they are; only a quote needs one before it.
                if byte != UInt8(ascii: "\"") { piece.append(UInt8(ascii: "\\")) }
                piece.append(byte == UInt8(ascii: "\"") ? 0x01 : byte)
                isEscaped = false
            } else if isQuoted, byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "\"") {
                isQuoted.toggle()
            } else if byte == UInt8(ascii: ";"), !isQuoted {
                pieces.append(String(decoding: piece, as: UTF8.self))
                piece = []
            } else {
                piece.append(byte)
            }
        }
        pieces.append(String(decoding: piece, as: UTF8.self))
        value = String(pieces[0].trimmingSpaces())
        for piece in pieces.dropFirst() {
            guard let equals = piece.utf8.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let text = piece[piece.utf8.index(after: equals)...]
            parameters.append(
                (
                    piece[..<equals].trimmingSpaces().lowercased(),
                    text.utf8.contains(0x01)
                        ? String(decoding: text.utf8.map { $0 == 0x01 ? UInt8(ascii: "\"") : $0 }, as: UTF8.self)
                        : String(text.trimmingSpaces())
                ))
        }
    }

    subscript(name: String) -> String? { parameters.first { $0.name == name }?.value }

    /// `name*=utf-8''percent-encoded` (RFC 8187).
    func extended(_ name: String) -> String? {
        guard let text = self[name + "*"], text.lowercased().hasPrefix("utf-8'"),
            let quote = text.lastIndex(of: "'"),
            let bytes = PercentEncoding.decode(Array(text[text.index(after: quote)...].utf8))
        else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }
}
