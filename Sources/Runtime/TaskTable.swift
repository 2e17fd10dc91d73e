import Synchronization

/// The tasks that one loop has started and that still run.
final class TaskTable: Sendable {
    private struct State {
        var nextID: UInt64 = 0
        var live: [UInt64: Task<Void, Never>] = [:]
        /// Ended before its handle could be filed.
        var endedEarly: Set<UInt64> = []
        var count = 0
        var waiters: [CheckedContinuation<Void, Never>] = []
    }
    private let state = Mutex(State())

    var count: Int { state.withLock { $0.count } }

    func start(on loop: Loop, _ operation: @escaping @Sendable () async -> Void) {
        let id = state.withLock { state in
            state.nextID += 1
            state.count += 1
            return state.nextID
        }
        let task = Task(executorPreference: loop) {
            await operation()
            self.ended(id)
        }
        state.withLock { state in
            if state.endedEarly.remove(id) == nil { state.live[id] = task }
        }
    }

    private func ended(_ id: UInt64) {
        let waiters = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            if state.live.removeValue(forKey: id) == nil { state.endedEarly.insert(id) }
            state.count -= 1
            guard state.count == 0 else { return [] }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    func drain() async {
        await withCheckedContinuation { continuation in
            let isEmpty = state.withLock { state in
                if state.count > 0 { state.waiters.append(continuation) }
                return state.count == 0
            }
            if isEmpty { continuation.resume() }
        }
    }

    /// In the order in which the tasks were started.
    func cancelAll() {
        let tasks = state.withLock { state in state.live.sorted { $0.key < $1.key }.map(\.value) }
        for task in tasks { task.cancel() }
    }
}
