import Synchronization

/// Lets commits into a bucket while it is open; DeleteBucket closes it, waits for those inside, and opens it again or for good
/// not (rule 17). Commits that come while it is closing wait for the outcome, which is a few reads away.
final class CommitGate: Sendable {
    private enum Phase { case open, closing, unresolved, gone }

    private struct State {
        var phase = Phase.open
        var inside = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
        var drain: CheckedContinuation<Void, Never>?
    }
    private let state = Mutex(State())

    /// Runs `body` as one of the bucket's commits.
    func pass<Value>(_ body: () async throws(ObjectError) -> Value) async throws(ObjectError) -> Value {
        try await enter()
        do {
            let value = try await body()
            leave()
            return value
        } catch {
            leave()
            throw error
        }
    }

    private func enter() async throws(ObjectError) {
        while true {
            let phase = state.withLock { state in
                if state.phase == .open { state.inside += 1 }
                return state.phase
            }
            switch phase {
            case .open: return
            case .gone: throw .noSuchBucket
            case .unresolved: throw .slowDown(detail: "whether the bucket was deleted is not known yet")
            case .closing:
                await withCheckedContinuation { continuation in
                    let mustWait = state.withLock { state in
                        guard state.phase == .closing else { return false }
                        state.waiting.append(continuation)
                        return true
                    }
                    if !mustWait { continuation.resume() }
                }
            }
        }
    }

    private func leave() {
        let drain = state.withLock { state in
            state.inside -= 1
            guard state.inside == 0 else { return nil as CheckedContinuation<Void, Never>? }
            defer { state.drain = nil }
            return state.drain
        }
        drain?.resume()
    }

    /// Closes the gate; false when somebody else has.
    func close() -> Bool {
        state.withLock { state in
            guard state.phase == .open || state.phase == .unresolved else { return false }
            state.phase = .closing
            return true
        }
    }

    /// Waits until no commit is inside. Called by the one who closed it.
    func drained() async {
        await withCheckedContinuation { continuation in
            let isEmpty = state.withLock { state in
                if state.inside > 0 { state.drain = continuation }
                return state.inside == 0
            }
            if isEmpty { continuation.resume() }
        }
    }

    func reopen() { settle(.open) }
    func remove() { settle(.gone) }
    /// The deletion's outcome is unknown: nothing may be written until a read tells.
    func leaveUnresolved() { settle(.unresolved) }

    var isUnresolved: Bool { state.withLock { $0.phase == .unresolved } }
    var isGone: Bool { state.withLock { $0.phase == .gone } }

    private func settle(_ phase: Phase) {
        let waiting = state.withLock { state in
            state.phase = phase
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
