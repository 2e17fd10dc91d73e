import Base
import Glibc
import Runtime

/// Reading the log when a drive is opened, and opening the segment that this start writes to.
extension DriveLog {
    /// A segment's file as recovery found it.
    private struct Candidate {
        var number: UInt32
        /// nil when the first block is damaged.
        var header: LogSegmentHeader?
        /// Where its content ends: known from the segment after it, or nil for the last.
        var keptEnd: LSN?
        var firstLSN: LSN
        var byteCount: Int

        /// No byte of it lies at or beyond this.
        var endMax: LSN { keptEnd ?? firstLSN + byteCount }
    }

    /// Work between two yields of the loop.
    private static let sliceNanoseconds: UInt64 = 1_000_000

    /// Reads the log from `replay` on and hands over every record that is whole, in order. Segments that end before it are kept if
    /// `isKept` says so, and are free otherwise. Memory is bounded by a window; the loop is yielded every millisecond.
    ///
    /// A bad last batch is a tear and is cut. A bad batch before a valid one, and anything unreadable, is damage: it is reported,
    /// and what follows is handed over all the same.
    ///
    /// Below `flushed`, if that is later than `replay`, only single records are still wanted: segments between them may be gone.
    package func recover(
        from replay: LSN, flushed: LSN? = nil, keeping isKept: (UInt32) -> Bool,
        _ body: (RecoveredRecord) throws(DriveError) -> Void
    ) async throws(DriveError) -> LogRecovery {
        executor.checkIsolated()
        guard case .new = state, segments.isEmpty else {
            preconditionFailure("a log is recovered once, before it starts")
        }
        do {
            var recovery = LogRecovery()
            let (candidates, older) = try await findSegments(&recovery, replay, max(replay, flushed ?? replay))
            var released: [(number: UInt32, byteCount: Int?)] = []
            for number in older {
                guard isKept(number) else {
                    released.append((number, nil))
                    continue
                }
                segments.append(LogSegment(number: number, firstLSN: .zero, byteCount: nil, end: replay))
                recovery.segments.append(number)
            }
            for candidate in candidates {
                // The last segment is never released: the next one takes its number and its place from it.
                let isLast = candidate.number == candidates.last?.number
                if !isLast && candidate.endMax <= replay && !isKept(candidate.number) {
                    released.append((candidate.number, candidate.byteCount))
                    continue
                }
                let end = try await scan(candidate, replay, &recovery, body)
                segments.append(
                    LogSegment(
                        number: candidate.number, firstLSN: candidate.firstLSN, byteCount: candidate.byteCount,
                        end: end))
                recovery.segments.append(candidate.number)
                recovery.end = max(recovery.end, end)
            }
            if !released.isEmpty { try await recycle(released) }
            if recovery.end < replay {
                recovery.damages.append(
                    LogDamage(kind: .missingSegment, segment: 0, lsns: recovery.end..<replay))
                recovery.end = replay
            }
            return recovery
        } catch let error as DriveError {
            throw error
        } catch let error as DriveIOError {
            throw .io(error)
        } catch {
            preconditionFailure("recovery throws drive errors only")
        }
    }

    /// Opens the segment that this start writes to: never one that was recovered (rule 2). Until then nothing can be appended.
    package func start(after recovery: LogRecovery) async throws(DriveError) {
        executor.checkIsolated()
        guard case .new = state else { preconditionFailure("a log is started once") }
        do {
            try await openFirst(after: recovery)
            state = .open
        } catch .noSpace {
            throw .noSpace
        } catch {
            throw .io(error)
        }
    }

