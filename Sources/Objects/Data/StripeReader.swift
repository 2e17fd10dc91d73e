import Base
import Drives
import ObjectFormat
import Runtime
import Synchronization

/// Reads coded data stripe by stripe, a few stripes ahead, in the order in which it is handed out: each data shard's block is a
/// slice of its own, straight from the drive's buffer.
final class StripeReader: DataReader {
    private struct State {
        var nextStripe: Int
        var fetches: [(stripe: Int, fetch: ShardFetch)] = []
        var slices: ArraySlice<BufferSlice> = []
        /// Shards whose drives failed or were slow: asked last from then on.
        var avoided = SlotMask()
        var isClosed = false
    }

    private let data: CodedData
    private let range: Range<Int64>
    private let firstChunk: Int
    /// By chunk in the range, then by shard.
    private let chunks: [[ChunkShare?]]
    private let compute: ShardCompute
    private let state: Mutex<State>

    static func open(_ data: CodedData, range: Range<Int64>) async throws(SetError) -> any DataReader {
        guard !range.isEmpty else { return SliceReader([]) }
        let stripe = Int64(data.shape.stripeBytes)
        let first = data.chunk(of: Int(range.lowerBound / stripe))
        let last = data.chunk(of: Int((range.upperBound - 1) / stripe))
        for chunk in first...last { await pin(data, chunk) }
        do throws(SetError) {
            var chunks: [[ChunkShare?]] = []
            for chunk in first...last { chunks.append(try await data.shares(chunk: chunk)) }
            return StripeReader(data, range: range, firstChunk: first, chunks: chunks)
        } catch {
            for chunk in first...last { await unpin(data, chunk) }
            throw error
        }
    }

    private static func pin(_ data: CodedData, _ chunk: Int) async {
        for drive in data.drives.drives { await drive?.pin(DataRow.key(data.id, chunk: chunk)) }
    }

    private static func unpin(_ data: CodedData, _ chunk: Int) async {
        for drive in data.drives.drives { await drive?.unpin(DataRow.key(data.id, chunk: chunk)) }
    }

    private init(_ data: CodedData, range: Range<Int64>, firstChunk: Int, chunks: [[ChunkShare?]]) {
        self.data = data
        self.range = range
        self.firstChunk = firstChunk
        self.chunks = chunks
        compute = ShardCompute(data.geometry, pool: data.plane.pool)
        state = Mutex(State(nextStripe: Int(range.lowerBound / Int64(data.shape.stripeBytes))))
    }

    func next() async throws(SetError) -> BufferSlice? {
        while true {
            if let slice = state.withLock({ $0.slices.popFirst() }) { return slice }
            readAhead()
            guard let first = state.withLock({ $0.fetches.first }) else { return nil }
            let slices = try await verifiedSlices(of: first.stripe, first.fetch)
            state.withLock { state in
                if !state.fetches.isEmpty { state.fetches.removeFirst() }
                state.slices = state.isClosed ? [] : slices[...]
            }
        }
    }

    /// Ends the reading. Reads under way end by themselves; nobody looks at what they bring.
    func close() async {
        let wasOpen = state.withLock { state in
            defer {
                state.isClosed = true
                state.slices = []
                state.fetches = []
            }
            return !state.isClosed
        }
        guard wasOpen else { return }
        let data = self.data, chunks = firstChunk..<firstChunk + self.chunks.count
        // One crossing to the drives' executor for all pins, which nobody has to wait for.
        data.plane.executor.spawn {
            for chunk in chunks { await Self.unpin(data, chunk) }
        }
    }

    // MARK: Fetching

    private var lastStripe: Int { Int((range.upperBound - 1) / Int64(data.shape.stripeBytes)) }

    private func readAhead() {
        while true {
            let stripe = state.withLock { state -> (number: Int, avoided: SlotMask)? in
                guard !state.isClosed, state.nextStripe <= lastStripe,
                    state.fetches.count <= data.plane.parameters.readAhead
                else { return nil }
                state.nextStripe += 1
                return (state.nextStripe - 1, state.avoided)
            }
            guard let stripe else { return }
            let fetch = fetch(stripe.number, avoided: stripe.avoided)
            state.withLock { $0.fetches.append((stripe.number, fetch)) }
        }
    }

