import Limits
import Synchronization

/// The fair queue of one loop. Each loop has its own: its lock is nearly always free, and who waits is woken on its own thread.
/// Connections are spread over the loops, so every tenant's are too.
final class AdmissionGate: Sendable {
    private typealias Queue = FairQueue<CheckedContinuation<Bool, Never>>
    private let queue: Mutex<Queue>

    init(_ parameters: AdmissionParameters, weights: [String: Int]) {
        queue = Mutex(
            Queue(
                .init(alone: parameters.alone, shared: parameters.shared, waitingMax: parameters.waitingMax),
                weights: weights))
    }

    /// Returns when the request may run: the number of its tenant here. nil when too many wait, or it waited for too long.
    func enter(_ tenant: String, at now: UInt64) async -> Int? {
        let (index, entry) = queue.withLock { queue in
            let index = queue.index(of: tenant)
            return (index, queue.enter(index, at: now))
        }
        switch entry {
        case .admitted: return index
        case .refused: return nil
        case .mustWait: return await wait(index, at: now, hasBegun: false) ? index : nil
        }
    }

    /// For a request that left while it waited for its client. Never refused.
    func reenter(_ index: Int, at now: UInt64) async {
        if queue.withLock({ $0.enter(index, at: now, hasBegun: true) }) == .admitted { return }
        _ = await wait(index, at: now, hasBegun: true)
    }

    func leave(_ index: Int, at now: UInt64) {
        for decision in queue.withLock({ $0.leave(index, at: now) }) {
            decision.waiter.resume(returning: decision.isAdmitted)
        }
    }

    /// Between the first look and this one others may have left: the queue is asked again, in one step with standing in it.
    private func wait(_ index: Int, at now: UInt64, hasBegun: Bool) async -> Bool {
        await withCheckedContinuation { continuation in
            let answer: Bool? = queue.withLock { queue in
                switch queue.enter(index, at: now, hasBegun: hasBegun) {
                case .admitted: return true
                case .refused: return false
                case .mustWait:
                    queue.wait(index, continuation, at: now, hasBegun: hasBegun)
                    return nil
                }
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }

    func setWeights(_ weights: [String: Int]) { queue.withLock { $0.setWeights(weights) } }

    /// What one tenant has here.
    struct Load: Sendable {
        var tenant: String
        var underWay: Int
        var waiting: Int
        var waits: UInt64
        var waitedNanoseconds: UInt64
        var refusals: UInt64
    }

    var loads: [Load] {
        queue.withLock { queue in
            queue.tenants.map {
                Load(
                    tenant: $0.name, underWay: $0.underWay, waiting: $0.waiting, waits: $0.waits,
                    waitedNanoseconds: $0.waitedNanoseconds, refusals: $0.refusals)
            }
        }
    }
}

/// How many requests may be under way on one loop.
package struct AdmissionParameters: Hashable, Sendable {
    /// While one tenant alone is active, and while several are.
    package var alone: Int
    package var shared: Int
    package var waitingMax: Int

    package init(alone: Int, shared: Int, waitingMax: Int) {
        (self.alone, self.shared, self.waitingMax) = (alone, shared, waitingMax)
    }
}
