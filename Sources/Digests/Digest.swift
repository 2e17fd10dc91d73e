import CDigests

/// A digest over bytes that arrive in pieces. A value: copying one forks the stream.
package protocol StreamingDigest: Sendable {
    /// Bytes of the finished digest.
    static var byteCount: Int { get }
    init()
    mutating func update(_ bytes: UnsafeRawBufferPointer)
    /// The digest of everything so far, in the byte order in which S3 shows it. The stream may go on afterwards.
    func finish() -> [UInt8]
}

extension StreamingDigest {
    package mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }

    package static func of(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        var digest = Self()
        digest.update(bytes)
        return digest.finish()
    }

    package static func of(_ bytes: [UInt8]) -> [UInt8] {
        bytes.withUnsafeBytes { of($0) }
    }
}

package struct MD5: StreamingDigest {
    package static let byteCount = 16
    /// Read and written by `MD5Lanes` too.
    var state = cdigests_md5()

    package init() { cdigests_md5_init(&state) }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        cdigests_md5_update(&state, bytes.baseAddress, bytes.count)
    }

    package func finish() -> [UInt8] {
        var copy = state
        return digestBytes(Self.byteCount) { cdigests_md5_final(&copy, $0) }
    }
}

package struct SHA1: StreamingDigest {
    package static let byteCount = 20
    private var state = cdigests_sha1()

    package init() { cdigests_sha1_init(&state) }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        cdigests_sha1_update(&state, bytes.baseAddress, bytes.count)
    }

    package func finish() -> [UInt8] {
        var copy = state
        return digestBytes(Self.byteCount) { cdigests_sha1_final(&copy, $0) }
    }
}

package struct SHA256: StreamingDigest {
    package static let byteCount = 32
    private var state = cdigests_sha256()

    package init() { cdigests_sha256_init(&state) }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        cdigests_sha256_update(&state, bytes.baseAddress, bytes.count)
    }

    package func finish() -> [UInt8] {
        var copy = state
        return digestBytes(Self.byteCount) { cdigests_sha256_final(&copy, $0) }
    }
}

package struct SHA512: StreamingDigest {
    package static let byteCount = 64
    private var state = cdigests_sha512()

    package init() { cdigests_sha512_init(&state) }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        cdigests_sha512_update(&state, bytes.baseAddress, bytes.count)
    }

    package func finish() -> [UInt8] {
        var copy = state
        return digestBytes(Self.byteCount) { cdigests_sha512_final(&copy, $0) }
    }
}

/// HMAC-SHA256. A signing key that is used again keeps its two padded blocks hashed: a code then costs two short hashes.
package struct HMACSHA256: Sendable {
    package static let byteCount = 32
    private var inner = cdigests_sha256()
    private var outer = cdigests_sha256()

    package init(key: UnsafeRawBufferPointer) {
        cdigests_hmac_sha256_key(&inner, &outer, key.baseAddress, key.count)
    }

    package init(key: [UInt8]) {
        self = key.withUnsafeBytes { Self(key: $0) }
    }

    /// Writes the 32 bytes of the code to `code`.
    package func authenticate(_ message: UnsafeRawBufferPointer, into code: UnsafeMutableRawBufferPointer) {
        precondition(code.count >= Self.byteCount, "an HMAC-SHA256 code is 32 bytes")
        guard let base = code.bindMemory(to: UInt8.self).baseAddress else { return }
        withUnsafePointer(to: inner) { inner in
            withUnsafePointer(to: outer) { outer in
                cdigests_hmac_sha256(inner, outer, message.baseAddress, message.count, base)
            }
        }
    }

    package func authenticate(_ message: UnsafeRawBufferPointer) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: Self.byteCount) { buffer, count in
            authenticate(message, into: UnsafeMutableRawBufferPointer(buffer))
            count = Self.byteCount
        }
    }

    package func authenticate(_ message: [UInt8]) -> [UInt8] {
        message.withUnsafeBytes { authenticate($0) }
    }

    package static func authenticate(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
        HMACSHA256(key: key).authenticate(message)
    }
}

/// HMAC-SHA1, which version 2 signatures use.
package enum HMACSHA1 {
    package static func authenticate(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
        let short = key.count > 64 ? SHA1.of(key) : key
        let block = short + [UInt8](repeating: 0, count: 64 - short.count)
        return SHA1.of(block.map { $0 ^ 0x5C } + SHA1.of(block.map { $0 ^ 0x36 } + message))
    }
}

func digestBytes(_ count: Int, _ write: (UnsafeMutablePointer<UInt8>) -> Void) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
        guard let base = buffer.baseAddress else { return }
        write(base)
        initialized = count
    }
}

extension FixedWidthInteger {
    var bigEndianBytes: [UInt8] {
        withUnsafeBytes(of: bigEndian) { Array($0) }
    }
}
