import Base
import Drives
import Runtime

/// A drive in memory: extents, rows and packed data, with faults on command. It has no log: rows are put directly.
actor MemoryDrive: Drive {
    nonisolated let identity: DriveIdentity
    nonisolated let executor: any PinnedExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let pool: BufferPool
    private let segment = Arena()
    private(set) var live: Set<Extent> = []
    private var rows: [IndexKey: IndexEntry] = [:]
    private var packed: [UInt32: [UInt8]] = [:]
    private var unsynced = 0
    private(set) var pins: [IndexKey: Int] = [:]
    private(set) var overlaps = 0
    private(set) var reads = 0

    // Faults.
    private(set) var writesUntilFailure: Int?
    private var failsReads = false
    private var failsSync = false
    private var pagesLeft = Int.max
    private var isStalled = false
    private var stalled: [CheckedContinuation<Void, Never>] = []

    init(slot: Int, executor: any PinnedExecutor, pool: BufferPool) {
        let id = UniqueID(high: 7, low: UInt64(slot))
        identity = DriveIdentity(deployment: id, drive: id, pool: 0, set: 0, slot: slot)
        self.executor = executor
        self.pool = pool
    }

    func failWrites(after count: Int) { writesUntilFailure = count }
    func failReads() { failsReads = true }
    func failSync() { failsSync = true }
    func limitPages(_ count: Int) { pagesLeft = count }
    func stall() { isStalled = true }
    func resume() {
        isStalled = false
        for waiter in stalled { waiter.resume() }
        stalled = []
    }
    func dropRows() { rows = [:] }
    func revise(_ key: IndexKey, _ revision: Position) { rows[key]?.revision = revision }
    func row(_ key: IndexKey) -> IndexEntry? { rows[key] }
    var livePages: Int { live.reduce(0) { $0 + Int($1.pages) } }

    /// Flips a bit of the stored bytes: of an extent's block, or of packed data.
    func damage(_ key: IndexKey, at offset: Int) {
        switch rows[key]?.stored {
        case .packed(let location): packed[location.offset]?[offset] ^= 1
        case .extents(let extents, _, _):
            var offset = offset
            for extent in extents {
                if offset < extent.byteCount {
                    segment.base[Int(extent.offset) * 4096 + offset] ^= 1
                    return
                }
                offset -= extent.byteCount
            }
        case .some(.none), nil: break
        }
    }

    /// What publishing a commit does.
    func put(_ key: IndexKey, _ attachment: Attachment, revision: Position) {
        var stored = IndexEntry.Stored.none
        switch attachment {
        case .none: break
        case .packed(let slice, let checksum):
            let number = UInt32(packed.count)
            packed[number] = slice.array
            stored = .packed(PackedLocation(segment: 0, offset: number, count: UInt32(slice.count), checksum: checksum))
        case .extents(let extents, let blockBytes, let checksums):
            stored = .extents(extents, blockBytes: blockBytes, checksums: checksums)
        }
        rows[key] = IndexEntry(key: key, revision: revision, payload: [], stored: stored)
    }

    private func pause() async {
        if isStalled { await withCheckedContinuation { stalled.append($0) } }
        await Task.yield()
    }

    // MARK: Large data

    func reserve(_ bytes: Int) async throws(DriveError) -> Extent {
        await pause()
        let pages = (bytes + 4095) / 4096
        guard pages <= pagesLeft else { throw .noSpace }
        pagesLeft -= pages
        let extent = Extent(segment: 0, offset: UInt32(segment.grow(by: pages * 4096) / 4096), pages: UInt32(pages))
        live.insert(extent)
        return extent
    }

    func write(_ slice: BufferSlice, to extent: Extent, at offset: Int) async throws(DriveError) {
        await pause()
        precondition(offset % 4096 == 0 && slice.count % 4096 == 0 && slice.start % 4096 == 0, "aligned writes")
        precondition(offset + slice.count <= extent.byteCount, "a write within its extent")
        if let left = writesUntilFailure {
            guard left > 0 else { throw .io(.system(call: "pwrite", path: "data", errno: 5)) }
            writesUntilFailure = left - 1
        }
        let start = Int(extent.offset) * 4096 + offset
        if !live.contains(where: {
            Int($0.offset) * 4096 <= start && start + slice.count <= (Int($0.offset) + Int($0.pages)) * 4096
        }) {
            overlaps += 1
        }
        segment.base.advanced(by: start).update(
            from: slice.bytes.assumingMemoryBound(to: UInt8.self).baseAddress!, count: slice.count)
        unsynced += 1
    }

    func syncData() async throws(DriveError) {
        await pause()
        if failsSync { throw .io(.system(call: "fdatasync", path: "data", errno: 5)) }
        unsynced = 0
    }

    /// Whole reserved extents, or the tail of one.
    func release(_ extents: [Extent]) {
        for extent in extents {
            if live.remove(extent) != nil { continue }
            guard
                let whole = live.first(where: {
                    $0.offset < extent.offset && $0.offset + $0.pages == extent.offset + extent.pages
                })
            else {
                overlaps += 1
                continue
            }
            live.remove(whole)
            live.insert(Extent(segment: 0, offset: whole.offset, pages: extent.offset - whole.offset))
        }
    }

    func hasUnsynced() -> Bool { unsynced > 0 }

    // MARK: Reads

    func entry(_ key: IndexKey) async throws(DriveError) -> IndexEntry? {
        await pause()
        return rows[key]
    }

    func read(_ location: PackedLocation) async throws(DriveError) -> BufferSlice {
        await pause()
        reads += 1
        if failsReads { throw .io(.system(call: "pread", path: "log", errno: 5)) }
        guard let bytes = packed[location.offset] else { throw .damagedFormat(what: "log") }
        let slice = pool.take(max(bytes.count, 1)).slice(0, bytes.count)
        bytes.withUnsafeBytes { slice.mutableBytes.copyMemory(from: $0) }
        guard crc64(slice.bytes) == location.checksum else { throw .checksumMismatch(what: "packed") }
        return slice
    }

    func read(_ extent: Extent, at offset: Int, into slice: BufferSlice) async throws(DriveError) {
        await pause()
        reads += 1
        precondition(offset % 4096 == 0 && slice.count % 4096 == 0 && slice.start % 4096 == 0, "aligned reads")
        precondition(offset + slice.count <= extent.byteCount, "a read within its extent")
        if failsReads { throw .io(.system(call: "pread", path: "data", errno: 5)) }
        let start = Int(extent.offset) * 4096 + offset
        (slice.buffer.base + slice.start).copyMemory(from: segment.base + start, byteCount: slice.count)
    }

    func pin(_ key: IndexKey) { pins[key, default: 0] += 1 }
    func unpin(_ key: IndexKey) {
        pins[key, default: 0] -= 1
        if pins[key] == 0 { pins[key] = nil }
    }

    // MARK: What these tests don't use

    func firstEntry(prefix: [UInt8]) async throws(DriveError) -> IndexEntry? { throw .shutDown }
    func entries(from start: IndexKey, to end: IndexKey, limit: Int) async throws(DriveError) -> [IndexEntry] {
        throw .shutDown
    }
    func recover() async throws(DriveError) -> DriveRecovery { throw .shutDown }
    func store(_ promise: Promise) async throws(DriveError) { throw .shutDown }
    func resolve(_ verdict: any CommitVerdict) async throws(DriveError) { throw .shutDown }
    func pendingCommit(_ position: Position) async throws(DriveError) -> DriveCommit? { throw .shutDown }
    func append(_ commit: DriveCommit, reportingTo listener: any AppendListener) {}
    func publish(_ position: Position) {}
    func discard(_ position: Position) {}
    func note(decided: Position, confirmed: Position) {}
    func changes() async throws(DriveError) -> [Change] { [] }
    func changedKeys(_ positions: [Position]) async throws(DriveError) -> [ChangedKeys] { [] }
    func append(_ state: CaughtUpState, reportingTo listener: any AppendListener) {}
    func setRebuilding(_ rebuilding: Bool, holdingUpTo own: Position) async throws(DriveError) { throw .shutDown }
    func run() async {}
    func statistics() -> DriveStatistics { DriveStatistics() }
    func shutDown() async {}
}

/// Address space for a drive's extents; what is not touched costs nothing.
final class Arena {
    private static let capacity = 64 << 20
    let base = UnsafeMutablePointer<UInt8>.allocate(capacity: Arena.capacity)
    private var count = 0

    deinit { base.deallocate() }

    /// Returns where the new bytes start.
    func grow(by bytes: Int) -> Int {
        precondition(count + bytes <= Self.capacity, "a test drive is small")
        base.advanced(by: count).update(repeating: 0xEE, count: bytes)
        count += bytes
        return count - bytes
    }
}

extension BufferSlice {
    /// A copy; bulk, because tests in debug builds pay for every byte that a generic loop touches.
    var array: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
            UnsafeMutableRawBufferPointer(target).copyMemory(from: bytes)
            initialized = count
        }
    }
}
