import Base
import Drives
import Glibc
import Runtime
import SimulationSupport
import Testing

@Suite struct LogTests {
    @Test func `records that wait for a batch in flight share the next one, in order`() throws {
        let harness = LogHarness(seed: 1)
        try harness.executor.run {
            let log = try await harness.openLog()
            let before = log.statistics.batches
            try log.append([.bytes([1])], token: 1)
            try await harness.executor.sleep(for: .microseconds(10))
            for token in 2...20 as ClosedRange<UInt64> { try log.append([.bytes([1, 2, 3])], token: token) }
            await log.waitUntilIdle()
            #expect(log.statistics.batches - before == 2)
            #expect(harness.listener.stored.map(\.token) == Array(1...20))
        }
    }

    @Test func `a record is read back from where its parts came to lie`() throws {
        let harness = LogHarness(seed: 2)
        try harness.executor.run {
            let log = try await harness.openLog()
            for index in 0..<60 {
                let slice = harness.pool.take(4096).slice(100, 1000 + index)
                slice.mutableBytes.copyBytes(from: repeatElement(UInt8(index), count: slice.count))
                try log.append([.bytes([9, 9, 9]), .slice(slice)], token: UInt64(index))
                _ = await harness.listener.wait(for: UInt64(index))
            }
            for (index, entry) in harness.listener.stored.enumerated() {
                var place = entry.location
                place.offset += 3
                place.count -= 3
                let bytes = try await log.read(place)
                #expect(bytes.count == 1000 + index)
                #expect(bytes.bytes.allSatisfy { $0 == UInt8(index) })
            }
            #expect(log.segmentEnds.count > 1)
            await #expect(throws: DriveIOError.self) {
                _ = try await log.read(LogLocation(segment: 99, offset: 4096, count: 1))
            }
        }
    }

    @Test func `a failed sync poisons the log until it is opened anew`() throws {
        for (effect, call) in [
            (SimulatedFault.Effect.error(EIO), SimulatedFault.Call.sync), (.error(EIO), .write),
            (.shortWrite, .write), (.error(ENOSPC), .write),
        ] {
            let harness = LogHarness(seed: 3)
            try harness.executor.run {
                let log = try await harness.openLog()
                #expect(await harness.append(log, count: 50) == nil)
                harness.drive.inject(SimulatedFault(effect, on: call))
                try log.append([.bytes([1])], token: 100)
                try await harness.executor.sleep(for: .microseconds(10))
                try log.append([.bytes([2])], token: 101)
                await log.waitUntilIdle()
                #expect(harness.listener.failures.count == 2)
                #expect(log.isPoisoned)
                #expect(throws: LogError.self) { try log.append([.bytes([3])], token: 102) }
                await log.close()
                let next = try await harness.openLog()
                #expect(await harness.append(next, count: 50) == nil)
            }
        }
    }

    @Test(arguments: 0..<8) func `a read that fails once when the log is opened is no damage`(skipping: Int) throws {
        let harness = LogHarness(seed: 5)
        try harness.executor.run {
            let log = try await harness.openLog()
            for _ in 0..<20 { await harness.append(log, count: 9000) }
            await log.close()
            harness.settle()
            harness.drive.inject(SimulatedFault(.error(EIO), on: .read, skipping: skipping))
            let (recovery, found) = try await harness.recover(harness.makeLog())
            #expect(harness.violation(recovery, found) == nil)
            #expect(recovery.oldDamages.isEmpty)
        }
    }

    /// Three batches, then damage; what recovery says of it.
    private func recovery(
        seed: UInt64 = 4, batches: Int = 3, damaging: (LogHarness, [LogEntry]) -> Void
    ) throws -> (LogRecovery, tokens: [UInt64], entries: [LogEntry]) {
        let harness = LogHarness(seed: seed)
        let entries = try harness.executor.run {
            let log = try await harness.openLog()
            for _ in 0..<batches { await harness.append(log, count: 5000) }
            await log.close()
            return harness.listener.stored
        }
        damaging(harness, entries)
        let (recovery, found) = try harness.executor.run {
            let (recovery, found) = try await harness.recover(harness.makeLog())
            return (recovery, found.map { LogHarness.token($0.bytes) })
        }
        return (recovery, found, entries)
    }

    private func path(_ entry: LogEntry) -> String {
        let digits = String(entry.location.segment)
        return "log/" + String(repeating: "0", count: 8 - digits.count) + digits + ".seg"
    }

    private func range(_ entry: LogEntry) -> Range<UInt64> {
        UInt64(entry.location.offset) + 8..<UInt64(entry.location.offset + entry.location.count)
    }

    @Test func `a bad batch before a valid one is damage, and what follows is handed over`() throws {
        let (found, tokens, entries) = try recovery { $0.drive.flipBits(in: path($1[1]), range($1[1])) }
        #expect(tokens == [1, 3])
        #expect(found.damages.count == 1)
        #expect(found.damages.first?.kind == .badBatch)
        #expect(found.damages.first?.lsns.contains(entries[1].lsn) == true)
        #expect(found.damages.first?.lsns.contains(entries[2].lsn) == false)
    }

    @Test func `a bad last batch is a tear and is cut`() throws {
        let (found, tokens, _) = try recovery { $0.drive.flipBits(in: path($1[2]), range($1[2])) }
        #expect(tokens == [1, 2])
        #expect(found.damages == [])
        #expect(found.hasTornBatch)
    }

    @Test func `a sector that can't be read is damage, at the end too`() throws {
        let (found, tokens, entries) = try recovery { harness, entries in
            let start = range(entries[2]).lowerBound
            harness.drive.makeUnreadable(path(entries[2]), start..<start + 1)
        }
        #expect(tokens == [1, 2])
        #expect(found.damages.map(\.kind) == [.unreadable])
        #expect(found.damages.first?.segment == entries[2].location.segment)
    }

    @Test func `a bad batch at the end of an older segment is damage`() throws {
        let (found, tokens, entries) = try recovery(batches: 12) { harness, entries in
            guard let last = entries.last(where: { $0.location.segment == entries[0].location.segment }) else { return }
            harness.drive.flipBits(in: path(last), range(last))
        }
        let inFirst = entries.count { $0.location.segment == entries[0].location.segment }
        #expect(inFirst < 12)
        #expect(tokens == (1...12 as ClosedRange<UInt64>).filter { $0 != UInt64(inFirst) })
        #expect(found.damages.map(\.kind) == [.badBatch])
    }

    @Test func `a missing or headless segment is damage`() throws {
        let (missing, tokens, entries) = try recovery(batches: 30) { harness, entries in
            guard let middle = entries.first(where: { $0.location.segment == entries[0].location.segment + 1 }) else {
                return
            }
            harness.drive.overwrite(path(middle), at: 100, [1])
        }
        #expect(missing.damages.map(\.kind) == [.badHeader])
        let lost = entries.count { $0.location.segment == entries[0].location.segment + 1 }
        #expect(lost > 0 && tokens.count == 30 - lost)
    }

    @Test func `what a start cut off stays cut off`() throws {
        let harness = LogHarness(seed: 9)
        try harness.executor.run {
            let log = try await harness.openLog()
            for _ in 0..<3 { await harness.append(log, count: 5000) }
            await log.close()
        }
        let entries = harness.listener.stored
        let whole = try #require(harness.drive.bytes(of: path(entries[2])))
        harness.drive.flipBits(in: path(entries[2]), range(entries[2]))
        try harness.executor.run {
            let log = try await harness.openLog()
            await harness.append(log, count: 100)
            await log.close()
        }
        // The torn batch is whole again, as if the drive had answered from elsewhere.
        harness.drive.overwrite(path(entries[2]), at: 0, whole)
        let (found, tokens) = try harness.executor.run {
            let (recovery, found) = try await harness.recover(harness.makeLog())
            return (recovery, found.map { LogHarness.token($0.bytes) })
        }
        #expect(tokens == [1, 2, 4])
        #expect(found.damages == [])
    }

    @Test func `a full drive refuses ordinary records, takes those that free space, and recovers`() throws {
        let harness = LogHarness(seed: 10, capacityBytes: 6 * 64 << 10)
        try harness.executor.run {
            let log = try await harness.openLog()
            var error: LogError?
            var count = 0
            while error == nil && count < 1000 {
                error = await harness.append(log, count: 5000)
                count += 1
            }
            #expect(error == .noSpace)
            #expect(!log.isPoisoned)
            for _ in 0..<10 { #expect(await harness.append(log, count: 5000, freesSpace: true) == nil) }
            #expect(await harness.append(log, count: 5000) == .noSpace)
            try await log.release(upTo: log.end, keeping: { _ in false })
            for _ in 0..<20 { #expect(await harness.append(log, count: 5000) == nil) }
        }
    }

    @Test func `segments that are kept stay readable, and replay begins where it is told`() throws {
        let harness = LogHarness(seed: 12)
        try harness.executor.run {
            let log = try await harness.openLog()
            for _ in 0..<60 { await harness.append(log, count: 5000) }
            let entries = harness.listener.stored
            harness.replay = entries[50].lsn
            try await log.release(upTo: harness.replay, keeping: { $0 == 2 })
            #expect(log.segmentEnds.first?.number == 2)
            await log.close()
            let next = harness.makeLog()
            var tokens: [UInt64] = []
            let recovery = try await next.recover(from: harness.replay, keeping: { $0 == 2 }) {
                record throws(DriveError) in
                tokens.append(LogHarness.token([UInt8](record.bytes)))
            }
            #expect(tokens == Array(51...60))
            #expect(recovery.damages == [])
            #expect(recovery.segments.first == 2)
            try await next.start(after: recovery)
            let entry = try #require(entries.first { $0.location.segment == 2 })
            let bytes = try await next.read(entry.location)
            #expect([UInt8](bytes.bytes) == harness.appended[entry.token])
        }
    }

    @Test func `the bytes of the format do not change`() throws {
        let harness = LogHarness(seed: 13)
        let fixed = FixedRandom()
        try harness.executor.run {
            let log = DriveLog(
                io: harness.drive.files, drive: UniqueID(high: 0x0102_0304_0506_0708, low: 0x1112_1314_1516_1718),
                executor: harness.executor, clock: harness.executor.clock, random: fixed, pool: harness.pool,
                parameters: harness.parameters)
            let listener = RecordingListener()
            log.listener = listener
            try await log.start(
                after: try await log.recover(from: .zero, keeping: { _ in false }, { _ in }))
            try log.append([.bytes([1, 2, 3])], token: 1)
            try log.append([.bytes([4])], token: 2)
            await log.waitUntilIdle()
        }
        let bytes = try #require(harness.drive.bytes(of: "log/00000001.seg"))
        #expect(bytes.count == 65536)
        func hex(_ range: Range<Int>) -> String {
            bytes[range].map { String(UInt16($0) + 256, radix: 16).dropFirst() }.joined()
        }
        #expect(hex(0..<88) == Golden.segmentHeader)
        #expect(hex(88..<4088).allSatisfy { $0 == "0" })
        #expect(hex(4088..<4096) == Golden.segmentChecksum)
        #expect(hex(4096..<4180) == Golden.batch)
        #expect(hex(4180..<8192).allSatisfy { $0 == "0" })
    }
}

private enum Golden {
    static let segmentHeader =
        "4d4152544c4f470a010000000010000000000000000000000000000000000000"
        + "0807060504030201181716151413121101000000000000009e9fa0a1a2a3a4a5"
        + "000000000000000000000100000000000000000000000000"
    static let segmentChecksum = "e58405956d5e1420"
    static let batch =
        "42544348020000009e9fa0a1a2a3a4a500100000000000005400000000000000"
        + "dd1e5d37d1bc49c3000000000000000000000000000000000000000000000000"
        + "0300000000000000010203010000000000000004"
}

private struct FixedRandom: RandomSource {
    func next() -> UInt64 { 0xA5A4_A3A2_A1A0_9F9E }
}
