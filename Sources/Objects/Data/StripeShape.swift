package import Drives
import Digests

/// How data is cut into shards. Docs/formats/data.md.
///
/// Coded data is a row of stripes of `data` blocks each. All stripes but the last are full; the last one's shards are as long as
/// they must be. A packed object is one such last stripe.
package struct StripeShape: Hashable, Sendable {
    /// Below this, data is cheaper as full copies on m + 1 drives: one record a copy instead of one shard on each drive.
    package static let fullCopyLimit = 8 << 10
    /// Shards up to this ride in the log; longer ones are staged in extents.
    package static let packedShardMax = 128 << 10
    /// A stripe is the least multiple of the geometry that holds this much.
    package static let stripeTarget = 1 << 20
    package static let pageBytes = 4096
    /// The kernels are two to three times faster on shards that start at 64-byte borders.
    package static let shardAlignment = 64

    package let data: Int
    package let blockBytes: Int

    /// The shape of new data.
    package init(data: Int) {
        precondition((1...16).contains(data), "a geometry has 1 to 16 data shards")
        self.data = data
        blockBytes = Self.rounded((Self.stripeTarget + data - 1) / data, to: Self.pageBytes)
    }

    /// The shape of stored data; nil for numbers that no writer makes.
    package init?(data: Int, blockBytes: Int) {
        guard (1...16).contains(data), blockBytes > 0, blockBytes <= 64 << 20, blockBytes % Self.pageBytes == 0 else {
            return nil
        }
        self.data = data
        self.blockBytes = blockBytes
    }

    package var stripeBytes: Int { data * blockBytes }

    /// The longest data that is packed: within one stripe, so that what is packed and what is not is known before a stripe is sent.
    package var packedLimit: Int { min(data * Self.packedShardMax, stripeBytes - 1) }

    package func stripeCount(_ count: Int64) -> Int {
        Int((count + Int64(stripeBytes) - 1) / Int64(stripeBytes))
    }

    /// Bytes of data in a stripe of data of `count` bytes.
    package func dataBytes(stripe: Int, of count: Int64) -> Int {
        Int(min(Int64(stripeBytes), count - Int64(stripe) * Int64(stripeBytes)))
    }

    package func shardBytes(stripe: Int, of count: Int64) -> Int {
        let bytes = dataBytes(stripe: stripe, of: count)
        return bytes == stripeBytes ? blockBytes : Self.shardBytes(bytes, data: data)
    }

    /// The length of each shard of `count` bytes that are less than a stripe: data shard j holds the bytes from j times it, zeros follow
    /// the end.
    package static func shardBytes(_ count: Int, data: Int) -> Int {
        rounded((count + data - 1) / data, to: shardAlignment)
    }

    package static func rounded(_ count: Int, to unit: Int) -> Int { (count + unit - 1) / unit * unit }

    /// The parts of data shards that make up `range` of a stripe whose shards are `shardBytes` long, in order.
    package static func pieces(_ range: Range<Int>, shardBytes: Int) -> [(shard: Int, range: Range<Int>)] {
        guard !range.isEmpty, shardBytes > 0 else { return [] }
        return (range.lowerBound / shardBytes...(range.upperBound - 1) / shardBytes).map { shard in
            let start = shard * shardBytes
            return (shard, max(range.lowerBound - start, 0)..<min(range.upperBound - start, shardBytes))
        }
    }
}

/// Which slot has which shard: shard i of data with rotation r lies on slot (r + i) mod N.
package struct ShardPlacement: Hashable, Sendable {
    package let rotation: Int
    package let slots: Int
    package let shards: Int

    package init(rotation: UInt8, slots: Int, shards: Int) {
        self.rotation = Int(rotation) % max(slots, 1)
        self.slots = slots
        self.shards = shards
    }

    package func slot(ofShard shard: Int) -> Int { (rotation + shard) % slots }

    /// Nil for a slot that has no shard of this data.
    package func shard(ofSlot slot: Int) -> Int? {
        let shard = (slot - rotation + slots) % slots
        return shard < shards ? shard : nil
    }
}

/// The seed of a block's checksum: where it belongs, so that a block from elsewhere does not pass. Docs/formats/data.md.
package struct BlockSeed: Sendable {
    private let row: UInt64

    /// For the blocks that the row `key` (data id and chunk) names.
    package init(_ key: IndexKey) { row = BlockChecksum.of(key.bytes, seed: 0) }

    package func of(block: Int, shard: Int) -> UInt64 {
        let place = UInt64(UInt32(truncatingIfNeeded: block)) << 8 | UInt64(UInt8(truncatingIfNeeded: shard))
        // Five bytes, big-endian: the block's number in four, the shard's in one.
        return withUnsafeBytes(of: (place << 24).bigEndian) {
            BlockChecksum.of(UnsafeRawBufferPointer(rebasing: $0[..<5]), seed: row)
        }
    }
}
