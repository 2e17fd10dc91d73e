import CKernels

/// CRC-32 of IEEE 802.3 (zlib, Ethernet).
package struct CRC32: StreamingDigest {
    package static let byteCount = 4
    package private(set) var value: UInt32 = 0

    package init() {}

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        value = ckernels_crc32(value, bytes.baseAddress, bytes.count)
    }

    package func finish() -> [UInt8] { value.bigEndianBytes }

    /// The CRC of A followed by B, from the CRCs of both and B's length.
    package static func combine(_ a: UInt32, _ b: UInt32, countOfB: UInt64) -> UInt32 {
        ckernels_crc32_combine(a, b, countOfB)
    }
}

/// CRC-32 with Castagnoli's polynomial (iSCSI).
package struct CRC32C: StreamingDigest {
    package static let byteCount = 4
    package private(set) var value: UInt32 = 0

    package init() {}

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        value = ckernels_crc32c(value, bytes.baseAddress, bytes.count)
    }

    package func finish() -> [UInt8] { value.bigEndianBytes }

    package static func of(_ bytes: UnsafeRawBufferPointer, seed: UInt32 = 0) -> UInt32 {
        ckernels_crc32c(seed, bytes.baseAddress, bytes.count)
    }

    package static func combine(_ a: UInt32, _ b: UInt32, countOfB: UInt64) -> UInt32 {
        ckernels_crc32c_combine(a, b, countOfB)
    }
}

/// CRC-64/NVME: S3's default checksum, and the block checksum of the drives.
package struct CRC64NVME: StreamingDigest {
    package static let byteCount = 8
    package private(set) var value: UInt64 = 0

    package init() {}

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        value = ckernels_crc64nvme(value, bytes.baseAddress, bytes.count)
    }

    package func finish() -> [UInt8] { value.bigEndianBytes }

    package static func combine(_ a: UInt64, _ b: UInt64, countOfB: UInt64) -> UInt64 {
        ckernels_crc64nvme_combine(a, b, countOfB)
    }
}

/// The checksum of blocks on drives: CRC-64/NVME started at a seed that says where the block belongs, so that a block that was
/// written to, or read from, the wrong place does not pass. Different seeds never give the same checksum for the same bytes.
package enum BlockChecksum {
    package static func of(_ bytes: UnsafeRawBufferPointer, seed: UInt64) -> UInt64 {
        ckernels_crc64nvme(seed, bytes.baseAddress, bytes.count)
    }

    package static func of(_ bytes: [UInt8], seed: UInt64) -> UInt64 {
        bytes.withUnsafeBytes { of($0, seed: seed) }
    }
}
