/// Where a key's row is, as far as memory tells.
enum MemtableRow {
    case row([UInt8])
    case tombstone
    /// In no memtable: the tables may have it.
    case absent
}

/// Looks at memtables and tables apart. A publish must not suspend, so it asks memory only; what the tables have is looked up later,
/// and freed. INVARIANT: that look-up ends before the memtable that holds the new row becomes a table.
extension DriveIndex {
    func memtableRow(_ key: IndexKey) -> MemtableRow {
        key.bytes.withUnsafeBytes { key in
            for table in [memtable] + frozen.reversed().map(\.memtable) {
                guard let node = table.find(key) else { continue }
                return node.isTombstone ? .tombstone : .row(Array(node.value))
            }
            return .absent
        }
    }

    /// The key's value as the tables have it, memtables left out.
    func tableValue(_ key: IndexKey) async throws(DriveError) -> [UInt8]? {
        var cursor = tablesCursor()
        cursor.search.set(from: key.bytes, to: nil, filter: nil)
        cursor.search.filter = TableFilter.hash(
            UnsafeRawBufferPointer(rebasing: cursor.search.target.bytes[..<key.filterPrefixCount]))
        while true {
            switch try cursor.find() {
            case .at: return Array(cursor.found)
            case .end: return nil
            case .missing: try await cursor.supply()
            case .pause: await Task.yield()
            }
            guard cursor.generation != generation else { continue }
            let fresh = tablesCursor()
            fresh.search.copy(cursor.search)
            cursor = fresh
        }
    }

    private func tablesCursor() -> MergeCursor {
        MergeCursor(
            generation: generation, memtables: [], version: version, cache: cache, pool: pool, counters: counters)
    }
}
