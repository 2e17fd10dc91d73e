import Base
import Runtime

/// Cleaning (rule 18): packed data that is live in log segments with little of it is appended again, so that they can be released.
extension DriveEngine {
    /// Cleans the log segment with the lowest share of live data, if that is low enough; false when there is none.
    package func cleanOnce() async throws(DriveError) -> Bool {
        try checkWritable()
        await cleaningGate.enter()
        defer { cleaningGate.leave() }
        try checkWritable()
        guard let segment = nextToClean else { return false }
        try await repeatPending(in: segment)
        var batch: [(key: IndexKey, from: PackedLocation, data: BufferSlice)] = []
        var bytes = 0
        for candidate in try await packedRows(in: segment) {
            guard try await currentRow(candidate.key)?.stored.packedLocation == candidate.location else { continue }
            let data: BufferSlice
            do { data = try await read(candidate.location) } catch {
                // Damaged data is not carried on under a good checksum; the segment stays until the row is healed.
                guard case .checksumMismatch = error else { throw error }
                uncleanable.insert(segment)
                continue
            }
            batch.append((candidate.key, candidate.location, data))
            bytes += data.count + candidate.key.bytes.count + 64
            if bytes >= min(parameters.cleaningStepBytes, parameters.log.recordBytesMax / 2) {
                try await move(&batch)
                bytes = 0
            }
        }
        try await move(&batch)
        counters.cleanings += 1
        cleanedTo[segment] = usage.live(segment)
        // The rows' new places are durable with the next flush; the segments are released then.
        cleanedSinceFlush += 1
        if cleanedSinceFlush >= parameters.cleanedSegmentsPerFlush || isPressed { try await flush() }
        return true
    }

    private var isPressed: Bool { liveBytes * 10 >= capacityBytes * 9 }

    /// Sealed segments, all in tables, by their share of live data.
    private var nextToClean: UInt32? {
        let ends = log.segmentEnds.dropLast().filter { $0.end.rawValue <= flushedEnd }
        let limit = isPressed ? max(parameters.cleaningLiveRatio, 0.9) : parameters.cleaningLiveRatio
        var best: (number: UInt32, ratio: Double)?
        for segment in ends where !uncleanable.contains(segment.number) {
            let ratio = Double(usage.live(segment.number)) / Double(parameters.log.segmentBytes)
            let holdsPending = pending.values.contains { $0.place?.segment == segment.number }
            // Not again without progress.
            guard cleanedTo[segment.number] != usage.live(segment.number) || holdsPending else { continue }
            guard ratio > 0 || holdsPending, ratio < limit, ratio < best?.ratio ?? .infinity else { continue }
            best = (segment.number, ratio)
        }
        return best?.number
    }

    /// Where rows may still point to in a segment: what its records put there, in order.
    private func packedRows(in segment: UInt32) async throws(DriveError) -> [(key: IndexKey, location: PackedLocation)] {
        var rows: [(key: IndexKey, location: PackedLocation)] = []
        try await log.records(in: segment) { (found) throws(DriveError) in
            let place = RecordPlace(lsn: found.lsn.rawValue, location: found.location)
            let record: LogRecord
            do throws(MalformedField) { record = try RecordCodec.decode(found.bytes) } catch {
                throw .damagedFormat(what: "log record \(place.lsn): \(error.what)")
            }
            for (key, data) in record.packedRows {
                if let location = data.stored(in: place).packedLocation { rows.append((key, location)) }
            }
        }
        return rows
    }

    private func move(_ batch: inout [(key: IndexKey, from: PackedLocation, data: BufferSlice)]) async throws(DriveError) {
        guard !batch.isEmpty else { return }
        let encoded = RecordCodec.encode(moves: batch)
        var offset = encoded.head.count
        let moves = batch.map { row in
            defer { offset += row.data.count }
            return MoveRecord(
                key: row.key, from: row.from,
                data: .packed(offset: offset, count: row.data.count, checksum: row.from.checksum))
        }
        batch = []
        try await append(encoded) { .moves(moves, $0) }
        while !movesToApply.isEmpty {
            let next = movesToApply.removeFirst()
            for move in next.moves { try await apply(move, at: next.place) }
            usage.unhold(next.place.segment)
        }
    }

    /// Points a row to where its data lies again, if it still points to where the data was.
    func apply(_ move: MoveRecord, at place: RecordPlace) async throws(DriveError) {
        while true {
            switch index.memtableRow(move.key) {
            case .tombstone: return
            case .row(let value):
                guard let row = decoded(value, move.key), row.stored.packedLocation == move.from else { return }
                return redirect(row, move, place)
            case .absent:
                let generation = index.generation
                guard let row = try await tableRow(move.key), row.stored.packedLocation == move.from else {
                    // Unless the row came into a memtable meanwhile, or a memtable into a table.
                    if case .absent = index.memtableRow(move.key), generation == index.generation { return }
                    continue
                }
                guard case .absent = index.memtableRow(move.key), generation == index.generation else { continue }
                return redirect(row, move, place)
            }
        }
    }

    private func redirect(_ row: IndexEntry, _ move: MoveRecord, _ place: RecordPlace) {
        let change = RowChange(key: row.key, row: (row.revision, row.payload, move.data.stored(in: place)))
        write(change, over: row, by: nil)
    }

    /// Pending commits of the segment are appended again: an open one may stay undecided for long.
    private func repeatPending(in segment: UInt32) async throws(DriveError) {
        for position in pending.keys.sorted() {
            guard let place = pending[position]?.place, place.segment == segment else { continue }
            let commit = try await readBack(place)
            guard pending[position]?.place == place else { continue }
            try await append(RecordCodec.encode(commit, replaces: place.lsn)) { .commitAgain(position, $0) }
        }
    }

    private func append(
        _ record: EncodedRecord,
        as queuedRecord: (UnsafeContinuation<Result<Void, DriveError>, Never>) -> QueuedRecord
    ) async throws(DriveError) {
        let result = await withUnsafeContinuation { continuation in
            do throws(DriveError) {
                try enqueue(record, queuedRecord(continuation), freesSpace: true)
            } catch { continuation.resume(returning: .failure(error)) }
        }
        return try result.get()
    }
}

extension IndexEntry.Stored {
    var packedLocation: PackedLocation? { if case .packed(let location) = self { location } else { nil } }
}

extension LogRecord {
    /// Keys and packed data that the record holds.
    fileprivate var packedRows: [(key: IndexKey, data: RecordData)] {
        switch self {
        case .commit(let commit, _):
            commit.rows.compactMap { row in
                guard case .put(_, let data) = row.change, case .packed = data else { return nil }
                return (row.key, data)
            }
        case .caughtUp(let record):
            record.rows.compactMap { row in
                guard case .packed = row.data else { return nil }
                return (row.key, row.data)
            }
        case .moves(let moves): moves.map { ($0.key, $0.data) }
        }
    }
}
