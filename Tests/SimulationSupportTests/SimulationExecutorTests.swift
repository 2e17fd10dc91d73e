import Base
import SimulationSupport
import Synchronization
import Testing

@Suite struct SimulationExecutorTests {
    private func course(seed: UInt64) throws -> [Int] {
        let executor = SimulationExecutor(seed: seed)
        let trace = Trace()
        try executor.run {
            await withTaskGroup(of: Void.self) { group in
                for id in 0..<4 {
                    group.addTask {
                        for step in 0..<3 {
                            trace.add(id * 10 + step)
                            try? await executor.sleep(for: .seconds(step))
                            await Task.yield()
                        }
                    }
                }
            }
        }
        return trace.entries
    }

    @Test func `a seed replays its interleaving and seeds differ`() throws {
        var courses: Set<[Int]> = []
        for seed in 0..<30 as Range<UInt64> {
            let first = try course(seed: seed), second = try course(seed: seed)
            #expect(first == second, "seed \(seed)")
            courses.insert(first)
        }
        #expect(courses.count > 10)
    }

    @Test func `a simulated day passes at once and a cancelled sleep throws`() throws {
        let executor = SimulationExecutor(seed: 1)
        let before = executor.clock.elapsedNanoseconds
        let threw = try executor.run {
            try await executor.sleep(for: .seconds(86_400))
            return await withTaskGroup(of: Bool.self) { group in
                group.addTask {
                    do {
                        try await executor.sleep(for: .seconds(86_400 * 365))
                        return false
                    } catch { return error is CancellationError }
                }
                group.cancelAll()
                return await group.next() ?? false
            }
        }
        #expect(threw)
        let elapsed = executor.clock.elapsedNanoseconds - before
        #expect(elapsed >= 86_400_000_000_000 && elapsed < 86_401_000_000_000)
    }

    @Test func `waiting for nobody is reported as stuck`() {
        let executor = SimulationExecutor(seed: 1)
        #expect(throws: SimulationStuck.self) {
            try executor.run { await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in } }
        }
    }

    @Test func `an actor pinned to the executor runs on it`() throws {
        let executor = SimulationExecutor(seed: 3)
        let total = try executor.run {
            let counter = Counter(executor: executor)
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<10 { group.addTask { await counter.add() } }
            }
            return await counter.total
        }
        #expect(total == 10)
    }
}

private actor Counter {
    private let executor: SimulationExecutor
    private(set) var total = 0
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    init(executor: SimulationExecutor) { self.executor = executor }
    func add() {
        executor.checkIsolated()
        total += 1
    }
}

final class Trace: Sendable {
    private let state = Mutex<[Int]>([])
    var entries: [Int] { state.withLock { $0 } }
    func add(_ entry: Int) { state.withLock { $0.append(entry) } }
}
