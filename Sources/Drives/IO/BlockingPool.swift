import CLinux
import Glibc

/// A few threads for calls that block: metadata operations everywhere, and reads and writes where there is no io_uring.
///
/// First come, first served. The threads start with the first call and end with `stop` or with the last reference.
package final class BlockingPool: Sendable {
    private let queue: CallQueue

    /// Two threads keep one slow call from blocking the others; more than a few only contend for the directory's lock.
    package init(threads: Int = 4, name: String = "files") {
        precondition(threads > 0, "a pool has a thread")
        queue = CallQueue(threads: threads, name: name)
    }

    deinit { queue.stop() }

    /// Runs `call` on a thread of the pool and resumes the caller on its own executor.
    package func perform<Value: Sendable>(_ call: @escaping @Sendable () -> Value) async -> Value {
        await withUnsafeContinuation { continuation in
            queue.add { continuation.resume(returning: call()) }
        }
    }
}

/// The queue that the threads take calls from.
// SAFETY: everything but the mutex and the condition is touched with the mutex held.
private final class CallQueue: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private let threads: Int
    private let name: String
    private var calls: [@Sendable () -> Void] = []
    private var next = 0
    private var started = 0
    private var idle = 0
    private var isStopped = false

    init(threads: Int, name: String) {
        (self.threads, self.name) = (threads, name)
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    // The threads hold references, so none of them waits here any more.
    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    func add(_ call: @escaping @Sendable () -> Void) {
        pthread_mutex_lock(mutex)
        calls.append(call)
        let waiting = calls.count - next
        let startsThread = idle < waiting && started < threads
        if startsThread { started += 1 }
        pthread_cond_signal(condition)
        pthread_mutex_unlock(mutex)
        if startsThread { startThread() }
    }

    func stop() {
        pthread_mutex_lock(mutex)
        isStopped = true
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
    }

    private func startThread() {
        var thread = pthread_t()
        let error = pthread_create(
            &thread, nil,
            { raw in
                if let raw { Unmanaged<CallQueue>.fromOpaque(raw).takeRetainedValue().run() }
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        guard error != 0 else {
            pthread_detach(thread)
            return
        }
        Unmanaged.passUnretained(self).release()
        pthread_mutex_lock(mutex)
        started -= 1
        let isAlone = started == 0
        pthread_mutex_unlock(mutex)
        // No thread at all: better a caller that blocks than one that waits for ever.
        if isAlone { runOnce() }
    }

    private func runOnce() {
        pthread_mutex_lock(mutex)
        let call = take()
        pthread_mutex_unlock(mutex)
        call?()
    }

    private func run() {
        name.withCString { clinux_name_thread($0) }
        while true {
            pthread_mutex_lock(mutex)
            while next == calls.count && !isStopped {
                idle += 1
                pthread_cond_wait(condition, mutex)
                idle -= 1
            }
            let call = take()
            pthread_mutex_unlock(mutex)
            guard let call else { return }
            call()
        }
    }

    private func take() -> (@Sendable () -> Void)? {
        guard next < calls.count else { return nil }
        let call = calls[next]
        next += 1
        if next == calls.count {
            calls.removeAll(keepingCapacity: true)
            next = 0
        }
        return call
    }
}
