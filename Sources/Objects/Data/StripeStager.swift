import Base
import Digests
import Drives
import ObjectFormat
import Runtime
import Synchronization

/// Takes data in order and stages it on the drives of a set.
///
/// Data that fits in log records is kept until `finish`. More than that is cut into stripes; parity and checksums are made on the
/// caller's executor while the stripe is in cache, then the stripe's blocks go to the drives' executor at once. At most a few
/// stripes are under way. A drive that fails or stalls is left out, as long as enough others are good.
///
///     filling ── finish() ──▶ finished ── handedOver(to:) ──▶ handed over
///        └───────────┴─────── abandon() ──▶ abandoned
final class StripeStager: DataStager, Ticked {
    enum Phase { case filling, finished, abandoned, handedOver }

    struct State {
        var phase = Phase.filling
        var buffer: IOBuffer?
        /// Of the buffer: what may be filled, what is, and how much was handed out last.
        var capacity = 0
        var filled = 0
        var handed = 0
        var total: Int64 = 0
        var hasEnded = false
        var nextStripe = 0
        /// By slot.
        var lanes: [StagingLane?]
        /// Slots that have not answered, by stripe; the last sync counts as a stripe of its own.
        var underWay: [Int: SlotMask] = [:]
        var waiter: (below: Int, continuation: CheckedContinuation<Void, Never>)?
        var waitedTicks = 0
        var ticket: UInt64?
        var failure: SetError?

        var good: SlotMask { SlotMask(lanes.indices.filter { lanes[$0]?.isGood == true }) }

        /// Whoever waits, if there is no reason to any more.
        mutating func woken() -> CheckedContinuation<Void, Never>? {
            guard let waiter, underWay.count < waiter.below || failure != nil else { return nil }
            self.waiter = nil
            return waiter.continuation
        }
    }

    static let syncStripe = Int.max

    let plane: ErasurePlane
    let hint: Int64?
    let geometry: Geometry
    let rotation: UInt8
    let faults: any DriveFaultSink
    let shape: StripeShape
    let id: UniqueID
    let encoder: StripeEncoder
    let state: Mutex<State>

    init(plane: ErasurePlane, hint: Int64?, drives: SetDrives) {
        self.plane = plane
        self.hint = hint
        geometry = drives.geometry
        rotation = drives.rotation
        faults = drives.faults
        shape = StripeShape(data: drives.geometry.data)
        id = UniqueID(random: plane.random)
        encoder = StripeEncoder(drives.geometry, pool: plane.pool)
        let placement = ShardPlacement(
            rotation: drives.rotation, slots: drives.drives.count,
            shards: drives.geometry.data + drives.geometry.parity)
        state = Mutex(
            State(
                lanes: drives.drives.enumerated().map { slot, drive in
                    guard let drive, let shard = placement.shard(ofSlot: slot) else { return nil }
                    return StagingLane(drive: drive, shard: shard)
                }))
    }

    /// Drives that must have the data when it is acknowledged (rule 1).
    var required: Int { max(geometry.data, Quorum(geometry).write) }

    // MARK: Filling

    func nextBuffer() async throws(SetError) -> BufferSlice {
        try await wait(below: plane.parameters.stripesInFlightMax)
        let room = geometry.data * StripeShape.shardAlignment
        let slice: BufferSlice? = state.withLock { state in
            guard state.phase == .filling, !state.hasEnded else { return nil }
            let buffer = buffer(&state, room: room)
            state.handed = state.capacity - state.filled
            return buffer.slice(state.filled, state.handed)
        }
        guard let slice else { throw .shutDown }
        return slice
    }

