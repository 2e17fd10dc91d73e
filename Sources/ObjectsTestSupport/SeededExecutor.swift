package import Base
import Synchronization

/// An executor for tests: runs every job on the thread that calls `run`, in an order that a seed decides.
///
/// Stands in for the loop as serial and task executor of sets and requests, so that a seed replays an interleaving.
package final class SeededExecutor: PinnedExecutor {
    private struct State {
        var ready: [UnownedJob] = []
        var random: SplitMix64
        var isRunning = false
    }
    private let state: Mutex<State>

    package init(seed: UInt64) { state = Mutex(State(random: SplitMix64(seed: seed))) }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        state.withLock { $0.ready.append(job) }
    }

    package func checkIsolated() { precondition(state.withLock { $0.isRunning }, "not on the test's executor") }

    package func spawn(_ operation: @escaping @Sendable () async -> Void) {
        Task(executorPreference: self) { await operation() }
    }

    /// Time does not pass here: a sleeper wakes after whatever is ready has had a turn.
    package func sleep(for duration: Duration) async throws {
        try Task.checkCancellation()
        for _ in 0..<64 { await Task.yield() }
        try Task.checkCancellation()
    }

    /// Runs `operation` and all that it starts until nothing is ready. Returns false when the operation is then still waiting.
    package func run(_ operation: @escaping @Sendable () async -> Void) -> Bool {
        let isDone = Flag()
        spawn {
            await operation()
            isDone.set()
        }
        state.withLock { $0.isRunning = true }
        while let job = takeNext() {
            job.runSynchronously(isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
        }
        state.withLock { $0.isRunning = false }
        return isDone.isSet
    }

    private func takeNext() -> UnownedJob? {
        state.withLock { state in
            guard !state.ready.isEmpty else { return nil }
            let index = Int(state.random.next() % UInt64(state.ready.count))
            return state.ready.remove(at: index)
        }
    }

    private final class Flag: Sendable {
        private let value = Mutex(false)
        var isSet: Bool { value.withLock { $0 } }
        func set() { value.withLock { $0 = true } }
    }
}

package struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64
    package init(seed: UInt64) { state = seed }
    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// Random bits from a seed.
package final class SeededRandom: RandomSource {
    private let generator: Mutex<SplitMix64>
    package init(seed: UInt64) { generator = Mutex(SplitMix64(seed: seed)) }
    package func next() -> UInt64 { generator.withLock { $0.next() } }
}

/// Wall time that moves only when told to.
package final class ManualTime: TimeSource {
    private let nanoseconds: Mutex<Int64>
    package init(_ start: Timestamp = Timestamp(seconds: 1_700_000_000)) { nanoseconds = Mutex(start.nanoseconds) }
    package func now() -> Timestamp { Timestamp(nanoseconds: nanoseconds.withLock { $0 }) }
    package func monotonicNanoseconds() -> UInt64 { UInt64(max(0, nanoseconds.withLock { $0 })) }
    package func advance(seconds: Int64) { nanoseconds.withLock { $0 += seconds * 1_000_000_000 } }
}
