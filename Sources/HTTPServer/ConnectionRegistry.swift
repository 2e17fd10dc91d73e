import Runtime
import TLS
import Synchronization

/// The connections and listeners of a server: counted against the limit, and found again when the server drains.
final class ConnectionRegistry: Sendable {
    /// One connection. `isIdle` is true while it waits for a request.
    final class Entry: Sendable {
        let loop: Loop
        let transport: any Transport
        private let idle = Atomic<Bool>(false)

        init(loop: Loop, transport: any Transport) {
            self.loop = loop
            self.transport = transport
        }

        var isIdle: Bool {
            get { idle.load(ordering: .relaxed) }
            set { idle.store(newValue, ordering: .relaxed) }
        }
    }

    private struct State {
        var admitted = 0
        var nextID: UInt64 = 0
        var entries: [UInt64: Entry] = [:]
        var listeners: [LoopSocket] = []
        var openListeners = 0
        var waiters: [CheckedContinuation<Void, Never>] = []
        var isQuiet: Bool { admitted == 0 && openListeners == 0 }
    }
    private let state = Mutex(State())
    private let draining = Atomic<Bool>(false)

    var isDraining: Bool { draining.load(ordering: .relaxed) }
    var connections: Int { state.withLock { $0.admitted } }

    /// False when the limit is reached.
    func admit(limit: Int) -> Bool {
        state.withLock { state in
            guard state.admitted < limit else { return false }
            state.admitted += 1
            return true
        }
    }

    func add(_ entry: Entry) -> UInt64 {
        state.withLock { state in
            state.nextID += 1
            state.entries[state.nextID] = entry
            return state.nextID
        }
    }

    /// An admitted connection has ended; `id` is nil when it was never added.
    func ended(_ id: UInt64?) {
        resumeIfQuiet { state in
            if let id { state.entries.removeValue(forKey: id) }
            state.admitted -= 1
        }
    }

    /// Counts the listeners before their tasks start, so that a drain waits for them.
    func expectListeners(_ count: Int) { state.withLock { $0.openListeners += count } }

    /// False when the server drains already.
    func add(_ listener: LoopSocket) -> Bool {
        state.withLock { $0.listeners.append(listener) }
        return !isDraining
    }

    func listenerEnded() { resumeIfQuiet { $0.openListeners -= 1 } }

    /// From now on nothing is accepted, idle connections close, and the others close behind their response.
    func beginDraining() {
        draining.store(true, ordering: .sequentiallyConsistent)
        let (listeners, entries) = state.withLock { ($0.listeners, Self.inOrder($0.entries)) }
        for listener in listeners { listener.loop.perform { listener.interrupt(.closed) } }
        for entry in entries {
            entry.loop.perform { if entry.isIdle { entry.transport.interrupt(.closed) } }
        }
    }

    func abortAll() {
        for entry in state.withLock({ Self.inOrder($0.entries) }) {
            entry.loop.perform { entry.transport.abort() }
        }
    }

    func untilQuiet() async {
        await withCheckedContinuation { continuation in
            let isQuiet = state.withLock { state in
                if !state.isQuiet { state.waiters.append(continuation) }
                return state.isQuiet
            }
            if isQuiet { continuation.resume() }
        }
    }

    private func resumeIfQuiet(_ change: (inout State) -> Void) {
        let waiters = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            change(&state)
            guard state.isQuiet else { return [] }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    private static func inOrder(_ entries: [UInt64: Entry]) -> [Entry] {
        entries.sorted { $0.key < $1.key }.map(\.value)
    }
}
