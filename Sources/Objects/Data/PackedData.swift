import Base
import Digests
import Drives
import ObjectFormat
import Runtime
import Synchronization

/// Data in log records, attached to the row itself: full copies, or one shard a drive.
struct PackedData: Sendable {
    let plane: ErasurePlane
    let layout: DataLayout
    let key: IndexKey
    let revision: Position
    var drives: SetDrives
    /// Attachments that were found outside rows: they count like rows.
    var shares: [Int: Attachment] = [:]

    /// What the drives said about the row, to tell an overwrite from a loss.
    private final class Witness: Sendable {
        struct Seen {
            var newer = false
            var older = false
            var same = false
            var none = false
            /// Nobody waits any more and the pins may be gone: what a late read finds proves nothing.
            var isOver = false
        }
        let seen = Mutex(Seen())

        /// The row was replaced or deleted since it was read, as far as the drives that answered know.
        var isSuperseded: Bool {
            seen.withLock { $0.newer || $0.none && !$0.same && !$0.older }
        }
    }

    /// The bytes of `range`, verified, in order.
    func read(_ range: Range<Int>) async throws(SetError) -> [BufferSlice] {
        await pin()
        let result = await found(range)
        await unpin()
        return try result.get()
    }

    /// A row's data may be moved or freed between its look-up and its read.
    private func pin() async {
        for drive in drives.drives { await drive?.pin(key) }
    }

    private func unpin() async {
        for drive in drives.drives { await drive?.unpin(key) }
    }

    private func found(_ range: Range<Int>) async -> Result<[BufferSlice], SetError> {
        do throws(SetError) {
            switch layout {
            case .empty, .coded: return .success([])
            case .copies(let count, let slots):
                let copy = try await anyCopy(Int(count), slots: slots.map(Int.init))
                return .success([
                    BufferSlice(buffer: copy.buffer, start: copy.start + range.lowerBound, count: range.count)
                ])
            case .packed(let count, let geometry, let rotation):
                return .success(try await pieces(range, count: Int(count), geometry, rotation: rotation))
            }
        } catch { return .failure(error) }
    }

    private func anyCopy(_ count: Int, slots: [Int]) async throws(SetError) -> BufferSlice {
        let available = slots.filter { $0 < drives.drives.count && drives.drives[$0] != nil || shares[$0] != nil }
        guard let first = available.first else {
            throw .readQuorumLost(detail: "the drives with the copies are away: slots \(slots)")
        }
        // Each slot is a shard that alone gives the data.
        let gather = ShardGather(needed: 1, wanted: SlotMask([first]), available: SlotMask(available))
        let slices = try await fetch(gather, count: count, away: slots.count - available.count) { $0 }
        guard let slice = slices.lazy.compactMap({ $0 }).first else { throw .dataLost(detail: "no copy") }
        return slice
    }

    private func pieces(
        _ range: Range<Int>, count: Int, _ geometry: Geometry, rotation: UInt8
    ) async throws(SetError) -> [BufferSlice] {
        let shardBytes = StripeShape.shardBytes(count, data: geometry.data)
        let pieces = StripeShape.pieces(range, shardBytes: shardBytes)
        let slices = try await shards(
            SlotMask(pieces.map(\.shard)), shardBytes: shardBytes, geometry, rotation: rotation)
        return pieces.compactMap { piece in
            slices[piece.shard].map {
                BufferSlice(buffer: $0.buffer, start: $0.start + piece.range.lowerBound, count: piece.range.count)
            }
        }
    }

    /// At least the wanted shards, by shard.
    private func shards(
        _ wanted: SlotMask, shardBytes: Int, _ geometry: Geometry, rotation: UInt8
    ) async throws(SetError) -> [BufferSlice?] {
        let total = geometry.data + geometry.parity
        let placement = ShardPlacement(rotation: rotation, slots: drives.drives.count, shards: total)
        let available = (0..<total).filter {
            let slot = placement.slot(ofShard: $0)
            return drives.drives[slot] != nil || shares[slot] != nil
        }
        let gather = ShardGather(needed: geometry.data, wanted: wanted, available: SlotMask(available))
        var slices = try await fetch(gather, count: shardBytes, away: total - available.count) {
            placement.slot(ofShard: $0)
        }
        let missing = wanted.slots.filter { slices[$0] == nil }
        guard !missing.isEmpty else { return slices }
        let computed = ShardCompute(geometry, pool: plane.pool).compute(missing, from: slices, count: shardBytes)
        for (shard, slice) in zip(missing, computed) { slices[shard] = slice }
        return slices
    }

