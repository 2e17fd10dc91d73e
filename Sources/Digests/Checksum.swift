/// The checksums that S3 names in `x-amz-checksum-…`, and MD5.
package enum ChecksumAlgorithm: UInt8, CaseIterable, Sendable {
    // Raw values are stored in version records: never renumber.
    case crc32 = 1
    case crc32c = 2
    case crc64nvme = 3
    case sha1 = 4
    case sha256 = 5
    case sha512 = 6
    case md5 = 7
    case xxhash64 = 8
    case xxhash3 = 9
    case xxhash128 = 10

    package var byteCount: Int {
        switch self {
        case .crc32: CRC32.byteCount
        case .crc32c: CRC32C.byteCount
        case .crc64nvme: CRC64NVME.byteCount
        case .sha1: SHA1.byteCount
        case .sha256: SHA256.byteCount
        case .sha512: SHA512.byteCount
        case .md5: MD5.byteCount
        case .xxhash64: XXHash64.byteCount
        case .xxhash3: XXHash3.byteCount
        case .xxhash128: XXHash128.byteCount
        }
    }

    /// The name in the S3 model: the value of `x-amz-checksum-algorithm`, and in lower case the end of `x-amz-checksum-…`.
    package var name: String {
        switch self {
        case .crc32: "CRC32"
        case .crc32c: "CRC32C"
        case .crc64nvme: "CRC64NVME"
        case .sha1: "SHA1"
        case .sha256: "SHA256"
        case .sha512: "SHA512"
        case .md5: "MD5"
        case .xxhash64: "XXHASH64"
        case .xxhash3: "XXHASH3"
        case .xxhash128: "XXHASH128"
        }
    }

    package init?(name: String) {
        guard let found = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = found
    }

    /// CRCs of parts give the CRC of the whole; nothing else here does.
    package var isCombinable: Bool {
        switch self {
        case .crc32, .crc32c, .crc64nvme: true
        case .sha1, .sha256, .sha512, .md5, .xxhash64, .xxhash3, .xxhash128: false
        }
    }

    /// The checksum of A followed by B, from the checksums of both and B's length. Nil for digests that don't combine, and for
    /// checksums of the wrong length.
    package func combine(_ a: [UInt8], _ b: [UInt8], countOfB: UInt64) -> [UInt8]? {
        guard a.count == byteCount, b.count == byteCount else { return nil }
        switch self {
        case .crc32: return CRC32.combine(Self.number(a), Self.number(b), countOfB: countOfB).bigEndianBytes
        case .crc32c: return CRC32C.combine(Self.number(a), Self.number(b), countOfB: countOfB).bigEndianBytes
        case .crc64nvme: return CRC64NVME.combine(Self.number(a), Self.number(b), countOfB: countOfB).bigEndianBytes
        case .sha1, .sha256, .sha512, .md5, .xxhash64, .xxhash3, .xxhash128: return nil
        }
    }

    private static func number<T: FixedWidthInteger>(_ bytes: [UInt8]) -> T {
        bytes.reduce(0) { $0 << 8 | T(truncatingIfNeeded: $1) }
    }
}

/// A checksum being computed, of an algorithm chosen at run time.
package enum Checksum: Sendable {
    case crc32(CRC32)
    case crc32c(CRC32C)
    case crc64nvme(CRC64NVME)
    case sha1(SHA1)
    case sha256(SHA256)
    case sha512(SHA512)
    case md5(MD5)
    case xxhash64(XXHash64)
    case xxhash3(XXHash3)
    case xxhash128(XXHash128)

    package init(_ algorithm: ChecksumAlgorithm) {
        switch algorithm {
        case .crc32: self = .crc32(CRC32())
        case .crc32c: self = .crc32c(CRC32C())
        case .crc64nvme: self = .crc64nvme(CRC64NVME())
        case .sha1: self = .sha1(SHA1())
        case .sha256: self = .sha256(SHA256())
        case .sha512: self = .sha512(SHA512())
        case .md5: self = .md5(MD5())
        case .xxhash64: self = .xxhash64(XXHash64())
        case .xxhash3: self = .xxhash3(XXHash3())
        case .xxhash128: self = .xxhash128(XXHash128())
        }
    }

    package var algorithm: ChecksumAlgorithm {
        switch self {
        case .crc32: .crc32
        case .crc32c: .crc32c
        case .crc64nvme: .crc64nvme
        case .sha1: .sha1
        case .sha256: .sha256
        case .sha512: .sha512
        case .md5: .md5
        case .xxhash64: .xxhash64
        case .xxhash3: .xxhash3
        case .xxhash128: .xxhash128
        }
    }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        switch self {
        case .crc32(var digest):
            digest.update(bytes)
            self = .crc32(digest)
        case .crc32c(var digest):
            digest.update(bytes)
            self = .crc32c(digest)
        case .crc64nvme(var digest):
            digest.update(bytes)
            self = .crc64nvme(digest)
        case .sha1(var digest):
            digest.update(bytes)
            self = .sha1(digest)
        case .sha256(var digest):
            digest.update(bytes)
            self = .sha256(digest)
        case .sha512(var digest):
            digest.update(bytes)
            self = .sha512(digest)
        case .md5(var digest):
            digest.update(bytes)
            self = .md5(digest)
        case .xxhash64(var digest):
            digest.update(bytes)
            self = .xxhash64(digest)
        case .xxhash3(var digest):
            digest.update(bytes)
            self = .xxhash3(digest)
        case .xxhash128(var digest):
            digest.update(bytes)
            self = .xxhash128(digest)
        }
    }

    package mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }

    package func finish() -> [UInt8] {
        switch self {
        case .crc32(let digest): digest.finish()
        case .crc32c(let digest): digest.finish()
        case .crc64nvme(let digest): digest.finish()
        case .sha1(let digest): digest.finish()
        case .sha256(let digest): digest.finish()
        case .sha512(let digest): digest.finish()
        case .md5(let digest): digest.finish()
        case .xxhash64(let digest): digest.finish()
        case .xxhash3(let digest): digest.finish()
        case .xxhash128(let digest): digest.finish()
        }
    }
}
