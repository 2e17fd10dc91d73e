import Drives
import Glibc
import SimulationSupport
import Testing

private func write(_ bytes: [UInt8], to file: any DriveFile, at offset: UInt64 = 0) async throws {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 4096)
    defer { copy.deallocate() }
    copy.copyBytes(from: bytes)
    try await file.write(UnsafeRawBufferPointer(copy), at: offset)
}

@Suite struct SimulatedFilesTests {
    @Test func `what was synced survives every power cut, with its name`() throws {
        for seed in 0..<50 as Range<UInt64> {
            let executor = SimulationExecutor(seed: seed)
            let drive = SimulatedDrive(executor: executor, seed: seed)
            try executor.run {
                let file = try await drive.files.open("a", [.create])
                try await write([UInt8](repeating: 7, count: 3000), to: file)
                try await file.sync()
                try await drive.files.syncDirectory("")
                try await write([UInt8](repeating: 9, count: 3000), to: file, at: 1000)
            }
            drive.powerCut()
            let bytes = try #require(drive.bytes(of: "a"), "seed \(seed)")
            #expect(bytes.count >= 3000 && bytes.count <= 4000, "seed \(seed)")
            #expect(bytes[..<1000].allSatisfy { $0 == 7 }, "seed \(seed)")
            #expect(bytes.allSatisfy { $0 == 7 || $0 == 9 || $0 == 0 }, "seed \(seed)")
        }
    }

    @Test func `what was not synced is lost, kept and torn by different seeds`() throws {
        var lost = 0, kept = 0, torn = 0, nameless = 0
        for seed in 0..<200 as Range<UInt64> {
            let executor = SimulationExecutor(seed: seed)
            let drive = SimulatedDrive(executor: executor, seed: seed)
            try executor.run {
                let file = try await drive.files.open("a", [.create])
                try await write([UInt8](repeating: 1, count: 4096), to: file)
                try await file.sync()
                if seed % 2 == 0 { try await drive.files.syncDirectory("") }
                try await write([UInt8](repeating: 2, count: 4096), to: file)
            }
            drive.powerCut()
            guard let bytes = drive.bytes(of: "a") else {
                nameless += 1
                continue
            }
            let twos = bytes.count { $0 == 2 }
            if twos == 0 { lost += 1 } else if twos == 4096 { kept += 1 } else { torn += 1 }
            for sector in 0..<8 {
                #expect(Set(bytes[sector * 512..<sector * 512 + 512]).count == 1, "seed \(seed): a sector is whole")
            }
        }
        #expect(lost > 10 && kept > 10 && torn > 10 && nameless > 10)
    }

    @Test func `a rename is kept whole or lost whole until its directory is synced`() throws {
        var before = 0, after = 0
        for seed in 0..<100 as Range<UInt64> {
            let executor = SimulationExecutor(seed: seed)
            let drive = SimulatedDrive(executor: executor, seed: seed)
            try executor.run {
                for (name, value) in [("new", UInt8(2)), ("current", 1)] {
                    let file = try await drive.files.open(name, [.create])
                    try await write([value], to: file)
                    try await file.sync()
                }
                try await drive.files.syncDirectory("")
                try await drive.files.rename("new", to: "current")
            }
            drive.powerCut()
            switch (drive.bytes(of: "current"), drive.bytes(of: "new")) {
            case ([1]?, [2]?): before += 1
            case ([2]?, nil): after += 1
            default: Issue.record("seed \(seed): \(drive.paths)")
            }
        }
        #expect(before > 10 && after > 10)
    }

    @Test func `faults strike the operation that they name, once`() throws {
        let executor = SimulationExecutor(seed: 5)
        let drive = SimulatedDrive(executor: executor, seed: 5)
        drive.inject(SimulatedFault(.error(EIO), on: .write, pathPrefix: "log/", skipping: 1))
        try executor.run {
            try await drive.files.makeDirectory("log")
            let other = try await drive.files.open("a", [.create])
            let file = try await drive.files.open("log/1", [.create])
            try await write([1], to: other)
            try await write([1], to: file)
            await #expect(throws: DriveIOError.system(call: "write", path: "log/1", errno: EIO)) {
                try await write([2], to: file)
            }
            try await write([3], to: file)
        }
        #expect(drive.bytes(of: "log/1") == [3])
    }

    @Test func `a drive that is full says so and keeps what was reserved`() throws {
        let executor = SimulationExecutor(seed: 5)
        let drive = SimulatedDrive(executor: executor, seed: 5, capacityBytes: 16384)
        try executor.run {
            let file = try await drive.files.open("a", [.create])
            try await file.allocate(12288)
            let other = try await drive.files.open("b", [.create])
            try await write([UInt8](repeating: 1, count: 4096), to: other)
            await #expect(throws: DriveIOError.noSpace(path: "b")) { try await write([1], to: other, at: 4096) }
            try await write([UInt8](repeating: 1, count: 12288), to: file)
            await #expect(throws: DriveIOError.noSpace(path: "a")) { try await file.allocate(16384) }
        }
    }

    @Test func `a stalled call goes on when it is released and a dead mount fails`() throws {
        let executor = SimulationExecutor(seed: 6)
        let drive = SimulatedDrive(executor: executor, seed: 6)
        let trace = Trace()
        let old = drive.files
        try executor.run {
            let file = try await old.open("a", [.create])
            drive.stall(pathPrefix: "a")
            executor.spawn {
                try? await write([1], to: file)
                trace.add(1)
            }
            try await executor.sleep(for: .seconds(60))
            #expect(trace.entries == [])
            drive.release()
            try await executor.sleep(for: .seconds(1))
            #expect(trace.entries == [1])
            drive.kill()
            await #expect(throws: DriveIOError.self) { try await file.sync() }
            #expect(try await drive.files.open("a", []).size() == 1)
        }
    }

    @Test func `a direct file refuses what is not aligned`() throws {
        let executor = SimulationExecutor(seed: 7)
        let drive = SimulatedDrive(executor: executor, seed: 7)
        try executor.run {
            let file = try await drive.files.open("a", [.create, .direct])
            await #expect(throws: DriveIOError.system(call: "write", path: "a", errno: EINVAL)) {
                try await write([UInt8](repeating: 1, count: 100), to: file)
            }
            try await write([UInt8](repeating: 1, count: 4096), to: file)
        }
    }

    @Test func `writes that are under way together end in any order`() throws {
        var orders: Set<[Int]> = []
        for seed in 0..<40 as Range<UInt64> {
            let executor = SimulationExecutor(seed: seed)
            let drive = SimulatedDrive(executor: executor, seed: seed)
            let trace = Trace()
            try executor.run {
                let file = try await drive.files.open("a", [.create])
                await withTaskGroup(of: Void.self) { group in
                    for id in 0..<3 {
                        group.addTask {
                            try? await write([UInt8(id)], to: file, at: UInt64(id))
                            trace.add(id)
                        }
                    }
                }
            }
            orders.insert(trace.entries)
        }
        #expect(orders.count == 6)
    }
}
