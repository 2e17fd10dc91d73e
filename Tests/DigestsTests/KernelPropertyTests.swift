import CKernels
import Digests
import Testing

@Suite struct KernelPropertyTests {
    private static let kinds: [ckernels_crc_kind] = [CKERNELS_CRC32, CKERNELS_CRC32C, CKERNELS_CRC64NVME]
    private static let polynomials: [UInt64] = [0xEDB8_8320, 0x82F6_3B78, 0x9A6C_9329_AC4B_C9B5]

    /// The definition, a bit at a time.
    private static func bitwise(_ index: Int, _ bytes: ArraySlice<UInt8>) -> UInt64 {
        let mask: UInt64 = index == 2 ? .max : 0xFFFF_FFFF
        var state = mask
        for byte in bytes {
            state ^= UInt64(byte)
            for _ in 0..<8 { state = state & 1 == 1 ? state >> 1 ^ polynomials[index] : state >> 1 }
        }
        return ~state & mask
    }

    @Test func `every CRC kernel agrees with the definition at random lengths and alignments`() {
        let seed: UInt64 = 0xC4C
        var random = SplitMix64(seed: seed)
        let pool = random.bytes(9000)
        for round in 0..<400 {
            let count = round < 300 ? round : Int(random.next() % 8000)
            let start = Int(random.next() % 64)
            for (index, kind) in Self.kinds.enumerated() {
                let expected = Self.bitwise(index, pool[start..<start + count])
                for kernel in 0...ckernels_crc_best_kernel() {
                    let found = pool.withUnsafeBytes {
                        ckernels_crc_using(kernel, kind, 0, $0.baseAddress.map { $0 + start }, count)
                    }
                    #expect(
                        found == expected,
                        "seed \(seed) round \(round) count \(count) start \(start) kind \(index) kernel \(kernel)")
                }
            }
        }
    }

    @Test func `a CRC does not depend on how the bytes are cut, on any kernel`() {
        let seed: UInt64 = 0xC4D
        var random = SplitMix64(seed: seed)
        let bytes = random.bytes(20_000)
        for (index, kind) in Self.kinds.enumerated() {
            for kernel in 0...ckernels_crc_best_kernel() {
                bytes.withUnsafeBytes { raw in
                    let whole = ckernels_crc_using(0, kind, 0, raw.baseAddress, raw.count)
                    var value: UInt64 = 0, at = 0
                    while at < raw.count {
                        let step = min(raw.count - at, Int(random.next() % 1500))
                        value = ckernels_crc_using(kernel, kind, value, raw.baseAddress.map { $0 + at }, step)
                        at += step
                    }
                    #expect(value == whole, "seed \(seed) kind \(index) kernel \(kernel)")
                }
            }
        }
    }

    @Test(arguments: [ChecksumAlgorithm.crc32, .crc32c, .crc64nvme])
    func `CRCs of two halves combine to the CRC of the whole`(_ algorithm: ChecksumAlgorithm) throws {
        let seed: UInt64 = 0xC0B
        var random = SplitMix64(seed: seed)
        for round in 0..<200 {
            let a = random.bytes(Int(random.next() % 300)),
                b = random.bytes(round < 20 ? round : Int(random.next() % 5000))
            var whole = Checksum(algorithm), left = Checksum(algorithm), right = Checksum(algorithm)
            whole.update(a + b)
            left.update(a)
            right.update(b)
            let combined = algorithm.combine(left.finish(), right.finish(), countOfB: UInt64(b.count))
            #expect(combined == whole.finish(), "seed \(seed) round \(round)")
        }
    }

    @Test func `combining goes on beyond what fits in memory`() {
        // Zero bytes after nothing but zeros: combine 2^40 of them from halves and compare with one step.
        var one = CRC64NVME()
        one.update([0])
        var value = one.value
        var count: UInt64 = 1
        while count < 1 << 40 {
            value = CRC64NVME.combine(value, value, countOfB: count)
            count *= 2
        }
        // The same length, put together as 2^40 − 1 and 1.
        var shorter = one.value, shorterCount: UInt64 = 1, piece = one.value, pieceCount: UInt64 = 1
        for _ in 1..<40 {
            piece = CRC64NVME.combine(piece, piece, countOfB: pieceCount)
            pieceCount *= 2
            shorter = CRC64NVME.combine(shorter, piece, countOfB: pieceCount)
            shorterCount += pieceCount
        }
        #expect(shorterCount == count - 1)
        #expect(CRC64NVME.combine(shorter, one.value, countOfB: 1) == value)
    }

    @Test func `digests that don't combine say so, and so do checksums of the wrong length`() {
        #expect(
            ChecksumAlgorithm.sha256.combine(
                Array(repeating: 0, count: 32), Array(repeating: 0, count: 32), countOfB: 1) == nil)
        #expect(ChecksumAlgorithm.crc32.combine([0, 0, 0], [0, 0, 0, 0], countOfB: 1) == nil)
    }

    @Test func `MD5 in lanes gives each stream its own digest`() {
        let seed: UInt64 = 0x3D5
        var random = SplitMix64(seed: seed)
        for round in 0..<120 {
            let streams = 1 + Int(random.next() % UInt64(MD5Lanes.count))
            var lanes = [MD5](repeating: MD5(), count: streams), alone = lanes
            for _ in 0..<4 {
                let pieces = (0..<streams).map { _ in
                    random.bytes(round % 2 == 0 ? 64 * Int(random.next() % 20) : Int(random.next() % 1300))
                }
                for i in 0..<streams { alone[i].update(pieces[i]) }
                let joined = pieces.flatMap { $0 }
                joined.withUnsafeBytes { raw in
                    var at = 0
                    let inputs = pieces.map { piece in
                        defer { at += piece.count }
                        return UnsafeRawBufferPointer(rebasing: raw[at..<at + piece.count])
                    }
                    MD5Lanes.update(&lanes, inputs)
                }
            }
            for i in 0..<streams {
                #expect(lanes[i].finish() == alone[i].finish(), "seed \(seed) round \(round) stream \(i) of \(streams)")
            }
        }
    }

    @Test func `the lane kernels agree with plain MD5 blocks`() {
        var random = SplitMix64(seed: 0x3D6)
        let blocks = 9
        let bytes = random.bytes(8 * blocks * 64 + 8)
        var expected = (0..<8).map { _ in (0..<4).map { _ in UInt32(truncatingIfNeeded: random.next()) } }
        var flat = expected.flatMap { $0 }, portable = flat
        bytes.withUnsafeBytes { raw in
            guard let base = raw.bindMemory(to: UInt8.self).baseAddress else { return }
            let inputs: [UnsafePointer<UInt8>?] = (0..<8).map { base + $0 * (blocks * 64 + 1) }
            for lane in 0..<8 { ckernels_md5_blocks(&expected[lane], inputs[lane], blocks) }
            flat.withUnsafeMutableBufferPointer { buffer in
                let states = (0..<8).map { lane in buffer.baseAddress.map { $0 + 4 * lane } }
                ckernels_md5_lanes(states, inputs, blocks)
            }
            portable.withUnsafeMutableBufferPointer { buffer in
                let states = (0..<8).map { lane in buffer.baseAddress.map { $0 + 4 * lane } }
                ckernels_md5_lanes_portable(states, inputs, blocks)
            }
        }
        #expect(flat == expected.flatMap { $0 })
        #expect(portable == flat)
    }

    @Test(arguments: ChecksumAlgorithm.allCases)
    func `a streamed digest does not depend on how the bytes are cut, and a copy forks it`(
        _ algorithm: ChecksumAlgorithm
    ) {
        let seed: UInt64 = 0xD16
        var random = SplitMix64(seed: seed)
        let bytes = random.bytes(5000)
        var whole = Checksum(algorithm), cut = Checksum(algorithm)
        whole.update(bytes)
        var at = 0
        while at < bytes.count {
            let step = min(bytes.count - at, Int(random.next() % 700))
            cut.update(Array(bytes[at..<at + step]))
            var fork = cut
            fork.update([1, 2, 3])
            at += step
        }
        #expect(cut.finish() == whole.finish(), "seed \(seed)")
        var longer = whole
        longer.update([0])
        #expect(longer.finish() != whole.finish())
    }
}
