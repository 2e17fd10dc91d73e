import ErasureCoding
import ObjectFormat
import Runtime

/// Computes shards that are not there from those that are.
struct ShardCompute {
    /// Erasure kernels work on strips of at most this much of each shard, which stay in the core's own cache.
    static let stripBytes = 64 << 10

    let code: ReedSolomon
    let pool: BufferPool

    init(_ geometry: Geometry, pool: BufferPool) {
        code = ReedSolomon(data: geometry.data, parity: geometry.parity)
        self.pool = pool
    }

    /// `wanted` shards of `count` bytes each, in that order, from `slices` (by shard), of which at least k are there.
    func compute(_ wanted: [Int], from slices: [BufferSlice?], count: Int) -> [BufferSlice] {
        let present = slices.indices.filter { slices[$0] != nil }
        let outputs = wanted.map { _ in pool.take(max(count, 1)).slice(0, count) }
        for start in stride(from: 0, to: count, by: Self.stripBytes) {
            let inputs: [(shard: Int, bytes: UnsafeRawPointer)] = present.prefix(code.dataCount).compactMap { shard in
                slices[shard].map { (shard, UnsafeRawPointer($0.buffer.base + $0.start + start)) }
            }
            let targets: [(shard: Int, bytes: UnsafeMutableRawPointer)] = zip(wanted, outputs).map {
                ($0, $1.buffer.base + $1.start + start)
            }
            code.reconstruct(present: inputs, missing: targets, count: min(Self.stripBytes, count - start))
        }
        return outputs
    }
}
