import Base
import Glibc
import Runtime
import Synchronization
import Testing

/// A value that several tasks change.
final class Shared<Value: Sendable>: Sendable {
    private let mutex: Mutex<Value>
    init(_ value: Value) { mutex = Mutex(value) }
    func withLock<Result: Sendable>(_ body: (inout Value) -> Result) -> Result {
        mutex.withLock { value in body(&value) }
    }
}

/// Runs the body as a task of a fresh loop, then ends the loop.
func onLoop<Value: Sendable>(
    _ configuration: LoopConfiguration = LoopConfiguration(),
    _ body: @escaping @Sendable (Loop) async throws -> Value
) async throws -> Value {
    let loop = try Loop(configuration: configuration)
    let result = await withCheckedContinuation { continuation in
        loop.spawn {
            do {
                continuation.resume(returning: Result<Value, any Error>.success(try await body(loop)))
            } catch {
                continuation.resume(returning: .failure(error))
            }
        }
    }
    await loop.drain()
    loop.stop()
    return try result.get()
}

actor Pinned {
    private let loop: Loop
    private(set) var calls = 0
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    init(_ loop: Loop) { self.loop = loop }
    func touch() -> Bool {
        calls += 1
        return loop.isCurrent
    }
    func nap() async throws -> Bool {
        try await loop.sleep(for: .microseconds(1))
        return loop.isCurrent
    }
}

@Suite struct LoopTests {
    @Test func `a spawned task runs on the loop's thread and stays there across suspensions`() async throws {
        let places = try await onLoop { loop in
            var places = [loop.isCurrent, Loop.current === loop]
            await Task.yield()
            places.append(loop.isCurrent)
            try await loop.sleep(for: .milliseconds(1))
            places.append(loop.isCurrent)
            return places
        }
        #expect(places == [true, true, true, true])
    }

    @Test func `an actor pinned to the loop is called without a remote enqueue`() async throws {
        let (remote, calls, allOnLoop) = try await onLoop { loop in
            let actor = Pinned(loop)
            let before = loop.enqueues.remote
            var allOnLoop = true
            for _ in 0..<100 { allOnLoop = await actor.touch() && allOnLoop }
            for _ in 0..<3 { allOnLoop = try await actor.nap() && allOnLoop }
            return (loop.enqueues.remote - before, await actor.calls, allOnLoop)
        }
        #expect(remote == 0)
        #expect(calls == 100)
        #expect(allOnLoop)
    }

    @Test func `work on another loop costs one hop each way whatever it does there`() async throws {
        let group = try LoopGroup(count: 2, configuration: LoopConfiguration(name: "pair"))
        let (here, there) = (group.loops[0], group.loops[1])
        let hops = await withCheckedContinuation { continuation in
            here.spawn {
                let actor = Pinned(there)
                let before = (here.enqueues.remote, there.enqueues.remote)
                await withTaskExecutorPreference(there) {
                    for _ in 0..<5 { _ = try? await actor.nap() }
                }
                continuation.resume(
                    returning: [here.enqueues.remote - before.0, there.enqueues.remote - before.1])
            }
        }
        #expect(hops == [1, 1])
        await group.shutDown()
    }

    @Test func `the isolation check knows the loop's thread from others`() async throws {
        let loop = try Loop()
        #expect(loop.isIsolatingCurrentContext() == false)
        #expect(Loop.current == nil)
        loop.stop()
    }

    @Test func `jobs from many threads all run`() async throws {
        let loop = try Loop()
        let sum = Shared(0)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<500 { loop.spawn { sum.withLock { $0 += 1 } } }
                }
            }
        }
        await loop.drain()
        #expect(sum.withLock { $0 } == 4000)
        #expect(loop.liveTasks == 0)
        loop.stop()
    }

    @Test func `a sleep that is cancelled throws and does not wait`() async throws {
        let loop = try Loop()
        let outcome = Shared("")
        loop.spawn {
            do {
                try await loop.sleep(for: .seconds(86_400))
                outcome.withLock { $0 = "slept" }
            } catch {
                outcome.withLock { $0 = "\(type(of: error))" }
            }
        }
        loop.cancelTasks()
        await loop.drain()
        #expect(outcome.withLock { $0 } == "CancellationError")
        loop.stop()
    }

    @Test func `sleeps end in the order of their deadlines`() async throws {
        let order = Shared<[Int]>([])
        try await onLoop { loop in
            await withTaskGroup(of: Void.self) { group in
                for delay in [30, 10, 20, 0, 40] {
                    group.addTask {
                        try? await loop.sleep(for: .milliseconds(delay))
                        order.withLock { $0.append(delay) }
                    }
                }
            }
        }
        #expect(order.withLock { $0 } == [0, 10, 20, 30, 40])
    }

    @Test func `a timer that was moved later fires once at its last deadline`() async throws {
        let fired = Shared<[String]>([])
        try await onLoop { loop in
            let moved = loop.schedule(after: .milliseconds(1)) { fired.withLock { $0.append("moved") } }
            let cancelled = loop.schedule(after: .milliseconds(2)) { fired.withLock { $0.append("cancelled") } }
            let sooner = loop.schedule(after: .seconds(3600)) { fired.withLock { $0.append("sooner") } }
            moved.arm(after: .milliseconds(30))
            cancelled.cancel()
            sooner.arm(after: .milliseconds(5))
            let between = loop.schedule(after: .milliseconds(10)) { fired.withLock { $0.append("between") } }
            try await loop.sleep(for: .milliseconds(40))
            _ = (moved, cancelled, sooner, between)
        }
        #expect(fired.withLock { $0 } == ["sooner", "between", "moved"])
    }

    @Test func `the least loaded loop is chosen`() async throws {
        let group = try LoopGroup(count: 3, configuration: LoopConfiguration(usesRing: false))
        group.loops[0].addLoad(2)
        group.loops[1].addLoad(1)
        group.loops[2].addLoad(1)
        #expect(group.leastLoaded() === group.loops[1])
        #expect((0..<4).map { _ in group.loops.firstIndex { [next = group.next()] in $0 === next } } == [0, 1, 2, 0])
        await group.shutDown()
    }
}
