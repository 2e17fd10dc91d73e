import Base

/// Why a chunked body is not one.
package struct ChunkError: Error, Hashable, Sendable {
    package let reason: String
    init(_ reason: String) { self.reason = reason }
}

/// Strict decoder of the transfer coding `chunked` (RFC 9112, 7.1): it eats the framing and says how much data follows.
///
/// The caller moves the data itself, from the socket into its own buffer. Extensions are skipped and bounded, in each chunk and
/// in total, so that framing cannot be made of nothing but itself; trailers are bounded and kept.
package struct ChunkedDecoder {
    private enum State {
        case sizeStart
        case size
        case extensions
        case sizeLF
        case data
        case dataCR
        case dataLF
        case trailerLine
        case trailerLF
        case end
    }

    package static let extensionBytesMax = 4 << 10
    package static let extensionBytesTotalMax = 64 << 10
    package static let trailerBytesMax = 8 << 10
    package static let trailersMax = 32

    private var state = State.sizeStart
    private var size: UInt64 = 0
    private var sizeDigits = 0
    private var extensionBytes = 0
    private var extensionBytesTotal = 0
    private var line: [UInt8] = []
    private var trailerBytes = 0

    /// Data bytes of the current chunk that the caller has yet to take.
    package private(set) var dataRemaining: UInt64 = 0
    /// The fields behind the last chunk.
    package private(set) var trailers: [(name: String, value: String)] = []
    package var isAtEnd: Bool { state == .end }

    package init() {}

    /// Takes framing until data is due, the body ends, or the bytes do. Returns how many were taken.
    package mutating func takeFraming(_ bytes: UnsafeRawBufferPointer) throws(ChunkError) -> Int {
        var index = 0
        while index < bytes.count && state != .data && state != .end {
            try take(bytes[index])
            index += 1
        }
        return index
    }

    /// The caller has taken `count` bytes of data, at most `dataRemaining`.
    package mutating func tookData(_ count: Int) {
        precondition(count >= 0 && UInt64(count) <= dataRemaining, "no more data than the chunk has")
        dataRemaining -= UInt64(count)
        if dataRemaining == 0 { state = .dataCR }
    }

    private mutating func take(_ byte: UInt8) throws(ChunkError) {
        switch state {
        case .sizeStart:
            guard let digit = Syntax.hexValue(byte) else { throw ChunkError("a chunk without a size") }
            (size, sizeDigits, state) = (UInt64(digit), 1, .size)
        case .size:
            try takeSize(byte)
        case .extensions:
            try takeExtension(byte)
        case .sizeLF:
            try expect(byte, 0x0A)
            (dataRemaining, state) = size == 0 ? (0, .trailerLine) : (size, .data)
        case .dataCR:
            try expect(byte, 0x0D)
            state = .dataLF
        case .dataLF:
            try expect(byte, 0x0A)
            state = .sizeStart
        case .trailerLine:
            try takeTrailer(byte)
        case .trailerLF:
            try expect(byte, 0x0A)
            try finishTrailerLine()
        case .data, .end: break
        }
    }

    private mutating func takeSize(_ byte: UInt8) throws(ChunkError) {
        if let digit = Syntax.hexValue(byte) {
            // 15 digits stay below 2^60: no sum of sizes that fits in a file overflows.
            guard sizeDigits < 15 else { throw ChunkError("chunk size too large") }
            size = size << 4 | UInt64(digit)
            sizeDigits += 1
        } else if byte == 0x3B {
            (extensionBytes, state) = (0, .extensions)
        } else {
            try expect(byte, 0x0D)
            state = .sizeLF
        }
    }

    private mutating func takeExtension(_ byte: UInt8) throws(ChunkError) {
        if byte == 0x0D {
            state = .sizeLF
            return
        }
        guard Syntax.isFieldValue(byte) else { throw ChunkError("control character in a chunk extension") }
        extensionBytes += 1
        extensionBytesTotal += 1
        guard extensionBytes <= Self.extensionBytesMax, extensionBytesTotal <= Self.extensionBytesTotalMax else {
            throw ChunkError("chunk extensions too long")
        }
    }

    private mutating func takeTrailer(_ byte: UInt8) throws(ChunkError) {
        if byte == 0x0D {
            state = .trailerLF
            return
        }
        trailerBytes += 1
        guard trailerBytes <= Self.trailerBytesMax else { throw ChunkError("trailers too long") }
        guard byte != 0x0A else { throw ChunkError("bare LF in trailers") }
        line.append(byte)
    }

    private mutating func finishTrailerLine() throws(ChunkError) {
        if line.isEmpty {
            state = .end
            return
        }
        guard trailers.count < Self.trailersMax else { throw ChunkError("too many trailers") }
        let parsed = line.withUnsafeBytes { bytes -> Result<RequestHead.Field, HeadError> in
            do throws(HeadError) {
                return .success(try RequestParser.field(bytes, 0..<bytes.count))
            } catch {
                return .failure(error)
            }
        }
        let field: RequestHead.Field
        switch parsed {
        case .success(let found): field = found
        case .failure(let error): throw ChunkError(error.reason)
        }
        trailers.append(
            (
                String(decoding: line[field.name.range], as: UTF8.self),
                String(decoding: line[field.value.range], as: UTF8.self)
            ))
        line.removeAll(keepingCapacity: true)
        state = .trailerLine
    }

    private func expect(_ byte: UInt8, _ expected: UInt8) throws(ChunkError) {
        guard byte == expected else { throw ChunkError("malformed chunk framing") }
    }
}
