import CLinux
import Glibc

package enum SocketError: Error, Hashable, Sendable {
    /// Closed by this side, or `interrupt` was called with `.closed`.
    case closed
    /// A deadline of the socket's owner passed.
    case timedOut
    /// The peer has gone: ECONNRESET, EPIPE and their like.
    case peerGone(errno: Int32)
    case system(call: String, errno: Int32)
}

/// A non-blocking socket on its loop: the system call first, a suspension only when it would block.
///
/// One task reads and one writes at a time. Every method is for the loop's thread.
// SAFETY: used on the thread of its loop only; registration checks that.
package final class LoopSocket: @unchecked Sendable {
    package let descriptor: Int32
    package let loop: Loop
    private var token: UInt64 = 0
    private var isClosed = false
    private var interruption: SocketError?
    @exclusivity(unchecked) private var isReadable = true
    @exclusivity(unchecked) private var isWritable = true
    private var hasHungUp = false
    private var bytesWithoutWait = 0
    @exclusivity(unchecked) private var reader: UnsafeContinuation<Void, Never>?
    @exclusivity(unchecked) private var writer: UnsafeContinuation<Void, Never>?

    /// Takes over the descriptor, which must be non-blocking. It is closed when this throws.
    package init(_ descriptor: Int32, on loop: Loop) throws(SocketError) {
        self.descriptor = descriptor
        self.loop = loop
        do {
            token = try loop.register(self)
        } catch {
            isClosed = true
            Glibc.close(descriptor)
            throw error
        }
    }

    deinit {
        if !isClosed { Glibc.close(descriptor) }
    }

    /// The peer has closed its sending side, or the connection is broken.
    package var isPeerGone: Bool { hasHungUp }

    /// Receives what is there; 0 at the end of the stream, nil when nothing is there yet. `buffer` is not empty.
    package func tryReceive(into buffer: UnsafeMutableRawBufferPointer) throws(SocketError) -> Int? {
        while true {
            try check()
            guard isReadable else { return nil }
            let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
            if count >= 0 {
                // Fewer bytes than asked for: the kernel's buffer is empty, the next call would only say so. Not so after
                // a hang-up, whose edge has been reported already.
                if count > 0 && count < buffer.count && !hasHungUp { isReadable = false }
                return count
            }
            try failed("recv", readable: true)
        }
    }

    /// Suspends until there is something to receive. Throws when the wait is ended from this side.
    package func waitReadable() async throws(SocketError) {
        try check()
        // Looked at inside: the task may go through the loop's queue on its way into the closure, and an event that is dispatched
        // meanwhile finds nobody to resume.
        await withUnsafeContinuation { continuation in
            if isReadable || isEnded { continuation.resume() } else { reader = continuation }
        }
        try check()
    }

    private func waitWritable() async {
        await withUnsafeContinuation { continuation in
            if isWritable || isEnded { continuation.resume() } else { writer = continuation }
        }
    }

    /// No event will come, or none is waited for any more.
    private var isEnded: Bool { isClosed || interruption != nil }

    /// Receives at least one byte; 0 at the end of the stream.
    package func receive(into buffer: UnsafeMutableRawBufferPointer) async throws(SocketError) -> Int {
        while true {
            if let count = try tryReceive(into: buffer) {
                await breathe(count)
                return count
            }
            try await waitReadable()
            bytesWithoutWait = 0
        }
    }

    /// Throws away up to `count` bytes, at least one, without copying them; 0 at the end of the stream.
    package func discard(_ count: Int) async throws(SocketError) -> Int {
        while true {
            try check()
            guard isReadable else {
                try await waitReadable()
                bytesWithoutWait = 0
                continue
            }
            let taken = clinux_discard(descriptor, count)
            if taken >= 0 {
                if taken > 0 && taken < count && !hasHungUp { isReadable = false }
                await breathe(taken)
                return taken
            }
            try failed("recv", readable: true)
        }
    }

    /// Sends all of the pieces, in system calls of up to 256 KiB (what a second-level cache holds: larger and smaller ones cost
    /// more per byte). `progress` hears of every part that the kernel took.
    package func send(
        _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, progress: (Int) -> Void
    ) async throws(SocketError) {
        var first = first, second = second
        while first.count + second.count > 0 {
            try check()
            guard isWritable else {
                await waitWritable()
                bytesWithoutWait = 0
                continue
            }
            let firstCount = min(first.count, Self.sendBytesMax)
            let secondCount = min(second.count, Self.sendBytesMax - firstCount)
            let count = clinux_send2(descriptor, first.baseAddress, firstCount, second.baseAddress, secondCount)
            guard count >= 0 else {
                try failed("sendmsg", readable: false)
                continue
            }
            progress(count)
            // What is left of this call did not fit: wait for room without asking again.
            if count < firstCount + secondCount { isWritable = false }
            let ofFirst = min(count, first.count)
            first = UnsafeRawBufferPointer(rebasing: first.dropFirst(ofFirst))
            second = UnsafeRawBufferPointer(rebasing: second.dropFirst(count - ofFirst))
            await breathe(count)
        }
    }

    private static let sendBytesMax = 256 << 10
    /// About a millisecond of copying: then others on the loop have a turn.
    private static let bytesPerBreath = 1 << 20

    private func breathe(_ count: Int) async {
        bytesWithoutWait += count
        guard bytesWithoutWait >= Self.bytesPerBreath else { return }
        bytesWithoutWait = 0
        await Task.yield()
    }

    /// Accepts a connection; the descriptor is non-blocking. A failure of the connection itself is passed over.
    package func accept() async throws(SocketError) -> Int32 {
        while true {
            if let accepted = try tryAccept() { return accepted }
            try await waitReadable()
        }
    }

    /// The same; nil when no connection waits.
    package func tryAccept() throws(SocketError) -> Int32? {
        // accept(2): errors of the new connection that are already pending on it are reported by accept.
        let passedOver = [
            ECONNABORTED, EPROTO, ENETDOWN, EHOSTDOWN, EHOSTUNREACH, ENETUNREACH, ENONET, EOPNOTSUPP, EPERM,
            ENOPROTOOPT,
        ]
        while isReadable {
            try check()
            let accepted = clinux_accept(descriptor)
            if accepted >= 0 { return accepted }
            if passedOver.contains(clinux_errno()) { continue }
            try failed("accept4", readable: true)
        }
        return nil
    }

    /// Numeric address and port of the peer; empty when it has gone.
    package var peer: (address: String, port: UInt16) {
        var port: UInt16 = 0
        let address = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { text -> String in
            guard let base = text.baseAddress else { return "" }
            port = clinux_peer(descriptor, base, 64)
            return String(cString: base)
        }
        return (address, port)
    }

    /// No more bytes will be sent; the peer reads the end of the stream.
    package func shutDownSending() {
        if !isClosed { Glibc.shutdown(descriptor, Int32(SHUT_WR)) }
    }

    /// Ends every wait on this socket, now and later, with `reason`, until `clearInterruption`.
    package func interrupt(_ reason: SocketError) {
        guard interruption == nil else { return }
        interruption = reason
        resume(\.reader)
        resume(\.writer)
    }

    package func clearInterruption() { interruption = nil }

    package func close() {
        guard !isClosed else { return }
        isClosed = true
        loop.deregister(token)
        Glibc.close(descriptor)
        resume(\.reader)
        resume(\.writer)
    }

    /// Closes with a reset, so that the peer cannot take what it got for a whole answer.
    package func abort() {
        guard !isClosed else { return }
        clinux_set_linger_zero(descriptor)
        close()
    }

    func socketReady(_ events: UInt32) {
        if events & UInt32(CLINUX_EVENT_HANGUP) != 0 { hasHungUp = true }
        if events & UInt32(CLINUX_EVENT_READ) != 0 {
            isReadable = true
            resume(\.reader)
        }
        if events & UInt32(CLINUX_EVENT_WRITE) != 0 {
            isWritable = true
            resume(\.writer)
        }
    }

    private func resume(_ waiter: ReferenceWritableKeyPath<LoopSocket, UnsafeContinuation<Void, Never>?>) {
        guard let continuation = self[keyPath: waiter] else { return }
        self[keyPath: waiter] = nil
        continuation.resume()
    }

    private func check() throws(SocketError) {
        if isClosed { throw .closed }
        if let interruption { throw interruption }
    }

    /// Returns when the call should be made again, after a wait if it would block.
    private func failed(_ call: String, readable: Bool) throws(SocketError) {
        let error = clinux_errno()
        switch error {
        case EAGAIN:
            if readable { isReadable = false } else { isWritable = false }
        case EINTR: break
        case ECONNRESET, EPIPE, ETIMEDOUT, ENOTCONN: throw .peerGone(errno: error)
        default: throw .system(call: call, errno: error)
        }
    }
}

/// The sockets that a loop watches. A token is a slot and the slot's generation, so that an event that was already taken
/// from the kernel does not reach a socket that has since got the slot.
struct SocketTable {
    static let wakeToken: UInt64 = 0
    static let ringToken: UInt64 = 1

    private var slots: [(generation: UInt32, socket: LoopSocket?)] = [(0, nil), (0, nil)]
    private var free: [Int] = []

    mutating func insert(_ socket: LoopSocket) -> UInt64 {
        let index: Int
        if let reused = free.popLast() {
            index = reused
        } else {
            index = slots.count
            slots.append((0, nil))
        }
        slots[index].socket = socket
        return UInt64(slots[index].generation) << 32 | UInt64(index)
    }

    mutating func remove(_ token: UInt64) {
        let index = Int(token & 0xFFFF_FFFF)
        guard self[token] != nil else { return }
        slots[index].socket = nil
        slots[index].generation &+= 1
        free.append(index)
    }

    subscript(_ token: UInt64) -> LoopSocket? {
        let index = Int(token & 0xFFFF_FFFF)
        guard index < slots.count, slots[index].generation == UInt32(token >> 32) else { return nil }
        return slots[index].socket
    }
}
