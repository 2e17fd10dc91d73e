import Base
import Digests

/// Takes the framing of an aws-chunked body off, verifying the signature of each chunk and of the trailer.
///
///     chunk   = hex-size [;chunk-signature=hex] CRLF bytes CRLF
///     body    = *chunk last-chunk, where the last has size 0, then trailer lines of `name:value` CRLF, then CRLF
///
/// The bytes of the object are not copied: `next` answers with where they lie in what was fed. They are handed out
/// before their chunk's signature is complete, so nothing may become visible before `.end`. The machine:
///
///     size line → bytes → end of bytes → size line … → trailer → end
package struct AWSChunkedDecoder: Sendable {
    package enum Step: Equatable, Sendable {
        /// Bytes of the object: a range of what was fed.
        case payload(Range<Int>)
        /// All that was fed is used up; feed more.
        case needMore
        /// The body is complete and everything in it was verified.
        case end
    }

    private enum State: Sendable { case sizeLine, bytes, bytesEnd, trailer, ended }

    private var state = State.sizeLine
    private var signer: ChunkSigner?
    private let hasTrailer: Bool
    private let trailerNames: [String]
    /// Of the object, still to come.
    private var remaining: Int64
    /// Of the chunk, still to come.
    private var chunkRemaining: Int64 = 0
    private var chunkHash = SHA256()
    private var chunkSignature: [UInt8] = []
    /// A line that began in an earlier feed.
    private var line: [UInt8] = []
    private var trailerBytes = 0
    private var trailerSignature: [UInt8]?
    /// A client that wrote `name:value LF CRLF CRLF`, as AWS's examples are printed, has a CRLF left after the empty
    /// line.
    private var endTolerated: [UInt8] = []
    /// The trailer as `name:value` pairs, names in lower case, in order.
    package private(set) var trailers: [(name: String, value: String)] = []

    static let lineBytesMax = 1024
    static let trailerBytesMax = 8192

    package init(_ payload: ChunkedPayload) {
        signer = payload.signer
        hasTrailer = payload.hasTrailer
        trailerNames = payload.trailerNames
        remaining = payload.decodedLength
    }

    package var isAtEnd: Bool { state == .ended }

    /// Bytes of the object that have not come yet.
    package var remainingBytes: Int64 { remaining }

    /// Reads on in `input` from `position`, which moves past what was used.
    package mutating func next(_ input: UnsafeRawBufferPointer, from position: inout Int) throws(S3Error) -> Step {
        while true {
            switch state {
            case .bytes:
                if position == input.count { return .needMore }
                let count = Int(min(chunkRemaining, Int64(input.count - position)))
                let range = position..<position + count
                if signer != nil { chunkHash.update(UnsafeRawBufferPointer(rebasing: input[range])) }
                chunkRemaining -= Int64(count)
                remaining -= Int64(count)
                position += count
                if chunkRemaining == 0 { state = .bytesEnd }
                return .payload(range)
            case .ended:
                // Nothing else may follow: bytes that nobody verified would be taken for a next request.
                while position < input.count, endTolerated.first == input[position] {
                    endTolerated.removeFirst()
                    position += 1
                }
                guard position == input.count else { throw Self.malformed }
                return .end
            case .sizeLine, .bytesEnd, .trailer:
                guard try readLine(input, &position) else { return .needMore }
                try lineEnded()
            }
        }
    }

    /// Says that the body has no more bytes.
    package func finish() throws(S3Error) {
        guard state == .ended else { throw S3Error(.incompleteBody) }
    }

    /// Moves the object's bytes in `buffer` to its front and returns their count: for callers that read into a buffer
    /// which hashing and coding then use as it is. Moves nothing when the framing lies at the end.
    package mutating func compact(_ buffer: UnsafeMutableRawBufferPointer) throws(S3Error) -> Int {
        var position = 0, filled = 0
        while case .payload(let range) = try next(UnsafeRawBufferPointer(buffer), from: &position) {
            if range.lowerBound != filled, let base = buffer.baseAddress {
                (base + filled).copyMemory(from: base + range.lowerBound, byteCount: range.count)
            }
            filled += range.count
        }
        return filled
    }

    // MARK: Lines

    /// Appends to `line` up to a line feed; true when the line is whole, its end taken off.
    private mutating func readLine(_ input: UnsafeRawBufferPointer, _ position: inout Int) throws(S3Error) -> Bool {
        while position < input.count {
            let byte = input[position]
            position += 1
            if byte == UInt8(ascii: "\n") {
                if line.last == UInt8(ascii: "\r") {
                    line.removeLast()
                } else {
                    // Only trailer lines may end with a line feed alone. Chunks are framed strictly.
                    guard state == .trailer else { throw Self.malformed }
                    endTolerated = [UInt8(ascii: "\r"), UInt8(ascii: "\n")]
                }
                return true
            }
            guard line.count < Self.lineBytesMax else {
                throw state == .trailer ? S3Error(.malformedTrailerError) : Self.malformed
            }
            line.append(byte)
        }
        return false
    }

    private mutating func lineEnded() throws(S3Error) {
        defer { line.removeAll(keepingCapacity: true) }
        switch state {
        case .sizeLine: try beginChunk()
        case .bytesEnd:
            guard line.isEmpty else { throw Self.malformed }
            try verifyChunk()
            state = .sizeLine
        case .trailer: try trailerLine()
        case .bytes, .ended: break
        }
    }

    /// What AWS says of a body that is not what its head says.
    private static let malformed = S3Error(.incompleteBody, "The request body terminated unexpectedly")

    private mutating func beginChunk() throws(S3Error) {
        let semicolon = line.firstIndex(of: UInt8(ascii: ";")) ?? line.count
        let size = try Self.chunkSize(line[..<semicolon])
        if signer != nil {
            let parameter = line[semicolon...].dropFirst()
            let prefix = "chunk-signature="
            guard parameter.starts(with: prefix.utf8) else { throw Self.malformed }
            chunkSignature = Array(parameter.dropFirst(prefix.utf8.count))
            chunkHash = SHA256()
        }
        guard size <= remaining else { throw S3Error(.incompleteBody) }
        chunkRemaining = size
        if size > 0 {
            state = .bytes
            return
        }
        guard remaining == 0 else { throw S3Error(.incompleteBody) }
        try verifyChunk()
        state = .trailer
    }

    /// Up to 15 digits: no object comes near 2^60 bytes.
    private static func chunkSize(_ digits: ArraySlice<UInt8>) throws(S3Error) -> Int64 {
        guard (1...15).contains(digits.count) else { throw malformed }
        var size: Int64 = 0
        for digit in digits {
            guard let value = PercentEncoding.hexValue(digit) else { throw malformed }
            size = size << 4 | Int64(value)
        }
        return size
    }

    private mutating func verifyChunk() throws(S3Error) {
        guard let expected = signer?.signChunk(sha256: chunkHash.finish()) else { return }
        guard constantTimeEqual(expected, chunkSignature) else { throw S3Error(.signatureDoesNotMatch) }
    }

    // MARK: The trailer

    private mutating func trailerLine() throws(S3Error) {
        // Some clients put a bare line feed between the line and its CRLF: an empty line ends the trailer only when it
        // is complete.
        if line.isEmpty {
            if trailerIsComplete { try endTrailer() }
            if state != .ended, trailers.isEmpty || trailerSignature != nil { throw S3Error(.malformedTrailerError) }
            try countTrailer(2)
            return
        }
        try countTrailer(line.count + 2)
        guard hasTrailer, let colon = line.firstIndex(of: UInt8(ascii: ":")),
            let text = String(validating: line, as: UTF8.self)
        else { throw S3Error(.malformedTrailerError) }
        let name = String(decoding: line[..<colon], as: UTF8.self).trimmingSpaces().lowercased()
        let value = String(text.utf8.dropFirst(colon + 1)) ?? ""
        if name == "x-amz-trailer-signature" {
            guard signer != nil, trailerSignature == nil else { throw S3Error(.malformedTrailerError) }
            trailerSignature = Array(value.trimmingSpaces().utf8)
            return
        }
        guard trailerNames.contains(name), trailerSignature == nil, !trailers.contains(where: { $0.name == name })
        else {
            throw S3Error(.malformedTrailerError)
        }
        trailers.append((name, String(value.trimmingSpaces())))
    }

    private mutating func countTrailer(_ bytes: Int) throws(S3Error) {
        trailerBytes += bytes
        guard trailerBytes <= Self.trailerBytesMax else { throw S3Error(.malformedTrailerError) }
    }

    private var trailerIsComplete: Bool {
        trailers.count == trailerNames.count
            && (signer == nil || !hasTrailer || trailerSignature != nil || trailerNames.isEmpty)
    }

    private mutating func endTrailer() throws(S3Error) {
        if let trailerSignature, var signer {
            var lines: [UInt8] = []
            for trailer in trailers {
                lines.append(contentsOf: trailer.name.utf8)
                lines.append(":")
                lines.append(contentsOf: trailer.value.utf8)
                lines.append("\n")
            }
            guard constantTimeEqual(signer.signTrailer(lines), trailerSignature) else {
                throw S3Error(.signatureDoesNotMatch)
            }
        }
        state = .ended
    }
}
