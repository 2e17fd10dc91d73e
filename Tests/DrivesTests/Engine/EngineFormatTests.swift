import Base
import Digests
import Drives
import Runtime
import SimulationSupport
import Testing

/// Bytes on the drive: what was written is read, and nothing else is believed.
struct EngineFormatTests {
    @Test func `drive json is read as it was written, and nothing near it is`() throws {
        var contents = DriveFileContents(identity: EngineRig.identity)
        contents.compatible = ["a", "b"]
        let bytes = contents.encode()
        #expect(try DriveFileContents(parsing: bytes) == contents)
        for bad in ["", "{}", "[]", "{\"format\": \"martlet-drive\"}", String(decoding: bytes, as: UTF8.self) + "x"] {
            #expect(throws: MalformedField.self) { try DriveFileContents(parsing: Array(bad.utf8)) }
        }
        var random = SplitMix64(seed: 1)
        for _ in 0..<2000 {
            var changed = bytes
            for _ in 0...random.below(3) { changed[random.below(changed.count)] = UInt8(truncatingIfNeeded: random.next()) }
            if random.chance(0.3) { changed.removeLast(random.below(changed.count)) }
            // Must not trap; what it reads, if anything, is for the identity check to judge.
            _ = try? DriveFileContents(parsing: changed)
        }
    }

    @Test func `records are read as they were written, and damaged ones never trap`() throws {
        let rig = EngineRig(seed: 1)
        let extents = [Extent(segment: 3, offset: 4, pages: 5), Extent(segment: 9, offset: 0, pages: 1)]
        let commit = DriveCommit(
            header: CommitHeader(
                kind: .statement, position: Position(epoch: 7, sequence: 300), decided: Position(epoch: 7, sequence: 299),
                confirmed: Position(epoch: 6, sequence: 1), membership: 12, sent: 0b1011),
            mutations: [
                put(systemKey("a"), [1, 2, 3], rig.packed([4, 5, 6, 7])), delete(systemKey("b")), put(systemKey("c"), []),
                put(systemKey("d"), [8], .extents(extents, blockBytes: 65_536, checksums: [1, .max])),
                put(systemKey("e"), [9], rig.packed([10])),
            ], note: [20, 21], supersededKeys: [77, 78])
        let encoded = RecordCodec.encode(commit)
        let bytes = encoded.head + encoded.pieces.flatMap(\.array)
        guard case .commit(let record, nil) = try bytes.withUnsafeBytes({ try RecordCodec.decode($0) }) else {
            throw ModelViolation("not what was written")
        }
        #expect(record.header == commit.header && record.note == [20, 21] && record.supersededKeys == [77, 78])
        #expect(record.rows.map(\.key) == commit.mutations.map(\.key))
        guard case .put([1, 2, 3], .packed(let offset, 4, _)) = record.rows[0].change,
            case .put([9], .packed(let last, 1, _)) = record.rows[4].change,
            case .put([8], .extents(extents, 65_536, [1, .max])) = record.rows[3].change, case .delete = record.rows[1].change
        else { throw ModelViolation("not what was written") }
        #expect(Array(bytes[offset..<offset + 4]) == [4, 5, 6, 7] && bytes[last] == 10)

        var random = SplitMix64(seed: 2)
        for _ in 0..<5000 {
            var changed = bytes
            for _ in 0...random.below(4) { changed[random.below(changed.count)] = UInt8(truncatingIfNeeded: random.next()) }
            if random.chance(0.3) { changed.removeLast(random.below(changed.count)) }
            _ = try? changed.withUnsafeBytes { try RecordCodec.decode($0) }
        }
    }