    private func fetch(
        _ gather: ShardGather, count: Int, away: Int, slot: @escaping @Sendable (Int) -> Int
    ) async throws(SetError) -> [BufferSlice?] {
        let witness = Witness()
        // Copies are numbered by slot, shards by shard: both are below 16.
        let fetch = plane.fetch(gather, shards: 16, away: away) {
            await self.share(on: slot($0), count: count, witness)
        }
        defer { witness.seen.withLock { $0.isOver = true } }
        do throws(ShardFetch.Failure) {
            return try await fetch.result().slices
        } catch {
            if witness.isSuperseded { throw .superseded }
            switch error {
            case .away: throw .readQuorumLost(detail: "too few drives answer for packed data")
            case .lost: throw .dataLost(detail: "too few shares of packed data are whole")
            }
        }
    }

    /// One slot's share, whatever it is.
    private func share(on slot: Int, count: Int, _ witness: Witness) async -> ShardOutcome {
        switch shares[slot] {
        case .packed(let slice, let checksum)?:
            guard slice.count >= count, BlockChecksum.of(slice.bytes, seed: 0) == checksum else { return .lost }
            return .present(slice)
        case .some(.none), .extents?, nil: break
        }
        guard let drive = drives.drives[slot] else { return .away }
        do throws(DriveError) {
            guard let entry = try await drive.entry(key) else {
                witness.seen.withLock { $0.none = true }
                return .lost
            }
            guard entry.revision == revision else {
                witness.seen.withLock { entry.revision < revision ? ($0.older = true) : ($0.newer = true) }
                return .lost
            }
            witness.seen.withLock { $0.same = true }
            guard case .packed(let location) = entry.stored, Int(location.count) == count else { return .lost }
            return .present(try await drive.read(location))
        } catch {
            if !witness.seen.withLock({ $0.isOver }) { drives.faults.driveFailed(slot: slot, error, key: key) }
            switch error {
            case .checksumMismatch, .damagedFormat: return .lost
            case .io, .poisoned, .noSpace, .foreignDrive, .inUse, .promisedHigher, .shutDown: return .away
            }
        }
    }

    // MARK: Rebuilding

    /// What `target` attaches, made from the other slots' shares.
    func share(of target: Int) async throws(SetError) -> Attachment {
        var others = self
        others.drives.drives[target] = nil
        others.shares[target] = nil
        await others.pin()
        let result = await others.made(for: target)
        await others.unpin()
        return try result.get()
    }

    private func made(for target: Int) async -> Result<Attachment, SetError> {
        do throws(SetError) {
            switch layout {
            case .empty, .coded:
                return .success(.none)
            case .copies(let count, let slots):
                guard slots.contains(where: { Int($0) == target }) else { return .success(.none) }
                let others = slots.map(Int.init).filter { $0 != target }
                return .success(Self.attachment(try await anyCopy(Int(count), slots: others)))
            case .packed(let count, let geometry, let rotation):
                let total = geometry.data + geometry.parity
                let placement = ShardPlacement(rotation: rotation, slots: drives.drives.count, shards: total)
                guard let shard = placement.shard(ofSlot: target) else { return .success(.none) }
                let slices = try await shards(
                    SlotMask([shard]), shardBytes: StripeShape.shardBytes(Int(count), data: geometry.data), geometry,
                    rotation: rotation)
                guard let slice = slices[shard] else {
                    throw .dataLost(detail: "a share that was computed is not there")
                }
                return .success(Self.attachment(slice))
            }
        } catch { return .failure(error) }
    }

    private static func attachment(_ slice: BufferSlice) -> Attachment {
        .packed(slice, checksum: BlockChecksum.of(slice.bytes, seed: 0))
    }
}