    private func fetch(_ stripe: Int, avoided: SlotMask, damaged: SlotMask = SlotMask()) -> ShardFetch {
        let shares = chunks[data.chunk(of: stripe) - firstChunk]
        let available = SlotMask(shares.indices.filter { shares[$0] != nil }).intersection(data.here)
            .subtracting(damaged)
        let gather = ShardGather(
            needed: data.geometry.data, wanted: SlotMask(pieces(of: stripe).map(\.shard)), available: available,
            avoided: avoided)
        return data.plane.fetch(gather, shards: data.shards, away: data.shards - data.here.count) { shard in
            let outcome = await self.data.block(stripe: stripe, shard: shard, shares[shard], verifies: false) {
                self.isOpen
            }
            if case .present = outcome { return outcome }
            self.avoid(SlotMask([shard]))
            return outcome
        }
    }

    private var isOpen: Bool { state.withLock { !$0.isClosed } }

    private func avoid(_ shards: SlotMask) {
        state.withLock { $0.avoided = $0.avoided.union(shards) }
    }

    /// What this read needs of a stripe.
    private func pieces(of stripe: Int) -> [(shard: Int, range: Range<Int>)] {
        let start = Int64(stripe) * Int64(data.shape.stripeBytes)
        let bytes = data.shape.dataBytes(stripe: stripe, of: data.count)
        let wanted = Int(max(range.lowerBound - start, 0))..<Int(min(range.upperBound - start, Int64(bytes)))
        return StripeShape.pieces(wanted, shardBytes: data.shape.shardBytes(stripe: stripe, of: data.count))
    }

    /// The stripe's data, every block of it verified. A block that does not match is as good as none: the stripe is read again
    /// without it.
    private func verifiedSlices(of stripe: Int, _ first: ShardFetch) async throws(SetError) -> [BufferSlice] {
        var fetch = first, damaged = SlotMask()
        while true {
            let result = try await result(of: stripe, fetch)
            let found = self.damaged(result, stripe: stripe)
            guard !found.isEmpty else { return slices(of: stripe, result) }
            await report(found, stripe: stripe)
            damaged = damaged.union(SlotMask(found.map(\.shard)))
            avoid(damaged)
            fetch = self.fetch(stripe, avoided: state.withLock { $0.avoided }, damaged: damaged)
        }
    }

    /// Verified here, on the reader's executor: the blocks come into the core's cache and are sent from there.
    private func damaged(_ result: ShardFetch.Result, stripe: Int) -> [(shard: Int, error: DriveError)] {
        let shares = chunks[data.chunk(of: stripe) - firstChunk]
        var damaged: [(shard: Int, error: DriveError)] = []
        for (shard, slice) in result.slices.enumerated() {
            guard let slice, let share = shares[shard] else { continue }
            do throws(DriveError) {
                try data.verify(slice, stripe: stripe, shard: shard, share)
            } catch { damaged.append((shard, error)) }
        }
        return damaged
    }

    /// Faults are told on the drives' executor.
    private func report(_ damaged: [(shard: Int, error: DriveError)], stripe: Int) async {
        guard isOpen else { return }
        let data = self.data, key = DataRow.key(data.id, chunk: data.chunk(of: stripe))
        await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            data.plane.executor.spawn {
                for (shard, error) in damaged {
                    data.drives.faults.driveFailed(slot: data.placement.slot(ofShard: shard), error, key: key)
                }
                continuation.resume()
            }
        }
    }

    private func result(of stripe: Int, _ fetch: ShardFetch) async throws(SetError) -> ShardFetch.Result {
        do throws(ShardFetch.Failure) { return try await fetch.result() } catch {
            switch error {
            case .away: throw .readQuorumLost(detail: "too few drives answer for stripe \(stripe) of data \(data.id)")
            case .lost: throw .dataLost(detail: "too few blocks of stripe \(stripe) of data \(data.id) are whole")
            }
        }
    }

    private func slices(of stripe: Int, _ result: ShardFetch.Result) -> [BufferSlice] {
        if !result.late.isEmpty { avoid(result.late) }
        var blocks = result.slices
        let pieces = pieces(of: stripe)
        let missing = pieces.map(\.shard).filter { blocks[$0] == nil }
        if !missing.isEmpty {
            let count = data.shape.shardBytes(stripe: stripe, of: data.count)
            for (shard, slice) in zip(missing, compute.compute(missing, from: blocks, count: count)) {
                blocks[shard] = slice
            }
        }
        return pieces.compactMap { piece in
            blocks[piece.shard].map {
                BufferSlice(buffer: $0.buffer, start: $0.start + piece.range.lowerBound, count: piece.range.count)
            }
        }
    }
}
