import Base
import Digests
import Drives
import ObjectFormat
import Objects
import ObjectsTestSupport
import Runtime
import Synchronization

private func key(_ number: Int) -> IndexKey {
    IndexKey([KeySpace.system.rawValue] + Array("folder/object-\(10_000_000 + number)".utf8))
}

/// Every row once, in an order that is not that of the keys. 7919 is prime to all counts here.
private func scattered(_ number: Int, of count: Int) -> Int { number * 7919 % count }

/// Expected: an insertion 1 us, a look-up 1 to 2 us, a row of a scan 0.1 us.
enum IndexBenchmarks {
    private static let rows = 20_000

    static func all() async throws -> [Benchmark] {
        let keys = (0..<rows).map(key), value = [UInt8](repeating: 7, count: 200)
        let memory = try await filled(keys, value), tables = try await filled(keys, value)
        guard let job = tables.freeze() else { throw BenchmarkError("nothing to flush") }
        tables.install(try await tables.flush(job))
        let absent = (0..<rows).map { key(rows + $0) }
        func lookUp(_ name: String, _ index: DriveIndex, _ keys: [IndexKey], finds: Bool) -> Benchmark {
            Benchmark(name, "row", rows) {
                for number in 0..<rows {
                    let count = try await index.get(keys[scattered(number, of: rows)]) { $0.count }
                    guard (count == 200) == finds else { throw BenchmarkError("a row is lost") }
                }
            }
        }
        func scan(_ name: String, _ index: DriveIndex) -> Benchmark {
            Benchmark(name, "row", rows) {
                var count = 0
                try await index.scan(from: IndexKey([0]), to: nil) { _, _ in
                    count += 1
                    return true
                }
                guard count == rows else { throw BenchmarkError("a scan found \(count) rows") }
            }
        }
        return [
            Benchmark("index.insert", "row", rows) { _ = try await filled(keys, value) },
            lookUp("index.lookup-memtable", memory, keys, finds: true),
            lookUp("index.lookup-table", tables, keys, finds: true),
            lookUp("index.lookup-absent", tables, absent, finds: false), scan("index.scan-memtable", memory),
            scan("index.scan-table", tables),
        ]
    }

    private static func filled(_ keys: [IndexKey], _ value: [UInt8]) async throws -> DriveIndex {
        let index = DriveIndex(io: MemoryFiles(), pool: BufferPool(), cache: BlockCache(capacityBytes: 64 << 20))
        try await index.open(tables: [])
        for number in keys.indices { index.put(keys[scattered(number, of: keys.count)], value) }
        return index
    }
}

/// Waits for a number of appends.
private final class Countdown: AppendListener {
    private struct State {
        var left: Int
        var failed = false
        var waiter: UnsafeContinuation<Void, Never>?
    }
    private let state: Mutex<State>

    init(_ count: Int) { state = Mutex(State(left: count)) }

    func appended(_ position: Position, slot: Int, _ result: Result<Void, DriveError>) {
        let waiter = state.withLock { state -> UnsafeContinuation<Void, Never>? in
            state.left -= 1
            if case .failure = result { state.failed = true }
            return state.left == 0 ? state.waiter : nil
        }
        waiter?.resume()
    }

    /// False when one of them failed.
    func end() async -> Bool {
        await withUnsafeContinuation { continuation in
            let isOver = state.withLock { state in
                if state.left > 0 { state.waiter = continuation }
                return state.left == 0
            }
            if isOver { continuation.resume() }
        }
        return state.withLock { !$0.failed }
    }
}

private struct AllValid: CommitVerdict {
    func verdict(on position: Position) -> Verdict { .valid }
}

/// Expected: a record 5 us with its publication, in company of 31; a row with its data 3 us.
enum EngineBenchmarks {
    private static let company = 32
    private static let dataBytes = 2048

