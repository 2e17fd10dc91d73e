import Foundation

/// Reproducible randomness: a failure names its round, and the seed is the same every time unless the environment says otherwise.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// Rounds of mutants, as many as `MARTLET_FUZZ_ITERATIONS` says.
struct Fuzzing {
    static let iterations = number("MARTLET_FUZZ_ITERATIONS") ?? 20_000
    static let seed = UInt64(number("MARTLET_FUZZ_SEED") ?? 1)

    private static func number(_ name: String) -> Int? { ProcessInfo.processInfo.environment[name].flatMap { Int($0) } }

    var random: SplitMix64
    /// Pieces that mean something to the parser.
    let tokens: [[UInt8]]

    init(_ name: String, tokens: [String]) {
        random = SplitMix64(state: name.utf8.reduce(Self.seed) { $0 &* 1_099_511_628_211 ^ UInt64($1) })
        self.tokens = tokens.map { Array($0.utf8) }
    }

    mutating func below(_ count: Int) -> Int { Int.random(in: 0..<max(1, count), using: &random) }

    mutating func mutant(of bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0...below(4) {
            let at = below(bytes.count + 1)
            switch below(8) {
            case 0 where at < bytes.count: bytes[at] = UInt8(truncatingIfNeeded: random.next())
            case 1 where at < bytes.count: bytes[at] ^= 1 << UInt8(below(8))
            case 2: bytes.removeSubrange(at..<min(bytes.count, at + 1 + below(20)))
            case 3 where !tokens.isEmpty: bytes.insert(contentsOf: tokens[below(tokens.count)], at: at)
            case 4: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + 1 + below(60))], at: at)
            case 5 where below(4) == 0: bytes.removeSubrange(at...)
            case 6 where !tokens.isEmpty && below(8) == 0:
                bytes.insert(contentsOf: (0..<500).flatMap { _ in tokens[at % tokens.count] }, at: at)
            default: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: at)
            }
        }
        return bytes
    }

    /// Pieces of the bytes, of random lengths.
    mutating func pieces(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        var pieces: [ArraySlice<UInt8>] = [], at = 0
        while at < bytes.count {
            let end = min(bytes.count, at + 1 + below(below(3) == 0 ? 3 : 400))
            pieces.append(bytes[at..<end])
            at = end
        }
        return pieces
    }
}
