import Base
import Digests
import Drives
import Foundation
import Runtime
import SimulationSupport
import Testing

/// Mutated blocks in all files of a drive. The engine refuses to open, or says that it is damaged, or serves; what it serves was written
/// to that key, and nothing traps.
struct DriveFuzzTests {
    static let rounds =
        ProcessInfo.processInfo.environment["MARTLET_FUZZ_ITERATIONS"].flatMap { Int($0) }.map { $0 / 20 } ?? 400

    /// All that was ever written to each key, and packed data by its payload.
    private final class History {
        var payloads: [IndexKey: Set<[UInt8]>] = [:]
        var data: [[UInt8]: [UInt8]] = [:]
    }

    @Test func `a mutated block is never taken for what was written`() throws {
        let rig = EngineRig(seed: 77)
        try rig.executor.run {
            rig.drive.latency = 1...2
            try await rig.format()
            let history = try await fill(rig)
            let clean = rig.drive.image()
            var random = SplitMix64(seed: 5), counts = (opened: 0, refused: 0, served: 0, damaged: 0)
            for round in 0..<Self.rounds {
                rig.drive.restore(clean)
                mutate(rig.drive, &random)
                let engine = rig.engine()
                do {
                    let recovery = try await engine.recover()
                    counts.opened += 1
                    if recovery.isDamaged { counts.damaged += 1 }
                    try await engine.resolve(VerdictBy { _ in .valid })
                    counts.served += await check(engine, history, round)
                } catch is DriveError { counts.refused += 1 }
                await engine.shutDown()
            }
            #expect(counts.opened > Self.rounds / 3 && counts.served > Self.rounds * 10, "\(counts)")
        }
    }

    private func fill(_ rig: EngineRig) async throws -> History {
        let history = History()
        var random = SplitMix64(seed: 9), sequence: UInt64 = 0
        for session in 0..<4 {
            let engine = try await rig.open()
            for _ in 0..<60 {
                sequence += 1
                let key = systemKey("key-\(random.below(30))"), position = Position(epoch: 1, sequence: sequence)
                let payload = (0..<8 + random.below(200)).map { UInt8(truncatingIfNeeded: Int(sequence) &* 31 &+ $0) }
                let data = (0..<random.below(900)).map { UInt8(truncatingIfNeeded: Int(sequence) &* 17 &+ $0) }
                history.payloads[key, default: []].insert(payload)
                history.data[payload] = data
                let mutation = data.isEmpty ? put(key, payload) : put(key, payload, rig.packed(data))
                try await engine.commit(DriveCommit(header: header(position), mutations: [mutation]))
                await engine.note(decided: position, confirmed: Position(epoch: 1, sequence: sequence / 2))
            }
            // The last session's end is in the log only.
            if session < 3 { await engine.shutDown() } else { rig.drive.powerCut() }
        }
        return history
    }

    private func mutate(_ drive: SimulatedDrive, _ random: inout SplitMix64) {
        let paths = drive.paths.filter { ($0 != "reserve") && !(drive.bytes(of: $0) ?? []).isEmpty }
        for _ in 0...random.below(4) {
            let path = paths[random.below(paths.count)]
            guard let bytes = drive.bytes(of: path) else { continue }
            // Where something is written: most of a log segment is not.
            let used = bytes.lastIndex { $0 != 0 } ?? 0
            let at = random.below(used + 1), block = at / 4096 * 4096
            switch random.below(6) {
            case 0, 1: drive.flipBits(in: path, UInt64(at)..<UInt64(at) + 1)
            case 2:
                drive.overwrite(
                    path, at: UInt64(at),
                    (0..<random.below(40) + 1).map { _ in UInt8(truncatingIfNeeded: random.next()) })
            case 3: drive.overwrite(path, at: UInt64(block), Array(repeating: 0, count: min(4096, bytes.count - block)))
            case 4:
                // Another block of the same file.
                let other = random.below(used / 4096 + 1) * 4096
                let count = min(4096, bytes.count - max(block, other))
                drive.overwrite(path, at: UInt64(block), Array(bytes[other..<other + count]))
            default: drive.makeUnreadable(path, UInt64(block)..<UInt64(block) + 1)
            }
        }
    }

    /// How many rows were served.
    private func check(_ engine: DriveEngine, _ history: History, _ round: Int) async -> Int {
        var served = 0
        for key in history.payloads.keys.sorted(by: { $0.bytes.lexicographicallyPrecedes($1.bytes) }) {
            guard let found = try? await engine.entry(key) else { continue }
            served += 1
            #expect(history.payloads[key]?.contains(found.payload) == true, "round \(round): a row that nobody wrote")
            if case .packed(let location) = found.stored, let slice = try? await engine.read(location) {
                #expect(slice.array == history.data[found.payload], "round \(round): data that nobody wrote")
            }
        }
        _ = try? await engine.entries(from: IndexKey([]), to: IndexKey([0xFF]), limit: 1000)
        return served
    }
}
