/// What x-amz-content-sha256 says of the body.
package enum PayloadDeclaration: Hashable, Sendable {
    /// The body is not covered by the signature.
    case unsigned
    /// The body's SHA-256, as the client wrote it: 64 hex digits.
    case sha256(hex: String)
    /// The body is in signed chunks.
    case signedChunks(trailer: Bool)
    /// The body is in chunks without signatures, with a trailer.
    case unsignedChunks

    package static let emptySHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    package init(parsing text: String) throws(S3Error) {
        switch text {
        case "UNSIGNED-PAYLOAD": self = .unsigned
        case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD": self = .signedChunks(trailer: false)
        case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER": self = .signedChunks(trailer: true)
        case "STREAMING-UNSIGNED-PAYLOAD-TRAILER": self = .unsignedChunks
        case "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER":
            throw .notImplemented(header: "x-amz-content-sha256")
        default:
            guard text.utf8.count == 64, text.utf8.allSatisfy({ PercentEncoding.hexValue($0) != nil }) else {
                throw .invalidArgument(
                    "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, "
                        + "STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, "
                        + "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER "
                        + "or a valid sha256 value.",
                    name: "x-amz-content-sha256", value: text)
            }
            self = .sha256(hex: text)
        }
    }

    /// The last line of the canonical request.
    package var text: String {
        switch self {
        case .unsigned: "UNSIGNED-PAYLOAD"
        case .sha256(let hex): hex
        case .signedChunks(trailer: false): "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
        case .signedChunks(trailer: true): "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
        case .unsignedChunks: "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
        }
    }
}

/// How the body of an authorised request is to be read.
package enum PayloadMode: Sendable {
    /// As it is.
    case plain
    /// As it is, and its SHA-256 must be this (32 bytes); otherwise XAmzContentSHA256Mismatch.
    case verified(sha256: [UInt8])
    /// Through an `AWSChunkedDecoder` made from this.
    case chunked(ChunkedPayload)
}

/// What an `AWSChunkedDecoder` needs to know.
package struct ChunkedPayload: Sendable {
    /// Nil when the chunks are not signed.
    package var signer: ChunkSigner?
    package var hasTrailer: Bool
    /// x-amz-decoded-content-length: the bytes of the object, without the framing.
    package var decodedLength: Int64
    /// The names in x-amz-trailer, in lower case, in order.
    package var trailerNames: [String]

    package init(signer: ChunkSigner?, hasTrailer: Bool, decodedLength: Int64, trailerNames: [String]) {
        self.signer = signer
        self.hasTrailer = hasTrailer
        self.decodedLength = decodedLength
        self.trailerNames = trailerNames
    }
}
