import Synchronization

/// What the drives answered for one chunk's row, filled by reads in parallel.
final class ChunkRows: Sendable {
    struct Found {
        var shares: [ChunkShare?]
        /// Drives without such a row, and drives whose row does not fit.
        var absent = 0
        var damaged = 0
    }
    private let state: Mutex<Found>

    init(count: Int) {
        state = Mutex(Found(shares: Array(repeating: nil, count: count)))
    }

    var snapshot: Found { state.withLock { $0 } }
    func found(_ share: ChunkShare, shard: Int) { state.withLock { $0.shares[shard] = share } }
    func absent() { state.withLock { $0.absent += 1 } }
    func damaged() { state.withLock { $0.damaged += 1 } }
}
