package import Digests

/// What a checksum of an object made of parts covers. Raw values are on disk for ever.
package enum ChecksumType: UInt8, Hashable, Sendable {
    /// All bytes of the object.
    case fullObject = 1
    /// The checksums of its parts, in order.
    case composite = 2
}

/// The value of an additional checksum. `Digests.Checksum` computes them.
package struct ObjectChecksum: Hashable, Sendable {
    package var algorithm: ChecksumAlgorithm
    package var type: ChecksumType
    /// The digest, most significant byte first: what S3 shows in base64.
    package var value: [UInt8]
    /// Parts that a composite checksum covers; 0 for one of a full object.
    package var partCount: Int

    package init(algorithm: ChecksumAlgorithm, type: ChecksumType = .fullObject, value: [UInt8], partCount: Int = 0) {
        self.algorithm = algorithm
        self.type = type
        self.value = value
        self.partCount = partCount
    }

    /// The form of headers and XML: base64, and `-` with the number of parts for a composite one.
    package var text: String {
        let base64 = Base64.encode(value)
        return type == .composite ? "\(base64)-\(partCount)" : base64
    }
}