    /// The buffer to fill, with room for at least a byte. Small data gets a small buffer: a stripe is taken only for what needs it.
    private func buffer(_ state: inout State, room: Int) -> IOBuffer {
        if let buffer = state.buffer, state.filled < state.capacity { return buffer }
        let left = hint.map { $0 - state.total }
        let wanted: Int
        switch left {
        case .some(let left) where left > 0: wanted = Int(min(left, Int64(shape.stripeBytes)))
        // Beyond what was announced there is nothing as a rule: the caller only looks for the end.
        case .some: wanted = 4096 - room
        case nil: wanted = 64 << 10
        }
        guard let old = state.buffer else {
            return take(&state, capacity: min(max(wanted, 1), shape.stripeBytes), room: room)
        }
        if old.capacity - room > state.filled {
            state.capacity = min(old.capacity - room, shape.stripeBytes)
            return old
        }
        let grown = take(
            &state, capacity: min(max(state.filled * 2, state.filled + wanted), shape.stripeBytes), room: room)
        grown.base.copyMemory(from: old.base, byteCount: state.filled)
        return grown
    }

    /// `room` is for the zeros behind shards of data that is less than a stripe.
    private func take(_ state: inout State, capacity: Int, room: Int) -> IOBuffer {
        let buffer = plane.pool.take(capacity == shape.stripeBytes ? capacity : capacity + room)
        state.buffer = buffer
        state.capacity = capacity
        return buffer
    }

    func filled(_ count: Int) async throws(SetError) {
        let full: (buffer: IOBuffer, stripe: Int)? = state.withLock { state in
            precondition(count >= 0 && count <= state.handed, "no more is filled than was handed out")
            state.filled += count
            state.total += Int64(count)
            state.hasEnded = count < state.handed
            state.handed = 0
            guard state.filled == shape.stripeBytes, let buffer = state.buffer else { return nil }
            state.buffer = nil
            state.capacity = 0
            state.filled = 0
            state.nextStripe += 1
            return (buffer, state.nextStripe - 1)
        }
        if let full { send(full.buffer, count: shape.stripeBytes, stripe: full.stripe) }
        if let failure = state.withLock({ $0.failure }) { throw failure }
    }

    // MARK: Sending stripes

    private func send(_ buffer: IOBuffer, count: Int, stripe: Int) {
        let chunk = stripe / DataRow.stripesPerChunk, index = stripe % DataRow.stripesPerChunk
        let seed = BlockSeed(DataRow.key(id, chunk: chunk))
        let seeds = (0..<geometry.data + geometry.parity).map { seed.of(block: index, shard: $0) }
        var stored = shape.blockBytes, source = buffer
        if count < shape.stripeBytes {
            let shardBytes = StripeShape.shardBytes(count, data: geometry.data)
            stored = StripeShape.rounded(shardBytes, to: StripeShape.pageBytes)
            source = encoder.spread(buffer, count: count, shardBytes: shardBytes, stored: stored)
        }
        let shards = encoder.encode(source, count: geometry.data * stored, shardBytes: stored, seeds: seeds)
        let isFirst = state.withLock { state in
            let good = state.good
            for slot in good.slots {
                guard let shard = state.lanes[slot]?.shard else { continue }
                state.lanes[slot]?.enqueue(
                    StagingLane.Block(stripe: stripe, slice: shards[shard].slice), checksum: shards[shard].checksum)
            }
            if !good.isEmpty { state.underWay[stripe] = good }
            return state.ticket == nil
        }
        if isFirst {
            let ticket = plane.ticker.add(self)
            state.withLock { $0.ticket = ticket }
        }
        // One crossing for the whole stripe.
        plane.executor.spawn { self.startLanes() }
    }

    private func startLanes() {
        let idle = state.withLock { state in
            state.lanes.indices.filter { slot in
                guard let lane = state.lanes[slot], lane.isGood, !lane.isDraining, !lane.queue.isEmpty else {
                    return false
                }
                state.lanes[slot]?.isDraining = true
                return true
            }
        }
        for slot in idle { plane.executor.spawn { await self.drain(slot) } }
    }

