import Base
import Digests
import Drives
import Runtime
import SimulationSupport
import Synchronization

/// A simulated drive with an engine on it, opened as often as a test likes.
struct EngineRig: Sendable {
    let executor: SimulationExecutor
    let drive: SimulatedDrive
    let pool: BufferPool
    let random: SeededRandom
    var parameters: DriveParameters

    static let identity = DriveIdentity(
        deployment: UniqueID(high: 1, low: 2), drive: UniqueID(high: 3, low: 4), pool: 0, set: 0, slot: 2)

    /// Everything so small that flushes, compactions, recycling and cleaning happen all the time.
    static var tiny: DriveParameters {
        var parameters = DriveParameters()
        parameters.log.segmentBytes = 64 << 10
        parameters.log.batchBytes = 16 << 10
        parameters.log.recordBytesMax = 32 << 10
        parameters.log.reserveSegments = 1
        parameters.log.spareSegments = 1
        parameters.log.openSegmentsMax = 3
        parameters.index.tableBytes = 8 << 10
        parameters.index.blockBytes = 512
        parameters.index.levelZeroTables = 2
        parameters.index.levelOneBytes = 16 << 10
        parameters.index.levelRatio = 3
        parameters.cacheBytes = 64 << 10
        parameters.memtableBytes = 16 << 10
        parameters.unflushedLogBytes = 256 << 10
        parameters.dataSegmentBytes = 128 << 10
        parameters.dataFilesOpenMax = 2
        parameters.manifestBytes = 8 << 10
        parameters.cleanedSegmentsPerFlush = 1
        parameters.cleaningStepBytes = 8 << 10
        parameters.reserveBytes = 256 << 10
        return parameters
    }

    init(seed: UInt64, parameters: DriveParameters = EngineRig.tiny, capacityBytes: UInt64? = nil) {
        executor = SimulationExecutor(seed: seed)
        drive = SimulatedDrive(executor: executor, seed: seed &+ 1, capacityBytes: capacityBytes)
        pool = BufferPool()
        random = SeededRandom(seed: seed &+ 2)
        self.parameters = parameters
    }

    func format() async throws { try await DriveFormat.format(drive.files, as: Self.identity) }

    func engine() -> DriveEngine {
        DriveEngine(
            identity: Self.identity, io: drive.files, executor: executor, time: executor.clock, random: random,
            pool: pool, parameters: parameters)
    }

    /// An engine that is recovered and resolved; what is pending is decided by `verdict`.
    func open(_ verdict: @escaping @Sendable (Position) -> Verdict = { _ in .valid }) async throws -> DriveEngine {
        let engine = engine()
        _ = try await engine.recover()
        try await engine.resolve(VerdictBy(verdict))
        return engine
    }

    func slice(_ bytes: [UInt8]) -> BufferSlice {
        let slice = pool.take(max(1, bytes.count)).slice(0, bytes.count)
        slice.mutableBytes.copyBytes(from: bytes)
        return slice
    }

    func packed(_ bytes: [UInt8]) -> Attachment { .packed(slice(bytes), checksum: BlockChecksum.of(bytes, seed: 0)) }
}

struct VerdictBy: CommitVerdict {
    let body: @Sendable (Position) -> Verdict
    init(_ body: @escaping @Sendable (Position) -> Verdict) { self.body = body }
    func verdict(on position: Position) -> Verdict { body(position) }
}

/// Waits for the end of one append.
final class Append: AppendListener {
    private enum State {
        case open
        case waiting(UnsafeContinuation<Result<Void, DriveError>, Never>)
        case ended(Result<Void, DriveError>)
    }
    private let state = Mutex(State.open)

    func appended(_ position: Position, slot: Int, _ result: Result<Void, DriveError>) {
        let waiter = state.withLock { state -> UnsafeContinuation<Result<Void, DriveError>, Never>? in
            switch state {
            case .open:
                state = .ended(result)
                return nil
            case .waiting(let waiter):
                state = .ended(result)
                return waiter
            case .ended: preconditionFailure("an append ends once")
            }
        }
        waiter?.resume(returning: result)
    }

    /// nil while the append has not ended.
    var result: Result<Void, DriveError>? {
        state.withLock { if case .ended(let result) = $0 { result } else { nil } }
    }

    func end() async -> Result<Void, DriveError> {
        await withUnsafeContinuation { continuation in
            let ended = state.withLock { state -> Result<Void, DriveError>? in
                if case .ended(let result) = state { return result }
                state = .waiting(continuation)
                return nil
            }
            if let ended { continuation.resume(returning: ended) }
        }
    }
}

extension DriveEngine {
    /// Appends and waits until the record is durable.
    func store(_ commit: DriveCommit) async throws {
        let append = Append()
        self.append(commit, reportingTo: append)
        try await append.end().get()
    }

    func store(_ state: CaughtUpState) async throws {
        let append = Append()
        self.append(state, reportingTo: append)
        try await append.end().get()
    }

    func commit(_ commit: DriveCommit) async throws {
        try await store(commit)
        publish(commit.header.position)
    }
}

func header(
    _ position: Position, kind: CommitHeader.Kind = .commit, decided: Position = .zero, confirmed: Position = .zero
) -> CommitHeader {
    CommitHeader(kind: kind, position: position, decided: decided, confirmed: confirmed, membership: 1, sent: 0b111)
}

func put(_ key: IndexKey, _ payload: [UInt8], _ attachment: Attachment = .none) -> Mutation {
    Mutation(key: key, change: .put(payload: payload, attachment))
}

func delete(_ key: IndexKey) -> Mutation { Mutation(key: key, change: .delete) }

func systemKey(_ name: String) -> IndexKey { IndexKey([KeySpace.system.rawValue] + Array(name.utf8)) }

extension BufferSlice {
    var array: [UInt8] { [UInt8](bytes) }
}