    private func openFirst(after recovery: LogRecovery) async throws(DriveIOError) {
        while free.count < parameters.reserveSegments {
            guard let made = try await makeFreeIfRoom() else { break }
            free.append(made)
        }
        let last = segments.last
        let blockBytes = UInt64(LogFormat.blockBytes)
        // Past the whole of the last segment: LSNs of a batch that was cut are not used again.
        let above = max(last.map { $0.firstLSN + ($0.byteCount ?? 0) } ?? .zero, recovery.end)
        let firstLSN = LSN(rawValue: (above.rawValue + blockBytes - 1) / blockBytes * blockBytes)
        var next = free.count > parameters.reserveSegments ? free.removeLast() : try await makeFreeIfRoom()
        let isReserve = next == nil
        if next == nil { next = free.popLast() }
        guard let next else { throw .noSpace(path: LogFormat.directory) }
        active = try await files.activate(
            next, number: (last?.number ?? 0) + 1, salt: random.next(), firstLSN: firstLSN,
            previousEnd: recovery.end, isReserve: isReserve)
    }

    /// A fresh file, or nil when there is no space for it.
    private func makeFreeIfRoom() async throws(DriveIOError) -> FreeSegment? {
        do { return try await makeFree() } catch {
            if case .noSpace = error { return nil }
            throw error
        }
    }

    // MARK: Finding segments

    /// The segments that replay needs, in order, with where each ends, and the numbers of older ones; free files are taken over.
    private func findSegments(
        _ recovery: inout LogRecovery, _ replay: LSN, _ flushed: LSN
    ) async throws -> (candidates: [Candidate], older: [UInt32]) {
        let io = files.io
        do {
            // What the last process renamed and wrote may be in caches only: nothing is believed before it is durable.
            try await io.syncDirectory(LogFormat.directory)
        } catch DriveIOError.notFound {
            try await io.makeDirectory(LogFormat.directory)
            try await io.syncDirectory("")
        }
        var numbers: [UInt32] = [], freeNumbers: [Int] = []
        for name in try await io.list(LogFormat.directory) {
            switch LogFormat.parse(name) {
            case .segment(let number): numbers.append(number)
            case .free(let number): freeNumbers.append(number)
            case .other: continue
            }
        }
        for number in freeNumbers.sorted() { try await takeOverFree(number) }
        numbers.sort()
        // From the newest back to the one that holds the point of replay: a start must not look at every segment of a full drive.
        var candidates: [Candidate] = []
        while let number = numbers.popLast() {
            let found = try await candidate(number)
            candidates.append(found)
            if let header = found.header, header.firstLSN <= replay { break }
        }
        candidates.reverse()
        complete(&candidates, &recovery, replay, flushed)
        return (candidates, numbers)
    }

    /// A free file of the right size is used again; any other is what an interrupted allocation left.
    private func takeOverFree(_ number: Int) async throws(DriveIOError) {
        nextFree = max(nextFree, number + 1)
        let path = LogFormat.freePath(number)
        let file = try await files.io.open(path, [.readOnly])
        let size = try await file.size()
        await file.close()
        if size == UInt64(parameters.segmentBytes) {
            free.append(FreeSegment(path: path, file: nil))
        } else {
            try await files.io.remove(path)
        }
    }

    private func candidate(_ number: UInt32) async throws -> Candidate {
        let path = LogFormat.segmentPath(number)
        let file = try await files.io.open(path, [.readOnly, .direct])
        let size = Int(try await file.size())
        let block = pool.take(LogFormat.blockBytes).slice(0, LogFormat.blockBytes)
        defer { withExtendedLifetime(block) {} }
        var header: LogSegmentHeader?
        if try await readHeader(file, size, block.mutableBytes) == LogFormat.blockBytes {
            switch LogSegmentHeader.decode(block.bytes) {
            case .header(let found):
                if found.drive == files.drive && found.number == number { header = found }
            case .unsupported(let version, let features):
                throw DriveError.damagedFormat(
                    what: "\(path) has format version \(version), features \(features): written by a newer version")
            case .bad: break
            }
        }
        await file.close()
        let byteCount = header.map { Int($0.segmentBytes) } ?? max(size, LogFormat.blockBytes)
        return Candidate(
            number: number, header: header, keptEnd: nil, firstLSN: header?.firstLSN ?? .zero, byteCount: byteCount)
    }

