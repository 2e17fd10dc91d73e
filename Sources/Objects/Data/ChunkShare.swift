import Drives

/// Where one drive keeps its blocks of one chunk, and their checksums.
struct ChunkShare: Sendable {
    let extents: [Extent]
    let checksums: [UInt64]

    /// Nil for a row that does not fit the data: damage.
    init?(extents: [Extent], blockBytes: Int, checksums: [UInt64], shape: StripeShape, lastBlockBytes: Int, blocks: Int)
    {
        let needed = (blocks - 1) * shape.blockBytes + lastBlockBytes
        guard blockBytes == shape.blockBytes, checksums.count == blocks,
            extents.reduce(0, { $0 + $1.byteCount }) >= needed
        else { return nil }
        self.extents = extents
        self.checksums = checksums
    }

    /// The parts of extents that hold `count` bytes from `offset` of the share.
    func parts(offset: Int, count: Int) -> [(extent: Extent, offset: Int, count: Int)] {
        var parts: [(extent: Extent, offset: Int, count: Int)] = []
        var start = 0, wanted = offset..<offset + count
        for extent in extents where !wanted.isEmpty {
            let end = start + extent.byteCount
            if wanted.lowerBound < end {
                let piece = min(wanted.count, end - wanted.lowerBound)
                parts.append((extent, wanted.lowerBound - start, piece))
                wanted = wanted.lowerBound + piece..<wanted.upperBound
            }
            start = end
        }
        return parts
    }
}
