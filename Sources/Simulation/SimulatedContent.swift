import Digests
import Objects
import SimulationSupport

/// The bytes of a write: they tell whose they are, and every one of them is checked.
struct SimulatedContent {
    static func bytes(_ id: Int, count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 8)
        withUnsafeBytes(of: UInt64(id).littleEndian) { bytes.append(contentsOf: $0) }
        var dice = SplitMix64(seed: UInt64(id))
        while bytes.count < count { withUnsafeBytes(of: dice.next()) { bytes.append(contentsOf: $0) } }
        return Array(bytes.prefix(max(8, count)))
    }

    /// Whose bytes these are; nil when they are nobody's.
    static func owner(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 8 else { return nil }
        let id = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
        guard id < 1 << 40, Self.bytes(Int(id), count: bytes.count) == bytes else { return nil }
        return Int(id)
    }
}

/// A body in memory, in pieces.
final class SimulatedBody: BodySource {
    private static let pieceBytes = 64 << 10
    let byteCount: Int64?
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) {
        byteCount = Int64(bytes.count)
        rest = bytes[...]
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) async throws(BodyError) -> Int {
        let piece = rest.prefix(min(Self.pieceBytes, buffer.count))
        buffer.copyBytes(from: piece)
        rest.removeFirst(piece.count)
        return piece.count
    }

    func finish(_ digests: ComputedDigests) async throws(BodyError) {}
}
