import Base
import Digests
import Drives
import ObjectFormat
import Objects
import Runtime
import Synchronization

func crc64(_ bytes: UnsafeRawBufferPointer) -> UInt64 { BlockChecksum.of(bytes, seed: 0) }

/// Hears of faults.
final class FaultLog: DriveFaultSink {
    struct Fault: Sendable {
        var slot: Int
        var isDamage: Bool
        var key: IndexKey?
    }
    private let state = Mutex<[Fault]>([])
    var faults: [Fault] { state.withLock { $0 } }

    func driveFailed(slot: Int, _ error: DriveError, key: IndexKey?) {
        let isDamage: Bool
        switch error {
        case .checksumMismatch, .damagedFormat: isDamage = true
        case .io, .poisoned, .noSpace, .foreignDrive, .inUse, .promisedHigher, .shutDown: isDamage = false
        }
        state.withLock { $0.append(Fault(slot: slot, isDamage: isDamage, key: key)) }
    }
}

/// The data plane over drives in memory, with the commit that a set would make in between.
struct TestSet {
    static let key = IndexKey([KeySpace.version.rawValue, 1, 2, 3])
    static let revision = Position(epoch: 1, sequence: 5)

    let executor = TestExecutor()
    let pool = BufferPool()
    let faults = FaultLog()
    let drives: [MemoryDrive]
    let plane: ErasurePlane
    let geometry: Geometry
    var rotation: UInt8 = 1
    var away: Set<Int> = []

    init(data: Int, parity: Int, _ adjust: (inout DataPlaneParameters) -> Void = { _ in }) {
        let executor = executor, pool = pool
        geometry = Geometry(data: data, parity: parity)
        drives = (0..<data + parity).map { MemoryDrive(slot: $0, executor: executor, pool: pool) }
        var parameters = DataPlaneParameters()
        parameters.tick = .milliseconds(2)
        // Faults that are not about time must not look like slowness on a busy machine.
        parameters.hedgeTicks = 100_000
        parameters.stallTicks = 100_000
        adjust(&parameters)
        plane = ErasurePlane(executor: executor, pool: pool, random: TestRandom(3), parameters: parameters)
    }

    var snapshot: SetDrives {
        SetDrives(
            geometry: geometry, drives: drives.enumerated().map { away.contains($0) ? nil : $1 }, rotation: rotation,
            faults: faults)
    }

    var row: SetRow { SetRow(key: Self.key, revision: Self.revision, payload: []) }

    /// Fills a stager with the bytes, `piece` at most at a time for buffers that are not filled whole.
    func fill(_ stager: any DataStager, _ bytes: [UInt8]) async throws {
        var at = 0
        while true {
            let buffer = try await stager.nextBuffer()
            let count = min(buffer.count, bytes.count - at)
            bytes.withUnsafeBytes {
                buffer.mutableBytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[at..<at + count]))
            }
            at += count
            try await stager.filled(count)
            if count < buffer.count || at == bytes.count { return }
        }
    }

    func stage(_ bytes: [UInt8], hint: Int64?) async throws -> any StagedData {
        let stager = try plane.stage(hint: hint, on: snapshot)
        do {
            try await fill(stager, bytes)
            return try await stager.finish()
        } catch {
            await stager.abandon()
            throw error
        }
    }

    /// Puts the rows on the drives that may have them.
    func commit(_ staged: any StagedData, revision: Position = revision) async {
        for slot in drives.indices where staged.slots.contains(slot) || isCopies(staged.layout) {
            await drives[slot].put(Self.key, staged.attachment(slot: slot), revision: revision)
            if case .coded(_, _, _, _, let id) = staged.layout {
                for chunk in 0..<staged.chunkCount {
                    await drives[slot].put(
                        DataRow.key(id, chunk: chunk), staged.chunk(chunk, slot: slot), revision: revision)
                }
            }
        }
        staged.handedOver(to: staged.slots)
    }

    private func isCopies(_ layout: DataLayout) -> Bool {
        if case .copies = layout { true } else { false }
    }

    func store(_ bytes: [UInt8], hint: Int64? = nil) async throws -> DataLayout {
        let staged = try await stage(bytes, hint: hint)
        await commit(staged)
        return staged.layout
    }

    func read(_ layout: DataLayout, _ range: Range<Int>? = nil) async throws -> [UInt8] {
        let reader = try await plane.open(
            layout, of: row, range: range.map { ByteRange(offset: Int64($0.lowerBound), count: Int64($0.count)) },
            on: snapshot)
        var bytes: [UInt8] = []
        do {
            while let slice = try await reader.next() { bytes += slice.array }
        } catch {
            await reader.close()
            throw error
        }
        await reader.close()
        return bytes
    }

    /// Keys that carry the data, the same on every drive.
    func dataKey(_ layout: DataLayout) -> IndexKey {
        if case .coded(_, _, _, _, let id) = layout { DataRow.key(id, chunk: 0) } else { Self.key }
    }

    func slot(ofShard shard: Int) -> Int { (Int(rotation) + shard) % drives.count }
}

func pattern(_ count: Int, seed: UInt64 = 0xDA7A) -> [UInt8] {
    var random = SplitMix64(seed: seed &+ UInt64(count))
    return random.bytes(count)
}

/// Arrays of bytes compared in bulk.
func same(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    a.count == b.count && a.withUnsafeBytes { a in b.withUnsafeBytes { b in constantTimeEqual(a, b) } }
}
