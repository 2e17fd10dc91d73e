import Drives
import Runtime
import SimulationSupport
import Testing

/// Readers that suspend while rows change, memtables freeze and tables come and go.
@Suite struct DriveIndexConcurrencyTests {
    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func `reads that suspend see each row once, in order, and never an older value than when they began`(
        seed: UInt64
    ) throws {
        try simulate(seed: seed) { drive in
            let owner = IndexOwner(drive, seed: seed)
            try await owner.open()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await owner.write() }
                group.addTask { try await owner.compact() }
                for reader in 0..<3 { group.addTask { try await owner.read(seed: seed * 10 + UInt64(reader)) } }
                try await group.waitForAll()
            }
            try await owner.checkFiles()
        }
    }
}

/// Stands in for the engine: an actor on the simulation's executor that owns the index.
private actor IndexOwner {
    nonisolated let drive: SimulatedDrive
    nonisolated var unownedExecutor: UnownedSerialExecutor { drive.executor.asUnownedSerialExecutor() }
    private let index: DriveIndex
    private let seed: UInt64
    /// The number of the newest value of each volatile key; 0 is deleted. Even keys are volatile, odd ones stay.
    private var newest: [Int: UInt64] = [:]
    private var lastPut: [Int: UInt64] = [:]
    private var isWriting = true
    private var tables: Set<UInt64> = []
    private static let keys = 120

    init(_ drive: SimulatedDrive, seed: UInt64) {
        self.drive = drive
        self.seed = seed
        index = DriveIndex(
            io: drive.files, pool: BufferPool(), cache: BlockCache(capacityBytes: 40 << 10), parameters: .tiny)
    }

    /// What held when a read began.
    private struct Before {
        var newest: [Int: UInt64]
        var lastPut: [Int: UInt64]
    }

    func open() async throws {
        try await index.open(tables: [])
        for i in 0..<Self.keys where i % 2 == 1 { index.put(key(i), value(i, 1)) }
        // Deleted before the readers start: to be seen by none of them.
        for i in 0..<Self.keys { index.put(gone(i), [1]) }
        try await flush()
        for i in 0..<Self.keys { index.delete(gone(i)) }
    }

    func write() async throws {
        defer { isWriting = false }
        var random = SplitMix64(seed: seed)
        for number in 1...600 as ClosedRange<UInt64> {
            let i = random.below(Self.keys / 2) * 2
            if random.chance(0.3) {
                index.delete(key(i))
                newest[i] = 0
            } else {
                index.put(key(i), value(i, number))
                newest[i] = number
                lastPut[i] = number
            }
            if random.chance(0.3) { await Task.yield() }
            if number % 40 == 0 { try await flush() }
        }
    }

    func compact() async throws {
        while isWriting {
            if let job = index.pickCompaction() { apply(try await index.compact(job)) }
            try await index.removeReleasedFiles()
            try await drive.executor.sleep(for: .microseconds(300))
        }
    }

    func read(seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        while isWriting {
            let before = Before(newest: newest, lastPut: lastPut)
            if random.chance(0.3) {
                let rows = try await index.entries(from: key(0), to: nil, limit: .max)
                checkPage(rows, before)
            } else {
                let i = random.below(Self.keys)
                let found = try await index.get(key(i))
                check(i, found, before)
            }
            try await drive.executor.sleep(for: .microseconds(50))
        }
    }

    func checkFiles() async throws {
        try await index.removeReleasedFiles()
        let files = Set(drive.paths.filter { $0.hasPrefix("index/") })
        #expect(files == Set(tables.map { TableFormat.path($0) }), "seed \(seed)")
    }

    private func checkPage(_ rows: [(key: IndexKey, value: [UInt8])], _ before: Before) {
        #expect(zip(rows, rows.dropFirst()).allSatisfy { $0.key < $1.key }, "seed \(seed): out of order")
        var found: [IndexKey: [UInt8]] = [:]
        for row in rows { found[row.key] = row.value }
        #expect((0..<Self.keys).allSatisfy { found[gone($0)] == nil }, "seed \(seed): a deleted row is back")
        for i in 0..<Self.keys { check(i, found[key(i)], before) }
    }

    private func check(_ i: Int, _ found: [UInt8]?, _ before: Before) {
        guard i % 2 == 0 else {
            #expect(found == value(i, 1), "seed \(seed): row \(i) is lost")
            return
        }
        guard let found else {
            // Absent: it was deleted when the read began, or was deleted since.
            let earlier = before.newest[i] ?? 0
            #expect(earlier == 0 || newest[i] != earlier, "seed \(seed): row \(i) is lost")
            return
        }
        let number = found.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
        #expect(found == value(i, number), "seed \(seed): row \(i) has another row's value")
        let present = before.newest[i] ?? 0
        let oldest = present != 0 ? present : (before.lastPut[i] ?? 0) + 1
        #expect(number >= oldest, "seed \(seed): row \(i) is older than when the read began, or was deleted then")
    }

    private func flush() async throws {
        guard let job = index.freeze() else { return }
        apply(try await index.flush(job))
    }

    private func apply(_ edit: IndexEdit) {
        for number in edit.removed { tables.remove(number) }
        for record in edit.added { tables.insert(record.number) }
        index.install(edit)
    }

    private func key(_ i: Int) -> IndexKey { Keys.version("key/\(1000 + i)", 1) }
    private func gone(_ i: Int) -> IndexKey { Keys.version("key/\(1000 + i)/gone", 1) }
    private func value(_ i: Int, _ number: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
            + [UInt8](repeating: UInt8(i), count: 200 + i)
    }
}
