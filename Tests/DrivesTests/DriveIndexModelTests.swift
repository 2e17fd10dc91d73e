import Drives
import SimulationSupport
import Testing

/// The index against a dictionary, under random changes, flushes, compactions, power cuts and restarts.
@Suite struct DriveIndexModelTests {
    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func `random changes, flushes, compactions and power cuts leave what a dictionary has`(seed: UInt64) throws {
        try simulate(seed: seed) { drive in
            let cacheBytes = seed % 2 == 0 ? 8 << 10 : 1 << 20
            var run = ModelRun(try await IndexHarness(drive, cacheBytes: cacheBytes), seed: seed)
            for _ in 0..<1000 { try await run.step() }
            try await run.checkAll()
            #expect(run.harness.compactions > 0, "seed \(seed) compacted nothing")
        }
    }
}

private struct ModelRun {
    let harness: IndexHarness
    private let seed: UInt64
    private var random: SplitMix64
    private var model: [IndexKey: [UInt8]] = [:]
    /// What tables hold: the state that a crash goes back to.
    private var flushed: [IndexKey: [UInt8]] = [:]

    init(_ harness: IndexHarness, seed: UInt64) {
        self.harness = harness
        self.seed = seed
        random = SplitMix64(seed: seed)
    }

    mutating func step() async throws {
        switch random.below(1000) {
        case ..<430: put()
        case ..<580: delete()
        case ..<730: try await get()
        case ..<800: try await firstVersion()
        case ..<850: try await firstOfPrefix()
        case ..<920: try await page()
        case ..<965: try await flush()
        case ..<985: try await harness.compact()
        case ..<992: try await crashDuringWork()
        default: try await restart()
        }
    }

    private mutating func put() {
        let key = someKey()
        let value = [UInt8](repeating: UInt8(truncatingIfNeeded: random.next()), count: someSize())
        harness.index.put(key, value)
        model[key] = value
    }

    private mutating func delete() {
        let key = random.chance(0.7) ? model.keys.sorted().randomElement(using: &random) ?? someKey() : someKey()
        harness.index.delete(key)
        model[key] = nil
    }

    private mutating func get() async throws {
        let key = someKey()
        let found = try await harness.index.get(key)
        #expect(found == model[key], "seed \(seed): get \(key.bytes)")
    }

    private mutating func firstVersion() async throws {
        let prefix = Keys.versionPrefix(someName())
        try await check(prefix)
    }

    private mutating func firstOfPrefix() async throws {
        let key = someKey().bytes
        try await check(Array(key.prefix(random.below(key.count + 1))))
    }

    private func check(_ prefix: [UInt8]) async throws {
        let expected = model.keys.sorted().first { $0.bytes.starts(with: prefix) }
        let found = try await harness.index.first(prefix: prefix)
        #expect(found?.key == expected, "seed \(seed): first of \(prefix)")
        #expect(found?.value == expected.flatMap { model[$0] }, "seed \(seed): first of \(prefix)")
    }

    private mutating func page() async throws {
        let a = someKey(), b = someKey()
        let start = min(a, b), end = random.chance(0.2) ? nil : max(a, b), limit = 1 + random.below(40)
        try await checkPage(from: start, to: end, limit: limit)
    }

    private func checkPage(from start: IndexKey, to end: IndexKey?, limit: Int) async throws {
        let rows = try await harness.index.entries(from: start, to: end, limit: limit)
        let keys = model.keys.sorted().filter { key in key >= start && (end.map { key < $0 } ?? true) }.prefix(limit)
        #expect(rows.map(\.key) == Array(keys), "seed \(seed): page from \(start.bytes)")
        #expect(rows.map(\.value) == keys.map { model[$0] }, "seed \(seed): page from \(start.bytes)")
    }

    func checkAll() async throws {
        try await checkPage(from: IndexKey([]), to: nil, limit: .max)
        for (key, value) in model.sorted(by: { $0.key < $1.key }) {
            let found = try await harness.index.get(key)
            #expect(found == value, "seed \(seed): \(key.bytes)")
        }
        let files = harness.drive.paths.filter { $0.hasPrefix("index/") }
        try await harness.index.removeReleasedFiles()
        #expect(files.count >= harness.manifest.count)
        #expect(
            harness.drive.paths.filter { $0.hasPrefix("index/") }.count == harness.manifest.count,
            "seed \(seed): files that no record names")
    }

    private mutating func flush() async throws {
        let before = model
        try await harness.flush()
        flushed = before
    }

    /// The power goes at some call of a flush or compaction: what the manifest names is whole.
    private mutating func crashDuringWork() async throws {
        harness.drive.inject(SimulatedFault(.cutPower, skipping: random.below(12)))
        do {
            try await harness.flush()
            flushed = model
            try await harness.compact()
            harness.drive.clearFaults()
            harness.drive.powerCut()
        } catch {
            harness.drive.clearFaults()
        }
        try await comeBack()
    }

    private mutating func restart() async throws {
        harness.drive.kill()
        try await comeBack()
    }

    private mutating func comeBack() async throws {
        try await harness.reopen()
        model = flushed
        try await checkPage(from: IndexKey([]), to: nil, limit: .max)
    }

    // MARK: Random keys: few names, so that they are written over, some the prefix of others

    private mutating func someName() -> [UInt8] {
        let count = random.below(4)
        return (0..<count).map { _ in [0, 0x61, 0x62, 0xFF][random.below(4)] }
    }

    private mutating func someKey() -> IndexKey {
        if random.chance(0.7) { return Keys.version(someName(), UInt64(random.below(4))) }
        return Keys.system(someName() + someName())
    }

    private mutating func someSize() -> Int {
        switch random.below(100) {
        case ..<10: 0
        case ..<80: random.below(300)
        case ..<98: random.below(5000)
        default: random.below(70_000)
        }
    }
}
