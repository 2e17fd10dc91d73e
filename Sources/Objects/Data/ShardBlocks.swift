package import Drives
import ObjectFormat

/// How the blocks of coded data lie in a row's extents, for an audit that reads a drive without its set. Docs/formats/data.md.
package struct ShardBlocks: ExtentLayout {
    package init() {}

    package func lastBlockBytes(of entry: IndexEntry) -> Int? {
        guard entry.key.bytes.count == 21, case .extents(_, let blockBytes, let checksums) = entry.stored,
            let layout = RowFormat.decode(entry.payload)?.attached,
            case .coded(let count, let geometry, _, let stored, _) = layout, Int(stored) == blockBytes,
            let shape = StripeShape(data: geometry.data, blockBytes: blockBytes)
        else { return nil }
        let chunk = entry.key.bytes.suffix(4).reduce(0) { $0 << 8 | Int($1) }
        let first = chunk * DataRow.stripesPerChunk
        let blocks = min(DataRow.stripesPerChunk, shape.stripeCount(count) - first)
        guard blocks > 0, blocks == checksums.count else { return nil }
        return StripeShape.rounded(shape.shardBytes(stripe: first + blocks - 1, of: count), to: StripeShape.pageBytes)
    }

    package func seeds(of key: IndexKey, block: Int) -> [UInt64] {
        let seed = BlockSeed(key)
        return (0..<16).map { seed.of(block: block, shard: $0) }
    }
}
