import Base

/// A commit without data for whose record the log had no space.
struct StarvedCommit {
    var position: Position
    var listener: any AppendListener
    var attempts: Int
}

/// One budget for log, index and data (rule 18).
extension DriveEngine {
    static let reservePath = "reserve"

    /// Bytes that rows name, and the tables.
    var liveBytes: UInt64 {
        UInt64(allocator.usedPages * ExtentAllocator.pageBytes) + UInt64(clamping: usage.liveBytes)
            + tableBytes
    }

    /// More than the allowed share is live.
    var isFull: Bool { capacityBytes > 0 && Double(liveBytes) >= Double(capacityBytes) * parameters.fullRatio }

    /// Little of the drive can still be allocated: deletes, flushes and cleaning need it, which make room; puts are refused.
    ///
    /// A data segment that is empty takes data without any more of the drive: on the smallest drives the one that is kept is what
    /// deleting everything gives back.
    var isCrowded: Bool { capacityBytes > 0 && roomBytes + emptyDataBytes < headroomBytes }

    /// Log segments for deletes and for what cleaning appends before the next flush, and the reserve while it is given up.
    var headroomBytes: UInt64 { UInt64(4 * parameters.log.segmentBytes) + (hasReserve ? 0 : parameters.reserveBytes) }

    /// What is not allocated to a file, or to a free segment of the log beyond its own reserve.
    var roomBytes: UInt64 {
        let spare = max(0, log.free.count - parameters.log.reserveSegments) * parameters.log.segmentBytes
        return (capacityBytes > ownBytes ? capacityBytes - ownBytes : 0) + UInt64(spare)
    }

    /// Not at every append: it costs a look at each segment of the log.
    func measureOwn() {
        ownBytes =
            log.allocatedBytes + tableBytes + manifest.fileBytes
            + UInt64(allocator.totalPages * ExtentAllocator.pageBytes) + (hasReserve ? parameters.reserveBytes : 0)
    }

    /// What the drive may use in all: its own files and what the file system has free, or the setting if that is less.
    func measureSpace() async {
        // Without an answer the last figure holds: space is checked again by every file that grows.
        guard let space = try? await io.space() else { return }
        measureOwn()
        isShortOfSpace = space.freeBytes < parameters.reserveBytes
        freeBytes = space.freeBytes
        emptyDataBytes = UInt64(allocator.empty().count) * UInt64(parameters.dataSegmentBytes)
        capacityBytes = min(ownBytes + space.freeBytes, parameters.capacityBytes ?? .max)
    }

    // MARK: Deletes on a full drive

    /// Makes room for deletes that the log had none for, and appends them again, a few times each.
    func feedStarved() async {
        while !starved.isEmpty, poisonCause == nil {
            let commits = starved
            starved = []
            // A flush releases log segments; without success the next attempt shows it.
            try? await flush()
            if commits.contains(where: { $0.attempts > 0 }) {
                _ = await giveUpReserve()
                for _ in 0..<4 { if (try? await cleanOnce()) != true { break } }
            }
            for commit in commits { retry(commit) }
            await log.waitUntilIdle()
        }
        isFeeding = false
    }

    private func retry(_ starvedCommit: StarvedCommit) {
        let position = starvedCommit.position
        guard let commit = pending[position]?.commit, starvedCommit.attempts < 6 else {
            return notStored(position, .noSpace, starvedCommit.listener)
        }
        let queuedRecord = QueuedRecord.commit(
            position, starvedCommit.listener, attempts: starvedCommit.attempts + 1)
        do throws(DriveError) {
            try enqueue(RecordCodec.encode(commit), queuedRecord, freesSpace: true)
        } catch { notStored(position, error, starvedCommit.listener) }
    }

    // MARK: Reserve

    func reserveExists() async -> Bool {
        // A drive without an answer has no reserve that could be given up.
        (try? await io.list("").contains(Self.reservePath)) ?? false
    }

    /// Makes room for what must go on when the drive is full. False when the reserve is used up already.
    func giveUpReserve() async -> Bool {
        guard hasReserve else { return false }
        hasReserve = false
        do {
            try await io.remove(Self.reservePath)
            return true
        } catch { return false }
    }

    /// Sets the reserve aside again when there is room for it and for the log.
    func restoreReserve() async {
        await reserveGate.enter()
        defer { reserveGate.leave() }
        guard !hasReserve, parameters.reserveBytes > 0, phase == .open, poisonCause == nil,
            freeBytes >= parameters.reserveBytes + 2 * UInt64(parameters.log.segmentBytes),
            await isInItsDirectory()
        else { return }
        do {
            let file = try await io.open(Self.reservePath, .create)
            try await file.allocate(parameters.reserveBytes)
            try await file.sync()
            await file.close()
            hasReserve = true
        } catch {
            // Too little space after all: tried again at the next measurement.
            try? await io.remove(Self.reservePath)
        }
    }

    /// The directory may have been emptied or replaced under the engine: what it then made there would keep a new drive out.
    private func isInItsDirectory() async -> Bool {
        guard case .formatted(let contents)? = try? await DriveFormat.inspect(io) else { return false }
        return contents.identity == identity
    }

    /// Runs background work that must not fail for want of space, with the reserve given up if need be.
    func withReserve<Value>(
        _ work: () async throws(DriveError) -> Value
    ) async throws(DriveError) -> Value {
        do throws(DriveError) { return try await work() } catch {
            guard error.isNoSpace, await giveUpReserve() else { throw failed(error) }
            do throws(DriveError) { return try await work() } catch { throw failed(error) }
        }
    }
}

extension DriveError {
    var isNoSpace: Bool {
        switch self {
        case .noSpace, .io(.noSpace): true
        case .io, .poisoned, .checksumMismatch, .damagedFormat, .foreignDrive, .inUse, .promisedHigher, .shutDown: false
        }
    }
}
