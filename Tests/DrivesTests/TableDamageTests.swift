import Drives
import Runtime
import SimulationSupport
import Testing

/// Damaged tables: every turned bit is found, nothing wrong is served, and no bytes at all make the reader trap.
@Suite struct TableDamageTests {
    @Test func `a bit that is turned anywhere in a table is found, and no wrong value is served`() throws {
        try simulate(seed: 1) { drive in
            let table = try await DamagedTable(drive, rows: 60, valueBytes: 900)
            var random = SplitMix64(seed: 1)
            let clean = drive.image()
            for round in 0..<150 {
                let offset = UInt64(random.below(Int(table.record.fileBytes)))
                drive.flipBits(in: table.path, offset..<offset + 1)
                await #expect(throws: DriveError.self, "byte \(offset), round \(round)") {
                    try await table.readAll(checkingValues: true)
                }
                drive.restore(clean)
            }
            try await table.readAll(checkingValues: true)
        }
    }

    @Test func `a block of another table, or of another place in the same one, is found`() throws {
        try simulate(seed: 2) { drive in
            let table = try await DamagedTable(drive, rows: 60, valueBytes: 900)
            let bytes = try #require(drive.bytes(of: table.path))
            let page = TableFormat.pageBytes
            #expect(bytes.count > 8 * page)
            drive.overwrite(table.path, at: 0, Array(bytes[page..<2 * page]))
            await #expect(throws: DriveError.self) { try await table.readAll(checkingValues: true) }
        }
    }

    @Test(arguments: 1...3 as ClosedRange<UInt64>)
    func `blocks with any contents and a good checksum do not make the reader trap`(seed: UInt64) throws {
        try simulate(seed: seed) { drive in
            let table = try await DamagedTable(drive, rows: 40, valueBytes: 500)
            var random = SplitMix64(seed: seed)
            let bytes = try #require(drive.bytes(of: table.path))
            let blocks = Self.blocks(bytes)
            for _ in 0..<80 {
                let block = blocks[random.below(blocks.count)]
                var hostile = Array(bytes[block])
                for _ in 0..<(1 + random.below(6)) {
                    // Most of what decides lies at a block's front or, for the offsets, near its end.
                    let used = Int(hostile[12]) | Int(hostile[13]) << 8
                    let limit = random.chance(0.5) ? min(64, hostile.count) : min(max(64, used), hostile.count)
                    let low = random.chance(0.3) ? max(11, limit - 24) : 11
                    hostile[low + random.below(limit - low)] = UInt8(truncatingIfNeeded: random.next())
                }
                let sum = hostile.withUnsafeBytes {
                    TableFormat.checksum($0, table: table.record.number, page: UInt32(block.lowerBound / 4096))
                }
                for i in 0..<8 { hostile[i] = UInt8(truncatingIfNeeded: sum >> (8 * i)) }
                drive.overwrite(table.path, at: UInt64(block.lowerBound), hostile)
                do { try await table.readAll(checkingValues: false) } catch {}
                drive.overwrite(table.path, at: UInt64(block.lowerBound), Array(bytes[block]))
            }
        }
    }

    @Test func `a table that is cut short is damage`() throws {
        try simulate(seed: 5) { drive in
            let table = try await DamagedTable(drive, rows: 20, valueBytes: 500)
            let file = try await drive.files.open(table.path, [])
            try await file.truncate(table.record.fileBytes - 4096)
            await #expect(throws: DriveError.self) { try await table.readAll(checkingValues: true) }
        }
    }

    /// A table's blocks say how many pages each has.
    private static func blocks(_ bytes: [UInt8]) -> [Range<Int>] {
        var blocks: [Range<Int>] = []
        var start = 0
        while start < bytes.count {
            let pages = Int(bytes[start + 10]) | Int(bytes[start + 11]) << 8
            guard pages > 0, start + pages * 4096 <= bytes.count else { break }
            blocks.append(start..<start + pages * 4096)
            start += pages * 4096
        }
        return blocks
    }
}

/// One table whose rows are known.
private final class DamagedTable {
    let drive: SimulatedDrive
    let record: TableRecord
    let path: String
    private let rows: [(key: IndexKey, value: [UInt8])]

    init(_ drive: SimulatedDrive, rows count: Int, valueBytes: Int) async throws {
        self.drive = drive
        drive.latency = 1...2
        let harness = try await IndexHarness(drive)
        rows = (0..<count).map { i in
            (Keys.version("name-\(100 + i)", 1), [UInt8](repeating: UInt8(i), count: valueBytes))
        }
        var parameters = IndexParameters.tiny
        parameters.tableBytes = 1 << 20
        let index = DriveIndex(
            io: drive.files, pool: harness.pool, cache: BlockCache(capacityBytes: 1 << 20), parameters: parameters)
        try await index.open(tables: [])
        for row in rows { index.put(row.key, row.value) }
        let job = try #require(index.freeze())
        let edit = try await index.flush(job)
        #expect(edit.added.count == 1)
        record = edit.added[0]
        path = TableFormat.path(record.number)
    }

    /// Scans, asks for every key and for some that are absent, and compacts.
    func readAll(checkingValues: Bool) async throws {
        let index = DriveIndex(
            io: drive.files, pool: BufferPool(), cache: BlockCache(capacityBytes: 1 << 20), parameters: .tiny)
        try await index.open(tables: [record])
        var next = 0
        try await index.scan(from: IndexKey([]), to: nil) { key, value in
            if checkingValues {
                #expect(next < rows.count && Array(key) == rows[next].key.bytes && Array(value) == rows[next].value)
            }
            next += 1
            return true
        }
        if checkingValues { #expect(next == rows.count) }
        for row in rows {
            let found = try await index.get(row.key)
            if checkingValues { #expect(found == row.value) }
            _ = try await index.first(prefix: Keys.versionPrefix(Array("name".utf8)))
        }
        if !checkingValues {
            // A level of its own is enough to be merged: what is read wrong must not trap here either.
            var parameters = IndexParameters.tiny
            parameters.levelZeroTables = 1
            let compacting = DriveIndex(
                io: drive.files, pool: BufferPool(), cache: BlockCache(capacityBytes: 1 << 20), parameters: parameters)
            try await compacting.open(tables: [record])
            if let job = compacting.pickCompaction() { compacting.abandon(try await compacting.compact(job)) }
            try await compacting.removeReleasedFiles()
        }
    }
}