    @Test func `index values are read as they were written, and damaged ones never trap`() throws {
        let key = systemKey("k"), revision = Position(epoch: 300, sequence: 5)
        let all: [IndexEntry.Stored] = [
            .none, .packed(PackedLocation(segment: 1, offset: 70_000, count: 9, checksum: .max)),
            .extents([Extent(segment: 1, offset: 2, pages: 3)], blockBytes: 4096, checksums: [5]),
        ]
        var random = SplitMix64(seed: 3)
        for stored in all {
            let value = RowEnvelope.encode(revision: revision, stored: stored, payload: [1, 2, 3])
            let entry = try RowEnvelope.decode(value, key: key)
            #expect(entry.revision == revision && entry.payload == [1, 2, 3])
            #expect(String(describing: entry.stored) == String(describing: stored))
            for _ in 0..<1000 {
                var changed = value
                changed[random.below(changed.count)] = UInt8(truncatingIfNeeded: random.next())
                if random.chance(0.3) { changed.removeLast(random.below(changed.count)) }
                _ = try? RowEnvelope.decode(changed, key: key)
            }
        }
    }

    @Test(arguments: 0..<20) func `a manifest survives a power cut at any edit`(seed: UInt64) throws {
        let rig = EngineRig(seed: seed)
        try rig.executor.run {
            var random = SplitMix64(seed: seed)
            var last: UInt64 = 0
            for _ in 0..<6 {
                let manifest = Manifest(io: rig.drive.files)
                try await manifest.open()
                let found = manifest.state.flushedLSN
                guard found == last || found == last + 1 else { throw ModelViolation("seed \(seed): \(found) for \(last)") }
                last = found
                try await manifest.roll()
                for _ in 0..<random.below(5) {
                    try await manifest.append([.flushed(lsn: last + 1, open: [1, 2]), .rebuilding(true)])
                    last += 1
                    if random.chance(0.2) { try await manifest.roll() }
                }
                if random.chance(0.5) {
                    rig.drive.inject(SimulatedFault(.cutPower, on: random.chance(0.5) ? .write : .sync))
                    try? await manifest.append([.flushed(lsn: last + 1, open: Array(0..<200))])
                }
                rig.drive.powerCut()
                rig.drive.clearFaults()
            }
        }
    }

    @Test func `an edit that is damaged before a whole one is damage, not a tear`() throws {
        let rig = EngineRig(seed: 4)
        try rig.executor.run {
            let manifest = Manifest(io: rig.drive.files)
            try await manifest.open()
            try await manifest.roll()
            for lsn in 1...3 as ClosedRange<UInt64> { try await manifest.append([.flushed(lsn: lsn, open: [])]) }
            await manifest.close()
            let path = "MANIFEST-00000001", size = rig.drive.size(of: path) ?? 0
            rig.drive.flipBits(in: path, size - 48..<size - 40)
            let torn = Manifest(io: rig.drive.files)
            try await torn.open()
            #expect(torn.state.flushedLSN == 2)
            rig.drive.flipBits(in: path, size - 120..<size - 118)
            await #expect(throws: DriveError.self) { try await Manifest(io: rig.drive.files).open() }
        }
    }

    @Test func `allocations never overlap, and what is freed is used again`() {
        var random = SplitMix64(seed: 5)
        var allocator = ExtentAllocator()
        allocator.addSegment(1, pages: 100)
        allocator.addSegment(2, pages: 64)
        var taken: [Extent] = [], generation: UInt64 = 1
        for _ in 0..<5000 {
            if random.chance(0.55), let extent = allocator.reserve(pages: 1 + random.below(9)) {
                for other in taken where other.segment == extent.segment {
                    #expect(
                        extent.offset + extent.pages <= other.offset || other.offset + other.pages <= extent.offset)
                }
                allocator.use(extent, generation: generation)
                taken.append(extent)
            } else if !taken.isEmpty {
                allocator.free(taken.remove(at: random.below(taken.count)), held: false, generation: generation)
            }
            if random.chance(0.05) {
                var copy = ExtentAllocator()
                for (number, runs) in allocator.checkpoint(upTo: generation) {
                    copy.addSegment(number, pages: 100, stored: runs)
                    #expect(copy.usedRuns(number) == allocator.usedRuns(number))
                }
                allocator.stored(upTo: generation)
                generation += 1
            }
            #expect(allocator.usedPages == taken.reduce(0) { $0 + Int($1.pages) })
        }
        for extent in taken { allocator.free(extent, held: false, generation: generation) }
        #expect(allocator.reserve(pages: 100) == Extent(segment: 1, offset: 0, pages: 100))
    }
}
