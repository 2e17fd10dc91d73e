import Base
import Drives
import Runtime
import SimulationSupport
import Synchronization

/// Hears how records end, and lets a writer wait for its own.
final class RecordingListener: LogListener {
    struct State {
        var stored: [LogEntry] = []
        var failed: [(token: UInt64, error: LogError)] = []
        var waiters: [UInt64: UnsafeContinuation<LogError?, Never>] = [:]
        var ended: [UInt64: LogError?] = [:]
    }
    private let state = Mutex(State())

    var stored: [LogEntry] { state.withLock { $0.stored } }
    var failures: [LogError] { state.withLock { $0.failed.map(\.error) } }
    var endedCount: Int { state.withLock { $0.ended.count } }

    func logStored(_ entries: [LogEntry]) {
        state.withLock { $0.stored += entries }
        for entry in entries { end(entry.token, nil) }
    }

    func logFailed(_ tokens: [UInt64], _ error: LogError) {
        for token in tokens {
            state.withLock { $0.failed.append((token, error)) }
            end(token, error)
        }
    }

    private func end(_ token: UInt64, _ error: LogError?) {
        let waiter = state.withLock { state in
            precondition(state.ended[token] == nil, "a record ends once")
            state.ended[token] = .some(error)
            return state.waiters.removeValue(forKey: token)
        }
        waiter?.resume(returning: error)
    }

    /// Returns when the record has ended: nil when it is durable.
    func wait(for token: UInt64) async -> LogError? {
        await withUnsafeContinuation { continuation in
            let ended = state.withLock { state -> LogError?? in
                if let ended = state.ended[token] { return ended }
                state.waiters[token] = continuation
                return nil
            }
            if let ended { continuation.resume(returning: ended) }
        }
    }
}

/// A log on a simulated drive, and what a log must remember: every record that was appended, and the acknowledged ones.
final class LogHarness: @unchecked Sendable {
    // SAFETY: touched by the simulation's thread only.
    let executor: SimulationExecutor
    let drive: SimulatedDrive
    /// One for all: a pool never gives its slabs back to the kernel.
    static let sharedPool = BufferPool()
    let pool = LogHarness.sharedPool
    let identity = UniqueID(high: 1, low: 2)
    var parameters = LogParameters()
    var random: SplitMix64
    let seed: UInt64

    /// In order of append: all that may ever be found.
    var appended: [UInt64: [UInt8]] = [:]
    var acknowledged: [(token: UInt64, lsn: LSN)] = []
    var nextToken: UInt64 = 1
    /// What a manifest would say.
    var replay = LSN.zero
    var listener = RecordingListener()

    init(seed: UInt64, capacityBytes: UInt64? = nil) {
        self.seed = seed
        executor = SimulationExecutor(seed: seed)
        drive = SimulatedDrive(executor: executor, seed: seed &+ 1000, capacityBytes: capacityBytes)
        random = SplitMix64(seed: seed &+ 2000)
        parameters.segmentBytes = 64 << 10
        parameters.batchBytes = 16 << 10
        parameters.recordBytesMax = 24 << 10
        parameters.queuedBytesMax = 1 << 20
    }

    func makeLog() -> DriveLog {
        let log = DriveLog(
            io: drive.files, drive: identity, executor: executor, clock: executor.clock,
            random: SeededRandom(seed: random.next()), pool: pool, parameters: parameters)
        listener = RecordingListener()
        log.listener = listener
        return log
    }

    /// Opens the log without looking at what it holds.
    func openLog() async throws -> DriveLog {
        let log = makeLog()
        let recovery = try await log.recover(from: replay, keeping: { _ in false }, { _ in })
        try await log.start(after: recovery)
        return log
    }

    func recover(_ log: DriveLog) async throws -> (LogRecovery, [(lsn: LSN, location: LogLocation, bytes: [UInt8])]) {
        var found: [(lsn: LSN, location: LogLocation, bytes: [UInt8])] = []
        let recovery = try await log.recover(from: replay, keeping: { _ in false }) { record throws(DriveError) in
            found.append((record.lsn, record.location, [UInt8](record.bytes)))
        }
        return (recovery, found)
    }

    /// The bytes of a record: its token, and noise that follows from it.
    func content(_ token: UInt64, count: Int) -> [UInt8] {
        var noise = SplitMix64(seed: token)
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            let raw = UnsafeMutableRawBufferPointer(buffer)
            var value = token.littleEndian
            for start in stride(from: 0, to: count, by: 8) {
                withUnsafeBytes(of: value) { word in
                    let piece = min(8, count - start)
                    UnsafeMutableRawBufferPointer(rebasing: raw[start..<start + piece])
                        .copyMemory(from: UnsafeRawBufferPointer(rebasing: word[..<piece]))
                }
                value = noise.next()
            }
            initialized = count
        }
    }

    static func token(_ bytes: [UInt8]) -> UInt64 {
        guard bytes.count >= 8 else { return 0 }
        return bytes.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
    }

    /// Appends a record and waits for its end.
    @discardableResult
    func append(_ log: DriveLog, count: Int, freesSpace: Bool = false) async -> LogError? {
        let token = nextToken
        nextToken += 1
        let bytes = content(token, count: count)
        appended[token] = bytes
        do {
            let middle = count / 3
            try log.append(
                [.bytes(Array(bytes[..<middle])), .bytes(Array(bytes[middle...]))], token: token, freesSpace: freesSpace
            )
        } catch {
            return error
        }
        return await listener.wait(for: token)
    }

    /// Takes what the listener has heard into the account.
    func settle() {
        acknowledged += listener.stored.map { ($0.token, $0.lsn) }
        listener = RecordingListener()
    }

    /// Several writers append until the log fails or each has written `count` records.
    func write(_ log: DriveLog, writers: Int, count: Int) async {
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<writers {
                group.addTask { [self] in
                    for _ in 0..<count {
                        let size = random.chance(0.1) ? 8 + random.below(20_000) : 8 + random.below(1500)
                        if await append(log, count: size) != nil { return }
                    }
                }
            }
        }
    }

    /// What recovery found must be what was appended, in order and without a gap, and hold everything acknowledged from the point
    /// of replay on. The violation, if there is one.
    func violation(
        _ recovery: LogRecovery, _ found: [(lsn: LSN, location: LogLocation, bytes: [UInt8])]
    ) -> String? {
        if !recovery.damages.isEmpty { return "damage where nothing was damaged: \(recovery.damages)" }
        var last: (lsn: LSN, token: UInt64) = (.zero, 0)
        var tokens: Set<UInt64> = []
        for record in found {
            let token = Self.token(record.bytes)
            guard appended[token] == record.bytes else { return "a record that nobody appended at \(record.lsn)" }
            guard record.lsn > last.lsn, record.lsn >= replay else { return "LSNs out of order at \(record.lsn)" }
            guard token > last.token else { return "records out of order: \(token) after \(last.token)" }
            last = (record.lsn, token)
            tokens.insert(token)
        }
        for (token, lsn) in acknowledged where lsn >= replay && !tokens.contains(token) {
            return "acknowledged record \(token) at \(lsn) is lost"
        }
        return nil
    }
}
