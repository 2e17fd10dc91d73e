package import Base
package import Runtime

/// The log of one drive: records in, batches to the drive, places out. Rule 2 of the commit protocol; bytes in Docs/formats/log.md.
///
/// Records that arrive while a batch is in flight wait; the next batch takes them all. The sync in flight is the batching window:
/// there is no timer, and a lone writer never waits for company. A batch is written only when the one before it is synced, so at
/// most one batch, the last, can be torn by a power cut.
///
///     append → queue of batches → [room in the segment, or the next segment opened] → write + fdatasync → listener
///
/// - Any error of that write or sync *poisons* the log: it and everything queued fails, and so does every later append.
/// - No space for another segment fails the records that needed it (`.noSpace`) and nothing else.
/// - `recover` first, then `start`, once each; then `append`, `read`, `release` in any order; `close` last.
// SAFETY: belongs to the executor that it was made with, as a ring to its loop; every entry point checks that it is on it. All
// state changes happen there, and code that suspends looks at the state again.
package final class DriveLog: @unchecked Sendable {
    enum State {
        case new
        case open
        case poisoned(cause: String)
        case closed
    }

    package let parameters: LogParameters
    package weak var listener: (any LogListener)?
    package private(set) var statistics = LogStatistics()

    let executor: any PinnedExecutor
    let clock: any TimeSource
    let random: any RandomSource
    let pool: BufferPool
    let files: LogFiles

    var state = State.new
    var active: ActiveSegment?
    /// Segments with batches, by number, without the active one.
    var segments: [LogSegment] = []
    var free: [FreeSegment] = []
    var nextFree = 0
    var nextUse: UInt64 = 0
    var isPreparing = false

    private var queue: [LogBatch] = []
    private var queuedBytes = 0
    private var isCommitting = false
    private var idleWaiters: [UnsafeContinuation<Void, Never>] = []

    package init(
        io: any DriveIO, drive: UniqueID, executor: any PinnedExecutor, clock: any TimeSource,
        random: any RandomSource, pool: BufferPool, parameters: LogParameters = LogParameters()
    ) {
        precondition(
            parameters.segmentBytes % LogFormat.blockBytes == 0 && parameters.segmentBytes <= Int(UInt32.max)
                && LogFormat.padded(LogBatch.bytes(forRecordOf: parameters.recordBytesMax)) + LogFormat.blockBytes
                    <= parameters.segmentBytes
                && LogBatch.bytes(forRecordOf: parameters.recordBytesMax) <= LogFormat.batchBytesLimit
                && parameters.batchBytes <= parameters.segmentBytes - LogFormat.blockBytes,
            "a segment takes the largest batch")
        (self.executor, self.clock, self.random, self.pool) = (executor, clock, random, pool)
        self.parameters = parameters
        files = LogFiles(io: io, pool: pool, drive: drive, parameters: parameters)
    }

    // MARK: Append

    /// Queues a record, in the caller's step. `fill` writes its bytes, all of them, into the batch's own buffer. The listener hears
    /// of `token` once. `freesSpace` marks a record that deletes or cleans and so may use the reserve.
    package func append(
        byteCount: Int, token: UInt64, freesSpace: Bool = false, fill: (UnsafeMutableRawBufferPointer) -> Void
    ) throws(LogError) {
        executor.checkIsolated()
        switch state {
        case .new: preconditionFailure("a log is started before it is appended to")
        case .open: break
        case .poisoned(let cause): throw .poisoned(cause: cause)
        case .closed: throw .closed
        }
        guard byteCount > 0, byteCount <= parameters.recordBytesMax else { throw .recordTooLarge }
        guard queuedBytes + byteCount <= parameters.queuedBytesMax else { throw .queueFull }
        // With room for all that is queued nothing needs the reserve, and records of both kinds share batches: an overwrite frees
        // space on the drives that get no data of it, and a batch for each change of kind would be a sync for every other record.
        let usesReserve = freesSpace && !hasRoom(for: byteCount)
        queuedBytes += byteCount
        let last = queue.count - 1
        if last < 0 || queue[last].usesReserve != usesReserve
            || !queue[last].hasRoom(for: byteCount, limit: parameters.batchBytes)
        {
            let bytes = max(parameters.batchBytes, LogBatch.bytes(forRecordOf: byteCount))
            queue.append(LogBatch(pool: pool, byteCount: bytes, usesReserve: usesReserve))
        }
        queue[queue.count - 1].append(byteCount, token: token, fill: fill)
        guard !isCommitting else { return }
        isCommitting = true
        executor.spawn { [self] in await commit() }
    }

    /// Whether the active segment holds a further record behind all that is queued, whatever batches they come to lie in.
    private func hasRoom(for byteCount: Int) -> Bool {
        guard let active, !active.isReserve else { return false }
        let padding = (queue.count + 2) * (LogFormat.batchHeaderBytes + 2 * LogFormat.blockBytes)
        return UInt64(active.offset) + UInt64(queuedBytes + byteCount + padding) <= UInt64(active.byteCount)
    }

    /// The same from parts, which come to lie one after the other.
    package func append(_ parts: [LogPart], token: UInt64, freesSpace: Bool = false) throws(LogError) {
        let byteCount = parts.reduce(0) { $0 + $1.count }
        try append(byteCount: byteCount, token: token, freesSpace: freesSpace) { target in
            var offset = 0
            for part in parts {
                let piece = UnsafeMutableRawBufferPointer(rebasing: target[offset..<offset + part.count])
                switch part {
                case .bytes(let bytes): piece.copyBytes(from: bytes)
                case .slice(let slice): piece.copyMemory(from: slice.bytes)
                }
                offset += part.count
            }
        }
    }

    /// Bytes of records that were appended and have not ended.
    package var queuedByteCount: Int { queuedBytes }

    package var isPoisoned: Bool {
        if case .poisoned = state { true } else { false }
    }

    // MARK: Commit

    private func commit() async {
        while !queue.isEmpty {
            let batch = queue.removeFirst()
            do {
                let entries = try await write(batch)
                ended(batch)
                listener?.logStored(entries)
                prepareSpare()
            } catch .noSpace {
                ended(batch)
                listener?.logFailed(batch.tokens, .noSpace)
            } catch {
                poison(error, batch)
            }
        }
        isCommitting = false
        let waiters = idleWaiters
        idleWaiters = []
        for waiter in waiters { waiter.resume() }
    }

    private func write(_ batch: LogBatch) async throws(LogError) -> [LogEntry] {
        if case .poisoned(let cause) = state { throw .poisoned(cause: cause) }
        try await makeRoom(for: batch)
        guard let active else { preconditionFailure("a started log has an active segment") }
        let bytes = batch.seal(salt: active.salt, lsn: active.end)
        defer { withExtendedLifetime(batch) {} }
        do {
            if parameters.isUnsynced {
                try await active.file.write(bytes, at: UInt64(active.offset))
            } else {
                try await active.file.writeAndSync(bytes, at: UInt64(active.offset))
            }
        } catch {
            // ENOSPC here too: the segment was allocated, and what the write has done is not known.
            throw .poisoned(cause: "writing to \(LogFormat.segmentPath(active.number)): \(error)")
        }
        let entries = batch.entries(segment: active.number, offset: active.offset, lsn: active.end)
        self.active?.offset += batch.paddedLength
        statistics.batches += 1
        statistics.records += UInt64(batch.recordCount)
        statistics.bytes += UInt64(batch.paddedLength)
        return entries
    }

    private func ended(_ batch: LogBatch) { queuedBytes -= batch.recordBytes }

    private func poison(_ error: LogError, _ batch: LogBatch) {
        let cause =
            switch error {
            case .poisoned(let cause): cause
            case .noSpace, .queueFull, .recordTooLarge, .closed: "\(error)"
            }
        state = .poisoned(cause: cause)
        let failed = [batch] + queue
        queue = []
        for batch in failed {
            ended(batch)
            listener?.logFailed(batch.tokens, .poisoned(cause: cause))
        }
    }

    // MARK: End

    /// Returns when nothing is queued or in flight.
    package func waitUntilIdle() async {
        guard isCommitting else { return }
        await withUnsafeContinuation { idleWaiters.append($0) }
    }

    /// Takes no more records, waits for those queued and closes the files.
    package func close() async {
        executor.checkIsolated()
        if case .poisoned = state {} else { state = .closed }
        await waitUntilIdle()
        let open = [active?.file] + segments.map(\.file) + free.map(\.file)
        active = nil
        for index in segments.indices { segments[index].file = nil }
        for index in free.indices { free[index].file = nil }
        for file in open { await file?.close() }
    }
}

package struct LogStatistics: Hashable, Sendable {
    package var batches: UInt64 = 0
    package var records: UInt64 = 0
    /// Bytes written in batches, padding included.
    package var bytes: UInt64 = 0
    package init() {}
}
