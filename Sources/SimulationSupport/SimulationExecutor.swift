import Base
import Glibc
import Synchronization

/// Stands in for a loop: runs every job on the calling thread and lets a seed choose which of the ready ones comes next.
///
/// Tasks that were spawned here, their children and groups, and actors pinned here by `unownedExecutor` follow it, so one seed
/// is one interleaving and replays exactly (within one build: debug and release enqueue differently). A `Task.detached` and
/// actors pinned elsewhere would escape. When nothing is ready the clock moves to its next timer: a simulated day passes at once.
package final class SimulationExecutor: PinnedExecutor {
    private struct State {
        var ready: [UnownedJob] = []
        var random: SplitMix64
        var thread: pthread_t?
        var jobsRun = 0
    }

    /// What a job costs on the simulated clock.
    private static let jobCost: UInt64 = 1_000

    package let clock = SimulatedClock()
    private let state: Mutex<State>

    package init(seed: UInt64) { state = Mutex(State(random: SplitMix64(seed: seed))) }

    package var jobsRun: Int { state.withLock { $0.jobsRun } }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        state.withLock { $0.ready.append(job) }
    }

    package func checkIsolated() {
        let thread = state.withLock { $0.thread }
        guard let thread, pthread_equal(thread, pthread_self()) != 0 else {
            preconditionFailure("not on the simulation's executor")
        }
    }

    package func isIsolatingCurrentContext() -> Bool? {
        guard let thread = state.withLock({ $0.thread }) else { return false }
        return pthread_equal(thread, pthread_self()) != 0
    }

    package func spawn(_ operation: @escaping @Sendable () async -> Void) {
        Task(executorPreference: self) { await operation() }
    }

    package func sleep(for duration: Duration) async throws {
        let (seconds, attoseconds) = duration.components
        let nanoseconds = UInt64(max(0, seconds)) * 1_000_000_000 + UInt64(max(0, attoseconds)) / 1_000_000_000
        let sleeper = Sleeper()
        try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                guard sleeper.begin(continuation) else { return continuation.resume(throwing: CancellationError()) }
                clock.after(nanoseconds) { sleeper.end(.success(())) }
            }
        } onCancel: {
            sleeper.end(.failure(CancellationError()))
        }
    }

    /// Runs jobs until none is ready. Does not move the clock on.
    package func runUntilIdle() {
        let outer = state.withLock { state in
            let outer = state.thread
            state.thread = pthread_self()
            return outer
        }
        while let job = takeNext() {
            job.runSynchronously(isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
            clock.spend(Self.jobCost)
        }
        state.withLock { $0.thread = outer }
    }

    /// Runs `body` to its end, and with it everything else that is spawned here, moving the clock when nothing is ready.
    ///
    /// Throws `SimulationStuck` when neither a job nor a timer is left and `body` has not returned, or when it has not after
    /// `limit` of simulated time.
    package func run<Value: Sendable>(
        limit: Duration = .seconds(365 * 86_400), _ body: @escaping @Sendable () async throws -> Value
    ) throws -> Value {
        let end = UInt64(limit.components.seconds) * 1_000_000_000
        let box = Box<Value>()
        spawn { box.set(await Self.result(of: body)) }
        while box.value == nil {
            runUntilIdle()
            if box.value != nil { break }
            if !clock.advance() || clock.elapsedNanoseconds > end { throw SimulationStuck() }
        }
        guard let result = box.value else { throw SimulationStuck() }
        return try result.get()
    }

    /// Lets everything that was spawned run until nothing is left to do or `duration` of simulated time has passed.
    package func runFor(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let end =
            clock.elapsedNanoseconds + UInt64(max(0, seconds)) * 1_000_000_000
            + UInt64(max(0, attoseconds)) / 1_000_000_000
        repeat { runUntilIdle() } while clock.elapsedNanoseconds < end && clock.advance()
    }

    private static func result<Value: Sendable>(
        of body: @Sendable () async throws -> Value
    ) async -> Result<Value, any Error> {
        do { return .success(try await body()) } catch { return .failure(error) }
    }

    private func takeNext() -> UnownedJob? {
        state.withLock { state in
            guard !state.ready.isEmpty else { return nil }
            state.jobsRun += 1
            let index = state.random.below(state.ready.count)
            return state.ready.remove(at: index)
        }
    }
}

/// Nothing is ready, no timer is set, and the simulation's main task has not come to its end: something waits for ever.
package struct SimulationStuck: Error {}

/// The result of a run, shared between its task and the caller.
private final class Box<Value: Sendable>: Sendable {
    private let state: Mutex<Result<Value, any Error>?>
    init() { state = Mutex(nil) }
    var value: Result<Value, any Error>? { state.withLock { $0 } }
    func set(_ result: Result<Value, any Error>) { state.withLock { $0 = result } }
}

/// One sleep: ended once, by its timer or by cancellation, whichever comes first, even before it began.
private final class Sleeper: Sendable {
    private enum State {
        case new
        case sleeping(UnsafeContinuation<Void, any Error>)
        case ended
    }
    private let state = Mutex(State.new)

    func begin(_ continuation: UnsafeContinuation<Void, any Error>) -> Bool {
        state.withLock { state in
            guard case .new = state else { return false }
            state = .sleeping(continuation)
            return true
        }
    }

    func end(_ result: Result<Void, any Error>) {
        let continuation = state.withLock { state -> UnsafeContinuation<Void, any Error>? in
            defer { state = .ended }
            guard case .sleeping(let continuation) = state else { return nil }
            return continuation
        }
        continuation?.resume(with: result)
    }
}
