/// A memtable that takes no more changes, on its way to a table.
package final class FlushJob {
    let memtable: Memtable
    var isFlushed = false

    init(_ memtable: Memtable) { self.memtable = memtable }

    package var bytes: Int { memtable.bytes }
    package var rowCount: Int { memtable.count }
}

/// Flush: `freeze`, `flush`, the engine's manifest, `install`. Until the edit is installed reads find the rows in the frozen
/// memtable; a failed flush may be tried again.
extension DriveIndex {
    /// Starts a new memtable; nil when the present one is empty. Jobs are flushed and installed in the order of freezing.
    package func freeze() -> FlushJob? {
        guard !memtable.isEmpty else { return nil }
        memtable.freeze()
        let job = FlushJob(memtable)
        frozen.append(job)
        memtable = Memtable()
        generationChanged()
        return job
    }

    /// Writes a frozen memtable as tables of level 0 and syncs them. `row` sees each row (nil: tombstone) in key order and says
    /// what is written. `pause` lets others run; cancelled, the flush ends with `.shutDown`.
    package func flush(
        _ job: FlushJob,
        row: ((_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer?) throws(DriveError) -> RowVerdict)? =
            nil,
        pause: () async -> Void = { await Task.yield() }
    ) async throws(DriveError) -> IndexEdit {
        precondition(!isFlushing, "one flush at a time")
        precondition(frozen.first { !$0.isFlushed } === job, "memtables are flushed in the order of freezing")
        isFlushing = true
        defer { isFlushing = false }
        let output = TableOutput(self, level: 0)
        let records: [TableRecord]
        do {
            try await write(job.memtable, to: output, row, pause)
            records = try await output.finish(pause)
        } catch {
            await output.discard()
            throw error
        }
        job.isFlushed = true
        counts.flushes += 1
        counts.bytesFlushed += records.reduce(0) { $0 + $1.fileBytes }
        return IndexEdit(origin: .flush, removed: [], added: records)
    }

    private func write(
        _ memtable: Memtable, to output: TableOutput,
        _ row: ((UnsafeRawBufferPointer, UnsafeRawBufferPointer?) throws(DriveError) -> RowVerdict)?,
        _ pause: () async -> Void
    ) async throws(DriveError) {
        var share = WorkShare(parameters)
        var next = memtable.first
        while let node = next {
            if !output.isReady { try await output.prepare(pause) }
            let value = node.isTombstone ? nil : node.value
            switch try row?(node.key, value) ?? .keep {
            case .keep: output.add(node.key, value)
            case .drop: break
            case .replace(let bytes): bytes.withUnsafeBytes { output.add(node.key, $0) }
            }
            if share.spend(node.key.count + node.value.count) {
                await pause()
                if Task.isCancelled { throw .shutDown }
            }
            next = node.next(0)
        }
    }

    /// Puts an edit that is durable in the manifest into effect, in the caller's step.
    package func install(_ edit: IndexEdit) {
        switch edit.origin {
        case .flush:
            precondition(frozen.first?.isFlushed == true, "flushes are installed in the order of freezing")
            frozen.removeFirst()
        case .compaction:
            isCompacting = false
        }
        var placed: [(level: Int, table: SortedTable)] = []
        var moved: [UInt64: SortedTable] = [:]
        let removed = Set(edit.removed)
        for (level, tables) in version.levels.enumerated() {
            for table in tables {
                if removed.contains(table.number) { moved[table.number] = table } else { placed.append((level, table)) }
            }
        }
        precondition(moved.count == removed.count, "an edit removes tables of the present version")
        for record in edit.added {
            let table = moved.removeValue(forKey: record.number)
            placed.append((record.level, table ?? SortedTable(record, io: io, released: released)))
        }
        for table in moved.values { table.isRemoved = true }
        do { version = try IndexVersion.from(placed) } catch {
            preconditionFailure("an edit keeps the levels in order: \(error)")
        }
        generationChanged()
    }

    /// Forgets an edit that will not be installed; a flush's memtable can be flushed again. Its files stay until the next start:
    /// a manifest that could not be written may name them all the same.
    package func abandon(_ edit: IndexEdit) {
        switch edit.origin {
        case .flush: frozen.last { $0.isFlushed }?.isFlushed = false
        case .compaction: isCompacting = false
        }
    }

    /// Removes files of tables that no version and no cursor uses any more.
    package func removeReleasedFiles() async throws(DriveError) {
        while let table = released.tables.popLast() {
            await table.file?.close()
            do { try await io.remove(TableFormat.path(table.number)) } catch {
                if case .notFound = error { continue }
                // Tried again with the next call, and at the next start at the latest.
                released.tables.append((table.number, nil))
                throw .io(error)
            }
        }
    }
}
