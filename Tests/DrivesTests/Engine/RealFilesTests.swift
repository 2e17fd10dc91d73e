import Base
import Digests
import Drives
import Glibc
import Runtime
import SimulationSupport
import Testing

/// The engine on the file systems of this machine.
struct RealFilesTests {
    private struct SteadyTime: TimeSource {
        func now() -> Timestamp { Timestamp(nanoseconds: 0) }
        func monotonicNanoseconds() -> UInt64 {
            var time = timespec()
            clock_gettime(CLOCK_MONOTONIC, &time)
            return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
        }
    }

    @Test(arguments: [true, false]) func `a drive on real files keeps what was published over restarts`(ring: Bool)
        async throws
    {
        let directory = try TemporaryDirectory()
        let loop = try Loop(configuration: LoopConfiguration(usesRing: ring))
        let result = await withUnsafeContinuation { (done: UnsafeContinuation<Result<Void, any Error>, Never>) in
            loop.spawn {
                do {
                    let threads = BlockingPool(threads: 2)
                    let io: (any DriveIO)? =
                        ring
                        ? RingFiles(root: directory.path, loop: loop, pool: threads)
                        : ThreadedFiles(root: directory.path, pool: threads)
                    // A kernel without io_uring has nothing to test here.
                    if let io { try await Self.useDrive(io, loop) }
                    done.resume(returning: .success(()))
                } catch { done.resume(returning: .failure(error)) }
            }
        }
        loop.cancelTasks()
        await loop.drain()
        loop.stop()
        try result.get()
    }

    private static func useDrive(_ io: any DriveIO, _ loop: Loop) async throws {
        try await DriveFormat.format(io, as: EngineRig.identity)
        let pool = BufferPool()
        var expected: [IndexKey: [UInt8]] = [:]
        for round in 1...3 as ClosedRange<UInt64> {
            let engine = DriveEngine(
                identity: EngineRig.identity, io: io, executor: loop, time: SteadyTime(),
                random: SeededRandom(seed: round),
                pool: pool, parameters: EngineRig.tiny)
            _ = try await engine.recover()
            try await engine.resolve(VerdictBy { _ in .valid })
            loop.spawn { await engine.run() }
            for number in 1...60 as ClosedRange<UInt64> {
                let key = systemKey("key\(number % 17)"), position = Position(epoch: round, sequence: number)
                let data = [UInt8](
                    repeating: UInt8(truncatingIfNeeded: number &* round), count: 4096 * Int(1 + number % 3))
                let slice = pool.take(data.count).slice(0, data.count)
                slice.mutableBytes.copyBytes(from: data)
                let attachment: Drives.Attachment
                if number % 2 == 0 {
                    let extent = try await engine.reserve(data.count)
                    try await engine.write(slice, to: extent, at: 0)
                    try await engine.syncData()
                    attachment = .extents([extent], blockBytes: data.count, checksums: [])
                } else {
                    attachment = .packed(slice, checksum: BlockChecksum.of(data, seed: 0))
                }
                try await engine.commit(DriveCommit(header: header(position), mutations: [put(key, data, attachment)]))
                expected[key] = data
            }
            let entries = try await engine.entries(from: IndexKey([0]), to: IndexKey([0xF0]), limit: .max)
            #expect(entries.map(\.key) == expected.keys.sorted())
            for key in entries.map(\.key) {
                // Cleaning may move the data meanwhile: a reader pins, then takes the row.
                await engine.pin(key)
                let entry = try #require(try await engine.entry(key))
                #expect(entry.payload == expected[entry.key])
                switch entry.stored {
                case .none: Issue.record("no data")
                case .packed(let location): #expect(try await engine.read(location).array == entry.payload)
                case .extents(let extents, _, _):
                    let slice = pool.take(extents[0].byteCount).slice(0, extents[0].byteCount)
                    try await engine.read(extents[0], at: 0, into: slice)
                    #expect(slice.array == entry.payload)
                }
                await engine.unpin(key)
            }
            await engine.note(decided: Position(epoch: round, sequence: 60), confirmed: .zero)
            #expect(try await engine.verify().isClean)
            await engine.shutDown()
        }
    }
}
