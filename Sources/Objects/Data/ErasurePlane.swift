package import Base
package import Drives
package import ObjectFormat
package import Runtime

/// Limits of staging and reading.
package struct DataPlaneParameters: Sendable {
    /// How often what waits for drives is looked at.
    package var tick: Duration = .milliseconds(50)
    /// A read that takes longer than this many ticks is answered from other shards. A direct read of a block takes single
    /// milliseconds; a drive that needs fifty is busy with something that will take longer.
    package var hedgeTicks = 2
    /// A write that holds up the others for this many ticks is done without its drive, which then catches up from the ledger.
    package var stallTicks = 20
    /// Stripes on their way to the drives. With a buffer being filled and parity at k = m this keeps a request below 8 MiB.
    package var stripesInFlightMax = 3
    /// Stripes read ahead of the one being handed out.
    package var readAhead = 2
    /// An extent takes at most this many blocks: a chunk's list of extents stays short, and segments of 256 MiB fill well.
    package var extentBlocksMax = 64
    package var fullCopyLimit = StripeShape.fullCopyLimit
    /// Memory for packed objects that were read of late; 0 for none.
    package var packedCacheBytes = 0
    package init() {}
}

/// Staging, reading and rebuilding over the drives of one set.
package final class ErasurePlane: DataPlane {
    let executor: any PinnedExecutor
    let pool: BufferPool
    let random: any RandomSource
    let parameters: DataPlaneParameters
    let ticker: WaitTicker
    private let packedCache: PackedCache
    /// For reads whose result is not bytes.
    let empty: BufferSlice

    package init(
        executor: any PinnedExecutor, pool: BufferPool, random: any RandomSource,
        parameters: DataPlaneParameters = DataPlaneParameters()
    ) {
        self.executor = executor
        self.pool = pool
        self.random = random
        self.parameters = parameters
        empty = pool.take(1).slice(0, 0)
        packedCache = PackedCache(bytesMax: parameters.packedCacheBytes, pool: pool)
        ticker = WaitTicker(executor: executor, interval: parameters.tick)
    }

    package func stage(hint: Int64?, on drives: SetDrives) throws(SetError) -> any DataStager {
        let quorum = Quorum(drives.geometry)
        let here = drives.drives.count { $0 != nil }
        guard here >= max(drives.geometry.data, quorum.write) else {
            throw .writeQuorumLost(detail: "\(here) of \(quorum.drives) drives take data")
        }
        return StripeStager(plane: self, hint: hint, drives: drives)
    }

    package func open(
        _ layout: DataLayout, of row: SetRow, range: ByteRange?, on drives: SetDrives
    ) async throws(SetError) -> any DataReader {
        let bytes = range.map { $0.offset..<$0.end } ?? 0..<layout.byteCount
        guard bytes.lowerBound >= 0, bytes.upperBound <= layout.byteCount else {
            throw .dataLost(detail: "a range beyond the data")
        }
        switch layout {
        case .empty:
            return SliceReader([])
        case .copies, .packed:
            let isWhole = bytes.lowerBound == 0 && bytes.upperBound == layout.byteCount
            if let cached = packedCache.find(row.key, row.revision) {
                return SliceReader(isWhole ? cached : Self.cut(cached, Int(bytes.lowerBound)..<Int(bytes.upperBound)))
            }
            let packed = PackedData(plane: self, layout: layout, key: row.key, revision: row.revision, drives: drives)
            let slices = try await packed.read(Int(bytes.lowerBound)..<Int(bytes.upperBound))
            if isWhole { packedCache.keep(slices, of: row.key, row.revision) }
            return SliceReader(slices)
        case .coded(let count, let geometry, let rotation, let blockBytes, let id):
            let data = try CodedData(
                plane: self, count: count, geometry: geometry, rotation: rotation, blockBytes: Int(blockBytes), id: id,
                drives: drives)
            return try await StripeReader.open(data, range: bytes)
        }
    }

    package func rebuild(
        _ layout: DataLayout, key: IndexKey, revision: Position, slot: Int, shares: [Int: Attachment],
        on drives: SetDrives
    ) async throws(SetError) -> Attachment {
        switch layout {
        case .empty:
            return .none
        case .copies, .packed:
            let packed = PackedData(
                plane: self, layout: layout, key: key, revision: revision, drives: drives, shares: shares)
            return try await packed.share(of: slot)
        case .coded(let count, let geometry, let rotation, let blockBytes, let id):
            let data = try CodedData(
                plane: self, count: count, geometry: geometry, rotation: rotation, blockBytes: Int(blockBytes), id: id,
                drives: drives)
            return try await data.rebuildChunk(key, slot: slot, shares: shares)
        }
    }

    /// The part of `slices`, laid end to end, that `range` says.
    private static func cut(_ slices: [BufferSlice], _ range: Range<Int>) -> [BufferSlice] {
        var start = 0
        return slices.compactMap { slice in
            defer { start += slice.count }
            let first = max(range.lowerBound - start, 0), end = min(range.upperBound - start, slice.count)
            guard first < end else { return nil }
            return BufferSlice(buffer: slice.buffer, start: slice.start + first, count: end - first)
        }
    }

    /// A fetch over the shards of one stripe that is under way.
    func fetch(
        _ gather: ShardGather, shards: Int, away: Int, read: @escaping @Sendable (Int) async -> ShardOutcome
    ) -> ShardFetch {
        let fetch = ShardFetch(
            gather, shards: shards, away: away, executor: executor, ticker: ticker, hedgeTicks: parameters.hedgeTicks,
            read: read)
        fetch.start()
        return fetch
    }
}
