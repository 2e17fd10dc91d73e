import Base
import Glibc
package import Runtime

/// Segments: opening the next one, keeping spare ones ready, taking back those that are released, reading what they hold.
extension DriveLog {
    /// Room for the batch in the active segment, if need be in a new one. Nothing else is written meanwhile: the caller is the
    /// only one that writes batches.
    func makeRoom(for batch: LogBatch) async throws(LogError) {
        guard let current = active else { preconditionFailure("a started log has an active segment") }
        if current.isReserve && !batch.usesReserve { try await leaveReserve() }
        guard current.offset + batch.paddedLength > current.byteCount else { return }
        let (next, isReserve) = try await takeFree(mayUseReserve: batch.usesReserve)
        try await roll(to: next, isReserve: isReserve)
    }

    /// Opens the next segment.
    private func roll(to next: FreeSegment, isReserve: Bool) async throws(LogError) {
        guard let current = active else { preconditionFailure("a started log has an active segment") }
        do {
            let opened = try await files.activate(
                next, number: current.number + 1, salt: random.next(), firstLSN: current.firstLSN + current.byteCount,
                previousEnd: current.end, isReserve: isReserve)
            segments.append(
                LogSegment(
                    number: current.number, firstLSN: current.firstLSN, byteCount: current.byteCount, end: current.end,
                    file: current.file))
            active = opened
            closeUnusedFiles()
        } catch .noSpace {
            free.append(next)
            throw .noSpace
        } catch {
            throw .poisoned(cause: "opening \(LogFormat.segmentPath(current.number + 1)): \(error)")
        }
    }

    /// A file for the next segment: one beyond the reserve, a fresh one, or one of the reserve if the caller may use it.
    private func takeFree(mayUseReserve: Bool) async throws(LogError) -> (FreeSegment, isReserve: Bool) {
        if free.count > parameters.reserveSegments { return (free.removeLast(), false) }
        do {
            return (try await makeFree(), false)
        } catch .noSpace {
            guard mayUseReserve, let last = free.popLast() else { throw .noSpace }
            return (last, true)
        } catch {
            throw .poisoned(cause: "making a log segment: \(error)")
        }
    }

    /// The active segment is of the reserve: ordinary records wait until the reserve is whole again.
    private func leaveReserve() async throws(LogError) {
        do {
            while free.count < parameters.reserveSegments { free.append(try await makeFree()) }
            active?.isReserve = false
        } catch .noSpace {
            throw .noSpace
        } catch {
            throw .poisoned(cause: "making a log segment: \(error)")
        }
    }

    func makeFree() async throws(DriveIOError) -> FreeSegment {
        let number = nextFree
        nextFree += 1
        return try await files.makeFree(number)
    }

    /// Makes the next segment's file while the active one has room, so that no batch waits for it.
    func prepareSpare() {
        guard let active, active.offset > active.byteCount / 2, !isPreparing, !active.isReserve,
            free.count <= parameters.reserveSegments
        else { return }
        isPreparing = true
        executor.spawn { [self] in
            // Not made now, it is made by the batch that needs it, which tells what is wrong.
            if let spare = try? await makeFree() {
                if case .open = state { free.append(spare) } else { await spare.file?.close() }
            }
            isPreparing = false
        }
    }

    // MARK: Release

    /// Gives back the segments that end at or before `lsn`, but for those that `isKept` names. The caller has made durable, before,
    /// whatever of them is still needed.
    package func release(upTo lsn: LSN, keeping isKept: (UInt32) -> Bool) async throws(DriveIOError) {
        executor.checkIsolated()
        var released: [LogSegment] = [], kept: [LogSegment] = []
        for segment in segments {
            if segment.end <= lsn && segment.readers == 0 && !isKept(segment.number) {
                released.append(segment)
            } else {
                kept.append(segment)
            }
        }
        guard !released.isEmpty else { return }
        segments = kept
        for segment in released { await segment.file?.close() }
        try await recycle(released.map { ($0.number, $0.byteCount) })
    }

