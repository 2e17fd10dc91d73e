package import Base
import Synchronization

/// What waits for drives and wants to be looked at now and then, to do without a slow one.
package protocol Ticked: AnyObject, Sendable {
    func tick()
}

/// Calls everything that waits at a steady interval, on the set's executor, with one task for all: a timer a read would cost more
/// than the read. Rests while nothing waits.
package final class WaitTicker: Sendable {
    private struct State {
        var next: UInt64 = 0
        var waiting: [UInt64: any Ticked] = [:]
        var isRunning = false
    }

    private let executor: any PinnedExecutor
    private let interval: Duration
    private let state = Mutex(State())

    package init(executor: any PinnedExecutor, interval: Duration) {
        self.executor = executor
        self.interval = interval
    }

    package func add(_ waiting: any Ticked) -> UInt64 {
        let (id, starts) = state.withLock { state in
            state.next += 1
            state.waiting[state.next] = waiting
            let starts = !state.isRunning
            state.isRunning = true
            return (state.next, starts)
        }
        if starts { executor.spawn { await self.run() } }
        return id
    }

    package func remove(_ id: UInt64) {
        state.withLock { _ = $0.waiting.removeValue(forKey: id) }
    }

    private func run() async {
        while true {
            do { try await executor.sleep(for: interval) } catch {
                // Shutting down: slow drives are waited for from here on.
                return state.withLock { $0.isRunning = false }
            }
            let due: [any Ticked] = state.withLock { state in
                if state.waiting.isEmpty { state.isRunning = false }
                return state.waiting.keys.sorted().compactMap { state.waiting[$0] }
            }
            if due.isEmpty { return }
            for waiting in due { waiting.tick() }
        }
    }
}
