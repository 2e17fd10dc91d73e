/// The additional checksums of S3. Raw values are on disk for ever (Docs/formats/version-record.md).
package enum ChecksumAlgorithm: UInt8, Hashable, Sendable, CaseIterable {
    case crc32 = 1
    case crc32c = 2
    case crc64nvme = 3
    case sha1 = 4
    case sha256 = 5
    case md5 = 6
    case sha512 = 7
    case xxhash64 = 8
    case xxhash3 = 9
    case xxhash128 = 10

    /// Bytes of one value.
    package var byteCount: Int {
        switch self {
        case .crc32, .crc32c: 4
        case .crc64nvme, .xxhash64, .xxhash3: 8
        case .md5, .xxhash128: 16
        case .sha1: 20
        case .sha256: 32
        case .sha512: 64
        }
    }

    /// True for checksums of which the whole's can be computed from those of its parts.
    package var isLinear: Bool {
        switch self {
        case .crc32, .crc32c, .crc64nvme: true
        case .sha1, .sha256, .md5, .sha512, .xxhash64, .xxhash3, .xxhash128: false
        }
    }
}

/// What a checksum of an object made of parts covers. Raw values are on disk for ever.
package enum ChecksumType: UInt8, Hashable, Sendable {
    /// All bytes of the object.
    case fullObject = 1
    /// The checksums of its parts, in order.
    case composite = 2
}

package struct Checksum: Hashable, Sendable {
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

/// RFC 4648 with padding, for short values.
package enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    package static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let second = start + 1 < bytes.count ? bytes[start + 1] : 0
            let third = start + 2 < bytes.count ? bytes[start + 2] : 0
            text.append(alphabet[Int(bytes[start] >> 2)])
            text.append(alphabet[Int((bytes[start] & 3) << 4 | second >> 4)])
            text.append(start + 1 < bytes.count ? alphabet[Int((second & 15) << 2 | third >> 6)] : 0x3D)
            text.append(start + 2 < bytes.count ? alphabet[Int(third & 63)] : 0x3D)
        }
        return String(decoding: text, as: UTF8.self)
    }
}
