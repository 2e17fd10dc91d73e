import Synchronization

/// A deadline that is armed, moved and cancelled far more often than it passes.
///
/// Moving it later or cancelling it costs two stores: the entry in the heap stays, and is looked at again when it comes up.
// SAFETY: used on the thread of its loop only.
package final class TimerHandle: @unchecked Sendable {
    private unowned let loop: Loop
    private let action: @Sendable () -> Void
    /// When to call; `.max` is never.
    private var deadline: UInt64 = .max
    /// The time of the heap entry that will look at this timer; `.max` when there is none.
    private var entry: UInt64 = .max
    fileprivate private(set) var isDead = false

    init(loop: Loop, action: @escaping @Sendable () -> Void) {
        self.loop = loop
        self.action = action
    }

    package func arm(after duration: Duration) {
        // At least a nanosecond, so that a timer which arms itself waits for another turn.
        deadline = loop.now &+ min(max(duration.clampedNanoseconds, 1), 1 << 62)
        guard deadline < entry else { return }
        entry = deadline
        loop.insert(self, at: deadline)
    }

    package func cancel() { deadline = .max }

    /// Cancels for good: the heap may forget the timer before its entry comes up.
    package func invalidate() {
        deadline = .max
        guard entry != .max, !isDead else { return }
        isDead = true
        loop.timerDied()
    }

    /// Called when a heap entry of this timer comes up. Returns when to look again; nil for never.
    func look(entry time: UInt64, now: UInt64) -> UInt64? {
        // An entry that an earlier one has replaced.
        guard time == entry else { return nil }
        entry = .max
        guard deadline != .max, !isDead else { return nil }
        guard deadline <= now else {
            entry = deadline
            return deadline
        }
        deadline = .max
        action()
        return nil
    }
}

/// The timers of a loop, earliest first; equal times in the order of arming.
struct TimerHeap {
    private struct Entry {
        let time: UInt64
        let order: UInt64
        let timer: TimerHandle
        func precedes(_ other: Entry) -> Bool {
            time == other.time ? order < other.order : time < other.time
        }
    }
    private var entries: [Entry] = []
    private var nextOrder: UInt64 = 0
    private var deadCount = 0

    var next: UInt64? { entries.first?.time }

    mutating func push(_ timer: TimerHandle, at time: UInt64) {
        nextOrder += 1
        entries.append(Entry(time: time, order: nextOrder, timer: timer))
        var child = entries.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard entries[child].precedes(entries[parent]) else { break }
            entries.swapAt(child, parent)
            child = parent
        }
    }

    /// Takes the earliest entry if it is due. The caller lets the timer act when the heap is no longer being changed: what it
    /// does may arm timers.
    mutating func takeDue(at now: UInt64) -> (timer: TimerHandle, time: UInt64)? {
        while let first = entries.first, first.time <= now {
            removeFirst()
            guard first.timer.isDead else { return (first.timer, first.time) }
            deadCount = max(0, deadCount - 1)
        }
        return nil
    }

    /// Short connections leave their deadlines behind; the heap is rid of them when they are the larger part of it.
    mutating func timerDied() {
        deadCount += 1
        guard deadCount > 256, deadCount * 2 > entries.count else { return }
        deadCount = 0
        let living = entries.filter { !$0.timer.isDead }.sorted { $0.precedes($1) }
        // A sorted array is a heap.
        entries = living
    }

    private mutating func removeFirst() {
        let last = entries.removeLast()
        guard !entries.isEmpty else { return }
        entries[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < entries.count {
                if entries[child].precedes(entries[least]) { least = child }
            }
            guard least != parent else { return }
            entries.swapAt(parent, least)
            parent = least
        }
    }
}

/// One `sleep(for:)`: resumed once, by the timer or by the cancellation, whichever comes first, from any thread.
final class Sleeper: Sendable {
    private enum State {
        case idle
        case cancelled
        case waiting(CheckedContinuation<Void, any Error>)
        case resumed
    }
    private let state = Mutex(State.idle)

    static func sleep(for duration: Duration, on loop: Loop) async throws {
        try Task.checkCancellation()
        let sleeper = Sleeper()
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                guard sleeper.begin(continuation) else { return continuation.resume(throwing: CancellationError()) }
                loop.perform { _ = loop.schedule(after: duration) { sleeper.resume(with: .success(())) } }
            }
        } onCancel: {
            sleeper.resume(with: .failure(CancellationError()))
        }
    }

    private func begin(_ continuation: CheckedContinuation<Void, any Error>) -> Bool {
        state.withLock { state in
            if case .cancelled = state { return false }
            state = .waiting(continuation)
            return true
        }
    }

    private func resume(with result: Result<Void, any Error>) {
        let continuation = state.withLock { state -> CheckedContinuation<Void, any Error>? in
            switch state {
            case .idle:
                state = .cancelled
                return nil
            case .waiting(let continuation):
                state = .resumed
                return continuation
            case .cancelled, .resumed:
                return nil
            }
        }
        continuation?.resume(with: result)
    }
}

extension Duration {
    /// Whole nanoseconds; negative durations are 0 and those beyond 64 bits the largest number.
    package var clampedNanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (product, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return .max }
        let (sum, carry) = product.addingReportingOverflow(UInt64(attoseconds) / 1_000_000_000)
        return carry ? .max : sum
    }
}