    /// Takes the names from segments. Their files are used again only when that is durable: else a power cut could give a file
    /// that is the log's newest segment its old name back.
    func recycle(_ released: [(number: UInt32, byteCount: Int?)]) async throws(DriveIOError) {
        var recycled: [FreeSegment] = []
        for (number, known) in released {
            let path = LogFormat.segmentPath(number)
            let byteCount: Int
            if let known { byteCount = known } else { byteCount = try await sizeOfFile(path) }
            if byteCount == parameters.segmentBytes,
                free.count + recycled.count < parameters.reserveSegments + parameters.spareSegments
            {
                let freePath = LogFormat.freePath(nextFree)
                nextFree += 1
                try await files.io.rename(path, to: freePath)
                recycled.append(FreeSegment(path: freePath, file: nil))
            } else {
                try await files.io.remove(path)
            }
        }
        try await files.io.syncDirectory(LogFormat.directory)
        free += recycled
        if free.count >= parameters.reserveSegments { active?.isReserve = false }
    }

    private func sizeOfFile(_ path: String) async throws(DriveIOError) -> Int {
        let file = try await files.io.open(path, [.readOnly])
        let size = try await file.size()
        await file.close()
        return Int(clamping: size)
    }

    // MARK: Reading

    /// Segments with batches, oldest first, and the end of each. The last one is active.
    package var segmentEnds: [(number: UInt32, end: LSN)] {
        segments.map { ($0.number, $0.end) } + (active.map { [($0.number, $0.end)] } ?? [])
    }

    /// The log's end: of the last durable batch.
    package var end: LSN { active?.end ?? segments.last?.end ?? .zero }

    /// Bytes of the files, free ones included.
    package var allocatedBytes: UInt64 {
        UInt64(
            segments.reduce(0) { $0 + ($1.byteCount ?? parameters.segmentBytes) }
                + (free.count + (active == nil ? 0 : 1)) * parameters.segmentBytes)
    }

    /// Bytes at a location. Whoever wrote them verifies them: the log checks whole batches only.
    package func read(_ location: LogLocation) async throws(DriveIOError) -> BufferSlice {
        executor.checkIsolated()
        let path = LogFormat.segmentPath(location.segment)
        let start = Int(location.offset) & ~(LogFormat.blockBytes - 1)
        let count = LogFormat.padded(Int(location.offset) + Int(location.count) - start)
        guard location.count > 0, count <= LogFormat.batchBytesLimit else { throw .notFound(path: path) }
        let buffer = pool.take(count)
        let target = buffer.slice(0, count).mutableBytes
        defer { withExtendedLifetime(buffer) {} }
        let read: Int
        if let active, active.number == location.segment {
            read = try await active.file.read(into: target, at: UInt64(start))
        } else {
            let file = try await beginReading(location.segment)
            do {
                read = try await file.read(into: target, at: UInt64(start))
            } catch {
                endReading(location.segment)
                throw error
            }
            endReading(location.segment)
        }
        guard start + read >= Int(location.offset) + Int(location.count) else {
            throw .system(call: "read", path: path, errno: EIO)
        }
        return buffer.slice(Int(location.offset) - start, Int(location.count))
    }

    private func index(of number: UInt32) -> Int? {
        var low = 0, high = segments.count
        while low < high {
            let middle = (low + high) / 2
            if segments[middle].number < number { low = middle + 1 } else { high = middle }
        }
        return low < segments.count && segments[low].number == number ? low : nil
    }

    /// The segment's file, opened if need be, and kept from being recycled until `endReading`.
    private func beginReading(_ number: UInt32) async throws(DriveIOError) -> any DriveFile {
        let path = LogFormat.segmentPath(number)
        guard let index = index(of: number) else { throw .notFound(path: path) }
        segments[index].readers += 1
        nextUse += 1
        segments[index].lastUse = nextUse
        if let file = segments[index].file { return file }
        let file: any DriveFile
        do {
            file = try await files.io.open(path, [.readOnly, .direct])
        } catch {
            endReading(number)
            throw error
        }
        guard let now = self.index(of: number) else { return file }
        if let other = segments[now].file {
            // Another reader was faster.
            await file.close()
            return other
        }
        segments[now].file = file
        closeUnusedFiles()
        return file
    }

    private func endReading(_ number: UInt32) {
        if let index = index(of: number) { segments[index].readers -= 1 }
    }

    /// Closes the files that were used longest ago once too many are open.
    private func closeUnusedFiles() {
        var open = segments.indices.filter { segments[$0].file != nil }
        guard open.count > parameters.openSegmentsMax else { return }
        open.sort { segments[$0].lastUse < segments[$1].lastUse }
        for index in open.prefix(open.count - parameters.openSegmentsMax) where segments[index].readers == 0 {
            guard let file = segments[index].file else { continue }
            segments[index].file = nil
            executor.spawn { await file.close() }
        }
    }
}