    /// Reads the first block; 0 when it can't be read and others can. A second attempt tells a bad sector, which is damage for good,
    /// from a read that failed once.
    private func readHeader(
        _ file: any DriveFile, _ size: Int, _ block: UnsafeMutableRawBufferPointer
    ) async throws(DriveIOError) -> Int {
        do { return try await file.read(into: block, at: 0) } catch {
            guard LogScanner.isMedium(error), try await isAlive(file, size, block) else { throw error }
        }
        do { return try await file.read(into: block, at: 0) } catch {
            guard LogScanner.isMedium(error) else { throw error }
            return 0
        }
    }

    /// True when any other block of the file can be read: a bad sector is damage, a drive that answers nothing is away.
    private func isAlive(
        _ file: any DriveFile, _ size: Int, _ block: UnsafeMutableRawBufferPointer
    ) async throws(DriveIOError) -> Bool {
        let middle = size / 2 / LogFormat.blockBytes * LogFormat.blockBytes
        for offset in [LogFormat.blockBytes, middle, size - LogFormat.blockBytes] where offset > 0 {
            do {
                if try await file.read(into: block, at: UInt64(offset)) > 0 { return true }
            } catch {
                guard LogScanner.isMedium(error) else { throw error }
            }
        }
        return false
    }

    /// Fills in what follows from neighbours, and reports damaged headers and gaps.
    private func complete(
        _ candidates: inout [Candidate], _ recovery: inout LogRecovery, _ replay: LSN, _ flushed: LSN
    ) {
        for index in candidates.indices where index > 0 {
            guard candidates[index - 1].number + 1 == candidates[index].number, let header = candidates[index].header
            else { continue }
            candidates[index - 1].keptEnd = header.previousEnd
        }
        for index in candidates.indices {
            guard let header = candidates[index].header else {
                // It lies behind its predecessor, or else at the point of replay: all older ones are not needed.
                let first = index > 0 ? candidates[index - 1].firstLSN + candidates[index - 1].byteCount : replay
                candidates[index].firstLSN = first
                let end = max(candidates[index].endMax, first)
                report(.badHeader, candidates[index].number, min(first, end)..<end, replay, &recovery)
                continue
            }
            // A segment with records that are not flushed follows one that is there or that ended before them.
            let hasPredecessor = index > 0 && candidates[index - 1].number + 1 == candidates[index].number
            if header.previousEnd > flushed && !hasPredecessor {
                let number = candidates[index].number - 1
                report(.missingSegment, number, flushed..<header.previousEnd, replay, &recovery)
            }
        }
    }

    private func report(
        _ kind: LogDamage.Kind, _ segment: UInt32, _ lsns: Range<LSN>, _ replay: LSN, _ recovery: inout LogRecovery
    ) {
        let damage = LogDamage(kind: kind, segment: segment, lsns: lsns)
        if lsns.upperBound > replay { recovery.damages.append(damage) } else { recovery.oldDamages.append(damage) }
    }

    // MARK: Scanning

