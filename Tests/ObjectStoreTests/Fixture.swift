import Base
import Digests
import ObjectFormat
import Objects
import ObjectsTestSupport
import Runtime
import Synchronization
import Testing

/// A store over sets in memory, all on one seeded executor.
final class Fixture: Sendable {
    let executor: SeededExecutor
    let time = ManualTime()
    let random: SeededRandom
    let buffers = BufferPool()
    let sets: [MemorySetStore]
    let store: ObjectStore
    let tenant = TenantID.default
    let bucket = "bucket"

    init(_ executor: SeededExecutor, seed: UInt64, sets count: Int, limits: ObjectLimits) async throws {
        self.executor = executor
        random = SeededRandom(seed: seed ^ 0xABCD)
        let buffers = buffers
        sets = (0..<count).map { _ in MemorySetStore(executor: executor, buffers: buffers) }
        store = try await ObjectStore(sets: sets, time: time, random: random, buffers: buffers, limits: limits)
        _ = try await store.createBucket(bucket, tenant: tenant, options: CreateBucketOptions())
    }

    /// A second store over the same sets, as a start would make it.
    func restarted() async throws -> ObjectStore {
        try await ObjectStore(sets: sets, time: time, random: random, buffers: buffers)
    }

    /// Runs a test's body to its end on a seeded executor.
    static func run(
        seed: UInt64 = 1, sets: Int = 2, limits: ObjectLimits = ObjectLimits(),
        _ body: @escaping @Sendable (Fixture) async throws -> Void
    ) {
        let executor = SeededExecutor(seed: seed)
        let ended = executor.run {
            do {
                try await body(try await Fixture(executor, seed: seed, sets: sets, limits: limits))
            } catch {
                Issue.record("seed \(seed): \(error)")
            }
        }
        #expect(ended, "seed \(seed): the test waits for something that never comes")
    }

    // MARK: Short spellings

    @discardableResult
    func put(
        _ key: ObjectKey, _ bytes: [UInt8], _ configure: (inout PutOptions) -> Void = { _ in }
    ) async throws(ObjectError) -> PutResult {
        var options = PutOptions()
        configure(&options)
        return try await store.put(
            bucket, key, tenant: tenant, options: options, body: MemoryBody(bytes, pieceBytes: 10_007))
    }

    func append(_ key: ObjectKey, _ bytes: [UInt8], at offset: Int64) async throws(ObjectError) -> PutResult {
        try await store.append(
            bucket, key, tenant: tenant, at: offset, options: PutOptions(),
            body: MemoryBody(bytes, pieceBytes: 10_007))
    }

    func read(_ key: ObjectKey, _ configure: (inout GetOptions) -> Void = { _ in }) async throws(ObjectError) -> [UInt8]
    {
        var options = GetOptions()
        configure(&options)
        let result = try await store.get(bucket, key, tenant: tenant, options: options)
        return try await Self.drain(result.reader)
    }

    static func drain(_ reader: ObjectReader) async throws(ObjectError) -> [UInt8] {
        var bytes: [UInt8] = []
        do {
            while let slice = try await reader.next() { bytes.append(contentsOf: slice.bytes) }
        } catch {
            await reader.close()
            throw error
        }
        await reader.close()
        return bytes
    }

    func head(_ key: ObjectKey, _ configure: (inout GetOptions) -> Void = { _ in }) async throws(ObjectError)
        -> HeadResult
    {
        var options = GetOptions()
        configure(&options)
        return try await store.head(bucket, key, tenant: tenant, options: options)
    }

    @discardableResult
    func delete(
        _ key: ObjectKey, _ configure: (inout DeleteOptions) -> Void = { _ in }
    ) async throws(ObjectError) -> DeleteResult {
        var options = DeleteOptions()
        configure(&options)
        return try await store.delete(bucket, key, tenant: tenant, options: options)
    }

    func allKeys() async throws(ObjectError) -> [ObjectKey] {
        var keys: [ObjectKey] = [], options = ListOptions()
        while true {
            let page = try await store.list(bucket, tenant: tenant, options: options)
            for case .object(let info) in page.entries { keys.append(info.key) }
            guard let next = page.next else { return keys }
            options.start = next
        }
    }

    /// Nothing staged, read or stored is left over beside what the namespace names.
    func expectNoLeaks(large expected: Int? = nil, sourceLocation: SourceLocation = #_sourceLocation) async {
        var large = 0
        for set in sets {
            #expect(await set.openStagers == 0, "stagers", sourceLocation: sourceLocation)
            #expect(await set.openReaders == 0, "readers", sourceLocation: sourceLocation)
            #expect(await set.largestCommit <= 64 << 10, "a commit too large", sourceLocation: sourceLocation)
            large += await set.largeCount
        }
        if let expected { #expect(large == expected, "large data", sourceLocation: sourceLocation) }
    }
}

/// Bytes that tell where they belong.
func pattern(_ count: Int, _ salt: UInt64 = 0) -> [UInt8] {
    var random = SplitMix64(seed: salt &+ 99)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 8)
    while bytes.count < count { withUnsafeBytes(of: random.next()) { bytes.append(contentsOf: $0) } }
    return Array(bytes.prefix(count))
}

/// What an expression throws; nil when it does not.
func failure(_ body: () async throws(ObjectError) -> Void) async -> ObjectError? {
    do {
        try await body()
        return nil
    } catch {
        return error
    }
}

/// Errors by their case's name: most tests want to know no more.
func name(_ error: ObjectError?) -> String {
    guard let error else { return "none" }
    return String("\(error)".prefix { $0 != "(" })
}

/// What several tasks of a test write to.
final class Shared<Value: Sendable>: Sendable {
    private let value: Mutex<Value>
    init(_ value: Value) { self.value = Mutex(value) }
    func withLock<Result: Sendable>(_ body: (inout Value) -> Result) -> Result {
        value.withLock { value in body(&value) }
    }
}
