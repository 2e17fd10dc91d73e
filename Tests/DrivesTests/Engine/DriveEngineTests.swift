import Base
import Digests
import Drives
import Runtime
import SimulationSupport
import Testing

/// What one drive promises its set, step by step.
struct DriveEngineTests {
    @Test func `a drive is formatted once, and a foreign or occupied directory is never overwritten`() throws {
        let rig = EngineRig(seed: 1)
        try rig.executor.run {
            #expect(try await DriveFormat.inspect(rig.drive.files) == .blank)
            try await rig.format()
            #expect(
                try await DriveFormat.inspect(rig.drive.files)
                    == .formatted(DriveFileContents(identity: EngineRig.identity)))
            await #expect(throws: DriveError.self) { try await rig.format() }
            var other = EngineRig.identity
            other.slot = 1
            let engine = DriveEngine(
                identity: other, io: rig.drive.files, executor: rig.executor, time: rig.executor.clock,
                random: rig.random, pool: rig.pool, parameters: rig.parameters)
            do throws(DriveError) {
                _ = try await engine.recover()
                Issue.record("a foreign drive was opened")
            } catch {
                guard case .foreignDrive(let found) = error else { throw error }
                #expect(found == EngineRig.identity)
            }
        }
        let occupied = EngineRig(seed: 2)
        try occupied.executor.run {
            let files = occupied.drive.files
            try await files.makeDirectory("lost+found")
            #expect(try await DriveFormat.inspect(files) == .blank)
            _ = try await files.open("photos", .create)
            #expect(try await DriveFormat.inspect(files) == .occupied(found: ["photos"]))
            await #expect(throws: DriveError.self) { try await occupied.format() }
        }
    }

    @Test func `a drive that is in use is not opened a second time`() throws {
        let rig = EngineRig(seed: 3)
        try rig.executor.run {
            try await rig.format()
            let engine = try await rig.open()
            do throws(DriveError) {
                _ = try await rig.engine().recover()
                Issue.record("opened twice")
            } catch { guard case .inUse = error else { throw error } }
            await engine.shutDown()
            await (try await rig.open()).shutDown()
        }
    }

    @Test func `nothing is seen of a commit before it is published`() throws {
        let rig = EngineRig(seed: 4)
        try rig.executor.run {
            try await rig.format()
            let engine = try await rig.open()
            let key = systemKey("a"), position = Position(epoch: 1, sequence: 1)
            try await engine.store(
                DriveCommit(header: header(position), mutations: [put(key, [1, 2, 3], rig.packed([9, 8, 7]))]))
            #expect(try await engine.entry(key) == nil)
            let pending = try #require(try await engine.pendingCommit(position))
            guard case .put(let payload, .packed(let data, _)) = pending.mutations[0].change else {
                throw ModelViolation("not what was written")
            }
            #expect(payload == [1, 2, 3] && data.array == [9, 8, 7])
            await engine.publish(position)
            let entry = try #require(try await engine.entry(key))
            #expect(entry.payload == [1, 2, 3] && entry.revision == position)
            guard case .packed(let location) = entry.stored else { throw ModelViolation("not what was written") }
            #expect(try await engine.read(location).array == [9, 8, 7])
            #expect(try await engine.pendingCommit(position) == nil)
        }
    }

    @Test func `recovery hands out what was not flushed, and the verdict decides`() throws {
        let rig = EngineRig(seed: 5)
        try rig.executor.run {
            try await rig.format()
            var engine = rig.engine()
            var recovery = try await engine.recover()
            #expect(recovery.isBlank)
            try await engine.resolve(VerdictBy { _ in .valid })
            for sequence in 1...3 as ClosedRange<UInt64> {
                let position = Position(epoch: 1, sequence: sequence)
                try await engine.store(
                    DriveCommit(
                        header: header(position, decided: Position(epoch: 1, sequence: sequence - 1)),
                        mutations: [put(systemKey("k\(sequence)"), [UInt8(sequence)])]))
            }
            await engine.publish(Position(epoch: 1, sequence: 1))
            rig.drive.powerCut()
            engine = rig.engine()
            recovery = try await engine.recover()
            #expect(!recovery.isBlank && !recovery.isDamaged)
            #expect(recovery.pending.map(\.header.position.sequence) == [1, 2, 3])
            #expect(recovery.decided == Position(epoch: 1, sequence: 2))
            #expect(recovery.pending[0].keyHashes == [systemKey("k1").changeHash])
            try await engine.resolve(VerdictBy { [.valid, .void, .pending][Int($0.sequence) - 1] })
            #expect(try await engine.entry(systemKey("k1"))?.payload == [1])
            #expect(try await engine.entry(systemKey("k2")) == nil)
            #expect(try await engine.entry(systemKey("k3")) == nil)
            await engine.publish(Position(epoch: 1, sequence: 3))
            #expect(try await engine.entry(systemKey("k3"))?.payload == [3])
        }
    }

    @Test func `a promise is kept, and only a higher one or the same replaces it`() throws {
        let rig = EngineRig(seed: 6)
        try rig.executor.run {
            try await rig.format()
            var engine = try await rig.open()
            let mine = Promise(epoch: 5, leader: UniqueID(high: 1, low: 1))
            try await engine.store(mine)
            try await engine.store(mine)
            rig.drive.powerCut()
            engine = rig.engine()
            let recovery = try await engine.recover()
            #expect(recovery.promise == mine && recovery.isBlank)
            let others = [
                Promise(epoch: 5, leader: UniqueID(high: 1, low: 2)), Promise(epoch: 4, leader: mine.leader),
            ]
            for other in others {
                do throws(DriveError) {
                    try await engine.store(other)
                    Issue.record("\(other) was taken")
                } catch { guard case .promisedHigher(mine) = error else { throw error } }
            }
            try await engine.store(Promise(epoch: 6, leader: UniqueID(high: 1, low: 2)))
        }
    }

    @Test func `extents hold what was written, are freed by the commit that replaces them, and pins delay their reuse`() throws {
        let rig = EngineRig(seed: 7)
        try rig.executor.run {
            try await rig.format()
            let engine = try await rig.open()
            let key = systemKey("big")
            let first = try await engine.reserve(8192)
            try await engine.write(rig.slice(Array(repeating: 7, count: 8192)), to: first, at: 0)
            try await engine.syncData()
            try await engine.commit(
                DriveCommit(
                    header: header(Position(epoch: 1, sequence: 1)),
                    mutations: [put(key, [], .extents([first], blockBytes: 8192, checksums: [1]))]))
            await engine.pin(key)
            try await engine.commit(
                DriveCommit(header: header(Position(epoch: 1, sequence: 2)), mutations: [delete(key)]))
            await engine.note(decided: Position(epoch: 1, sequence: 2), confirmed: .zero)
            var others: [Extent] = []
            for _ in 0..<4 { others.append(try await engine.reserve(8192)) }
            #expect(!others.contains(first))
            let slice = rig.pool.take(8192).slice(0, 8192)
            try await engine.read(first, at: 0, into: slice)
            #expect(slice.array == Array(repeating: 7, count: 8192))
            await engine.unpin(key)
            #expect(try await engine.reserve(8192) == first)
        }
    }

    @Test func `a failed write closes the write path, and reads go on`() throws {
        let rig = EngineRig(seed: 8)
        try rig.executor.run {
            try await rig.format()
            var engine = try await rig.open()
            let key = systemKey("a")
            try await engine.commit(
                DriveCommit(header: header(Position(epoch: 1, sequence: 1)), mutations: [put(key, [1])]))
            rig.drive.inject(SimulatedFault(.error(5), on: .sync, pathPrefix: "log/"))
            let later = DriveCommit(header: header(Position(epoch: 1, sequence: 2)), mutations: [put(key, [2])])
            await #expect(throws: DriveError.self) { try await engine.store(later) }
            await #expect(throws: DriveError.self) { try await engine.store(later) }
            await #expect(throws: DriveError.self) { _ = try await engine.reserve(4096) }
            #expect(await engine.statistics().isPoisoned)
            #expect(try await engine.entry(key)?.payload == [1])
            await engine.shutDown()
            rig.drive.kill()
            engine = try await rig.open { $0.sequence == 1 ? .valid : .void }
            #expect(try await engine.entry(key)?.payload == [1])
            try await engine.store(
                DriveCommit(header: header(Position(epoch: 2, sequence: 1)), mutations: [put(key, [3])]))
        }
    }

    @Test func `the newest statement, the mark and the change list survive flushes`() throws {
        let rig = EngineRig(seed: 9)
        try rig.executor.run {
            try await rig.format()
            var engine = try await rig.open()
            for sequence in 1...6 as ClosedRange<UInt64> {
                let position = Position(epoch: 1, sequence: sequence)
                let isStatement = sequence % 2 == 1
                try await engine.commit(
                    DriveCommit(
                        header: header(position, kind: isStatement ? .statement : .commit),
                        mutations: isStatement ? [] : [put(systemKey("k\(sequence)"), [1])], note: [UInt8(sequence)]))
                if sequence == 2 { try await engine.flush() }
                if sequence == 4 {
                    await engine.note(decided: position, confirmed: Position(epoch: 1, sequence: 3))
                    try await engine.flush()
                }
            }
            #expect(try await engine.changes().map(\.position.sequence) == [4, 5, 6])
            rig.drive.powerCut()
            engine = rig.engine()
            let recovery = try await engine.recover()
            #expect(recovery.mark == Position(epoch: 1, sequence: 3))
            #expect(recovery.changes.map(\.position.sequence) == [4])
            #expect(recovery.changes[0].keyHashes == [systemKey("k4").changeHash])
            #expect(recovery.statement?.position.sequence == 3 && recovery.statement?.note == [3])
            #expect(recovery.pending.map(\.header.position.sequence) == [5, 6])
            #expect(recovery.decided == Position(epoch: 1, sequence: 4))
        }
    }
}
