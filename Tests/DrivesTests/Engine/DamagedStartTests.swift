import Base
import Drives
import Runtime
import SimulationSupport
import Testing

/// Starts on drives whose checkpoint is damaged.
struct DamagedStartTests {
    private func store(_ name: String, _ sequence: UInt64, in engine: DriveEngine) async throws {
        let position = Position(epoch: 1, sequence: sequence)
        try await engine.commit(
            DriveCommit(
                header: header(position), mutations: [put(Keys.version(name, sequence), Array(name.utf8))]))
    }

    @Test func `starts without a write, and a flush after them, leave no gap in the log`() throws {
        let rig = EngineRig(seed: 23)
        try rig.executor.run {
            try await rig.format()
            var engine = try await rig.open()
            try await store("a", 1, in: engine)
            for _ in 0..<3 {
                rig.drive.kill()
                engine = try await rig.open()
            }
            try await engine.flush()
            rig.drive.powerCut()
            #expect(try await rig.engine().recover().isDamaged == false)
            rig.drive.kill()
            let last = try await rig.open()
            #expect(try await last.entry(Keys.version("a", 1)) != nil)
            await last.shutDown()
        }
    }

    @Test func `segments between a pending record and the end may be released`() throws {
        let rig = EngineRig(seed: 24)
        try rig.executor.run {
            try await rig.format()
            var engine = try await rig.open()
            try await store("a", 1, in: engine)
            let undecided = Position(epoch: 1, sequence: 2)
            try await engine.store(
                DriveCommit(header: header(undecided), mutations: [put(Keys.version("b", 2), [1])]))
            for _ in 0..<3 {
                rig.drive.kill()
                engine = try await rig.open { $0 == undecided ? .pending : .valid }
            }
            try await engine.flush()
            rig.drive.powerCut()
            let recovery = try await rig.engine().recover()
            #expect(!recovery.isDamaged)
            #expect(recovery.pending.map(\.header.position) == [undecided])
        }
    }

    /// The start finds what a process that was killed has written and not synced, and gives up what that replaces.
    @Test(arguments: 0..<150) func `a power cut in the middle of a start after a kill loses nothing`(
        seed: UInt64
    ) throws {
        let rig = EngineRig(seed: seed &+ 500)
        var chance = SplitMix64(seed: seed)
        let killed = chance.below(14), cut = 5 + chance.below(40)
        let stored = try rig.executor.run { () -> UInt64 in
            try await rig.format()
            let engine = try await rig.open()
            for number in 1..<10 as Range<UInt64> { try await store("key-\(number)", number, in: engine) }
            try await engine.flush()
            rig.drive.inject(SimulatedFault(.kill, on: .sync, pathPrefix: "MANIFEST", skipping: killed))
            for number in 10..<40 as Range<UInt64> {
                do {
                    try await store("key-\(number)", number, in: engine)
                    if number % 4 == 0 { try await engine.flush() }
                    if number % 8 == 0 { while try await engine.compactOnce() {} }
                } catch { return number - 1 }
            }
            return 39
        }
        rig.drive.kill()
        rig.drive.clearFaults()
        rig.drive.inject(SimulatedFault(.cutPower, skipping: cut))
        try rig.executor.run { _ = try? await rig.open() }
        rig.drive.powerCut()
        rig.drive.clearFaults()
        try rig.executor.run {
            let engine = rig.engine()
            #expect(try await !engine.recover().isDamaged)
            try await engine.resolve(VerdictBy { _ in .valid })
            for number in 1...stored {
                #expect(try await engine.entry(Keys.version("key-\(number)", number)) != nil, "key-\(number)")
            }
            await engine.shutDown()
        }
    }

    @Test func `a drive that can't be opened gives its lock back, and opens when it was mended`() throws {
        let rig = EngineRig(seed: 21)
        try rig.executor.run {
            try await rig.format()
            let engine = try await rig.open()
            try await store("a", 1, in: engine)
            await engine.shutDown()
            let manifest = try #require(try await rig.drive.files.list("").first { $0.hasPrefix("MANIFEST-") })
            let whole = rig.drive.image()
            rig.drive.flipBits(in: manifest, 0..<1)
            for _ in 0..<2 {
                do throws(DriveError) {
                    _ = try await rig.engine().recover()
                    Issue.record("a drive without a manifest was opened")
                } catch { guard case .damagedFormat = error else { throw error } }
            }
            rig.drive.restore(whole)
            let mended = try await rig.open()
            #expect(try await mended.entry(Keys.version("a", 1)) != nil)
            await mended.shutDown()
        }
    }

    /// Bytes of "MANIFEST-00000002\n" that no longer look like a name, or that name a file that is not there.
    @Test(arguments: [3..<6, 12..<13] as [Range<UInt64>])
    func `a drive whose CURRENT is damaged finds its manifest and counts as damaged`(bytes: Range<UInt64>) throws {
        let rig = EngineRig(seed: 22)
        try rig.executor.run {
            try await rig.format()
            let first = try await rig.open()
            try await store("a", 1, in: first)
            await first.shutDown()
            let second = rig.engine()
            #expect(try await second.recover().isDamaged == false)
            try await second.resolve(VerdictBy { _ in .valid })
            await second.shutDown()
            rig.drive.flipBits(in: "CURRENT", bytes)
            // A second manifest that a start had begun and not finished is no hindrance.
            let begun = try await rig.drive.files.open("MANIFEST-00000099", .create)
            await begun.close()
            for _ in 0..<2 {
                let engine = rig.engine()
                #expect(try await engine.recover().isDamaged)
                try await engine.resolve(VerdictBy { _ in .valid })
                #expect(try await engine.entry(Keys.version("a", 1)) != nil)
                await engine.shutDown()
            }
        }
    }
}
