/// Reads. Over cached blocks nothing suspends; a miss suspends, and then the search goes on behind the last row that was
/// handed out, in the index as it is then. Bodies run in the reader's step: their pointers are good until they return, and
/// they do not change the index.
extension DriveIndex {
    /// The value of a key; nil when it has none.
    package func get<R>(
        _ key: IndexKey, _ body: (_ value: UnsafeRawBufferPointer) throws(DriveError) -> R
    ) async throws(DriveError) -> R? {
        var cursor = borrowCursor()
        defer { giveBack(cursor) }
        cursor.search.set(from: key.bytes, to: nil, filter: nil)
        cursor.search.filter = TableFilter.hash(
            UnsafeRawBufferPointer(rebasing: cursor.search.target.bytes[..<key.filterPrefixCount]))
        while true {
            switch try cursor.find() {
            case .at: return try body(cursor.found)
            case .end: return nil
            case .missing: try await cursor.supply()
            case .pause: await Task.yield()
            }
            cursor = current(cursor)
        }
    }

    package func get(_ key: IndexKey) async throws(DriveError) -> [UInt8]? {
        try await get(key) { Array($0) }
    }

    /// The first row whose key starts with `prefix`; the newest version, when that is a version key without its position.
    package func first<R>(
        prefix: [UInt8],
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(DriveError) -> R
    ) async throws(DriveError) -> R? {
        var cursor = borrowCursor()
        defer { giveBack(cursor) }
        let filter = IndexKey.isFilterPrefix(prefix) ? prefix.withUnsafeBytes { TableFilter.hash($0) } : nil
        cursor.search.set(from: prefix, to: successor(ofPrefix: prefix), filter: filter)
        while true {
            cursor.rowsLeft = parameters.rowsPerPause
            switch try cursor.seek() {
            case .at: return try body(cursor.key, cursor.value)
            case .end: return nil
            case .missing: try await cursor.supply()
            case .pause: await Task.yield()
            }
            cursor = current(cursor)
        }
    }

    package func first(prefix: [UInt8]) async throws(DriveError) -> (key: IndexKey, value: [UInt8])? {
        try await first(prefix: prefix) { (IndexKey(Array($0)), Array($1)) }
    }

    /// Rows from `start` (inclusive) to `end` (exclusive; nil: no end) in key order, until `body` says false. Lets others run
    /// about every `rowsPerPause` rows or `bytesPerPause` bytes.
    package func scan(
        from start: IndexKey, to end: IndexKey?,
        _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(DriveError) -> Bool
    ) async throws(DriveError) {
        var cursor = borrowCursor()
        defer { giveBack(cursor) }
        cursor.search.set(from: start.bytes, to: end?.bytes, filter: nil)
        while true {
            cursor.rowsLeft = parameters.rowsPerPause
            var bytesLeft = parameters.bytesPerPause
            var state = try cursor.seek()
            while state == .at {
                bytesLeft -= cursor.key.count + cursor.value.count
                if bytesLeft < 0 { cursor.rowsLeft = 0 }
                guard try body(cursor.key, cursor.value) else { return }
                state = try cursor.next()
            }
            switch state {
            case .at, .end: return
            case .missing: try await cursor.supply()
            case .pause: await Task.yield()
            }
            cursor = current(cursor)
        }
    }

    package func entries(
        from start: IndexKey, to end: IndexKey?, limit: Int
    ) async throws(DriveError) -> [(key: IndexKey, value: [UInt8])] {
        guard limit > 0 else { return [] }
        var page: [(key: IndexKey, value: [UInt8])] = []
        page.reserveCapacity(min(limit, 1000))
        try await scan(from: start, to: end) { key, value in
            page.append((IndexKey(Array(key)), Array(value)))
            return page.count < limit
        }
        return page
    }
}
