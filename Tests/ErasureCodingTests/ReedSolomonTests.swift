import ErasureCoding
import Testing

/// Shards in one piece of memory, each at its own offset, so that kernels meet odd alignments.
private final class Shards {
    let count: Int
    private let stride: Int
    private let memory: UnsafeMutableRawBufferPointer

    init(shards: Int, count: Int, misalignment: Int = 0) {
        self.count = count
        stride = (count + 63) / 64 * 64 + misalignment
        memory = .allocate(byteCount: stride * shards + 64, alignment: 64)
        memory.initializeMemory(as: UInt8.self, repeating: 0xA5)
    }
    deinit { memory.deallocate() }

    subscript(shard: Int) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: memory[shard * stride..<shard * stride + count])
    }
    func pointer(_ shard: Int) -> UnsafeMutableRawPointer {
        guard let base = memory.baseAddress else { preconditionFailure("memory") }
        return base + shard * stride
    }
    func bytes(_ shard: Int) -> [UInt8] { Array(self[shard]) }
    func fill(_ shard: Int, _ bytes: [UInt8]) { self[shard].copyBytes(from: bytes) }
}

private func encoded(
    _ code: ReedSolomon, count: Int, misalignment: Int = 0, _ random: inout SplitMix64
) -> Shards {
    let shards = Shards(shards: code.shardCount, count: count, misalignment: misalignment)
    for i in 0..<code.dataCount { shards.fill(i, random.bytes(count)) }
    code.encode(
        data: (0..<code.dataCount).map { UnsafeRawPointer(shards.pointer($0)) },
        parity: (code.dataCount..<code.shardCount).map { shards.pointer($0) }, count: count)
    return shards
}

@Suite struct ReedSolomonTests {
    /// The field by its definition: carry-less product modulo x^8 + x^4 + x^3 + x^2 + 1.
    private static func multiply(_ a: UInt8, _ b: UInt8) -> UInt8 {
        var a = UInt16(a), b = b, product: UInt16 = 0
        while b != 0 {
            if b & 1 == 1 { product ^= a }
            a <<= 1
            if a & 0x100 != 0 { a ^= 0x11D }
            b >>= 1
        }
        return UInt8(product)
    }

    /// From a separate implementation of Docs/formats/erasure.md in Python. These bytes are on disks: they never change.
    @Test(arguments: [
        (1, 2, ["01", "01"], ["0102050a111a2532", "0102050a111a2532"]),
        (2, 2, ["8ef4", "f48e"], ["80fb750c98148ed3", "fd7208851e66f34a"]),
        (3, 1, ["f48e01"], ["de562fa92d5ab41e"]),
        (4, 2, ["47a77aba", "a747ba7a"], ["a00f9912bc0ea73e", "dd15aa08ff2a94f2"]),
        (
            12, 4,
            [
                "3daa5d96ad9ddd9847a77aba", "aa3d965d9dad98dda747ba7a", "5d963daadd98ad9d7aba47a7",
                "965daa3d98dd9dadba7aa747",
            ],
            ["fdc78f1b102d440f", "415e8a59c6050b9e", "6a437cc8c84bc6a6", "7dda3c70d7fb2455"]
        ),
    ])
    func `coefficients and parity are the golden ones`(_ k: Int, _ m: Int, _ rows: [String], _ parity: [String]) {
        let code = ReedSolomon(data: k, parity: m)
        let shards = Shards(shards: k + m, count: 8)
        for s in 0..<k { shards.fill(s, (0..<8).map { UInt8(truncatingIfNeeded: 17 * s + $0 * $0 + 1) }) }
        code.encode(
            data: (0..<k).map { UnsafeRawPointer(shards.pointer($0)) }, parity: (k..<k + m).map { shards.pointer($0) },
            count: 8)
        for p in 0..<m {
            #expect(hex((0..<k).map { code.coefficient(row: k + p, column: $0) }) == rows[p])
            #expect(hex(shards.bytes(k + p)) == parity[p])
        }
    }

