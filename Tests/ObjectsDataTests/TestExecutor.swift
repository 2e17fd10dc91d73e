import Base
import Dispatch

/// One serial queue as the executor of a set and its drives.
// SAFETY: the queue is the only state, and never changes.
final class TestExecutor: PinnedExecutor, @unchecked Sendable {
    private let queue = DispatchQueue(label: "set")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async {
            job.runSynchronously(isolatedTo: self.asUnownedSerialExecutor(), taskExecutor: self.asUnownedTaskExecutor())
        }
    }

    func checkIsolated() { dispatchPrecondition(condition: .onQueue(queue)) }

    func spawn(_ operation: @escaping @Sendable () async -> Void) {
        Task(executorPreference: self) { await operation() }
    }

    func sleep(for duration: Duration) async throws { try await Task.sleep(for: duration) }
}

final class TestRandom: RandomSource {
    private let counter: UInt64
    init(_ seed: UInt64) { counter = seed }
    func next() -> UInt64 {
        var generator = SplitMix64(seed: counter)
        return generator.next()
    }
}
