import Base
import Digests
import Runtime

/// The log: every header, every batch, and what its records say beyond the last flush.
extension DriveAudit {
    private struct Segment {
        var number: UInt32
        var header: LogSegmentHeader?
        var fileBytes: Int
    }

    func auditLog(_ state: ManifestState?) async {
        let names: [String]
        do { names = try await io.list(LogFormat.directory) } catch {
            // A drive that was formatted and never opened has no log yet.
            if case .notFound = error, state?.flushedLSN ?? 0 == 0 { return }
            return note(.io(error), .log, LogFormat.directory, "")
        }
        let numbers = names.compactMap { name -> UInt32? in
            if case .segment(let number) = LogFormat.parse(name) { number } else { nil }
        }.sorted()
        var found: [Segment] = []
        for number in numbers { found.append(await header(number)) }
        checkNeighbours(found, state)
        for (index, segment) in found.enumerated() {
            report.logSegments += 1
            guard let header = segment.header else {
                did(.log, segment.fileBytes)
                continue
            }
            segments.insert(segment.number)
            let next = index + 1 < found.count ? found[index + 1] : nil
            let keptEnd = next.flatMap { $0.number == segment.number + 1 ? $0.header?.previousEnd : nil }
            do throws(DriveIOError) { try await batches(segment, header, keptEnd, isNewest: next == nil, state) } catch
            {
                note(.io(error), .log, LogFormat.segmentPath(segment.number), "")
            }
            did(.log, segment.fileBytes)
        }
    }

    private func header(_ number: UInt32) async -> Segment {
        let path = LogFormat.segmentPath(number)
        var segment = Segment(number: number, header: nil, fileBytes: 0)
        let block = pool.take(LogFormat.blockBytes).slice(0, LogFormat.blockBytes)
        defer { withExtendedLifetime(block) {} }
        do throws(DriveIOError) {
            let file = try await io.open(path, [.readOnly, .direct])
            segment.fileBytes = Int(clamping: try await file.size())
            let count = try await file.read(into: block.mutableBytes, at: 0)
            await file.close()
            guard count == LogFormat.blockBytes, case .header(let header) = LogSegmentHeader.decode(block.bytes) else {
                report.add(.log, path, "byte 0", "the segment's header does not match its checksum")
                return segment
            }
            guard header.drive == report.identity?.drive, header.number == number else {
                report.add(
                    .log, path, "byte 0", "the header is that of segment \(header.number) of drive \(header.drive)")
                return segment
            }
            segment.header = header
        } catch { note(.io(error), .log, path, "byte 0") }
        return segment
    }

    /// Each segment with records that are in no table follows one that is there.
    private func checkNeighbours(_ found: [Segment], _ state: ManifestState?) {
        guard let state else { return }
        let flushed = state.flushedLSN == 0 ? 0 : state.flushedLSN + 1
        for (index, segment) in found.enumerated() {
            guard let header = segment.header, header.previousEnd.rawValue > flushed else { continue }
            guard index > 0, found[index - 1].number + 1 == segment.number else {
                report.add(
                    .missing, LogFormat.segmentPath(segment.number - 1), "",
                    "commits that are in no table yet were in this segment")
                continue
            }
        }
        if found.isEmpty && state.flushedLSN > 0 {
            report.add(.missing, LogFormat.directory, "", "the log has no segment")
        }
        let present = Set(found.map(\.number))
        for (segment, bytes) in state.livePacked where bytes > 0 && !present.contains(segment) {
            report.add(
                .missing, LogFormat.segmentPath(segment), "", "\(bytes) bytes of small objects were in this segment")
        }
    }

    private func batches(
        _ segment: Segment, _ header: LogSegmentHeader, _ keptEnd: LSN?, isNewest: Bool, _ state: ManifestState?
    ) async throws(DriveIOError) {
        let path = LogFormat.segmentPath(segment.number)
        let file = try await io.open(path, [.readOnly, .direct])
        let byteCount = min(segment.fileBytes, Int(header.segmentBytes))
        if segment.fileBytes < Int(header.segmentBytes) {
            report.add(
                .log, path, "byte \(segment.fileBytes)", "the file ends there, its header says \(header.segmentBytes)")
        }
        let kept = keptEnd.map { max($0.rawValue, header.firstLSN.rawValue) - header.firstLSN.rawValue }
        let limit = Int(clamping: min(kept ?? header.segmentBytes, UInt64(byteCount)))
        var scanner = LogScanner(
            file: file, salt: header.salt, firstLSN: header.firstLSN, byteCount: byteCount, checksSalt: true, pool: pool
        )
        var offset = LogFormat.blockBytes
        var gap: (start: Int, looksTorn: Bool)?
        while offset < limit {
            switch try await scanner.batch(at: offset, limit: limit) {
            case .batch(let batch, let bytes):
                if let start = gap?.start { bad(path, start..<offset) }
                gap = nil
                report.logBatches += 1
                records(batch, UnsafeRawBufferPointer(bytes), segment.number, offset, path, state)
                offset += LogFormat.padded(Int(batch.length))
            case .nothing(let looksTorn):
                if gap == nil { gap = (offset, looksTorn) }
                offset += LogFormat.blockBytes
            }
        }
        await file.close()
        for page in scanner.unreadable {
            report.add(.log, path, "byte \(page)", "the drive can't read these 4096 bytes")
        }
        guard let gap else { return }
        let flushed = state?.flushedLSN ?? 0
        if kept != nil || (isNewest && header.firstLSN.rawValue + UInt64(gap.start) < flushed) {
            bad(path, gap.start..<limit)
        } else if gap.looksTorn {
            let what = "a batch is not whole"
            if isNewest {
                report.add(.tornEnd, path, "byte \(gap.start)", what + ": the log's end, as a power cut leaves it")
            } else {
                report.add(.log, path, "byte \(gap.start)", what)
            }
        }
    }

