import Base
import Drives
import Runtime
import SimulationSupport

/// An index on a simulated drive, with the part of the engine that it needs: a manifest that survives crashes.
final class IndexHarness {
    let drive: SimulatedDrive
    let parameters: IndexParameters
    let cacheBytes: Int
    let pool = BufferPool()
    private(set) var index: DriveIndex
    private(set) var manifest: [TableRecord] = []
    /// Called when rows were dropped by a compaction.
    var droppedRows = 0
    private(set) var compactions = 0

    init(_ drive: SimulatedDrive, _ parameters: IndexParameters = .tiny, cacheBytes: Int = 1 << 20) async throws {
        self.drive = drive
        self.parameters = parameters
        self.cacheBytes = cacheBytes
        index = DriveIndex(
            io: drive.files, pool: pool, cache: BlockCache(capacityBytes: cacheBytes), parameters: parameters)
        try await index.open(tables: [])
    }

    func flush() async throws {
        guard let job = index.freeze() else { return }
        apply(try await index.flush(job))
    }

    /// Compacts until nothing is due; true if anything was.
    @discardableResult
    func compact() async throws -> Bool {
        var any = false
        while let job = index.pickCompaction() {
            apply(try await index.compact(job, dropped: { _, _ in self.droppedRows += 1 }))
            any = true
            compactions += 1
        }
        try await index.removeReleasedFiles()
        return any
    }

    func apply(_ edit: IndexEdit) {
        manifest.removeAll { edit.removed.contains($0.number) }
        manifest += edit.added
        index.install(edit)
    }

    /// A new process on the same drive; what was not in a table is gone.
    func reopen() async throws {
        index = DriveIndex(
            io: drive.files, pool: pool, cache: BlockCache(capacityBytes: cacheBytes), parameters: parameters)
        try await index.open(tables: manifest.reversed())
    }
}

extension IndexParameters {
    /// A few rows fill a table, a few tables a level, and a few rows are a pause's worth of work.
    static var tiny: IndexParameters {
        var tiny = IndexParameters()
        tiny.tableBytes = 16 << 10
        tiny.blockBytes = 4 << 10
        tiny.levelZeroTables = 3
        tiny.levelOneBytes = 48 << 10
        tiny.levelRatio = 3
        tiny.rowsPerPause = 7
        tiny.bytesPerPause = 4 << 10
        return tiny
    }
}

/// Runs a test's body on a seeded executor above a simulated drive.
func simulate(seed: UInt64, _ body: @escaping @Sendable (SimulatedDrive) async throws -> Void) throws {
    let executor = SimulationExecutor(seed: seed)
    let drive = SimulatedDrive(executor: executor, seed: seed)
    try executor.run { try await body(drive) }
}

enum Keys {
    /// A well-formed version key.
    static func version(_ name: [UInt8], _ sequence: UInt64, bucket: UInt8 = 1) -> IndexKey {
        IndexKey(versionPrefix(name, bucket: bucket) + positionBytes(sequence))
    }

    static func version(_ name: String, _ sequence: UInt64, bucket: UInt8 = 1) -> IndexKey {
        version(Array(name.utf8), sequence, bucket: bucket)
    }

    static func versionPrefix(_ name: [UInt8], bucket: UInt8 = 1) -> [UInt8] {
        var bytes: [UInt8] = [KeySpace.version.rawValue, 0, 0, 0, 0, 0, 0, 0, bucket]
        for byte in name { bytes += byte == 0 ? [0, 0xFF] : [byte] }
        return bytes + [0, 0]
    }

    static func system(_ bytes: [UInt8]) -> IndexKey { IndexKey([KeySpace.system.rawValue] + bytes) }

    private static func positionBytes(_ sequence: UInt64) -> [UInt8] {
        let inverted = ~sequence
        return Array(repeating: 0xFF, count: 8) + (0..<8).map { UInt8(truncatingIfNeeded: inverted >> (56 - 8 * $0)) }
    }
}
