package import Base
package import Digests

/// Whether a multipart object's checksum is of its bytes, or of its parts' checksums.
package enum ChecksumType: String, Hashable, Sendable, CaseIterable {
    case composite = "COMPOSITE"
    case fullObject = "FULL_OBJECT"
}

/// A checksum as headers and documents carry it: the algorithm, the bytes, and for a composite one the number of parts.
package struct ChecksumValue: Hashable, Sendable {
    package var algorithm: ChecksumAlgorithm
    package var bytes: [UInt8]
    package var partCount: Int?

    package init(algorithm: ChecksumAlgorithm, bytes: [UInt8], partCount: Int? = nil) {
        self.algorithm = algorithm
        self.bytes = bytes
        self.partCount = partCount
    }

    /// Base64, or base64 and `-parts`. Nil when it is neither, or not of the algorithm's length.
    package init?(_ algorithm: ChecksumAlgorithm, parsing text: some StringProtocol) {
        var digits = text[...]
        if let dash = text.lastIndex(of: "-") {
            guard let count = Int(text[text.index(after: dash)...]), (1...10_000).contains(count) else { return nil }
            partCount = count
            digits = text[..<dash]
        }
        guard let bytes = Base64.decode(digits), bytes.count == algorithm.byteCount else { return nil }
        self.algorithm = algorithm
        self.bytes = bytes
    }

    package var text: String { Base64.encode(bytes) + (partCount.map { "-\($0)" } ?? "") }
    package var headerName: String { algorithm.headerName }
}

extension ChecksumAlgorithm {
    /// `x-amz-checksum-crc32`
    package var headerName: String { "x-amz-checksum-" + name.lowercased() }

    /// `ChecksumCRC32`
    package var elementName: String { "Checksum" + name }

    init?(headerName: String) {
        guard let found = Self.allCases.first(where: { $0.headerName == headerName }) else { return nil }
        self = found
    }

    /// Names are matched in any case.
    init?(anyCase name: String) { self.init(name: name.uppercased()) }

    /// What an upload that names no type gets.
    package var defaultType: ChecksumType { self == .crc64nvme ? .fullObject : .composite }

    /// Parts can be put together to a full-object checksum only when the algorithm is linear; CRC64NVME is never
    /// composite.
    package func allows(_ type: ChecksumType) -> Bool {
        switch type {
        case .fullObject: isCombinable
        case .composite: self != .crc64nvme
        }
    }
}

