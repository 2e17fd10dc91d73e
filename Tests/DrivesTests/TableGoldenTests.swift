import Drives
import Glibc
import Runtime
import SimulationSupport
import Testing

/// The table format of version 1, byte for byte. These bytes are on drives: a change here is a new format version.
@Suite struct TableGoldenTests {
    @Test func `version 1 is written as it always was`() throws {
        let golden = try goldenBytes()
        try simulate(seed: 1) { drive in
            let record = try await write(to: drive)
            let written = try #require(drive.bytes(of: TableFormat.path(record.number)))
            let difference = zip(written, golden).enumerated().first { $0.element.0 != $0.element.1 }?.offset
            #expect(written.count == golden.count)
            #expect(difference == nil)
        }
    }

    @Test func `version 1 is read as it always was`() throws {
        let golden = try goldenBytes()
        try simulate(seed: 2) { drive in
            let record = try await write(to: drive)
            drive.overwrite(TableFormat.path(record.number), at: 0, golden)
            let index = Self.index(on: drive)
            try await index.open(tables: [record])
            let rows = try await index.entries(from: IndexKey([]), to: nil, limit: .max)
            let expected = Self.rows.filter { $0.value != nil }
            #expect(rows.map(\.key) == expected.map(\.key))
            #expect(rows.map(\.value) == expected.compactMap(\.value))
        }
    }

    /// Three index blocks' worth of data blocks, shared prefixes, a tombstone, an empty value, and a block of many pages.
    private static let rows: [(key: IndexKey, value: [UInt8]?)] = {
        var rows: [(key: IndexKey, value: [UInt8]?)] = []
        for i in 0..<90 {
            let name = "photos/2026/\(i % 9)/" + String(repeating: "n", count: i) + "\(100 + i)"
            rows.append((Keys.version(name, UInt64(i + 1)), [UInt8](repeating: UInt8(i), count: i * 11)))
        }
        rows.append((Keys.system([1]), nil))
        rows.append((Keys.system([2]), []))
        rows.append((Keys.system([3]), [UInt8](repeating: 0xAB, count: 10_000)))
        return rows.sorted { $0.key < $1.key }
    }()

    private static func index(on drive: SimulatedDrive) -> DriveIndex {
        var parameters = IndexParameters.tiny
        parameters.tableBytes = 1 << 20
        return DriveIndex(
            io: drive.files, pool: BufferPool(), cache: BlockCache(capacityBytes: 1 << 20), parameters: parameters)
    }

    private func write(to drive: SimulatedDrive) async throws -> TableRecord {
        let index = Self.index(on: drive)
        try await index.open(tables: [])
        for row in Self.rows {
            if let value = row.value { index.put(row.key, value) } else { index.delete(row.key) }
        }
        let job = try #require(index.freeze())
        return try await index.flush(job).added[0]
    }

    private func goldenBytes() throws -> [UInt8] {
        let path = #filePath.split(separator: "/").dropLast().map { "/" + $0 }.joined() + "/Golden/table-v1.tbl"
        let file = try #require(fopen(path, "r"), "\(path) is checked in")
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            if count == 0 { return bytes }
            bytes += chunk[..<count]
        }
    }
}