    /// Hands over the records of one segment. Where it ends.
    private func scan(
        _ candidate: Candidate, _ replay: LSN, _ recovery: inout LogRecovery,
        _ body: (RecoveredRecord) throws(DriveError) -> Void
    ) async throws -> LSN {
        guard let header = candidate.header else { return candidate.endMax }
        let isLast = candidate.keptEnd == nil
        let mode: OpenMode = isLast ? [.direct] : [.readOnly, .direct]
        let file = try await files.io.open(LogFormat.segmentPath(candidate.number), mode)
        let length = candidate.endMax.rawValue - min(header.firstLSN.rawValue, candidate.endMax.rawValue)
        let limit = Int(min(length, UInt64(candidate.byteCount)))
        var scanner = LogScanner(
            file: file, salt: header.salt, firstLSN: header.firstLSN, byteCount: candidate.byteCount,
            checksSalt: parameters.checksSalt, pool: pool)
        var offset = LogFormat.blockBytes, end = LogFormat.blockBytes
        var sliceEnd = clock.monotonicNanoseconds() + Self.sliceNanoseconds
        // Where whole batches stopped, if they did.
        var gap: Int?
        var lastBatch: Int?
        while offset < limit {
            switch try await scanner.batch(at: offset, limit: limit) {
            case .batch(let batch, let bytes):
                if let start = gap {
                    report(
                        .badBatch, candidate.number, header.firstLSN + start..<header.firstLSN + offset, replay,
                        &recovery)
                    recovery.hasTornBatch = false
                    gap = nil
                }
                sliceEnd = try await handOver(
                    batch, UnsafeRawBufferPointer(bytes), candidate.number, offset, replay, &recovery, sliceEnd, body)
                lastBatch = offset
                offset += LogFormat.padded(Int(batch.length))
                end = offset
            case .nothing(let looksTorn):
                if gap == nil {
                    gap = offset
                    recovery.hasTornBatch = looksTorn
                }
                offset += LogFormat.blockBytes
            }
            if clock.monotonicNanoseconds() >= sliceEnd {
                await Task.yield()
                sliceEnd = clock.monotonicNanoseconds() + Self.sliceNanoseconds
            }
        }
        // A drive that went away in the middle is not a damaged one.
        if !scanner.unreadable.isEmpty { _ = try await scanner.readHeaderBlock() }
        if isLast, let lastBatch { try await confirm(lastBatch, &scanner, limit) }
        await file.close()
        for page in scanner.unreadable {
            report(
                .unreadable, candidate.number, header.firstLSN + page..<header.firstLSN + page + LogFormat.blockBytes,
                replay, &recovery)
        }
        guard let keptEnd = candidate.keptEnd else { return header.firstLSN + end }
        // The segment after this one says that batches were kept up to there.
        if let start = gap, header.firstLSN + start < keptEnd {
            report(.badBatch, candidate.number, header.firstLSN + start..<keptEnd, replay, &recovery)
        }
        return keptEnd
    }

    /// Makes the log's last batch durable by writing it once more. It may be in caches only: the process can have died before its
    /// sync, or the sync can have failed, after which the kernel calls the pages clean, and no later sync says that they are lost.
    /// All earlier batches were synced before it was written.
    private func confirm(_ offset: Int, _ scanner: inout LogScanner, _ limit: Int) async throws {
        // Not there any more: a drive that answers differently from one read to the next is not opened.
        guard case .batch(_, let batch) = try await scanner.batch(at: offset, limit: limit) else {
            throw DriveIOError.system(call: "read", path: "\(LogFormat.directory), last batch", errno: EIO)
        }
        let count = LogFormat.padded(batch.count)
        let copy = pool.take(count).slice(0, count)
        defer { withExtendedLifetime(copy) {} }
        copy.mutableBytes.copyMemory(from: UnsafeRawBufferPointer(batch))
        UnsafeMutableRawBufferPointer(rebasing: copy.mutableBytes[batch.count...]).zero()
        try await scanner.file.writeAndSync(copy.bytes, at: UInt64(offset))
    }

    /// Hands over a batch's records from `replay` on. When the slice of the loop ends.
    private func handOver(
        _ header: LogBatchHeader, _ batch: UnsafeRawBufferPointer, _ segment: UInt32, _ batchOffset: Int,
        _ replay: LSN, _ recovery: inout LogRecovery, _ sliceEnd: UInt64,
        _ body: (RecoveredRecord) throws(DriveError) -> Void
    ) async throws -> UInt64 {
        var sliceEnd = sliceEnd
        var offset = LogFormat.batchHeaderBytes
        for _ in 0..<header.recordCount {
            let count = Int(batch.load(UInt32.self, at: offset))
            let start = offset + LogFormat.recordHeaderBytes
            offset = start + count
            let lsn = header.lsn + start
            guard lsn >= replay else { continue }
            try body(
                RecoveredRecord(
                    lsn: lsn,
                    location: LogLocation(
                        segment: segment, offset: UInt32(batchOffset + start), count: UInt32(count)),
                    bytes: UnsafeRawBufferPointer(rebasing: batch[start..<offset])))
            recovery.recordCount += 1
            if clock.monotonicNanoseconds() >= sliceEnd {
                await Task.yield()
                sliceEnd = clock.monotonicNanoseconds() + Self.sliceNanoseconds
            }
        }
        return sliceEnd
    }
}
