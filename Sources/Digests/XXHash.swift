import CDigests

/// xxHash, 64 bits, seed 0.
package struct XXHash64: StreamingDigest {
    package static let byteCount = 8
    private var state = cdigests_xxh64()

    package init() { cdigests_xxh64_init(&state) }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        cdigests_xxh64_update(&state, bytes.baseAddress, bytes.count)
    }

    package func finish() -> [UInt8] {
        withUnsafePointer(to: state) { cdigests_xxh64_digest($0) }.bigEndianBytes
    }
}

/// XXH3, 64 bits, seed 0.
package struct XXHash3: StreamingDigest {
    package static let byteCount = 8
    private var state = XXH3State(wide: false)

    package init() {}

    package mutating func update(_ bytes: UnsafeRawBufferPointer) { state.update(bytes) }

    package func finish() -> [UInt8] {
        state.bytes.withUnsafeBytes { cdigests_xxh3_digest64($0.baseAddress) }.bigEndianBytes
    }
}

/// XXH3, 128 bits, seed 0: the upper half first, as its canonical form says.
package struct XXHash128: StreamingDigest {
    package static let byteCount = 16
    private var state = XXH3State(wide: true)

    package init() {}

    package mutating func update(_ bytes: UnsafeRawBufferPointer) { state.update(bytes) }

    package func finish() -> [UInt8] {
        var high: UInt64 = 0, low: UInt64 = 0
        state.bytes.withUnsafeBytes { cdigests_xxh3_digest128($0.baseAddress, &high, &low) }
        return high.bigEndianBytes + low.bigEndianBytes
    }
}

/// The 576 bytes of XXH3's state, in an array so that the digest stays a small value.
private struct XXH3State: Sendable {
    var bytes: [UInt8]
    let wide: Bool

    init(wide: Bool) {
        self.wide = wide
        bytes = Array(repeating: 0, count: cdigests_xxh3_size())
        bytes.withUnsafeMutableBytes { cdigests_xxh3_init($0.baseAddress, wide ? 1 : 0) }
    }

    mutating func update(_ input: UnsafeRawBufferPointer) {
        bytes.withUnsafeMutableBytes {
            cdigests_xxh3_update($0.baseAddress, wide ? 1 : 0, input.baseAddress, input.count)
        }
    }
}
