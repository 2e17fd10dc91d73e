import Runtime

/// Rows against allocator and log usage, and the data that they name.
extension DriveAudit {
    /// Packed pieces gathered before they are read in the order in which they lie: a few dozen megabytes of memory.
    private static let packedMax = 1 << 18

    private struct Named {
        var pages: [UInt32: PageBits] = [:]
        var live: [UInt32: UInt64] = [:]
    }

    func auditRows(_ state: ManifestState) async {
        var named = Named()
        for number in state.dataSegments.keys.sorted() {
            named.pages[number] = PageBits(count: Int(state.dataSegments[number] ?? 0))
        }
        do throws(DriveError) { try await walk(state, &named) } catch {
            note(error, .table, "index", "")
            return
        }
        await readPacked()
        for entry in changedRows { await readBlocks(of: entry) }
        compareSpace(state, named)
        for (segment, bytes) in state.livePacked where named.live[segment] ?? 0 != bytes {
            report.add(
                .miscount, LogFormat.segmentPath(segment), "",
                "\(bytes) live bytes are counted, rows name \(named.live[segment] ?? 0)")
        }
        let counted = Set(state.livePacked.map(\.segment))
        for segment in named.live.keys.sorted() where !counted.contains(segment) {
            report.add(
                .miscount, LogFormat.segmentPath(segment), "",
                "no live bytes are counted, rows name \(named.live[segment] ?? 0)")
        }
    }

    /// The newest row of each key, in order, as the tables have it.
    private func walk(_ state: ManifestState, _ named: inout Named) async throws(DriveError) {
        let released = ReleasedTables()
        var placed: [(level: Int, table: SortedTable)] = []
        for number in state.tables.keys.sorted() {
            guard let record = state.tables[number] else { continue }
            placed.append((record.level, SortedTable(record, io: io, released: released)))
        }
        let version = try IndexVersion.from(placed)
        var runs = version.levels[0].map { [$0] }
        runs += version.levels.dropFirst().filter { !$0.isEmpty }
        let sources = runs.map { TableScanner($0, pool: pool) }
        var heap = MergeHeap(sources)
        defer { heap.free() }
        for (index, source) in sources.enumerated() {
            if try await Self.advance(source) { heap.push(index) }
        }
        var last: [UInt8] = []
        var hasLast = false
        while heap.count > 0 {
            let source = sources[heap.top]
            let isOlder = hasLast && last.withUnsafeBytes { compareBytes($0, source.key) == 0 }
            if !isOlder {
                last = Array(source.key)
                hasLast = true
                if !source.isTombstone, source.key.first ?? 0 < KeySpace.changes.rawValue {
                    let entry = try RowEnvelope.decode(source.value, key: IndexKey(last))
                    await check(entry, state, &named)
                }
            }
            while case .missing = try heap.advanceTop() { try await sources[heap.top].supply() }
        }
        for table in placed { await table.table.close() }
        did(.rows, Int(clamping: state.tables.values.reduce(0) { $0 + $1.fileBytes }))
    }

    private static func advance(_ source: TableScanner) async throws(DriveError) -> Bool {
        while true {
            switch try source.next() {
            case .at: return true
            case .end: return false
            case .missing: try await source.supply()
            case .pause: await Task.yield()
            }
        }
    }

    private func check(_ entry: IndexEntry, _ state: ManifestState, _ named: inout Named) async {
        report.rows += 1
        switch entry.stored {
        case .none: break
        case .packed(let location):
            named.live[location.segment, default: 0] += UInt64(location.count)
            packed.append((entry.key, location))
            if packed.count >= Self.packedMax { await readPacked() }
        case .extents(let extents, _, _):
            for extent in extents {
                guard let count = named.pages[extent.segment]?.count, extent.pageRange.upperBound <= count else {
                    report.add(
                        .unallocated, DataFiles.path(extent.segment), Self.text(extent),
                        "a row names space outside of the segment", key: entry.key)
                    return
                }
                if named.pages[extent.segment]?.set(extent.pageRange) != Int(extent.pages) {
                    report.add(
                        .doubleUse, DataFiles.path(extent.segment), Self.text(extent), "two rows name this space",
                        key: entry.key)
                }
            }
            if changedKeys.contains(entry.key) || extents.contains(where: isChanged) {
                report.supersededRows += 1
            } else {
                await readBlocks(of: entry)
            }
        }
    }

    private func isChanged(_ extent: Extent) -> Bool {
        guard let pages = changedPages[extent.segment] else { return false }
        return extent.pageRange.contains { pages.contains($0) }
    }

    private func compareSpace(_ state: ManifestState, _ named: Named) {
        for number in state.dataSegments.keys.sorted() {
            let count = Int(state.dataSegments[number] ?? 0)
            var allocated = PageBits(count: count)
            for run in state.allocation[number] ?? [] where run.upperBound <= count { allocated.set(run) }
            guard var leaked = Optional(allocated), var missing = named.pages[number] else { continue }
            for run in missing.runs { leaked.clear(run) }
            for run in allocated.runs { missing.clear(run) }
            for run in leaked.runs {
                report.add(.leak, DataFiles.path(number), Self.text(run), "used space that no row names")
            }
            for run in missing.runs {
                report.add(
                    .unallocated, DataFiles.path(number), Self.text(run),
                    "a row names this space, and the allocator has it as free")
            }
        }
    }

    static func text(_ extent: Extent) -> String { text(extent.pageRange) }

    static func text(_ pages: Range<Int>) -> String {
        "bytes \(pages.lowerBound * ExtentAllocator.pageBytes) to \(pages.upperBound * ExtentAllocator.pageBytes - 1)"
    }
}
