import CLinux
import Glibc

/// The io_uring of one loop: disk operations that suspend the caller and resume it on the loop, without an allocation each.
///
/// A continuation is eight bytes and rides in the operation's user data. Buffers must live until the call returns: an operation
/// is never cancelled. Operations beyond what the kernel's queues hold wait here, in order; no completion can be lost.
/// Results are as io_uring gives them: a count, or -errno.
// SAFETY: used on the thread of its loop only; every entry point checks that.
package final class Ring: @unchecked Sendable {
    package enum Kind: String, Sendable {
        /// SINGLE_ISSUER | DEFER_TASKRUN: completions appear when the loop asks for them. Cheapest.
        case deferred
        /// COOP_TASKRUN: no interrupt for a completion.
        case cooperative
        case plain
    }

    /// What a write linked to an fdatasync gave. A failed or short write leaves `-ECANCELED` in `sync`.
    package struct WriteAndSync: Hashable, Sendable {
        package var write: Int32
        package var sync: Int32

        package init(write: Int32, sync: Int32) {
            self.write = write
            self.sync = sync
        }
    }

    private struct Operation {
        var code: UInt32
        var descriptor: Int32
        var address: UInt64 = 0
        var length: UInt64 = 0
        var offset: UInt64 = 0
        var extra: UInt32 = 0
        var userData: UInt64
        var second: UInt64 = 0
        var submissions: Int { code == UInt32(CLINUX_OP_WRITE_DATASYNC) ? 2 : 1 }
    }

    private struct Pair {
        var continuation: UnsafeContinuation<WriteAndSync, Never>
        var result = WriteAndSync(write: 0, sync: 0)
        var missing = 2
    }

    /// Low bits of user data; a continuation is a pointer and has none of them set.
    private static let writeTag: UInt64 = 1
    private static let syncTag: UInt64 = 2
    private static let tagBits: UInt64 = 7
    private static let completionsPerTake = 256

    package let kind: Kind
    private let handle: OpaquePointer
    private let thread: UnsafeMutableRawPointer?
    private let inFlightMax: Int
    private let completions: UnsafeMutablePointer<clinux_completion>
    @exclusivity(unchecked) private var inFlight = 0
    @exclusivity(unchecked) private var waiting: [Operation] = []
    @exclusivity(unchecked) private var nextWaiting = 0
    @exclusivity(unchecked) private var pairs: [Pair?] = []
    @exclusivity(unchecked) private var freePairs: [Int] = []
    @exclusivity(unchecked) private var isSignalled = false
    /// The kernel refused a submission for the moment (EAGAIN, EBUSY, ENOMEM, EINTR): tried again within a millisecond.
    @exclusivity(unchecked) private(set) var mustRetry = false

    private init(kind: Kind, handle: OpaquePointer, entries: Int) {
        self.kind = kind
        self.handle = handle
        thread = clinux_thread_loop()
        // The completion queue has twice the entries; never more in flight than fit in it.
        inFlightMax = entries * 2
        completions = .allocate(capacity: Self.completionsPerTake)
    }

    deinit {
        clinux_ring_destroy(handle)
        completions.deallocate()
    }

    /// Tries the kinds from best to plainest. The text says what was refused: all of it when there is no ring.
    static func make(entries: Int, eventDescriptor: Int32) -> (Ring?, String?) {
        var refusals: [String] = []
        let kinds: [(Kind, UInt32)] = [
            (.deferred, UInt32(CLINUX_RING_DEFER)), (.cooperative, UInt32(CLINUX_RING_COOPERATIVE)),
            (.plain, UInt32(CLINUX_RING_PLAIN)),
        ]
        for (kind, mode) in kinds {
            var error: Int32 = 0
            var step: UnsafePointer<CChar>?
            if let handle = clinux_ring_create(UInt32(entries), mode, eventDescriptor, &error, &step) {
                let ring = Ring(kind: kind, handle: handle, entries: entries)
                return (ring, refusals.isEmpty ? nil : refusals.joined(separator: "; "))
            }
            let call = step.map { String(cString: $0) } ?? "io_uring"
            refusals.append("\(call) (\(kind.rawValue)): \(String(cString: strerror(error)))")
        }
        return (nil, refusals.joined(separator: "; "))
    }

    // MARK: Operations

    package func read(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) async -> Int32
    {
        await submit(
            code: UInt32(CLINUX_OP_READ), descriptor, UInt64(UInt(bitPattern: buffer.baseAddress)),
            Self.length(buffer.count), offset)
    }

    package func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, at offset: UInt64) async -> Int32 {
        await submit(
            code: UInt32(CLINUX_OP_WRITE), descriptor, UInt64(UInt(bitPattern: bytes.baseAddress)),
            Self.length(bytes.count), offset)
    }

    /// fdatasync, or fsync when `metadata` is asked for too.
    package func sync(_ descriptor: Int32, metadata: Bool = false) async -> Int32 {
        await submit(code: UInt32(CLINUX_OP_FSYNC), descriptor, 0, 0, 0, extra: metadata ? 0 : 1)
    }

    package func allocate(_ descriptor: Int32, mode: Int32, offset: UInt64, count: UInt64) async -> Int32 {
        await submit(code: UInt32(CLINUX_OP_FALLOCATE), descriptor, 0, count, offset, extra: UInt32(bitPattern: mode))
    }

    /// A write and, only if all of it was written, an fdatasync; both results.
    package func writeAndSync(
        _ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, at offset: UInt64
    ) async -> WriteAndSync {
        await withUnsafeContinuation { (continuation: UnsafeContinuation<WriteAndSync, Never>) in
            let index: Int
            if let free = freePairs.popLast() {
                index = free
                pairs[index] = Pair(continuation: continuation)
            } else {
                index = pairs.count
                pairs.append(Pair(continuation: continuation))
            }
            let slot = UInt64(index) << 3
            enqueue(
                Operation(
                    code: UInt32(CLINUX_OP_WRITE_DATASYNC), descriptor: descriptor,
                    address: UInt64(UInt(bitPattern: bytes.baseAddress)), length: Self.length(bytes.count),
                    offset: offset, userData: slot | Self.writeTag, second: slot | Self.syncTag))
        }
    }

    private func submit(
        code: UInt32, _ descriptor: Int32, _ address: UInt64, _ length: UInt64, _ offset: UInt64, extra: UInt32 = 0
    ) async -> Int32 {
        await withUnsafeContinuation { (continuation: UnsafeContinuation<Int32, Never>) in
            enqueue(
                Operation(
                    code: code, descriptor: descriptor, address: address, length: length, offset: offset, extra: extra,
                    userData: UInt64(unsafeBitCast(continuation, to: UInt.self))))
        }
    }

    /// Results are 32 bits wide, so one operation moves less than 2 GiB.
    private static func length(_ count: Int) -> UInt64 {
        precondition(count <= Int(Int32.max), "an operation moves less than 2 GiB")
        return UInt64(count)
    }

    private func enqueue(_ operation: Operation) {
        precondition(thread == clinux_thread_loop(), "a ring is used on the thread of its loop")
        if nextWaiting < waiting.count || !queue(operation) { waiting.append(operation) }
    }

    private func queue(_ operation: Operation) -> Bool {
        guard inFlight + operation.submissions <= inFlightMax else { return false }
        let queued = clinux_ring_queue(
            handle, operation.code, operation.descriptor, operation.address, operation.length, operation.offset,
            operation.extra, operation.userData, operation.second)
        guard queued != 0 else { return false }
        inFlight += operation.submissions
        return true
    }

    // MARK: Turns

    /// Nothing in flight and nothing waiting to be.
    var isIdle: Bool { inFlight == 0 && nextWaiting == waiting.count }

    /// The eventfd was signalled: completions are there, or will be once the kernel is asked.
    func completionsSignalled() { isSignalled = true }

    /// Submits what was queued since the last turn and resumes the callers of what has completed.
    func turn() {
        guard !isIdle else { return }
        var mayQueueMore = true
        while mayQueueMore {
            let hasQueued = queueWaiting()
            if clinux_ring_queued(handle) > 0 {
                mustRetry = clinux_ring_submit(handle) < 0
            } else if isSignalled {
                mustRetry = clinux_ring_get_events(handle) < 0
            }
            isSignalled = false
            let hasCompleted = takeCompletions()
            // What waits may have room now, and nothing but this turn would submit it.
            mayQueueMore = (hasQueued || hasCompleted) && nextWaiting < waiting.count && !mustRetry
        }
    }

    /// True when at least one of the waiting operations found room.
    private func queueWaiting() -> Bool {
        let before = waiting.count - nextWaiting
        while nextWaiting < waiting.count, queue(waiting[nextWaiting]) { nextWaiting += 1 }
        let hasQueued = waiting.count - nextWaiting < before
        if nextWaiting == waiting.count {
            waiting.removeAll(keepingCapacity: true)
            nextWaiting = 0
        }
        return hasQueued
    }

    /// True when something completed.
    private func takeCompletions() -> Bool {
        var total = 0
        while true {
            let count = Int(clinux_ring_take(handle, completions, UInt32(Self.completionsPerTake)))
            for index in 0..<count { complete(completions[index]) }
            inFlight -= count
            total += count
            if count < Self.completionsPerTake { return total > 0 }
        }
    }

    private func complete(_ completion: clinux_completion) {
        let tag = completion.user_data & Self.tagBits
        guard tag != 0 else {
            let continuation = unsafeBitCast(
                UInt(completion.user_data), to: UnsafeContinuation<Int32, Never>.self)
            return continuation.resume(returning: completion.result)
        }
        let index = Int(completion.user_data >> 3)
        guard var pair = pairs[index] else { preconditionFailure("a completion without an operation") }
        if tag == Self.writeTag { pair.result.write = completion.result } else { pair.result.sync = completion.result }
        pair.missing -= 1
        guard pair.missing == 0 else {
            pairs[index] = pair
            return
        }
        pairs[index] = nil
        freePairs.append(index)
        pair.continuation.resume(returning: pair.result)
    }
}