/// What a request says of its body's checksum.
package struct DeclaredChecksum: Hashable, Sendable {
    package enum Source: Hashable, Sendable {
        /// The value is in the head.
        case header(ChecksumValue)
        /// The value follows the body, in the trailer of this name.
        case trailer(String)
    }

    package var algorithm: ChecksumAlgorithm
    package var source: Source

    /// Nil when the request declares none.
    package static func parse(_ head: RequestHead) throws(S3Error) -> DeclaredChecksum? {
        var found: DeclaredChecksum?
        for field in head.fields where head.hasPrefix(field.name, "x-amz-checksum-") {
            let name = head.lowercased(field.name)
            if reserved.contains(name) { continue }
            guard let algorithm = ChecksumAlgorithm(headerName: name) else {
                throw invalid("The algorithm type you specified in x-amz-checksum- header is invalid.")
            }
            guard found == nil else { throw multiple }
            guard let value = ChecksumValue(algorithm, parsing: head.string(field.value)) else {
                throw invalid("Value for \(name) header is invalid.")
            }
            found = DeclaredChecksum(algorithm: algorithm, source: .header(value))
        }
        for name in try TrailerNames.parse(head) {
            guard let algorithm = ChecksumAlgorithm(headerName: name) else {
                throw invalid("The value specified in the x-amz-trailer header is not supported")
            }
            guard found == nil else { throw multiple }
            found = DeclaredChecksum(algorithm: algorithm, source: .trailer(name))
        }
        try checkSDKAlgorithm(head, found)
        return found
    }

    private static let reserved = ["x-amz-checksum-type", "x-amz-checksum-mode", "x-amz-checksum-algorithm"]
    private static let multiple = invalid(
        "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")

    private static func invalid(_ message: String) -> S3Error { S3Error(.invalidRequest, message) }

    /// x-amz-sdk-checksum-algorithm announces a checksum, which must then be there. Where Content-MD5 takes its place,
    /// it may be missing.
    private static func checkSDKAlgorithm(_ head: RequestHead, _ found: DeclaredChecksum?) throws(S3Error) {
        guard let text = head.value("x-amz-sdk-checksum-algorithm") else { return }
        guard let algorithm = ChecksumAlgorithm(anyCase: text) else {
            throw invalid("Value for x-amz-sdk-checksum-algorithm header is invalid.")
        }
        guard let found else {
            if head.first("content-md5") != nil { return }
            throw invalid(
                "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found."
            )
        }
        guard found.algorithm == algorithm else {
            throw invalid("Value for x-amz-sdk-checksum-algorithm header is invalid.")
        }
    }

    /// The value to compare with, given the trailers that came after the body.
    package func expected(trailers: [(name: String, value: String)]) throws(S3Error) -> ChecksumValue {
        switch source {
        case .header(let value): return value
        case .trailer(let name):
            guard let trailer = trailers.first(where: { $0.name == name }) else {
                throw S3Error(.malformedTrailerError)
            }
            guard let value = ChecksumValue(algorithm, parsing: trailer.value) else {
                throw Self.invalid("Value for \(name) trailing header is invalid.")
            }
            return value
        }
    }

    /// What AWS says when the checksum is another one.
    package static func mismatch(_ algorithm: ChecksumAlgorithm) -> S3Error {
        S3Error(.badDigest, "The \(algorithm.name) you specified did not match the calculated checksum.")
    }
}

/// The checksum that a multipart upload is created with.
package struct UploadChecksum: Hashable, Sendable {
    package var algorithm: ChecksumAlgorithm
    package var type: ChecksumType

    package init(algorithm: ChecksumAlgorithm, type: ChecksumType) {
        self.algorithm = algorithm
        self.type = type
    }

    /// From x-amz-checksum-algorithm and x-amz-checksum-type; nil when neither is there.
    package static func parse(_ head: RequestHead) throws(S3Error) -> UploadChecksum? {
        let type = try checksumType(head)
        guard let algorithm = try requestedChecksumAlgorithm(head) else {
            guard type == nil else {
                throw S3Error(
                    .invalidRequest,
                    "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
            }
            return nil
        }
        let chosen = type ?? algorithm.defaultType
        guard algorithm.allows(chosen) else {
            throw S3Error(
                .invalidRequest,
                "The \(chosen.rawValue) checksum type cannot be used with the \(algorithm.name.lowercased()) checksum algorithm."
            )
        }
        return UploadChecksum(algorithm: algorithm, type: chosen)
    }
}

/// x-amz-checksum-type.
package func checksumType(_ head: RequestHead) throws(S3Error) -> ChecksumType? {
    guard let text = head.value("x-amz-checksum-type") else { return nil }
    guard let type = ChecksumType(rawValue: text.uppercased()) else {
        throw S3Error(.invalidRequest, "Value for x-amz-checksum-type header is invalid.")
    }
    return type
}

/// x-amz-checksum-algorithm: of CreateMultipartUpload and CopyObject.
package func requestedChecksumAlgorithm(_ head: RequestHead) throws(S3Error) -> ChecksumAlgorithm? {
    guard let text = head.value("x-amz-checksum-algorithm") else { return nil }
    guard let algorithm = ChecksumAlgorithm(anyCase: text) else {
        let names = ChecksumAlgorithm.allCases.map(\.name).joined(separator: ", ")
        throw S3Error(
            .invalidRequest,
            "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [\(names)]")
    }
    return algorithm
}
