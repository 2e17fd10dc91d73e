import Runtime

/// Reading a sealed segment again: cleaning has to know which rows its records wrote.
extension DriveLog {
    /// Hands over the records of a segment that is not active, in order. Stops at the first batch that is not whole: rows behind it
    /// stay where they are, and whoever reads them finds the damage.
    func records(
        in number: UInt32, _ body: (RecoveredRecord) throws(DriveError) -> Void
    ) async throws(DriveError) {
        guard let segment = segments.first(where: { $0.number == number }) else { return }
        let file: any DriveFile
        do { file = try await files.io.open(LogFormat.segmentPath(number), [.readOnly, .direct]) } catch {
            throw .io(error)
        }
        do throws(DriveError) { try await records(of: segment, file, body) } catch {
            await file.close()
            throw error
        }
        await file.close()
    }

    private func records(
        of segment: LogSegment, _ file: any DriveFile, _ body: (RecoveredRecord) throws(DriveError) -> Void
    ) async throws(DriveError) {
        let block = pool.take(LogFormat.blockBytes).slice(0, LogFormat.blockBytes)
        defer { withExtendedLifetime(block) {} }
        do throws(DriveIOError) {
            _ = try await file.read(into: block.mutableBytes, at: 0)
        } catch { throw .io(error) }
        guard case .header(let header) = LogSegmentHeader.decode(block.bytes), header.number == segment.number else {
            throw .checksumMismatch(what: "header of log segment \(segment.number)")
        }
        var scanner = LogScanner(
            file: file, salt: header.salt, firstLSN: header.firstLSN, byteCount: Int(header.segmentBytes),
            checksSalt: parameters.checksSalt, pool: pool)
        // The end of a segment of an earlier run may be given as a later point.
        let end = max(segment.end, header.firstLSN)
        let limit = Int(min(end.rawValue - header.firstLSN.rawValue, header.segmentBytes))
        var offset = LogFormat.blockBytes
        while offset < limit {
            let found: LogScanner.Found
            do throws(DriveIOError) {
                found = try await scanner.batch(at: offset, limit: limit)
            } catch { throw .io(error) }
            guard case .batch(let batch, let bytes) = found else { return }
            try Self.handOver(batch, UnsafeRawBufferPointer(bytes), segment.number, offset, body)
            offset += LogFormat.padded(Int(batch.length))
            await Task.yield()
        }
    }

    private static func handOver(
        _ header: LogBatchHeader, _ batch: UnsafeRawBufferPointer, _ segment: UInt32, _ batchOffset: Int,
        _ body: (RecoveredRecord) throws(DriveError) -> Void
    ) throws(DriveError) {
        var offset = LogFormat.batchHeaderBytes
        for _ in 0..<header.recordCount {
            let count = Int(batch.load(UInt32.self, at: offset))
            let start = offset + LogFormat.recordHeaderBytes
            offset = start + count
            try body(
                RecoveredRecord(
                    lsn: header.lsn + start,
                    location: LogLocation(segment: segment, offset: UInt32(batchOffset + start), count: UInt32(count)),
                    bytes: UnsafeRawBufferPointer(rebasing: batch[start..<offset])))
        }
    }
}
