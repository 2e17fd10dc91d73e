import Drives
import Glibc
import SimulationSupport
import Testing

@Suite struct LogCrashTests {
    /// One life after the other on the same drive, each ended at some operation; each start must find what was acknowledged.
    private func lives(
        _ harness: LogHarness, count: Int, ending: SimulatedFault.Effect, at operation: (LogHarness) -> Int
    ) throws -> String? {
        for life in 0..<count {
            harness.drive.clearFaults()
            harness.drive.inject(SimulatedFault(ending, skipping: operation(harness)))
            let violation = try harness.executor.run { () -> String? in
                let log = harness.makeLog()
                do {
                    let (recovery, found) = try await harness.recover(log)
                    if let violation = harness.violation(recovery, found) { return violation }
                    try await log.start(after: recovery)
                } catch { return nil }
                await withTaskGroup(of: Void.self) { group in
                    group.addTask { await harness.write(log, writers: 3, count: 12) }
                    group.addTask {
                        // A flush now and then: what lies below is not needed any more.
                        for _ in 0..<4 {
                            try? await harness.executor.sleep(for: .milliseconds(5))
                            harness.replay = max(harness.replay, log.end)
                            try? await log.release(upTo: harness.replay, keeping: { _ in false })
                        }
                    }
                }
                return nil
            }
            if let violation { return "life \(life): \(violation)" }
            harness.settle()
            if ending == .cutPower { harness.drive.powerCut() } else { harness.drive.kill() }
        }
        harness.drive.clearFaults()
        return try harness.executor.run {
            let (recovery, found) = try await harness.recover(harness.makeLog())
            return harness.violation(recovery, found)
        }
    }

    @Test func `a power cut at any operation loses nothing that was acknowledged and invents nothing`() throws {
        for operation in 0..<110 {
            let harness = LogHarness(seed: UInt64(operation) &* 7)
            let violation = try lives(harness, count: 2, ending: .cutPower) { _ in operation }
            #expect(violation == nil, "operation \(operation)")
        }
    }

    @Test func `many power cuts one after the other lose nothing that was acknowledged`() throws {
        for seed in 0..<60 as Range<UInt64> {
            let harness = LogHarness(seed: seed)
            let violation = try lives(harness, count: 5, ending: .cutPower) { $0.random.below(90) }
            #expect(violation == nil, "seed \(seed)")
        }
    }

    @Test func `what a start has found after a kill survives a power cut`() throws {
        for seed in 0..<60 as Range<UInt64> {
            let harness = LogHarness(seed: seed)
            #expect(try lives(harness, count: 1, ending: .kill) { $0.random.below(90) } == nil, "seed \(seed)")
            let found = try harness.executor.run { try await harness.recover(harness.makeLog()).1.map(\.lsn) }
            harness.drive.powerCut()
            let again = try harness.executor.run { try await harness.recover(harness.makeLog()).1.map(\.lsn) }
            #expect(found == again, "seed \(seed)")
        }
    }

    @Test func `what a start has found after a failed sync survives a power cut`() throws {
        for seed in 0..<40 as Range<UInt64> {
            let harness = LogHarness(seed: seed)
            try harness.executor.run {
                let log = try await harness.openLog()
                #expect(await harness.append(log, count: 500) == nil)
                harness.drive.inject(SimulatedFault(.error(EIO), on: .sync))
                #expect(await harness.append(log, count: 9000) != nil)
            }
            harness.drive.kill()
            let found = try harness.executor.run { () -> [LSN] in
                let log = harness.makeLog()
                let (recovery, found) = try await harness.recover(log)
                try await log.start(after: recovery)
                return found.map(\.lsn)
            }
            harness.drive.powerCut()
            try harness.executor.run {
                let (recovery, again) = try await harness.recover(harness.makeLog())
                #expect(recovery.damages.isEmpty, "seed \(seed): \(recovery.damages)")
                #expect(again.map(\.lsn) == found, "seed \(seed)")
            }
        }
    }

    @Test func `segments are recycled, with what they held before still in them`() throws {
        let harness = LogHarness(seed: 11)
        try harness.executor.run {
            let log = try await harness.openLog()
            for _ in 0..<200 {
                #expect(await harness.append(log, count: 3000) == nil)
                try await log.release(upTo: log.end, keeping: { _ in false })
            }
            #expect(harness.drive.paths.count < 8, "\(harness.drive.paths)")
            #expect(log.segmentEnds.count <= 2)
        }
    }

    /// A client whose object holds what looks like a batch at the very place where it comes to lie. Only the salt gives it away.
    private func forgeryIsTaken(seed: UInt64, checksSalt: Bool) throws -> Bool {
        let harness = LogHarness(seed: seed)
        harness.parameters.checksSalt = checksSalt
        try harness.executor.run {
            let log = try await harness.openLog()
            await harness.append(log, count: 100)
            let record = Self.forgery(recordStart: log.end + 64 + 8, count: 16000)
            harness.drive.inject(SimulatedFault(.cutPower, on: seed % 2 == 0 ? .sync : .write))
            try log.append([.bytes(record)], token: 1_000_000)
            _ = await harness.listener.wait(for: 1_000_000)
            harness.appended[Self.forgedToken] = record
        }
        return try harness.executor.run {
            let (recovery, found) = try await harness.recover(harness.makeLog())
            return found.contains { $0.bytes.count == 16 } || !recovery.damages.isEmpty
        }
    }

    private static let forgedToken: UInt64 = 0x4141_4141_4141_4141

    private static func forgery(recordStart: LSN, count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0x41, count: count)
        let firstBlock = (recordStart.rawValue + 4095) & ~4095
        var position = Int(firstBlock - recordStart.rawValue)
        while position + 4096 <= count {
            let batch = UnsafeMutableRawBufferPointer.allocate(byteCount: 88, alignment: 8)
            defer { batch.deallocate() }
            batch.copyBytes(from: repeatElement(0x42, count: 88))
            batch.storeBytes(of: UInt32(16).littleEndian, toByteOffset: 64, as: UInt32.self)
            batch.storeBytes(of: UInt32(0), toByteOffset: 68, as: UInt32.self)
            LogTestHooks.seal(batch, recordCount: 1, salt: 0xBAD, lsn: recordStart + position)
            bytes.replaceSubrange(position..<position + 88, with: batch)
            position += 4096
        }
        return bytes
    }

    @Test func `a client's bytes that look like a batch are not taken for one`() throws {
        for seed in 0..<50 as Range<UInt64> {
            #expect(try !forgeryIsTaken(seed: seed, checksSalt: true), "seed \(seed)")
        }
    }

    @Test func `the canary: without the salt a client's bytes are taken for a batch`() throws {
        let taken = try (0..<50 as Range<UInt64>).count { try forgeryIsTaken(seed: $0, checksSalt: false) }
        #expect(taken > 5)
    }
}
