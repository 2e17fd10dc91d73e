import Base
import Drives
import ObjectFormat
import Objects
import Runtime
import Testing

@Suite struct DataPlaneTests {
    private static let stripe = 1 << 20

    /// Lengths at every border that a rule has: copies, packed, page, shard, block, stripe.
    private static func lengths(_ shape: StripeShape) -> [Int] {
        let borders = [
            1, 64, 4096, StripeShape.fullCopyLimit, shape.packedLimit, shape.blockBytes, shape.stripeBytes,
            2 * shape.stripeBytes,
        ]
        return Set(borders.flatMap { [$0 - 1, $0, $0 + 1, $0 + 64] }).filter { $0 >= 0 }.sorted()
            + [3 * shape.stripeBytes + 12_345]
    }

    @Test(arguments: [(1, 0), (1, 1), (2, 2), (3, 2), (12, 4)])
    func `what was staged is read back, at every border, with and without a hint`(_ k: Int, _ m: Int) async throws {
        let shape = StripeShape(data: k)
        for count in Self.lengths(shape) {
            let bytes = pattern(count)
            for hint in [nil, Int64(count)] {
                let set = TestSet(data: k, parity: m)
                let layout = try await set.store(bytes, hint: hint)
                #expect(layout.byteCount == Int64(count))
                let found = try await set.read(layout)
                #expect(
                    same(found, bytes), "\(k)+\(m) count \(count) hint \(String(describing: hint)) layout \(layout)")
                #expect(set.faults.faults.isEmpty)
                for drive in set.drives { #expect(await drive.overlaps == 0) }
            }
        }
    }

    @Test func `a hint that is wrong in either direction does not matter`() async throws {
        for (count, hint) in [
            (5_000_000, 10), (5_000_000, 3_000_000), (10, 5_000_000), (3_000_000, 9_000_000), (0, 100),
        ] {
            let set = TestSet(data: 2, parity: 2)
            let bytes = pattern(count)
            let layout = try await set.store(bytes, hint: Int64(hint))
            #expect(same(try await set.read(layout), bytes), "count \(count) hint \(hint)")
        }
    }

    @Test func `layouts are chosen by size`() async throws {
        let set = TestSet(data: 2, parity: 2)
        #expect(try await set.store([]) == .empty)
        #expect(try await set.store(pattern(8192)) == .copies(count: 8192, slots: [1, 2, 3]))
        #expect(try await set.store(pattern(8193)) == .packed(count: 8193, geometry: set.geometry, rotation: 1))
        guard case .coded(let count, _, _, let blockBytes, _) = try await set.store(pattern(262_145)) else {
            Issue.record("262,145 bytes are coded")
            return
        }
        #expect(count == 262_145)
        #expect(blockBytes == 512 << 10)
    }

    @Test func `data takes no more pages than its shards, and all are given back when it is abandoned`() async throws {
        let set = TestSet(data: 2, parity: 2)
        let count = 3 * Self.stripe + 10_000
        for hint in [nil, Int64(count)] {
            let before = await livePages(set)
            let staged = try await set.stage(pattern(count), hint: hint)
            await set.settle()
            // Three full blocks and ⌈10,000 / 2⌉ rounded up to pages.
            for (after, before) in zip(await livePages(set), before) { #expect(after - before == 3 * 128 + 2) }
            staged.handedOver(to: staged.slots)
        }
        let before = await livePages(set)
        let stager = try set.plane.stage(hint: nil, on: set.snapshot)
        try await set.fill(stager, pattern(count))
        _ = try await stager.finish()
        await stager.abandon()
        await set.settle()
        #expect(await livePages(set) == before)
    }

    @Test func `a drive that was not sent the commit gives back what was staged on it`() async throws {
        let set = TestSet(data: 2, parity: 2)
        let before = await livePages(set)
        let staged = try await set.stage(pattern(3 * Self.stripe), hint: nil)
        staged.handedOver(to: SlotMask([0, 2, 3]))
        await set.settle()
        let after = await livePages(set)
        #expect(after[1] == before[1])
        for slot in [0, 2, 3] { #expect(after[slot] - before[slot] == 3 * 128) }
    }

    private func livePages(_ set: TestSet) async -> [Int] {
        var pages: [Int] = []
        for drive in set.drives { pages.append(await drive.livePages) }
        return pages
    }

    @Test func `ranges give their bytes and nothing else`() async throws {
        let seed: UInt64 = 0x9A4
        var random = SplitMix64(seed: seed)
        for (k, m) in [(2, 2), (3, 1)] {
            for count in [5000, 100_000, 2_500_000] {
                let set = TestSet(data: k, parity: m)
                let bytes = pattern(count)
                let layout = try await set.store(bytes)
                for round in 0..<20 {
                    let start = Int(random.next() % UInt64(count)),
                        length = 1 + Int(random.next() % UInt64(count - start))
                    let found = try await set.read(layout, start..<start + length)
                    #expect(
                        same(found, Array(bytes[start..<start + length])),
                        "seed \(seed) round \(round) \(k)+\(m) \(count)")
                }
            }
        }
    }

    @Test func `a range reads only the blocks that it lies in`() async throws {
        let set = TestSet(data: 2, parity: 2)
        let layout = try await set.store(pattern(3 * Self.stripe))
        _ = try await set.read(layout, Self.stripe..<Self.stripe + 10)
        var reads = 0
        for drive in set.drives { reads += await drive.reads }
        #expect(reads == 1)
    }

    @Test(arguments: [3000, 100_000])
    func `packed data that was read is served from memory for its revision only`(_ count: Int) async throws {
        let set = TestSet(data: 2, parity: 2) { $0.packedCacheBytes = 8 << 20 }
        let bytes = pattern(count)
        let layout = try await set.store(bytes)
        #expect(same(try await set.read(layout), bytes))
        for drive in set.drives { await drive.dropRows() }
        #expect(same(try await set.read(layout), bytes))
        for range in [0..<1, 1..<count, count / 2 - 1..<count / 2 + 1, count - 1..<count] {
            #expect(same(try await set.read(layout, range), Array(bytes[range])), "\(range)")
        }
        let later = SetRow(key: TestSet.key, revision: Position(epoch: 1, sequence: 6), payload: [])
        await #expect(throws: SetError.self) {
            _ = try await set.plane.open(layout, of: later, range: nil, on: set.snapshot)
        }
    }

