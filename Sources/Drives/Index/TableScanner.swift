import Runtime

/// A walk over all rows of tables that follow one another, for compaction: reads large pieces past the block cache, so that
/// background work does not push out what readers use.
final class TableScanner: RowCursor {
    /// Large enough to make the request cheap, small enough that a compaction of a dozen tables holds a few megabytes.
    private static let chunkBytes = 512 << 10

    private let tables: [SortedTable]
    private let pool: BufferPool
    @exclusivity(unchecked) private var walk = BlockWalk()
    private var current = 0
    /// The page of the next block in the current table.
    private var page: UInt32 = 0
    private var chunk: IOBuffer?
    private var chunkPage: UInt32 = 0
    private var chunkCount = 0
    /// Rows of the current table so far.
    private var rows: UInt64 = 0
    /// Bytes that the next block needs, when a chunk is too small for it.
    private var needed = 0

    init(_ tables: [SortedTable], pool: BufferPool) {
        self.tables = tables
        self.pool = pool
    }

    deinit { walk.free() }

    override func next() throws(DriveError) -> CursorState {
        while true {
            if try walk.step() {
                key = walk.key
                value = walk.value
                isTombstone = walk.isTombstone
                rows += 1
                return .at
            }
            guard current < tables.count else { return .end }
            guard let contents = tables[current].contents else { return .missing }
            if page >= contents.footer.dataPages {
                guard rows == contents.footer.entryCount else {
                    throw .damagedFormat(what: "\(tables[current].path): \(rows) rows, not as many as its footer says")
                }
                current += 1
                (page, chunkCount, needed, rows) = (0, 0, 0, 0)
                walk.release()
                continue
            }
            guard let block = try blockInChunk(contents.footer.dataPages) else { return .missing }
            try TableFormat.verify(block.bytes, kind: .data, table: tables[current].number, page: page)
            page += UInt32(block.count / TableFormat.pageBytes)
            walk.start(try BlockView(block, kind: .data))
        }
    }

    override func supply() async throws(DriveError) {
        let table = tables[current]
        guard let contents = table.contents else { return try await table.open(pool) }
        let left = Int(contents.footer.dataPages - page) * TableFormat.pageBytes
        let bytes = min(left, max(Self.chunkBytes, needed))
        walk.release()
        let buffer: IOBuffer
        if let chunk, chunk.capacity >= bytes { buffer = chunk } else { buffer = pool.take(bytes) }
        chunk = buffer
        chunkCount = 0
        try await table.readRaw(page, into: buffer, bytes: bytes)
        (chunkPage, chunkCount, needed) = (page, bytes, 0)
    }

    override func release() {
        walk.release()
        chunk = nil
        chunkCount = 0
    }

    /// The next block, if the chunk has all of it. Its page count is believed only as far as the table reaches; the checksum
    /// comes after.
    private func blockInChunk(_ dataPages: UInt32) throws(DriveError) -> BufferSlice? {
        guard let chunk, chunkCount > 0 else { return nil }
        let offset = Int(page - chunkPage) * TableFormat.pageBytes
        guard offset + TableFormat.pageBytes <= chunkCount else { return nil }
        let header = UnsafeRawBufferPointer(start: chunk.base + offset, count: TableFormat.headerBytes)
        let pages = TableFormat.pageCount(of: header)
        guard pages > 0, pages <= Int(dataPages - page) else {
            throw .checksumMismatch(what: "\(tables[current].path), page \(page)")
        }
        guard offset + pages * TableFormat.pageBytes <= chunkCount else {
            needed = pages * TableFormat.pageBytes
            return nil
        }
        return chunk.slice(offset, pages * TableFormat.pageBytes)
    }
}
