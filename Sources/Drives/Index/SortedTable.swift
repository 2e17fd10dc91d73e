import Runtime

/// Tables that nothing uses any more, and that the index has to remove.
final class ReleasedTables {
    var tables: [(number: UInt64, file: (any DriveFile)?)] = []
}

/// One immutable table. Opened on first use; versions, cursors and compactions keep it by reference, and when the last of
/// them lets go of a table that an edit removed, its file is up for removal.
final class SortedTable {
    /// What is kept in memory of an open table.
    struct Contents {
        let file: any DriveFile
        let footer: TableFooter
        let filter: TableFilter.Shape
        let top: IndexBlockView
    }

    let number: UInt64
    let record: TableRecord
    private let io: any DriveIO
    private let released: ReleasedTables
    /// The record's keys where a cursor reaches them without an array's bookkeeping.
    private var smallest = ByteString()
    private var largest = ByteString()
    @exclusivity(unchecked) private(set) var contents: Contents?
    /// Set when an edit that removes the table is installed.
    var isRemoved = false

    init(_ record: TableRecord, io: any DriveIO, released: ReleasedTables) {
        number = record.number
        self.record = record
        self.io = io
        self.released = released
        smallest.set(record.smallest.bytes)
        largest.set(record.largest.bytes)
    }

    deinit {
        smallest.free()
        largest.free()
        if isRemoved { released.tables.append((number, contents?.file)) }
    }

    var path: String { TableFormat.path(number) }
    var smallestBytes: UnsafeRawBufferPointer { smallest.bytes }
    var largestBytes: UnsafeRawBufferPointer { largest.bytes }

    func close() async {
        guard let file = contents?.file else { return }
        contents = nil
        await file.close()
    }

    /// Opens the file and reads footer, bounds and top index.
    func open(_ pool: BufferPool) async throws(DriveError) {
        guard contents == nil else { return }
        let file: any DriveFile
        do { file = try await io.open(path, [.direct, .readOnly]) } catch {
            if case .notFound = error { throw .damagedFormat(what: "\(path): the file is gone") }
            throw .io(error)
        }
        let loaded: Contents
        do { loaded = try await load(file, pool) } catch {
            await file.close()
            throw error
        }
        // Somebody else may have opened it meanwhile.
        if contents == nil { contents = loaded } else { await file.close() }
    }

    private func load(_ file: any DriveFile, _ pool: BufferPool) async throws(DriveError) -> Contents {
        let size: UInt64
        do { size = try await file.size() } catch { throw .io(error) }
        guard size == record.fileBytes, size >= UInt64(TableFormat.pageBytes), size <= UInt64(UInt32.max) << 12,
            size % UInt64(TableFormat.pageBytes) == 0
        else { throw .damagedFormat(what: "\(path): \(size) bytes where the manifest says \(record.fileBytes)") }
        let lastPage = UInt32(size / UInt64(TableFormat.pageBytes) - 1)
        let footerPage = try await Self.read(file, number, lastPage, 1, .footer, pool)
        let footer = try TableFooter(reading: footerPage.bytes, path: path)
        guard footer.number == number, footer.footerPage == lastPage, footer.entryCount == record.entryCount,
            footer.tombstoneCount == record.tombstoneCount
        else { throw .damagedFormat(what: "\(path): footer and manifest differ") }
        let bounds = try BlockView(
            await Self.read(file, number, footer.boundsPage, footer.boundsPages, .bounds, pool), kind: .bounds)
        guard bounds.restartCount == 2,
            compareBytes(smallestBytes, try bounds.restartEntry(0).suffix) == 0,
            compareBytes(largestBytes, try bounds.restartEntry(1).suffix) == 0
        else { throw .damagedFormat(what: "\(path): its bounds and the manifest differ") }
        let top = try IndexBlockView(
            await Self.read(file, number, footer.topPage, footer.topPages, .top, pool), kind: .top)
        return Contents(file: file, footer: footer, filter: TableFilter.Shape(footer), top: top)
    }

    /// Reads and verifies one block.
    func read(
        _ page: UInt32, _ pages: UInt32, _ kind: TableFormat.BlockKind, _ pool: BufferPool
    ) async throws(DriveError) -> BufferSlice {
        guard let contents else { preconditionFailure("opened before it is read") }
        return try await Self.read(contents.file, number, page, pages, kind, pool)
    }

    /// Reads `pages` pages at `page` without looking at them.
    func readRaw(_ page: UInt32, into buffer: IOBuffer, bytes: Int) async throws(DriveError) {
        guard let contents else { preconditionFailure("opened before it is read") }
        try await Self.fill(buffer, bytes, contents.file, page)
    }

    private static func read(
        _ file: any DriveFile, _ table: UInt64, _ page: UInt32, _ pages: UInt32, _ kind: TableFormat.BlockKind,
        _ pool: BufferPool
    ) async throws(DriveError) -> BufferSlice {
        let bytes = Int(pages) * TableFormat.pageBytes
        let buffer = pool.take(bytes)
        try await fill(buffer, bytes, file, page)
        let slice = buffer.slice(0, bytes)
        try TableFormat.verify(slice.bytes, kind: kind, table: table, page: page)
        return slice
    }

    private static func fill(
        _ buffer: IOBuffer, _ bytes: Int, _ file: any DriveFile, _ page: UInt32
    ) async throws(DriveError) {
        let count: Int
        do {
            count = try await file.read(
                into: UnsafeMutableRawBufferPointer(start: buffer.base, count: bytes),
                at: UInt64(page) * UInt64(TableFormat.pageBytes))
        } catch { throw .io(error) }
        guard count == bytes else { throw .damagedFormat(what: "\(file.path): ends before page \(page) does") }
    }
}