    /// Gives a drive its queued blocks, in order; the writes themselves run side by side.
    private func drain(_ slot: Int) async {
        while true {
            let (drive, step): ((any Drive)?, StagingLane.Step) = state.withLock { state in
                let total = hint.map { shape.stripeCount(max($0, state.total)) }
                let step =
                    state.lanes[slot]?.step(
                        blockBytes: shape.blockBytes, extentBlocksMax: plane.parameters.extentBlocksMax,
                        totalStripes: total) ?? .rest
                if case .rest = step {
                    state.lanes[slot]?.isDraining = false
                } else {
                    state.lanes[slot]?.callsUnderWay += 1
                }
                return (state.lanes[slot]?.drive, step)
            }
            guard let drive else { return }
            switch step {
            case .rest: return
            case .reserve(let bytes, let atLeast):
                do throws(DriveError) {
                    let extent = try await reserve(bytes, atLeast: atLeast, on: drive)
                    state.withLock { $0.lanes[slot]?.reserved(extent) }
                    callEnded(slot)
                } catch {
                    callEnded(slot)
                    leaveOut(slot, error)
                }
            case .write(let block, let extent, let offset):
                plane.executor.spawn {
                    do throws(DriveError) {
                        try await drive.write(block.slice, to: extent, at: offset)
                        self.callEnded(slot, stripe: block.stripe)
                    } catch {
                        self.callEnded(slot)
                        self.leaveOut(slot, error)
                    }
                }
            }
        }
    }

    /// A drive that is nearly full may have room for less at a time.
    private func reserve(_ bytes: Int, atLeast: Int, on drive: any Drive) async throws(DriveError) -> Extent {
        var wanted = bytes
        while true {
            do throws(DriveError) { return try await drive.reserve(wanted) } catch {
                guard case .noSpace = error, wanted > atLeast else { throw error }
                wanted = max(wanted / 2 / shape.blockBytes * shape.blockBytes, atLeast)
            }
        }
    }

    // MARK: Drives that answer, fail or stall

    /// A call on the slot's drive returned; with a stripe, its block is written (or synced) there.
    func callEnded(_ slot: Int, stripe: Int? = nil) {
        let waiter = state.withLock { state in
            state.lanes[slot]?.callsUnderWay -= 1
            if let stripe, state.underWay[stripe] != nil {
                state.underWay[stripe]?.remove(slot)
                if state.underWay[stripe]?.isEmpty == true {
                    state.underWay[stripe] = nil
                    state.waitedTicks = 0
                }
            }
            return state.woken()
        }
        waiter?.resume()
        releaseIdle()
    }

