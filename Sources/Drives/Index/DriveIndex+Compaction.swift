/// Compaction: `pickCompaction`, `compact`, the engine's manifest, `install`. One at a time; flushes and reads go on meanwhile.
/// What an interrupted one wrote is named by no record, and removed at the next start.
extension DriveIndex {
    /// The next compaction that is due; nil when none is, or while one is under way. The job is handed to `compact`.
    package func pickCompaction() -> CompactionJob? {
        guard !isCompacting, let job = CompactionPolicy(parameters: parameters).pick(version) else { return nil }
        isCompacting = true
        return job
    }

    /// Above 1, compaction is behind: the engine gives it a larger share of the loop and delays commits (rule 18).
    package var compactionDebt: Double {
        let policy = CompactionPolicy(parameters: parameters)
        return version.levels.indices.reduce(0) { max($0, policy.score(version, level: $1)) }
    }

    /// Merges the job's tables. `dropped` hears of each row that is left out because a newer row or a tombstone replaced it.
    /// `pause` lets others run; cancelled, the compaction ends with `.shutDown`.
    package func compact(
        _ job: CompactionJob,
        dropped: ((_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void)? = nil,
        pause: () async -> Void = { await Task.yield() }
    ) async throws(DriveError) -> IndexEdit {
        precondition(isCompacting, "a job is picked first, and compacted once")
        if job.isMove, let table = job.runs.first?.first {
            var record = table.record
            record.level = job.outputLevel
            return IndexEdit(origin: .compaction, removed: [table.number], added: [record])
        }
        let output = TableOutput(self, level: job.outputLevel)
        let records: [TableRecord]
        do {
            try await merge(job, to: output, dropped, pause)
            records = try await output.finish(pause)
        } catch {
            await output.discard()
            isCompacting = false
            throw error
        }
        counts.compactions += 1
        counts.bytesCompacted += records.reduce(0) { $0 + $1.fileBytes }
        return IndexEdit(origin: .compaction, removed: job.tables.map(\.number), added: records)
    }

    private func merge(
        _ job: CompactionJob, to output: TableOutput,
        _ dropped: ((UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Void)?, _ pause: () async -> Void
    ) async throws(DriveError) {
        let sources = job.runs.map { TableScanner($0, pool: pool) }
        var heap = MergeHeap(sources)
        var present = ByteString()
        defer {
            heap.free()
            present.free()
        }
        for (index, source) in sources.enumerated() {
            var state = try source.next()
            while state == .missing {
                try await source.supply()
                state = try source.next()
            }
            if state == .at { heap.push(index) }
        }
        var isFirst = true
        var share = WorkShare(parameters)
        var overlap = OverlapLimit(job, parameters)
        while heap.count > 0 {
            let newest = sources[heap.top]
            // Rows out of order would make tables that overlap.
            guard isFirst || compareBytes(newest.key, present.bytes) > 0 else {
                throw .damagedFormat(what: "a table of level \(job.level) or \(job.outputLevel): keys out of order")
            }
            isFirst = false
            present.set(newest.key)
            let value = newest.isTombstone ? nil : newest.value
            if value != nil || job.version.mayHold(present.bytes, below: job.outputLevel) {
                if overlap.isReached(at: present.bytes) { output.cut() }
                if !output.isReady { try await output.prepare(pause) }
                output.add(present.bytes, value)
            }
            var isNewest = true
            repeat {
                let top = heap.top, source = sources[top]
                if !isNewest, !source.isTombstone { dropped?(source.key, source.value) }
                isNewest = false
                if share.spend(source.key.count + source.value.count) {
                    await pause()
                    if Task.isCancelled { throw .shutDown }
                }
                while try heap.advanceTop() == .missing { try await source.supply() }
            } while heap.count > 0 && compareBytes(heap.topKey, present.bytes) == 0
        }
    }
}

/// Ends a table before it shares too much with the level below its own, which bounds the compaction that takes it there.
private struct OverlapLimit {
    private let tables: [SortedTable]
    private let limit: UInt64
    private var next = 0
    private var bytes: UInt64 = 0

    init(_ job: CompactionJob, _ parameters: IndexParameters) {
        let level = job.outputLevel + 1
        tables = level < IndexLimits.levels ? job.version.levels[level] : []
        limit = UInt64(parameters.tableBytes) * UInt64(parameters.levelRatio)
    }

    mutating func isReached(at key: UnsafeRawBufferPointer) -> Bool {
        while next < tables.count, compareBytes(tables[next].largestBytes, key) < 0 {
            bytes += tables[next].record.fileBytes
            next += 1
        }
        guard bytes > limit else { return false }
        bytes = 0
        return true
    }
}
