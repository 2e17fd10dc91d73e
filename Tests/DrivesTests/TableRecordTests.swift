import Drives
import Testing

@Suite struct TableRecordTests {
    private let record = TableRecord(
        number: 7, level: 2, fileBytes: 81920, entryCount: 412, tombstoneCount: 3, smallest: IndexKey([]),
        largest: IndexKey([0xF0, 1, 2]))

    @Test func `a record reads back, and what follows it is left`() throws {
        var bytes: [UInt8] = []
        record.encode(into: &bytes)
        var rest = (bytes + [9, 9])[...]
        #expect(try TableRecord(decoding: &rest) == record)
        #expect(Array(rest) == [9, 9])
    }

    @Test func `a record that is cut short, or out of range, is damage`() {
        var bytes: [UInt8] = []
        record.encode(into: &bytes)
        for count in 0..<bytes.count {
            var cut = bytes[..<count]
            #expect(throws: DriveError.self) { try TableRecord(decoding: &cut) }
        }
        bytes[32] = UInt8(IndexLimits.levels)
        var wrong = bytes[...]
        #expect(throws: DriveError.self) { try TableRecord(decoding: &wrong) }
    }
}