    @Test func `the cache of packed data stays within its bound and keeps what is read again`() async throws {
        let set = TestSet(data: 2, parity: 2) { $0.packedCacheBytes = 64 << 10 }
        let bytes = pattern(3000)
        let layout = try await set.store(bytes)
        func row(_ sequence: Int) -> SetRow {
            SetRow(key: TestSet.key, revision: Position(epoch: 1, sequence: UInt64(sequence)), payload: [])
        }
        func read(_ sequence: Int) async -> Bool {
            guard let reader = try? await set.plane.open(layout, of: row(sequence), range: nil, on: set.snapshot)
            else { return false }
            await reader.close()
            return true
        }
        // Sixteen objects fill the cache; the first is read again and again.
        for sequence in 10..<60 {
            let staged = try await set.stage(bytes, hint: nil)
            await set.commit(staged, revision: Position(epoch: 1, sequence: UInt64(sequence)))
            #expect(await read(sequence))
            #expect(await read(10))
        }
        for drive in set.drives { await drive.dropRows() }
        var kept = 0
        for sequence in 10..<60 where await read(sequence) { kept += 1 }
        #expect(await read(10))
        #expect(kept > 8 && kept <= 16, "\(kept) are kept")
    }

    @Test func `pins are gone when the reader is closed`() async throws {
        let set = TestSet(data: 2, parity: 2)
        for count in [100, 100_000, 2_500_000] {
            let layout = try await set.store(pattern(count))
            let reader = try await set.plane.open(layout, of: set.row, range: nil, on: set.snapshot)
            _ = try await reader.next()
            if count == 2_500_000 {
                for drive in set.drives { #expect(await drive.pins[set.dataKey(layout)] == 1) }
            }
            await reader.close()
            await reader.close()
            await set.settle()
            for drive in set.drives { #expect(await drive.pins.isEmpty) }
        }
    }

    // MARK: Losses

    @Test(arguments: [3000, 100_000, 1_500_000])
    func `every loss of one or two drives of 2+2 is made good`(_ count: Int) async throws {
        let bytes = pattern(count)
        for first in 0..<4 {
            for second in first..<4 {
                var set = TestSet(data: 2, parity: 2)
                let layout = try await set.store(bytes)
                set.away = [first, second]
                #expect(same(try await set.read(layout), bytes), "away \(first) \(second)")
            }
        }
    }

    @Test(arguments: [3000, 100_000, 1_500_000])
    func `damage on any one or two drives of 2+2 is made good and reported`(_ count: Int) async throws {
        let bytes = pattern(count)
        for first in 0..<4 {
            for second in first..<4 {
                let set = TestSet(data: 2, parity: 2)
                let layout = try await set.store(bytes)
                for slot in Set([first, second]) { await set.drives[slot].damage(set.dataKey(layout), at: 777) }
                #expect(same(try await set.read(layout), bytes), "damage on \(first) and \(second)")
                let holders = Set([first, second]).filter { slot in
                    if case .copies(_, let slots) = layout { return slots.first.map(Int.init) == slot }
                    return slot == set.slot(ofShard: 0) || slot == set.slot(ofShard: 1)
                }
                // Every damaged share that a read without faults would have used is reported, with the row's key.
                for slot in holders {
                    #expect(
                        set.faults.faults.contains { $0.slot == slot && $0.isDamage && $0.key == set.dataKey(layout) },
                        "slot \(slot) of \(first) \(second)")
                }
            }
        }
    }

    @Test(arguments: [3000, 100_000, 1_500_000])
    func `damage on three drives of 2+2 is a loss and never wrong bytes`(_ count: Int) async throws {
        let set = TestSet(data: 2, parity: 2)
        let layout = try await set.store(pattern(count))
        for slot in 1..<4 { await set.drives[slot].damage(set.dataKey(layout), at: 5) }
        let error = await #expect(throws: SetError.self) { try await set.read(layout) }
        guard case .dataLost? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test(arguments: [100_000, 1_500_000])
    func `too many drives away is not called a loss`(_ count: Int) async throws {
        var set = TestSet(data: 2, parity: 2)
        let layout = try await set.store(pattern(count))
        set.away = [0, 1, 2]
        let crippled = set
        let error = await #expect(throws: SetError.self) { try await crippled.read(layout) }
        guard case .readQuorumLost? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test(arguments: [3000, 100_000, 1_500_000])
    func `drives whose reads fail are replaced`(_ count: Int) async throws {
        let bytes = pattern(count)
        let set = TestSet(data: 2, parity: 2)
        let layout = try await set.store(bytes)
        await set.drives[1].failReads()
        await set.drives[2].failReads()
        #expect(same(try await set.read(layout), bytes))
        #expect(set.faults.faults.contains { $0.slot == 1 && !$0.isDamage })
    }

    @Test(arguments: [3000, 100_000, 1_500_000])
    func `a drive that stalls is done without`(_ count: Int) async throws {
        let bytes = pattern(count)
        let set = TestSet(data: 2, parity: 2) { $0.hedgeTicks = 2 }
        let layout = try await set.store(bytes)
        // Pins are asked of every drive and never stall; entries and reads do.
        await set.drives[1].stall()
        #expect(same(try await set.read(layout), bytes))
        await set.drives[1].resume()
        #expect(set.faults.faults.isEmpty)
    }

    @Test(arguments: [3000, 100_000])
    func `an overwritten row is superseded, an old one on one drive is passed over`(_ count: Int) async throws {
        let bytes = pattern(count)
        let set = TestSet(data: 2, parity: 2)
        let layout = try await set.store(bytes)
        await set.drives[1].revise(TestSet.key, Position(epoch: 1, sequence: 4))
        #expect(same(try await set.read(layout), bytes))
        for drive in set.drives { await drive.revise(TestSet.key, Position(epoch: 1, sequence: 6)) }
        await expectSuperseded(set, layout)
        for drive in set.drives { await drive.dropRows() }
        await expectSuperseded(set, layout)
    }

    @Test func `large data whose rows are gone is superseded`() async throws {
        let set = TestSet(data: 2, parity: 2)
        let layout = try await set.store(pattern(1_500_000))
        for drive in set.drives { await drive.dropRows() }
        await expectSuperseded(set, layout)
        await set.settle()
        for drive in set.drives { #expect(await drive.pins.isEmpty) }
    }

    private func expectSuperseded(_ set: TestSet, _ layout: DataLayout) async {
        let error = await #expect(throws: SetError.self) { try await set.read(layout) }
        guard case .superseded? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    // MARK: Writers with bad drives

    @Test func `a drive that fails in the middle of a write is left out, its space given back`() async throws {
        for after in [0, 1, 3] {
            let set = TestSet(data: 2, parity: 2)
            let bytes = pattern(5 * Self.stripe + 100)
            await set.drives[2].failWrites(after: after)
            let staged = try await set.stage(bytes, hint: Int64(bytes.count))
            #expect(staged.slots == SlotMask([0, 1, 3]))
            await set.commit(staged)
            await set.settle()
            #expect(await set.drives[2].live.isEmpty)
            #expect(set.faults.faults.contains { $0.slot == 2 })
            #expect(same(try await set.read(staged.layout), bytes))
        }
    }

    @Test func `too many failing drives end the write, and nothing stays reserved`() async throws {
        let set = TestSet(data: 2, parity: 2)
        await set.drives[0].failWrites(after: 2)
        await set.drives[3].failSync()
        let error = await #expect(throws: SetError.self) { try await set.stage(pattern(5 * Self.stripe), hint: nil) }
        guard case .writeQuorumLost? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        await set.settle()
        for drive in set.drives { #expect(await drive.live.isEmpty) }
    }

    @Test func `full drives are no space, and one full drive is left out`() async throws {
        let set = TestSet(data: 2, parity: 2)
        await set.drives[1].limitPages(300)
        let bytes = pattern(5 * Self.stripe)
        #expect(try await set.stage(bytes, hint: nil).slots == SlotMask([0, 2, 3]))
        await set.drives[0].limitPages(300)
        let error = await #expect(throws: SetError.self) { try await set.stage(bytes, hint: Int64(bytes.count)) }
        guard case .noSpace? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func `a nearly full drive takes smaller extents`() async throws {
        let set = TestSet(data: 2, parity: 2)
        await set.drives[1].limitPages(5 * 128)
        let bytes = pattern(5 * Self.stripe)
        let staged = try await set.stage(bytes, hint: Int64(bytes.count))
        #expect(staged.slots.count == 4)
        await set.commit(staged)
        #expect(same(try await set.read(staged.layout), bytes))
    }

    @Test func `a drive that stalls is left out of a write, and keeps its space until its call returns`() async throws {
        let set = TestSet(data: 2, parity: 2) {
            $0.stallTicks = 3
            $0.hedgeTicks = 2
        }
        let bytes = pattern(5 * Self.stripe)
        let stager = try set.plane.stage(hint: Int64(bytes.count), on: set.snapshot)
        await set.drives[2].stall()
        try await set.fill(stager, bytes)
        let staged = try await stager.finish()
        #expect(staged.slots == SlotMask([0, 1, 3]))
        await set.commit(staged)
        #expect(same(try await set.read(staged.layout), bytes))
        await set.drives[2].resume()
        await set.settle()
        #expect(await set.drives[2].live.isEmpty)
        #expect(await set.drives[2].overlaps == 0)
    }

    @Test func `a set with too few drives refuses to stage`() async throws {
        var set = TestSet(data: 2, parity: 2)
        set.away = [0, 1]
        let snapshot = set.snapshot, plane = set.plane
        let error = #expect(throws: SetError.self) { try plane.stage(hint: 10, on: snapshot) }
        guard case .writeQuorumLost? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    // MARK: Rebuilding

    @Test(arguments: [3000, 100_000, 2_500_000])
    func `a share made again is the one that was lost`(_ count: Int) async throws {
        let set = TestSet(data: 2, parity: 2)
        let bytes = pattern(count)
        let layout = try await set.store(bytes)
        let key = set.dataKey(layout)
        for slot in 0..<4 {
            guard let old = await set.drives[slot].row(key) else { continue }
            let made = try await set.plane.rebuild(
                layout, key: key, revision: TestSet.revision, slot: slot, shares: [:], on: set.snapshot)
            switch (old.stored, made) {
            case (.none, .none): break
            case (.packed(let location), .packed(let slice, let checksum)):
                #expect(checksum == location.checksum && slice.count == Int(location.count))
            case (.extents(_, let blockBytes, let checksums), .extents(_, let madeBlockBytes, let madeChecksums)):
                #expect(checksums == madeChecksums && blockBytes == madeBlockBytes)
            default: Issue.record("slot \(slot): \(old.stored) became \(made)")
            }
            await set.drives[slot].put(key, made, revision: TestSet.revision)
        }
        #expect(same(try await set.read(layout), bytes))
        for drive in set.drives { #expect(await drive.pins.isEmpty) }
    }

    @Test func `shares found outside rows count when rows are too few`() async throws {
        let set = TestSet(data: 2, parity: 2)
        let bytes = pattern(100_000)
        let staged = try await set.stage(bytes, hint: nil)
        // Only one drive has the row; a second share lies in an undecided record.
        await set.drives[0].put(TestSet.key, staged.attachment(slot: 0), revision: TestSet.revision)
        let made = try await set.plane.rebuild(
            staged.layout, key: TestSet.key, revision: TestSet.revision, slot: 2,
            shares: [1: staged.attachment(slot: 1)], on: set.snapshot)
        guard case .packed(_, let checksum) = made, case .packed(_, let expected) = staged.attachment(slot: 2) else {
            Issue.record("\(made)")
            return
        }
        #expect(checksum == expected)
    }
}

extension TestSet {
    /// Lets work that was spawned and is not waited for come to its end: jobs on the executor run in order, and each of these is
    /// behind what was spawned before.
    func settle() async {
        for _ in 0..<50 { for drive in drives { _ = await drive.livePages } }
    }
}