    static func all(on loop: Loop) async throws -> [Benchmark] {
        let io = MemoryFiles(), pool = BufferPool()
        let identity = DriveIdentity(
            deployment: UniqueID(high: 1, low: 2), drive: UniqueID(high: 3, low: 4), pool: 0, set: 0, slot: 0)
        try await DriveFormat.format(io, as: identity)
        let engine = DriveEngine(
            identity: identity, io: io, executor: loop, time: ManualTime(), random: SeededRandom(seed: 1), pool: pool)
        _ = try await engine.recover()
        try await engine.resolve(AllValid())
        let payload = [UInt8](repeating: 3, count: 200)
        let data = pool.take(dataBytes).slice(0, dataBytes)
        data.mutableBytes.copyBytes(from: randomBytes(dataBytes))
        let checksum = BlockChecksum.of(data.bytes, seed: 0)
        var sequence = 0
        // A thousand keys, overwritten round and round: a drive in use.
        let keys = (0..<1000).map(key)

        func commit() async throws {
            let countdown = Countdown(company)
            var positions: [Position] = []
            for _ in 0..<company {
                sequence += 1
                let position = Position(epoch: 1, sequence: UInt64(sequence))
                positions.append(position)
                let mutation = Mutation(
                    key: keys[sequence % keys.count], change: .put(payload: payload, .packed(data, checksum: checksum)))
                let before = Position(epoch: 1, sequence: UInt64(max(1, sequence - company)))
                let header = CommitHeader(
                    kind: .commit, position: position, decided: before, confirmed: before, membership: 1, sent: 1)
                await engine.append(DriveCommit(header: header, mutations: [mutation]), reportingTo: countdown)
            }
            guard await countdown.end() else { throw BenchmarkError("an append failed") }
            for position in positions { await engine.publish(position) }
        }

        for _ in 0..<keys.count / company + 1 { try await commit() }
        return [
            Benchmark("engine.append", "record", company, commit),
            Benchmark("engine.read", "object", keys.count) {
                for key in keys {
                    guard let entry = try await engine.entry(key), case .packed(let place) = entry.stored else {
                        throw BenchmarkError("an object is lost")
                    }
                    guard try await engine.read(place).count == dataBytes else { throw BenchmarkError("data is short") }
                }
            },
            Benchmark("engine.page", "row", keys.count) {
                let page = try await engine.page(from: IndexKey([0]), to: IndexKey([0xF0]), limit: keys.count)
                guard page.rows.count == keys.count else { throw BenchmarkError("a page of \(page.rows.count) rows") }
            },
        ]
    }
}

/// A page of a thousand keys through the store, over sets in memory. Expected: a microsecond a key.
enum ListBenchmarks {
    static func all(on loop: Loop) async throws -> [Benchmark] {
        let buffers = BufferPool()
        let sets = (0..<2).map { _ in MemorySetStore(executor: loop, buffers: buffers) }
        let store = try await ObjectStore(
            sets: sets, time: ManualTime(), random: SeededRandom(seed: 2), buffers: buffers)
        _ = try await store.createBucket("bucket", tenant: .default, options: CreateBucketOptions())
        for number in 0..<2000 {
            _ = try await store.put(
                "bucket", ObjectKey(Array("folder-\(100 + number / 20)/object-\(10_000 + number)".utf8)),
                tenant: .default,
                options: PutOptions(), body: MemoryBody([1, 2, 3]))
        }
        func page(_ name: String, delimiter: String, entries: Int) -> Benchmark {
            var options = ListOptions()
            options.limit = 1000
            options.delimiter = ObjectKey(Array(delimiter.utf8))
            let chosen = options
            return Benchmark(name, "entry", entries) {
                let found = try await store.list("bucket", tenant: .default, options: chosen).entries.count
                guard found == entries else { throw BenchmarkError("a page of \(found) entries") }
            }
        }
        return [page("list.page", delimiter: "", entries: 1000), page("list.folders", delimiter: "/", entries: 100)]
    }
}