    private func hex(_ bytes: [UInt8]) -> String {
        bytes.map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }.joined()
    }

    @Test func `the kernel agrees with the definition at every small length and odd alignment`() {
        let seed: UInt64 = 0xEC0
        var random = SplitMix64(seed: seed)
        for count in Array(1...140) + [255, 256, 1000, 4096, 4159] {
            for (k, m) in [(1, 1), (2, 2), (3, 2), (5, 3), (12, 4)] {
                let code = ReedSolomon(data: k, parity: m)
                let shards = encoded(code, count: count, misalignment: count % 3, &random)
                let data = (0..<k).map { shards.bytes($0) }
                for p in k..<k + m {
                    let expected = (0..<count).map { i in
                        (0..<k).reduce(UInt8(0)) {
                            $0 ^ Self.multiply(code.coefficient(row: p, column: $1), data[$1][i])
                        }
                    }
                    #expect(shards.bytes(p) == expected, "seed \(seed) k \(k) m \(m) count \(count) parity \(p)")
                }
            }
        }
    }

    @Test func `every loss of up to m shards is made good, for every geometry up to eight shards`() {
        let seed: UInt64 = 0xEC1
        var random = SplitMix64(seed: seed)
        for total in 1...8 {
            for k in 1...total {
                let code = ReedSolomon(data: k, parity: total - k)
                let shards = encoded(code, count: 67, &random)
                for lost in 0..<1 << total where lost.nonzeroBitCount <= total - k {
                    expectRecovery(code, shards, lost: lost, "seed \(seed)", &random)
                }
            }
        }
    }

    @Test func `random losses of up to m shards are made good, for every geometry of nine to sixteen shards`() {
        let seed: UInt64 = 0xEC2
        var random = SplitMix64(seed: seed)
        for total in 9...16 {
            for k in 1...total {
                let code = ReedSolomon(data: k, parity: total - k)
                let shards = encoded(code, count: 96, &random)
                for _ in 0..<12 {
                    let lost = (0..<total).shuffled(using: &random).prefix(total - k).reduce(0) { $0 | 1 << $1 }
                    expectRecovery(code, shards, lost: lost, "seed \(seed)", &random)
                }
            }
        }
    }

    private func expectRecovery(
        _ code: ReedSolomon, _ shards: Shards, lost: Int, _ note: String, _ random: inout SplitMix64
    ) {
        let all = 0..<code.shardCount
        let present = all.filter { lost & 1 << $0 == 0 }.shuffled(using: &random)
        let missing = all.filter { lost & 1 << $0 != 0 }
        let out = Shards(shards: max(missing.count, 1), count: shards.count)
        code.reconstruct(
            present: present.map { ($0, UnsafeRawPointer(shards.pointer($0))) },
            missing: missing.enumerated().map { ($1, out.pointer($0)) }, count: shards.count)
        for (i, shard) in missing.enumerated() {
            #expect(
                out.bytes(i) == shards.bytes(shard),
                "\(note) k \(code.dataCount) m \(code.parityCount) lost \(missing) shard \(shard)")
        }
    }

    @Test func `without parity encoding does nothing`() {
        var random = SplitMix64(seed: 1)
        let code = ReedSolomon(data: 4, parity: 0)
        let shards = encoded(code, count: 100, &random)
        code.reconstruct(
            present: (0..<4).map { ($0, UnsafeRawPointer(shards.pointer($0))) }, missing: [], count: 100)
        #expect(code.shardCount == 4)
    }

    @Test func `fewer than k shards are refused`() async {
        await #expect(processExitsWith: .failure) {
            let byte = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 64)
            ReedSolomon(data: 2, parity: 2).reconstruct(
                present: [(0, UnsafeRawPointer(byte))], missing: [(1, byte)], count: 64)
        }
    }
}
