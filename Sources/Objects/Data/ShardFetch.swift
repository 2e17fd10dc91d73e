package import Base
package import Runtime
import Synchronization

/// How the read of one shard ended.
package enum ShardOutcome: Sendable {
    case present(BufferSlice)
    /// The drive holds no share of this data, or one that does not match.
    case lost
    /// The drive could not be asked.
    case away
}

/// Reads enough shards of one stripe for those that are wanted: the wanted ones, and others in place of what fails or is late.
///
/// One countdown over reads in parallel on the drives' executor; whoever made it crosses there once.
package final class ShardFetch: Ticked {
    package struct Result: Sendable {
        /// By shard; at least the wanted ones, or `needed` of them.
        package var slices: [BufferSlice?]
        package var present: SlotMask
        /// Drives that were too slow to be waited for.
        package var late: SlotMask
    }

    package enum Failure: Error, Sendable {
        /// Drives that are away may have what is missing.
        case away
        case lost
    }

    private struct State {
        var gather: ShardGather
        var slices: [BufferSlice?]
        var late = SlotMask()
        /// Shards whose drives could not be asked.
        var away: Int
        var result: Swift.Result<Result, Failure>?
        var waiter: CheckedContinuation<Swift.Result<Result, Failure>, Never>?
        var ticks = 0
        var ticket: UInt64?
    }

    private let executor: any PinnedExecutor
    private let ticker: WaitTicker
    private let hedgeTicks: Int
    private let needed: Int
    private let read: @Sendable (Int) async -> ShardOutcome
    private let state: Mutex<State>

    /// `shards` is one more than the highest shard number; `away` counts shards that are not among the available ones because
    /// their drives are not here.
    package init(
        _ gather: ShardGather, shards: Int, away: Int, executor: any PinnedExecutor, ticker: WaitTicker,
        hedgeTicks: Int,
        read: @escaping @Sendable (Int) async -> ShardOutcome
    ) {
        self.executor = executor
        self.ticker = ticker
        self.hedgeTicks = hedgeTicks
        self.read = read
        needed = gather.needed
        state = Mutex(State(gather: gather, slices: Array(repeating: nil, count: shards), away: away))
    }

    package func start() {
        let ticket = ticker.add(self)
        state.withLock { $0.ticket = ticket }
        executor.spawn { self.step { $0.start() } }
    }

    package func result() async throws(Failure) -> Result {
        let result: Swift.Result<Result, Failure> = await withCheckedContinuation { continuation in
            let ready: Swift.Result<Result, Failure>? = state.withLock { state in
                if state.result == nil { state.waiter = continuation }
                return state.result
            }
            if let ready { continuation.resume(returning: ready) }
        }
        return try result.get()
    }

    package func tick() {
        let isDue = state.withLock { state in
            state.ticks += 1
            return state.result == nil && state.ticks % hedgeTicks == 0
        }
        guard isDue else { return }
        step { $0.hedge() }
    }

    private func completed(_ shard: Int, _ outcome: ShardOutcome) {
        state.withLock { state in
            if case .away = outcome { state.away += 1 }
            if case .present(let slice) = outcome, state.result == nil { state.slices[shard] = slice }
        }
        step { gather in
            if case .present = outcome { gather.succeeded(shard) } else { gather.failed(shard) }
        }
    }

    private func step(_ event: @Sendable (inout ShardGather) -> ShardGather.Action) {
        let (action, waiter, ticket) = state.withLock {
            state -> (ShardGather.Action, CheckedContinuation<Swift.Result<Result, Failure>, Never>?, UInt64?) in
            let action = event(&state.gather)
            state.late = state.late.union(state.gather.lateShards)
            guard state.result == nil, action == .finish || action == .fail else { return (action, nil, nil) }
            if action == .finish {
                state.result = .success(
                    Result(slices: state.slices, present: state.gather.present, late: state.late))
            } else {
                state.result = .failure(state.gather.present.count + state.away >= needed ? .away : .lost)
            }
            state.slices = []
            defer { state.waiter = nil }
            return (action, state.waiter, state.ticket)
        }
        switch action {
        case .none: break
        case .read(let shards):
            for shard in shards { executor.spawn { self.completed(shard, await self.read(shard)) } }
        case .finish, .fail:
            if let ticket { ticker.remove(ticket) }
            if let waiter, let result = state.withLock({ $0.result }) { waiter.resume(returning: result) }
        }
    }
}
