package import Base
import Synchronization

/// Time that moves only when the simulation moves it: from one timer to the next, and a little with every look at it.
///
/// Timers that are due at the same moment fire in the order in which they were set.
package final class SimulatedClock: TimeSource {
    private struct Timer {
        let id: UInt64
        let deadline: UInt64
        let fire: @Sendable () -> Void
    }

    private struct State {
        var now: UInt64
        var nextID: UInt64 = 0
        /// By deadline, then by id.
        var timers: [Timer] = []
    }

    /// A look at the clock costs time, so that a loop which works until its slice is used up comes to its end.
    private static let lookCost: UInt64 = 100
    /// 2026-01-01T00:00:00Z, the wall time at which every simulation starts.
    private static let epoch = Timestamp(seconds: 1_767_225_600)

    private let state = Mutex(State(now: 0))

    package init() {}

    package func monotonicNanoseconds() -> UInt64 {
        state.withLock { state in
            state.now += Self.lookCost
            return state.now
        }
    }

    package func now() -> Timestamp {
        Timestamp(nanoseconds: Self.epoch.nanoseconds + Int64(clamping: monotonicNanoseconds()))
    }

    /// The time without the cost of looking: for checkers, which must not disturb what they watch.
    package var elapsedNanoseconds: UInt64 { state.withLock { $0.now } }

    /// Calls `fire` once, `nanoseconds` from now, on the simulation's thread. The id cancels it.
    @discardableResult
    package func after(_ nanoseconds: UInt64, _ fire: @escaping @Sendable () -> Void) -> UInt64 {
        state.withLock { state in
            let id = state.nextID
            state.nextID += 1
            let timer = Timer(id: id, deadline: state.now + nanoseconds, fire: fire)
            var low = 0, high = state.timers.count
            while low < high {
                let middle = (low + high) / 2
                if state.timers[middle].deadline <= timer.deadline { low = middle + 1 } else { high = middle }
            }
            state.timers.insert(timer, at: low)
            return id
        }
    }

    /// True when the timer had not fired: it never will.
    package func cancel(_ id: UInt64) -> Bool {
        state.withLock { state in
            guard let index = state.timers.firstIndex(where: { $0.id == id }) else { return false }
            state.timers.remove(at: index)
            return true
        }
    }

    /// Moves the clock by the cost of a piece of work and fires what has come due meanwhile.
    func spend(_ nanoseconds: UInt64) {
        let due = state.withLock { state -> [Timer] in
            state.now += nanoseconds
            return Self.takeDue(&state)
        }
        for timer in due { timer.fire() }
    }

    /// Moves to the next timer and fires all that are due then. False when there is none.
    func advance() -> Bool {
        let due = state.withLock { state -> [Timer] in
            guard let first = state.timers.first else { return [] }
            state.now = max(state.now, first.deadline)
            return Self.takeDue(&state)
        }
        for timer in due { timer.fire() }
        return !due.isEmpty
    }

    private static func takeDue(_ state: inout State) -> [Timer] {
        let count = state.timers.firstIndex { $0.deadline > state.now } ?? state.timers.count
        let due = Array(state.timers[..<count])
        state.timers.removeFirst(count)
        return due
    }
}