    /// Goes on without a drive. Its blocks so far are given back once nothing is being written to them.
    func leaveOut(_ slot: Int, _ error: DriveError?) {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard state.lanes[slot]?.isGood == true else { return nil }
            state.lanes[slot]?.isGood = false
            state.lanes[slot]?.mustRelease = true
            state.lanes[slot]?.clearQueue()
            if case .noSpace? = error { state.lanes[slot]?.ranOutOfSpace = true }
            for stripe in state.underWay.keys.sorted() {
                state.underWay[stripe]?.remove(slot)
                if state.underWay[stripe]?.isEmpty == true { state.underWay[stripe] = nil }
            }
            let good = state.good.count
            if good < required, state.failure == nil {
                let isFull = state.lanes.contains { $0?.ranOutOfSpace == true }
                state.failure =
                    isFull
                    ? .noSpace : .writeQuorumLost(detail: "\(good) drives take the data, \(required) are needed")
            }
            return state.woken()
        }
        if let error { faults.driveFailed(slot: slot, error, key: nil) }
        waiter?.resume()
        releaseIdle()
    }

    /// Gives back what drives that are left out hold, except where a call is still under way.
    private func releaseIdle() {
        for (drive, extents) in takeReleasable() {
            plane.executor.spawn { await drive.release(extents) }
        }
    }

    private func takeReleasable() -> [(any Drive, [Extent])] {
        state.withLock { state in
            state.lanes.indices.compactMap { slot in
                guard let lane = state.lanes[slot], lane.mustRelease, lane.callsUnderWay == 0 else { return nil }
                let extents = lane.allExtents
                state.lanes[slot]?.forgetExtents()
                return extents.isEmpty ? nil : (lane.drive, extents)
            }
        }
    }

    func tick() {
        let slow = state.withLock { state -> SlotMask in
            guard state.waiter != nil else {
                state.waitedTicks = 0
                return SlotMask()
            }
            state.waitedTicks += 1
            guard state.waitedTicks >= plane.parameters.stallTicks, let oldest = state.underWay.keys.min(),
                let slow = state.underWay[oldest]
            else { return SlotMask() }
            state.waitedTicks = 0
            return state.good.count - slow.count >= required ? slow : SlotMask()
        }
        for slot in slow.slots { leaveOut(slot, nil) }
    }

    /// Waits until fewer than `below` stripes are under way.
    func wait(below: Int) async throws(SetError) {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let isReady = state.withLock { state in
                if state.underWay.count < below || state.failure != nil { return true }
                state.waiter = (below, continuation)
                state.waitedTicks = 0
                return false
            }
            if isReady { continuation.resume() }
        }
        if let failure = state.withLock({ $0.failure }) { throw failure }
    }

    // MARK: The end

    func finish() async throws(SetError) -> any StagedData {
        let (rest, stripe): ((buffer: IOBuffer, count: Int)?, Int) = state.withLock { state in
            let rest = state.filled > 0 ? state.buffer.map { (buffer: $0, count: state.filled) } : nil
            let isPacked = state.nextStripe == 0 && state.filled <= shape.packedLimit
            state.buffer = nil
            state.hasEnded = true
            guard !isPacked, rest != nil else { return (rest, isPacked ? -1 : state.nextStripe) }
            state.nextStripe += 1
            return (rest, state.nextStripe - 1)
        }
        if stripe < 0 {
            let staged = try packed(rest)
            finished()
            return staged
        }
        if let rest { send(rest.buffer, count: rest.count, stripe: stripe) }
        try await wait(below: 1)
        try await sync()
        let staged = coded()
        finished()
        return staged
    }

    private func finished() {
        let ticket = state.withLock { state in
            if state.phase == .filling { state.phase = .finished }
            defer { state.ticket = nil }
            return state.ticket
        }
        if let ticket { plane.ticker.remove(ticket) }
    }

    private func sync() async throws(SetError) {
        let drives = state.withLock { state in
            let good = state.good
            state.underWay[Self.syncStripe] = good
            return good.slots.compactMap { slot in
                state.lanes[slot]?.callsUnderWay += 1
                return state.lanes[slot].map { (slot, $0.drive) }
            }
        }
        plane.executor.spawn {
            for (slot, drive) in drives {
                self.plane.executor.spawn {
                    do throws(DriveError) {
                        try await drive.syncData()
                        self.callEnded(slot, stripe: Self.syncStripe)
                    } catch {
                        self.callEnded(slot)
                        self.leaveOut(slot, error)
                    }
                }
            }
        }
        try await wait(below: 1)
    }

    private func coded() -> StagedObject {
        let (total, lanes, surplus) = state.withLock { state in
            let total = state.total
            var surplus: [(any Drive, [Extent])] = []
            for slot in state.good.slots {
                let extents = state.lanes[slot]?.trim { usedBytes(chunk: $0, of: total) } ?? []
                if let drive = state.lanes[slot]?.drive, !extents.isEmpty { surplus.append((drive, extents)) }
            }
            return (total, state.lanes, surplus)
        }
        for (drive, extents) in surplus { plane.executor.spawn { await drive.release(extents) } }
        let layout = DataLayout.coded(
            count: total, geometry: geometry, rotation: rotation, blockBytes: Int32(shape.blockBytes), id: id)
        let chunks = (0..<DataRow.chunkCount(layout)).map { chunk in
            lanes.map { lane -> Attachment in
                guard let lane, lane.isGood, chunk < lane.extents.count else { return .none }
                return .extents(
                    lane.extents[chunk], blockBytes: shape.blockBytes, checksums: lane.checksums[chunk])
            }
        }
        return StagedObject(
            layout: layout, slots: SlotMask(lanes.indices.filter { lanes[$0]?.isGood == true }), attachments: [],
            chunks: chunks, stager: self)
    }

    private func usedBytes(chunk: Int, of total: Int64) -> Int {
        let stripes = shape.stripeCount(total), first = chunk * DataRow.stripesPerChunk
        let last = min(first + DataRow.stripesPerChunk, stripes) - 1
        let shard = shape.shardBytes(stripe: last, of: total)
        return (last - first) * shape.blockBytes + StripeShape.rounded(shard, to: StripeShape.pageBytes)
    }

    /// Nothing is staged for small data: it rides in the commit's record.
    private func packed(_ rest: (buffer: IOBuffer, count: Int)?) throws(SetError) -> StagedObject {
        let here = state.withLock { $0.good }
        let slots = state.withLock { $0.lanes.count }
        guard let rest else {
            return StagedObject(layout: .empty, slots: here, attachments: [], chunks: [], stager: self)
        }
        var attachments = [Attachment](repeating: .none, count: slots)
        // With one data shard a shard is a copy.
        if rest.count <= plane.parameters.fullCopyLimit || geometry.data == 1 {
            let order = (0..<slots).map { (Int(rotation) + $0) % slots }.filter(here.contains)
            let copies = order.prefix(geometry.parity + 1).sorted()
            guard copies.count >= max(1, geometry.parity) else {
                throw .writeQuorumLost(detail: "\(copies.count) drives take a copy")
            }
            let slice = rest.buffer.slice(0, rest.count)
            let checksum = BlockChecksum.of(slice.bytes, seed: 0)
            for slot in copies { attachments[slot] = .packed(slice, checksum: checksum) }
            return StagedObject(
                layout: .copies(count: Int64(rest.count), slots: copies.map { UInt8($0) }), slots: SlotMask(copies),
                attachments: attachments, chunks: [], stager: self)
        }
        let shards = encoder.encode(
            rest.buffer, count: rest.count, shardBytes: StripeShape.shardBytes(rest.count, data: geometry.data),
            seeds: Array(repeating: 0, count: geometry.data + geometry.parity))
        for slot in here.slots {
            guard let shard = state.withLock({ $0.lanes[slot]?.shard }) else { continue }
            attachments[slot] = .packed(shards[shard].slice, checksum: shards[shard].checksum)
        }
        return StagedObject(
            layout: .packed(count: Int64(rest.count), geometry: geometry, rotation: rotation), slots: here,
            attachments: attachments, chunks: [], stager: self)
    }

    /// The commit is in the logs of these drives: what was staged there is theirs. Elsewhere it is free again.
    func handedOver(to taken: SlotMask) {
        state.withLock { state in
            guard state.phase != .abandoned else { return }
            state.phase = .handedOver
            for slot in state.lanes.indices where state.lanes[slot]?.isGood == true {
                if taken.contains(slot) {
                    state.lanes[slot]?.forgetExtents()
                } else {
                    state.lanes[slot]?.isGood = false
                    state.lanes[slot]?.mustRelease = true
                }
            }
        }
        releaseIdle()
    }

    func abandon() async {
        let isDone = state.withLock { state in
            guard state.phase != .handedOver, state.phase != .abandoned else { return true }
            state.phase = .abandoned
            state.buffer = nil
            state.hasEnded = true
            state.underWay = [:]
            for slot in state.lanes.indices {
                state.lanes[slot]?.isGood = false
                state.lanes[slot]?.mustRelease = true
                state.lanes[slot]?.clearQueue()
            }
            return false
        }
        guard !isDone else { return }
        finished()
        for (drive, extents) in takeReleasable() { await drive.release(extents) }
    }
}
