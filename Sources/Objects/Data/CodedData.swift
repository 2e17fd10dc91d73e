import Base
import Digests
import Drives
import ObjectFormat
import Runtime

/// Data in extents, coded stripe by stripe, as one reader or rebuilder sees it.
struct CodedData: Sendable {
    let plane: ErasurePlane
    let count: Int64
    let geometry: Geometry
    let shape: StripeShape
    let placement: ShardPlacement
    let id: UniqueID
    var drives: SetDrives

    init(
        plane: ErasurePlane, count: Int64, geometry: Geometry, rotation: UInt8, blockBytes: Int, id: UniqueID,
        drives: SetDrives
    ) throws(SetError) {
        guard let shape = StripeShape(data: geometry.data, blockBytes: blockBytes), count > 0, geometry.parity >= 0,
            geometry.data + geometry.parity <= drives.drives.count
        else { throw .dataLost(detail: "a layout that no writer makes") }
        self.plane = plane
        self.count = count
        self.geometry = geometry
        self.shape = shape
        self.id = id
        self.drives = drives
        placement = ShardPlacement(
            rotation: rotation, slots: drives.drives.count, shards: geometry.data + geometry.parity)
    }

    var shards: Int { placement.shards }
    var stripes: Int { shape.stripeCount(count) }

    /// Shards whose drives are here.
    var here: SlotMask {
        SlotMask((0..<shards).filter { drives.drives[placement.slot(ofShard: $0)] != nil })
    }

    func chunk(of stripe: Int) -> Int { stripe / DataRow.stripesPerChunk }
    func blocks(inChunk chunk: Int) -> Int {
        min(DataRow.stripesPerChunk, stripes - chunk * DataRow.stripesPerChunk)
    }

    /// A block as it lies on the drive: the shard and zeros up to the end of its last page.
    func storedBytes(stripe: Int) -> Int {
        StripeShape.rounded(shape.shardBytes(stripe: stripe, of: count), to: StripeShape.pageBytes)
    }

    // MARK: Rows

    /// What each shard's drive says of a chunk: of all drives, or of those that answered in time if they are enough. Read while
    /// the chunk's key is pinned, all at once, because a row may be deleted while its data is still being read.
    func shares(chunk: Int, extra: [Int: Attachment] = [:]) async throws(SetError) -> [ChunkShare?] {
        let key = DataRow.key(id, chunk: chunk)
        let rows = ChunkRows(count: shards)
        let here = self.here
        let gather = ShardGather(needed: geometry.data, wanted: here, available: here, isPatient: true)
        let fetch = plane.fetch(gather, shards: shards, away: shards - here.count) { shard in
            await self.row(key, chunk: chunk, shard: shard, into: rows)
        }
        do throws(ShardFetch.Failure) { _ = try await fetch.result() } catch {
            // What did answer is looked at below.
        }
        var found = rows.snapshot
        for (slot, attachment) in extra.sorted(by: { $0.key < $1.key }) {
            guard let shard = placement.shard(ofSlot: slot) else { continue }
            if case .extents(let extents, let blockBytes, let checksums) = attachment,
                let share = share(extents, blockBytes, checksums, chunk: chunk)
            {
                found.shares[shard] = share
            }
        }
        let count = found.shares.count { $0 != nil }
        guard count >= geometry.data else {
            if found.absent > 0, count == 0, found.damaged == 0 { throw .superseded }
            let unknown = shards - count - found.absent - found.damaged
            throw count + unknown >= geometry.data
                ? .readQuorumLost(detail: "\(count) of \(geometry.data) drives answer for data \(id)")
                : .dataLost(detail: "\(count) of \(geometry.data) shares of data \(id) are left")
        }
        return found.shares
    }

    private func row(_ key: IndexKey, chunk: Int, shard: Int, into rows: ChunkRows) async -> ShardOutcome {
        let slot = placement.slot(ofShard: shard)
        guard let drive = drives.drives[slot] else { return .away }
        do throws(DriveError) {
            guard let entry = try await drive.entry(key) else {
                rows.absent()
                return .lost
            }
            guard case .extents(let extents, let blockBytes, let checksums) = entry.stored,
                let share = share(extents, blockBytes, checksums, chunk: chunk)
            else {
                rows.damaged()
                drives.faults.driveFailed(slot: slot, .damagedFormat(what: "the extents of data \(id)"), key: key)
                return .lost
            }
            rows.found(share, shard: shard)
            return .present(plane.empty)
        } catch {
            drives.faults.driveFailed(slot: slot, error, key: key)
            return .away
        }
    }

    private func share(_ extents: [Extent], _ blockBytes: Int, _ checksums: [UInt64], chunk: Int) -> ChunkShare? {
        let blocks = blocks(inChunk: chunk)
        let last = chunk * DataRow.stripesPerChunk + blocks - 1
        return ChunkShare(
            extents: extents, blockBytes: blockBytes, checksums: checksums, shape: shape,
            lastBlockBytes: storedBytes(stripe: last), blocks: blocks)
    }

    // MARK: Blocks

    /// Reads one block, and verifies it unless the caller will. Runs on the drives' executor. `reports` is asked at the end: a block
    /// that was read after the pins went proves nothing.
    func block(
        stripe: Int, shard: Int, _ share: ChunkShare?, verifies: Bool = true, reports: @Sendable () -> Bool
    ) async -> ShardOutcome {
        let slot = placement.slot(ofShard: shard)
        guard let share else { return .lost }
        guard let drive = drives.drives[slot] else { return .away }
        let chunk = chunk(of: stripe), index = stripe % DataRow.stripesPerChunk, bytes = storedBytes(stripe: stripe)
        let key = DataRow.key(id, chunk: chunk)
        let slice = plane.pool.take(bytes).slice(0, bytes)
        do throws(DriveError) {
            var filled = 0
            for part in share.parts(offset: index * shape.blockBytes, count: bytes) {
                try await drive.read(part.extent, at: part.offset, into: slice.buffer.slice(filled, part.count))
                filled += part.count
            }
            if verifies { try verify(slice, stripe: stripe, shard: shard, share) }
            return .present(slice)
        } catch {
            if reports() { drives.faults.driveFailed(slot: slot, error, key: key) }
            switch error {
            case .checksumMismatch, .damagedFormat: return .lost
            case .io, .poisoned, .noSpace, .foreignDrive, .inUse, .promisedHigher, .shutDown: return .away
            }
        }
    }

    /// Compares a block with its checksum: before a byte of it is served or used, on whichever executor that happens.
    func verify(_ slice: BufferSlice, stripe: Int, shard: Int, _ share: ChunkShare) throws(DriveError) {
        let chunk = chunk(of: stripe), index = stripe % DataRow.stripesPerChunk
        let seed = BlockSeed(DataRow.key(id, chunk: chunk)).of(block: index, shard: shard)
        let found = BlockChecksum.of(slice.bytes, seed: seed)
        withExtendedLifetime(slice) {}
        guard found == share.checksums[index] else {
            throw .checksumMismatch(what: "block \(index) of chunk \(chunk) of data \(id)")
        }
    }
}
