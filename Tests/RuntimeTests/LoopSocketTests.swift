import Glibc
import Runtime
import Testing

@Suite(.timeLimit(.minutes(1))) struct LoopSocketTests {
    /// Echoes on the loop what blocking threads send, byte for byte: an event between the look at the socket and the wait for it
    /// must not be lost.
    @Test func `no event is lost between a look and a wait`() async throws {
        let loop = try Loop(configuration: LoopConfiguration(usesRing: false))
        await withTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                let (ours, theirs) = Self.pair()
                loop.spawn { await Self.echo(ours, on: loop) }
                group.addTask { await Self.pings(theirs, count: 4000) }
            }
            for await answered in group { #expect(answered == 4000) }
        }
        await loop.drain()
        loop.stop()
    }

    private static func pair() -> (Int32, Int32) {
        var ends: [Int32] = [-1, -1]
        socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends)
        let flags = fcntl(ends[0], F_GETFL)
        _ = fcntl(ends[0], F_SETFL, flags | O_NONBLOCK)
        var limit = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(ends[1], SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        return (ends[0], ends[1])
    }

    private static func echo(_ descriptor: Int32, on loop: Loop) async {
        do {
            let socket = try LoopSocket(descriptor, on: loop)
            defer { socket.close() }
            let buffer = BufferPool().take(4096)
            while true {
                let count = try await socket.receive(into: buffer.bytes)
                if count == 0 { return }
                let bytes = UnsafeRawBufferPointer(rebasing: buffer.bytes[..<count])
                try await socket.send(bytes, UnsafeRawBufferPointer(start: nil, count: 0)) { _ in }
            }
        } catch {
            Issue.record(error)
        }
    }

    /// How many pings were answered within five seconds each. On a thread of its own: the calls block.
    private static func pings(_ descriptor: Int32, count: Int) async -> Int {
        await withCheckedContinuation { continuation in
            let work = Work {
                var answered = 0
                var byte: UInt8 = 7
                while answered < count, send(descriptor, &byte, 1, 0) == 1, recv(descriptor, &byte, 1, 0) == 1 {
                    answered += 1
                }
                close(descriptor)
                continuation.resume(returning: answered)
            }
            var thread = pthread_t()
            pthread_create(
                &thread, nil,
                { raw in
                    if let raw { Unmanaged<Work>.fromOpaque(raw).takeRetainedValue().body() }
                    return nil
                }, Unmanaged.passRetained(work).toOpaque())
            pthread_detach(thread)
        }
    }

    private final class Work {
        let body: () -> Void
        init(_ body: @escaping () -> Void) { self.body = body }
    }

    @Test func `a wait that is interrupted ends with the reason, and can be taken up again`() async throws {
        let (reason, count) = try await onLoop(LoopConfiguration(usesRing: false)) { loop in
            let (ours, theirs) = Self.pair()
            let socket = try LoopSocket(ours, on: loop), buffer = BufferPool().take(4096)
            let timer = loop.schedule(after: .milliseconds(1)) { socket.interrupt(.timedOut) }
            var reason: SocketError?
            do { _ = try await socket.receive(into: buffer.bytes) } catch { reason = error as? SocketError }
            timer.cancel()
            socket.clearInterruption()
            var byte: UInt8 = 1
            send(theirs, &byte, 1, 0)
            let count = try await socket.receive(into: buffer.bytes)
            socket.close()
            close(theirs)
            return (reason, count)
        }
        #expect(reason == .timedOut)
        #expect(count == 1)
    }

    @Test func `a timer may arm timers`() async throws {
        let ticks = Shared(0)
        try await onLoop(LoopConfiguration(usesRing: false)) { loop in
            let others = (0..<20).map { _ in loop.timer { ticks.withLock { $0 += 1 } } }
            let first = loop.schedule(after: .zero) {
                for other in others { other.arm(after: .zero) }
            }
            while ticks.withLock({ $0 }) < 20 { try await loop.sleep(for: .milliseconds(1)) }
            first.invalidate()
        }
        #expect(ticks.withLock { $0 } == 20)
    }
}
