import Digests
import Drives
import ObjectFormat
import Runtime

/// Makes a lost share of a chunk again from those of the other drives.
extension CodedData {
    func rebuildChunk(_ key: IndexKey, slot: Int, shares: [Int: Attachment]) async throws(SetError) -> Attachment {
        guard let shard = placement.shard(ofSlot: slot) else { return .none }
        guard let target = drives.drives[slot] else {
            throw .writeQuorumLost(detail: "the drive to rebuild on, slot \(slot), is away")
        }
        let chunk = key.bytes.suffix(4).reduce(0) { $0 << 8 | Int($1) }
        guard key == DataRow.key(id, chunk: chunk), chunk * DataRow.stripesPerChunk < stripes else {
            throw .dataLost(detail: "a row that does not belong to data \(id)")
        }
        var others = self
        others.drives.drives[slot] = nil
        for drive in others.drives.drives { await drive?.pin(key) }
        let result = await others.rebuild(key, chunk: chunk, shard: shard, on: target, shares: shares)
        for drive in others.drives.drives { await drive?.unpin(key) }
        return try result.get()
    }

    private func rebuild(
        _ key: IndexKey, chunk: Int, shard: Int, on target: any Drive, shares: [Int: Attachment]
    ) async -> Result<Attachment, SetError> {
        var written = WrittenShare()
        do throws(SetError) {
            let sources = try await self.shares(chunk: chunk, extra: shares.filter { drives.drives[$0.key] != nil })
            let seed = BlockSeed(key)
            for index in 0..<blocks(inChunk: chunk) {
                let stripe = chunk * DataRow.stripesPerChunk + index
                let block = try await computed(shard, stripe: stripe, from: sources)
                written.checksums.append(BlockChecksum.of(block.bytes, seed: seed.of(block: index, shard: shard)))
                do throws(DriveError) {
                    try await written.append(block, blocksLeft: blocks(inChunk: chunk) - index, of: self, on: target)
                } catch { throw SetError(writing: error) }
            }
            do throws(DriveError) { try await target.syncData() } catch { throw SetError(writing: error) }
            return .success(
                .extents(written.extents, blockBytes: shape.blockBytes, checksums: written.checksums))
        } catch {
            await target.release(written.extents)
            return .failure(error)
        }
    }

    /// A block as it lies on a drive, padded to whole pages.
    private func computed(_ shard: Int, stripe: Int, from sources: [ChunkShare?]) async throws(SetError) -> BufferSlice
    {
        let available = SlotMask(sources.indices.filter { sources[$0] != nil }).intersection(here)
        let gather = ShardGather(needed: geometry.data, wanted: SlotMask([shard]), available: available)
        let fetch = plane.fetch(gather, shards: shards, away: shards - here.count) { other in
            await block(stripe: stripe, shard: other, sources[other], reports: { true })
        }
        do throws(ShardFetch.Failure) {
            let result = try await fetch.result()
            let made = ShardCompute(geometry, pool: plane.pool).compute(
                [shard], from: result.slices, count: storedBytes(stripe: stripe))
            return made[0]
        } catch {
            switch error {
            case .away: throw .readQuorumLost(detail: "too few drives answer for stripe \(stripe) of data \(id)")
            case .lost: throw .dataLost(detail: "too few blocks of stripe \(stripe) of data \(id) are whole")
            }
        }
    }
}

/// Extents being filled block by block.
private struct WrittenShare {
    var extents: [Extent] = []
    var checksums: [UInt64] = []
    private var free = 0

    mutating func append(
        _ block: BufferSlice, blocksLeft: Int, of data: CodedData, on drive: any Drive
    ) async throws(DriveError) {
        if free < block.count {
            // The last block may be short: only full ones are reserved together with others.
            let full = min(blocksLeft - 1, data.plane.parameters.extentBlocksMax)
            let bytes = max(full * data.shape.blockBytes, block.count)
            let extent = try await drive.reserve(bytes)
            extents.append(extent)
            free = extent.byteCount
        }
        guard let extent = extents.last else { return }
        try await drive.write(block, to: extent, at: extent.byteCount - free)
        free -= block.count
    }
}

extension SetError {
    /// What a failed write on one drive means when that drive is the one that matters.
    init(writing error: DriveError) {
        switch error {
        case .noSpace: self = .noSpace
        case .io, .poisoned, .checksumMismatch, .damagedFormat, .foreignDrive, .inUse, .promisedHigher, .shutDown:
            self = .writeQuorumLost(detail: "\(error)")
        }
    }
}
