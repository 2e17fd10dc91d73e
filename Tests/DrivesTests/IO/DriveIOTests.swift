import Base
import Drives
import Glibc
import Runtime
import SimulationSupport
import Synchronization
import Testing

/// Every `DriveIO` passes the same checks, and carries a log.
@Suite struct DriveIOTests {
    /// Runs `body` on a loop, in an empty directory.
    private func onLoop(
        usesRing: Bool, below parent: String? = nil, _ make: @escaping @Sendable (String, Loop) -> (any DriveIO)?,
        _ body: @escaping @Sendable (any DriveIO, Loop) async throws -> Void
    ) async throws {
        let root = try TemporaryDirectory(below: parent)
        let loop = try Loop(configuration: LoopConfiguration(usesRing: usesRing))
        let result = await withUnsafeContinuation { (done: UnsafeContinuation<Result<Bool, any Error>, Never>) in
            loop.spawn {
                do {
                    guard let io = make(root.path, loop) else { return done.resume(returning: .success(false)) }
                    try await body(io, loop)
                    done.resume(returning: .success(true))
                } catch { done.resume(returning: .failure(error)) }
            }
        }
        await loop.drain()
        loop.stop()
        // A kernel without io_uring has nothing to test here.
        _ = try result.get()
    }

    private static let threaded: @Sendable (String, Loop) -> (any DriveIO)? = { root, _ in
        ThreadedFiles(root: root, pool: BlockingPool(threads: 2))
    }
    private static let ring: @Sendable (String, Loop) -> (any DriveIO)? = { root, loop in
        RingFiles(root: root, loop: loop, pool: BlockingPool(threads: 2))
    }

    @Test(arguments: DriveIOCompatibility.checks.indices)
    func `SimulatedFiles passes the checks of every DriveIO`(_ index: Int) throws {
        for seed in 0..<5 as Range<UInt64> {
            let executor = SimulationExecutor(seed: seed)
            let drive = SimulatedDrive(executor: executor, seed: seed)
            try executor.run {
                try await DriveIOCompatibility.checks[index].check(DriveIOCompatibility(io: drive.files))
            }
        }
    }

    @Test(arguments: DriveIOCompatibility.checks.indices)
    func `ThreadedFiles passes the checks of every DriveIO`(_ index: Int) async throws {
        try await onLoop(usesRing: false, Self.threaded) { io, _ in
            try await DriveIOCompatibility.checks[index].check(DriveIOCompatibility(io: io))
        }
    }

    @Test(arguments: DriveIOCompatibility.checks.indices)
    func `RingFiles passes the checks of every DriveIO`(_ index: Int) async throws {
        try await onLoop(usesRing: true, Self.ring) { io, _ in
            try await DriveIOCompatibility.checks[index].check(DriveIOCompatibility(io: io))
        }
    }

    @Test(arguments: DriveIOCompatibility.checks.indices)
    func `a file system in memory passes the checks, direct or not`(_ index: Int) async throws {
        for make in [Self.threaded, Self.ring] {
            try await onLoop(usesRing: true, below: "/dev/shm", make) { io, _ in
                try await DriveIOCompatibility.checks[index].check(DriveIOCompatibility(io: io))
            }
        }
    }

    @Test func `a log works on the ring and on threads`() async throws {
        for make in [Self.threaded, Self.ring] {
            try await onLoop(usesRing: true, make) { io, loop in
                try await Self.useLog(io, loop)
            }
        }
    }

    private static func useLog(_ io: any DriveIO, _ loop: Loop) async throws {
        var parameters = LogParameters()
        parameters.segmentBytes = 1 << 20
        parameters.recordBytesMax = 64 << 10
        parameters.batchBytes = 64 << 10
        let pool = BufferPool(), time = StoppedTime(), random = SeededRandom(seed: 1)
        let first = DriveLog(
            io: io, drive: UniqueID(high: 1, low: 1), executor: loop, clock: time, random: random, pool: pool,
            parameters: parameters)
        let listener = RecordingListener()
        first.listener = listener
        try await first.start(after: try await first.recover(from: .zero, keeping: { _ in false }, { _ in }))
        for token in 0..<500 as Range<UInt64> {
            try first.append([.bytes([UInt8](repeating: UInt8(token % 251), count: 8000))], token: token)
        }
        await first.waitUntilIdle()
        #expect(listener.stored.map(\.token) == Array(0..<500))
        let last = try #require(listener.stored.last)
        #expect(try await first.read(last.location).bytes.allSatisfy { $0 == UInt8(499 % 251) })
        try await first.release(upTo: listener.stored[300].lsn, keeping: { _ in false })
        await first.close()
        let second = DriveLog(
            io: io, drive: UniqueID(high: 1, low: 1), executor: loop, clock: time, random: random, pool: pool,
            parameters: parameters)
        var found: [UInt8] = []
        let recovery = try await second.recover(from: listener.stored[300].lsn, keeping: { _ in false }) {
            record throws(DriveError) in
            found.append(record.bytes[0])
        }
        #expect(recovery.damages == [])
        #expect(found == (300..<500).map { UInt8($0 % 251) })
        try await second.start(after: recovery)
        await second.close()
    }

    @Test func `calls on names do not hold the loop`() async throws {
        try await onLoop(usesRing: true, Self.ring) { io, loop in
            let before = loop.enqueues.remote
            try await io.makeDirectory("d")
            #expect(loop.enqueues.remote == before + 1)
            let file = try await io.open("d/f", [.create, .direct])
            let opened = loop.enqueues.remote
            let block = BufferPool().take(4096)
            try await file.writeAndSync(UnsafeRawBufferPointer(block.bytes), at: 0)
            withExtendedLifetime(block) {}
            #expect(loop.enqueues.remote == opened)
            await file.close()
        }
    }
}

private struct StoppedTime: TimeSource {
    func now() -> Timestamp { Timestamp(nanoseconds: 0) }
    func monotonicNanoseconds() -> UInt64 { 0 }
}

/// A directory that is gone with its last reference.
final class TemporaryDirectory: Sendable {
    let path: String

    struct Failed: Error {}

    init(below parent: String? = nil) throws {
        let parent = parent ?? getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array((parent + "/martlet-XXXXXX").utf8CString)
        guard
            let made = template.withUnsafeMutableBufferPointer({ buffer in buffer.baseAddress.flatMap { mkdtemp($0) } })
        else { throw Failed() }
        path = String(cString: made)
    }

    deinit { Self.remove(path) }

    private static func remove(_ path: String) {
        if let stream = opendir(path) {
            var names: [String] = []
            while let entry = readdir(stream) {
                names.append(
                    withUnsafePointer(to: &entry.pointee.d_name) {
                        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                    })
            }
            closedir(stream)
            for name in names where name != "." && name != ".." { remove(path + "/" + name) }
        }
        Glibc.remove(path)
    }
}
