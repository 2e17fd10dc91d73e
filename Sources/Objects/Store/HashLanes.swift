import Digests
import Runtime
import Synchronization

/// Gathers the MD5s of bodies that arrive at the same time, so that they run side by side in vector lanes: several cost about what
/// one costs alone, and MD5 is the dearest thing that a PUT does.
///
/// One queue a loop, and no timers. The first stream that has bytes leads: it lets the loop run what is ready, which is when others
/// join, and then hashes for all. A stream without company is hashed in strips, and the loop has a turn between them.
final class HashLanes: Sendable {
    /// Alone: a strip takes a tenth of a millisecond.
    private static let stripBytes = 64 << 10

    private let queues = Mutex<[ObjectIdentifier: LaneQueue]>([:])

    /// Hashes all that the stream was fed with. Where there is no loop (tests, tools) it does so at once.
    func hash(_ stream: MD5Stream) async {
        guard let loop = Loop.current else { return stream.takeAlone(stream.rest.count) }
        let queue = queues.withLock { queues in
            if let queue = queues[ObjectIdentifier(loop)] { return queue }
            let queue = LaneQueue()
            queues[ObjectIdentifier(loop)] = queue
            return queue
        }
        let ticket = LaneTicket(stream)
        guard await queue.join(ticket) else { return }
        while !stream.rest.isEmpty {
            await Task.yield()
            let company = queue.waiting(MD5Lanes.count)
            if company.count >= 2 {
                MD5Lanes.advance(company.map(\.stream))
            } else {
                stream.takeAlone(Self.stripBytes)
            }
            queue.dismiss()
        }
        queue.leave(ticket)
    }
}

/// A stream in a queue. Used under the queue's lock.
private final class LaneTicket: Sendable {
    struct State {
        var waiter: UnsafeContinuation<Bool, Never>?
        /// Set when the wait is over before it began: true to lead.
        var verdict: Bool?
    }
    let stream: MD5Stream
    let state = Mutex(State())

    init(_ stream: MD5Stream) { self.stream = stream }

    func end(leading: Bool) {
        let waiter = state.withLock { state -> UnsafeContinuation<Bool, Never>? in
            guard let waiter = state.waiter else {
                state.verdict = leading
                return nil
            }
            state.waiter = nil
            return waiter
        }
        waiter?.resume(returning: leading)
    }
}

private final class LaneQueue: Sendable {
    private struct State {
        /// In the order of joining; the leader is one of them.
        var tickets: [LaneTicket] = []
        var isLed = false
    }
    private let state = Mutex(State())

    /// True when the caller leads; false when its bytes have been hashed by somebody else.
    func join(_ ticket: LaneTicket) async -> Bool {
        let leads = state.withLock { state in
            state.tickets.append(ticket)
            defer { state.isLed = true }
            return !state.isLed
        }
        if leads { return true }
        return await withUnsafeContinuation { continuation in
            let verdict = ticket.state.withLock { state in
                if state.verdict == nil { state.waiter = continuation }
                return state.verdict
            }
            if let verdict { continuation.resume(returning: verdict) }
        }
    }

    /// The first of those that have bytes to hash.
    func waiting(_ limit: Int) -> [LaneTicket] { state.withLock { Array($0.tickets.prefix(limit)) } }

    /// Lets go those that are done; the leader goes by `leave`.
    func dismiss() {
        let done = state.withLock { state in
            let done = state.tickets.filter(\.stream.rest.isEmpty)
            state.tickets.removeAll(where: \.stream.rest.isEmpty)
            return done
        }
        // Whoever leads does not wait, and is told nothing by this.
        for ticket in done { ticket.end(leading: false) }
    }

    /// The leader is done: the next one leads.
    func leave(_ leader: LaneTicket) {
        let next = state.withLock { state in
            state.isLed = !state.tickets.isEmpty
            return state.tickets.first
        }
        next?.end(leading: true)
    }
}
