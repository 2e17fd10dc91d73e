import Base
import Digests
import Drives
import Runtime
import SimulationSupport
import Testing

/// Rule 18: a full drive refuses puts, takes deletes, frees their space, and takes puts again.
struct FullDriveTests {
    @Test func `a drive whose directory was emptied under it puts nothing into it`() throws {
        let rig = EngineRig(seed: 7, capacityBytes: 3 << 20)
        try rig.executor.run {
            try await rig.format()
            let engine = try await rig.open()
            rig.executor.spawn { await engine.run() }
            try await rig.drive.files.remove(DriveFormat.identityPath)
            try await rig.executor.sleep(for: .seconds(3))
            #expect(try await rig.drive.files.list("").contains("reserve") == false)
            await engine.shutDown()
        }
    }

    @Test(arguments: 0..<2 as Range<UInt64>)
    func `a full drive refuses puts, takes deletes, and takes puts again`(seed: UInt64) throws {
        let rig = EngineRig(seed: seed, capacityBytes: 3 << 20)
        try rig.executor.run {
            try await rig.format()
            let engine = try await rig.open()
            rig.executor.spawn { await engine.run() }
            // The reserve is set aside when the drive has been idle for a while.
            try await rig.executor.sleep(for: .seconds(3))
            var random = SplitMix64(seed: seed), sequence: UInt64 = 0
            for round in 0..<2 {
                var written: [IndexKey] = []
                var refused = 0
                while refused < 3 {
                    guard written.count < 2000 else { throw ModelViolation("seed \(seed): never full") }
                    sequence += 1
                    let key = systemKey("\(round)-\(sequence)"), position = Position(epoch: 1, sequence: sequence)
                    do throws(DriveError) {
                        try await Self.write(rig, engine, key, position, &random)
                        written.append(key)
                    } catch {
                        guard case .noSpace = error else { throw error }
                        refused += 1
                    }
                }
                guard written.count > 40 else { throw ModelViolation("seed \(seed): full after \(written.count) puts") }
                for key in written {
                    sequence += 1
                    let position = Position(epoch: 1, sequence: sequence)
                    do {
                        try await engine.commit(
                            DriveCommit(header: header(position, decided: position), mutations: [delete(key)]))
                    } catch {
                        throw ModelViolation("seed \(seed): a delete failed: \(error); \(await engine.statistics())")
                    }
                }
                await engine.note(
                    decided: Position(epoch: 1, sequence: sequence), confirmed: Position(epoch: 1, sequence: sequence))
                try await rig.executor.sleep(for: .seconds(5))
                let verification = try await engine.verify()
                guard verification.isClean, verification.rows == 0 else {
                    throw ModelViolation("seed \(seed): \(verification)")
                }
            }
            guard await !engine.statistics().isPoisoned else {
                throw ModelViolation("seed \(seed): no space poisoned the drive")
            }
            await engine.shutDown()
        }
    }

    private static func write(
        _ rig: EngineRig, _ engine: DriveEngine, _ key: IndexKey, _ position: Position, _ random: inout SplitMix64
    ) async throws(DriveError) {
        let data = [UInt8](repeating: 1, count: 4096 * (1 + random.below(6)))
        var attachment = rig.packed(data)
        if random.chance(0.5) {
            let extent = try await engine.reserve(data.count)
            try await engine.write(rig.slice(data), to: extent, at: 0)
            try await engine.syncData()
            attachment = .extents([extent], blockBytes: data.count, checksums: [])
        }
        let append = Append()
        await engine.append(
            DriveCommit(
                header: header(position, decided: Position(epoch: 1, sequence: position.sequence - 1)),
                mutations: [put(key, [1], attachment)]), reportingTo: append)
        do { try await append.end().get() } catch {
            if case .extents(let extents, _, _) = attachment { await engine.release(extents) }
            throw error
        }
        await engine.publish(position)
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func `after any failed call the drive opens again with everything that was durable`(seed: UInt64) throws {
        let rig = EngineRig(seed: seed)
        try rig.executor.run {
            try await rig.format()
            var engine = try await rig.open()
            var random = SplitMix64(seed: seed), sequence: UInt64 = 0
            var durable: Set<Position> = []
            for round in 1...4 as ClosedRange<UInt64> {
                let calls: [SimulatedFault.Call] = [.write, .sync, .allocate, .rename, .syncDirectory, .open]
                rig.drive.inject(
                    SimulatedFault(.error(5), on: calls[random.below(calls.count)], skipping: random.below(60)))
                for _ in 0..<60 {
                    sequence += 1
                    let position = Position(epoch: round, sequence: sequence)
                    do {
                        try await engine.commit(
                            DriveCommit(
                                header: header(position),
                                mutations: [
                                    put(systemKey("\(position)"), [1], rig.packed([UInt8](repeating: 3, count: 2000)))
                                ]))
                        durable.insert(position)
                        if sequence % 16 == 0 { try await engine.flush() }
                        if sequence % 24 == 0 { _ = try await engine.compactOnce() }
                    } catch { break }
                }
                rig.drive.clearFaults()
                await engine.shutDown()
                if random.chance(0.5) { rig.drive.powerCut() } else { rig.drive.kill() }
                engine = try await rig.open()
                for position in durable.sorted() {
                    guard let entry = try await engine.entry(systemKey("\(position)")), entry.revision == position,
                        case .packed(let location) = entry.stored,
                        try await engine.read(location).array == [UInt8](repeating: 3, count: 2000)
                    else { throw ModelViolation("seed \(seed): \(position) was durable and is gone") }
                }
                let verification = try await engine.verify()
                guard verification.isClean else { throw ModelViolation("seed \(seed): \(verification)") }
            }
        }
    }
}