    private func bad(_ path: String, _ range: Range<Int>) {
        report.add(
            .log, path, "bytes \(range.lowerBound) to \(range.upperBound - 1)", "a batch does not match its checksum")
    }

    // MARK: Records

    private func records(
        _ header: LogBatchHeader, _ batch: UnsafeRawBufferPointer, _ segment: UInt32, _ batchOffset: Int,
        _ path: String,
        _ state: ManifestState?
    ) {
        var offset = LogFormat.batchHeaderBytes
        for _ in 0..<header.recordCount {
            let count = Int(batch.load(UInt32.self, at: offset))
            let start = offset + LogFormat.recordHeaderBytes
            offset = start + count
            report.logRecords += 1
            let lsn = (header.lsn + start).rawValue
            guard let state, lsn > state.flushedLSN || state.openRecords.contains(lsn) else { continue }
            let bytes = UnsafeRawBufferPointer(rebasing: batch[start..<offset])
            let place = "byte \(batchOffset + start)"
            do throws(MalformedField) { take(try RecordCodec.decode(bytes), bytes, path, place, state) } catch {
                report.add(.log, path, place, "a record can't be read: \(error.what)")
            }
        }
    }

    /// A record that is in no table: its keys are its own from here on.
    private func take(
        _ record: LogRecord, _ bytes: UnsafeRawBufferPointer, _ path: String, _ place: String, _ state: ManifestState
    ) {
        switch record {
        case .commit(let commit, _):
            for row in commit.rows {
                change(row.key)
                guard case .put(let payload, let data) = row.change else { continue }
                take(row.key, commit.header.position, payload, data, bytes, path, place, state)
            }
        case .caughtUp(let record):
            for row in record.rows {
                change(row.key)
                guard let revision = row.revision else { continue }
                take(row.key, revision, row.payload, row.data, bytes, path, place, state)
            }
        case .moves(let moves):
            for move in moves {
                take(move.key, .zero, [], move.data, bytes, path, place, state)
            }
        }
    }

    private func change(_ key: IndexKey) {
        changedKeys.insert(key)
        changedRows.removeAll { $0.key == key }
    }

    private func take(
        _ key: IndexKey, _ revision: Position, _ payload: [UInt8], _ data: RecordData, _ bytes: UnsafeRawBufferPointer,
        _ path: String, _ place: String, _ state: ManifestState
    ) {
        switch data {
        case .none: break
        case .packed(let offset, let count, let checksum):
            report.packedPieces += 1
            let piece = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
            if BlockChecksum.of(piece, seed: 0) != checksum {
                report.add(.packed, path, place, "packed data does not match the checksum in its record", key: key)
            }
        case .extents(let extents, let blockBytes, let checksums):
            for extent in extents {
                guard let pages = state.dataSegments[extent.segment],
                    Int(extent.offset) + Int(extent.pages) <= Int(pages)
                else {
                    report.add(
                        .log, path, place, "a record names space outside of data segment \(extent.segment)", key: key)
                    return
                }
            }
            let entry = IndexEntry(
                key: key, revision: revision, payload: payload,
                stored: .extents(extents, blockBytes: blockBytes, checksums: checksums))
            // What a later record names was free again: the earlier one is void or replaced.
            changedRows.removeAll { $0.shares(extents) }
            changedRows.append(entry)
            for extent in extents {
                changedPages[extent.segment, default: PageBits(count: Int(state.dataSegments[extent.segment] ?? 0))]
                    .set(extent.pageRange)
            }
        }
    }
}

extension IndexEntry {
    var extents: [Extent] { if case .extents(let extents, _, _) = stored { extents } else { [] } }

    fileprivate func shares(_ other: [Extent]) -> Bool {
        extents.contains { mine in
            other.contains { $0.segment == mine.segment && $0.pageRange.overlaps(mine.pageRange) }
        }
    }
}

extension Extent {
    var pageRange: Range<Int> { Int(offset)..<Int(offset) + Int(pages) }
}
