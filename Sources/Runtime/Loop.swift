import Base
import CLinux
import Glibc
import Synchronization

package struct LoopConfiguration: Sendable {
    /// Name of the thread, up to 15 bytes.
    package var name: String
    /// Make an io_uring. Without one, or where the kernel forbids it, `Loop.ring` is nil and `Loop.ringRefusal` says why.
    package var usesRing: Bool
    /// Submission entries of the ring, a power of two. Twice as many operations may be in flight; more wait in the loop.
    package var ringEntries: Int

    package init(name: String = "loop", usesRing: Bool = true, ringEntries: Int = 512) {
        self.name = name
        self.usesRing = usesRing
        self.ringEntries = ringEntries
    }
}

/// A system call without which no loop can run.
package struct LoopError: Error, Hashable, Sendable {
    package let call: String
    package let errno: Int32
}

/// One thread, and all that belongs to it: sockets (epoll), disk operations (one io_uring), timers and the jobs of its tasks.
///
/// SerialExecutor and TaskExecutor in one object, so that a continuation resumed on the thread continues on the thread, and
/// an actor pinned to the loop is entered without a hop. Jobs that come from the thread itself take no lock.
/// Every wait of the thread is one `epoll_wait`: the ring signals an eventfd in the epoll set, other threads signal another.
///
/// Fair by turns: a bounded number of jobs, what other threads sent, due timers, disk submissions and completions, sockets.
// SAFETY: everything but `remote`, the atomics and what is fixed before `init` returns is touched on the loop's thread only.
package final class Loop: PinnedExecutor, @unchecked Sendable {
    /// Jobs between two looks at sockets and disks: a few hundred microseconds of ordinary jobs.
    private static let jobsPerTurn = 128
    /// Jobs, or time, after which sockets are looked at even when jobs and disk completions keep the loop busy.
    private static let jobsPerPoll = 64
    private static let nanosecondsPerPoll: UInt64 = 200_000

    private struct Remote {
        var jobs: [UnownedJob] = []
        var actions: [@Sendable () -> Void] = []
    }

    /// The loop's io_uring; nil when there is none.
    package private(set) var ring: Ring?
    /// Why there is no ring, or why not the best kind; nil when all is well.
    package private(set) var ringRefusal: String?

    private let configuration: LoopConfiguration
    private let epoll: Int32
    private let wakeDescriptor: Int32
    private let ringDescriptor: Int32
    private let startedDescriptor: Int32
    private var thread = pthread_t()

    private let remote = Mutex(Remote())
    private let remotePending = Atomic<Bool>(false)
    private let isSleeping = Atomic<Bool>(false)
    private let isStopping = Atomic<Bool>(false)
    private let remoteEnqueues = Atomic<Int>(0)
    private let localEnqueueCount = Atomic<Int>(0)
    private let assignedLoad = Atomic<Int>(0)
    private let tasks = TaskTable()

    @exclusivity(unchecked) private var jobs: [UnownedJob] = []
    @exclusivity(unchecked) private var nextJob = 0
    @exclusivity(unchecked) private var localEnqueues = 0
    @exclusivity(unchecked) private var timers = TimerHeap()
    @exclusivity(unchecked) private var sockets = SocketTable()
    @exclusivity(unchecked) private var turnTime: UInt64 = 0

    package init(configuration: LoopConfiguration = LoopConfiguration()) throws(LoopError) {
        self.configuration = configuration
        epoll = clinux_epoll_create()
        wakeDescriptor = clinux_eventfd(0)
        ringDescriptor = clinux_eventfd(0)
        startedDescriptor = clinux_eventfd(1)
        turnTime = clinux_monotonic_ns()
        guard epoll >= 0 else { throw LoopError(call: "epoll_create1", errno: clinux_errno()) }
        guard wakeDescriptor >= 0, ringDescriptor >= 0, startedDescriptor >= 0 else {
            throw LoopError(call: "eventfd", errno: clinux_errno())
        }
        for (descriptor, token) in [(wakeDescriptor, SocketTable.wakeToken), (ringDescriptor, SocketTable.ringToken)] {
            let error = clinux_epoll_add_eventfd(epoll, descriptor, token)
            guard error == 0 else { throw LoopError(call: "epoll_ctl", errno: error) }
        }
        let error = pthread_create(
            &thread, nil,
            { raw in
                if let raw { Unmanaged<Loop>.fromOpaque(raw).takeRetainedValue().run() }
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        guard error == 0 else {
            Unmanaged.passUnretained(self).release()
            throw LoopError(call: "pthread_create", errno: error)
        }
        // The ring must be made on its own thread; callers may rely on `ring` as soon as the loop exists.
        clinux_eventfd_wait(startedDescriptor)
    }

    deinit {
        for descriptor in [epoll, wakeDescriptor, ringDescriptor, startedDescriptor] where descriptor >= 0 {
            Glibc.close(descriptor)
        }
    }

    /// The loop that runs on the calling thread.
    package static var current: Loop? {
        guard let raw = clinux_thread_loop() else { return nil }
        return Unmanaged<Loop>.fromOpaque(raw).takeUnretainedValue()
    }

    package var isCurrent: Bool { clinux_thread_loop() == Unmanaged.passUnretained(self).toOpaque() }

    /// Monotonic nanoseconds at the start of this turn. On the loop's thread only.
    package var now: UInt64 { turnTime }

    // MARK: Executor

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if isCurrent {
            localEnqueues += 1
            jobs.append(job)
            return
        }
        remoteEnqueues.add(1, ordering: .relaxed)
        remote.withLock { $0.jobs.append(job) }
        wake()
    }

    package func checkIsolated() {
        precondition(isCurrent, "not on the thread of this loop")
    }

    package func isIsolatingCurrentContext() -> Bool? { isCurrent }

    /// Jobs enqueued so far: by the loop's own thread, and by others (each of which may cost a wake-up). Tests assert on them.
    package var enqueues: (local: Int, remote: Int) {
        let local = isCurrent ? localEnqueues : localEnqueueCount.load(ordering: .acquiring)
        return (local, remoteEnqueues.load(ordering: .relaxed))
    }

    /// Runs `action` on the loop's thread: at once when already there.
    package func perform(_ action: @escaping @Sendable () -> Void) {
        if isCurrent { return action() }
        remote.withLock { $0.actions.append(action) }
        wake()
    }

    /// A store to `remotePending` before a load of `isSleeping`, and the reverse in the loop: one of the two sees the other.
    private func wake() {
        remotePending.store(true, ordering: .sequentiallyConsistent)
        if isSleeping.exchange(false, ordering: .sequentiallyConsistent) { clinux_eventfd_signal(wakeDescriptor) }
    }

    // MARK: Tasks

    package func spawn(_ operation: @escaping @Sendable () async -> Void) {
        tasks.start(on: self, operation)
    }

    /// Tasks started by `spawn` that have not ended.
    package var liveTasks: Int { tasks.count }

    /// Returns when every task started by `spawn` has ended.
    package func drain() async { await tasks.drain() }

    /// Cancels the tasks that `spawn` started and that still run.
    package func cancelTasks() { tasks.cancelAll() }

    /// What callers have put on this loop (connections, say), for choosing the least loaded.
    package var load: Int { assignedLoad.load(ordering: .relaxed) }
    package func addLoad(_ units: Int) { assignedLoad.add(units, ordering: .relaxed) }

    // MARK: Timers

    package func sleep(for duration: Duration) async throws {
        try await Sleeper.sleep(for: duration, on: self)
    }

    /// A timer that calls `action` on the loop's thread, once, unless it is cancelled or armed anew. On the loop's thread only.
    package func schedule(after duration: Duration, _ action: @escaping @Sendable () -> Void) -> TimerHandle {
        let timer = timer(action)
        timer.arm(after: duration)
        return timer
    }

    /// The same, not armed yet.
    package func timer(_ action: @escaping @Sendable () -> Void) -> TimerHandle {
        TimerHandle(loop: self, action: action)
    }

    func insert(_ timer: TimerHandle, at deadline: UInt64) {
        precondition(isCurrent, "timers belong to the loop's thread")
        timers.push(timer, at: deadline)
    }

    func timerDied() { timers.timerDied() }

    // MARK: Sockets

    /// Watches the socket from now on; events arrive at `socketReady`.
    func register(_ socket: LoopSocket) throws(SocketError) -> UInt64 {
        precondition(isCurrent, "sockets belong to the loop's thread")
        let token = sockets.insert(socket)
        let error = clinux_epoll_add(epoll, socket.descriptor, token)
        guard error == 0 else {
            sockets.remove(token)
            throw .system(call: "epoll_ctl", errno: error)
        }
        return token
    }

    /// Closing the descriptor ends the watch; this forgets the object.
    func deregister(_ token: UInt64) { sockets.remove(token) }

    // MARK: Thread

    /// Ends the thread once no disk operation is in flight, and waits for it. Drain first: jobs enqueued later never run.
    package func stop() {
        precondition(!isCurrent, "a loop cannot wait for its own end")
        guard !isStopping.exchange(true, ordering: .sequentiallyConsistent) else { return }
        wake()
        pthread_join(thread, nil)
    }

    private func run() {
        clinux_set_thread_loop(Unmanaged.passUnretained(self).toOpaque())
        configuration.name.withCString { clinux_name_thread($0) }
        if configuration.usesRing {
            (ring, ringRefusal) = Ring.make(entries: configuration.ringEntries, eventDescriptor: ringDescriptor)
        } else {
            ringRefusal = "io_uring is switched off by configuration"
        }
        clinux_eventfd_signal(startedDescriptor)

        let events = UnsafeMutablePointer<clinux_event>.allocate(capacity: Self.eventsPerPoll)
        defer { events.deallocate() }
        var jobsSincePoll = Self.jobsPerPoll
        var lastPoll = turnTime
        while true {
            jobsSincePoll += runJobs()
            takeRemote()
            turnTime = clinux_monotonic_ns()
            fireTimers()
            ring?.turn()
            let isIdle = nextJob == jobs.count
            if isIdle && isStopping.load(ordering: .sequentiallyConsistent) && (ring?.isIdle ?? true) {
                if !remotePending.load(ordering: .sequentiallyConsistent) { break }
                continue
            }
            if isIdle || jobsSincePoll >= Self.jobsPerPoll || turnTime &- lastPoll >= Self.nanosecondsPerPoll {
                poll(events, mayWait: isIdle)
                jobsSincePoll = 0
                lastPoll = turnTime
            }
        }
        ring = nil
        clinux_set_thread_loop(nil)
    }

    private static let eventsPerPoll = 256

    /// Runs the jobs that are there now. Those that they enqueue wait for the next turn, so that tasks which yield to each other
    /// do not keep the rest from its turn.
    private func runJobs() -> Int {
        let serial = asUnownedSerialExecutor(), preferred = asUnownedTaskExecutor()
        let count = min(jobs.count - nextJob, Self.jobsPerTurn)
        for _ in 0..<count {
            let job = jobs[nextJob]
            nextJob += 1
            job.runSynchronously(isolatedTo: serial, taskExecutor: preferred)
        }
        if nextJob == jobs.count {
            jobs.removeAll(keepingCapacity: true)
            nextJob = 0
        } else if nextJob >= 4096 {
            jobs.removeSubrange(0..<nextJob)
            nextJob = 0
        }
        localEnqueueCount.store(localEnqueues, ordering: .releasing)
        return count
    }

    private func fireTimers() {
        while let (timer, time) = timers.takeDue(at: turnTime) {
            if let again = timer.look(entry: time, now: turnTime) { timers.push(timer, at: again) }
        }
    }

    private func takeRemote() {
        guard remotePending.exchange(false, ordering: .sequentiallyConsistent) else { return }
        let taken = remote.withLock { remote in
            defer {
                remote.jobs.removeAll(keepingCapacity: true)
                remote.actions = []
            }
            return remote
        }
        jobs.append(contentsOf: taken.jobs)
        for action in taken.actions { action() }
    }

    private func poll(_ events: UnsafeMutablePointer<clinux_event>, mayWait: Bool) {
        var timeout: Int32 = 0
        if mayWait {
            timeout = waitMilliseconds()
            isSleeping.store(true, ordering: .sequentiallyConsistent)
            if remotePending.load(ordering: .sequentiallyConsistent) { timeout = 0 }
        }
        let count = clinux_epoll_wait(epoll, events, Int32(Self.eventsPerPoll), timeout)
        if mayWait { isSleeping.store(false, ordering: .sequentiallyConsistent) }
        guard count > 0 else { return }
        turnTime = clinux_monotonic_ns()
        for index in 0..<Int(count) {
            let event = events[index]
            switch event.token {
            case SocketTable.wakeToken: break
            case SocketTable.ringToken: ring?.completionsSignalled()
            // The table's reference is taken for the duration of the event: the handler may close the socket.
            default: sockets[event.token]?.socketReady(event.events)
            }
        }
    }

    /// Until the next timer, rounded up so that a timer is never looked at too early; -1 for ever.
    private func waitMilliseconds() -> Int32 {
        if ring?.mustRetry == true { return 1 }
        guard let deadline = timers.next else { return -1 }
        guard deadline > turnTime else { return 0 }
        return Int32(clamping: (deadline - turnTime + 999_999) / 1_000_000)
    }
}
