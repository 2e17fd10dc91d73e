import Digests
import ErasureCoding
import ObjectFormat
import Runtime

/// Makes shards and their checksums of one stripe, or of one packed object, in strips that stay in the core's cache: parity and
/// checksums are computed while the strip is there.
struct StripeEncoder {
    struct Shard {
        var slice: BufferSlice
        var checksum: UInt64
    }

    let code: ReedSolomon
    let pool: BufferPool

    init(_ geometry: Geometry, pool: BufferPool) {
        code = ReedSolomon(data: geometry.data, parity: geometry.parity)
        self.pool = pool
    }

    /// The shards of the first `count` bytes of `buffer`, data shards in place every `shardBytes` bytes. Zeros are put behind the data.
    /// `seeds` start the checksums, one a shard.
    func encode(_ buffer: IOBuffer, count: Int, shardBytes: Int, seeds: [UInt64]) -> [Shard] {
        let k = code.dataCount, m = code.parityCount
        (buffer.base + count).initializeMemory(as: UInt8.self, repeating: 0, count: k * shardBytes - count)
        let parity = m > 0 ? pool.take(m * shardBytes) : buffer
        let slices =
            (0..<k).map { buffer.slice($0 * shardBytes, shardBytes) }
            + (0..<m).map { parity.slice($0 * shardBytes, shardBytes) }
        let data = slices[..<k].map { UnsafeRawPointer($0.buffer.base + $0.start) }
        let targets = slices[k...].map { $0.buffer.base + $0.start }
        var checksums = seeds
        for start in stride(from: 0, to: shardBytes, by: ShardCompute.stripBytes) {
            let strip = min(ShardCompute.stripBytes, shardBytes - start)
            code.encode(data: data, parity: targets, offset: start, count: strip)
            for shard in slices.indices {
                checksums[shard] = BlockChecksum.of(
                    UnsafeRawBufferPointer(rebasing: slices[shard].bytes[start..<start + strip]), seed: checksums[shard]
                )
            }
        }
        return zip(slices, checksums).map { Shard(slice: $0, checksum: $1) }
    }

    /// Moves the last stripe's data shards apart, so that each starts at a page: `count` bytes cut every `shardBytes` bytes are laid out
    /// every `stored` bytes, zeros between. The result is what lies on the drives.
    func spread(_ buffer: IOBuffer, count: Int, shardBytes: Int, stored: Int) -> IOBuffer {
        let target = pool.take(code.dataCount * stored)
        for shard in 0..<code.dataCount {
            let start = min(shard * shardBytes, count), length = min(shardBytes, count - start)
            let base = target.base + shard * stored
            base.copyMemory(from: buffer.base + start, byteCount: length)
            (base + length).initializeMemory(as: UInt8.self, repeating: 0, count: stored - length)
        }
        return target
    }
}
