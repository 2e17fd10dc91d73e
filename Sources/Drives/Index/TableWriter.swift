import Glibc
import Runtime

/// Writes one table from front to back: rows come in key order, whole pages go out in direct writes of about 1 MiB.
///
/// `add` never suspends; when `wantsDrain` says so, `drain` comes before the next row. A table counts for nothing before
/// `finish` has synced it, and its file is removed by `discard`, or at the next start.
final class TableWriter {
    private static let drainBytes = 1 << 20
    /// Room for what is drained and the largest block on top.
    private static let bufferBytes = 2 << 20

    private let io: any DriveIO
    private let pool: BufferPool
    private let number: UInt64
    private let parameters: IndexParameters
    private let buffer: IOBuffer
    private var file: (any DriveFile)?

    private var filled = 0
    private var written = 0
    private var rows = BlockBuilder(restartInterval: 16)
    private var index = BlockBuilder(restartInterval: 1)
    private var top = BlockBuilder(restartInterval: 1)
    /// Finished index blocks, written behind the filter.
    private var indexBlocks: [[UInt8]] = []
    private var indexPages = 0
    /// Lower bound of the index block that is being built.
    private var indexLowerBound: [UInt8] = []
    /// The last key of the block before the present one.
    private var lastOfBlock = ByteString()
    private var lastPrefix = ByteString()
    private var hasPrefix = false
    private var hashes: [UInt64] = []
    private var smallest: [UInt8] = []
    /// Lower bound of the data block that is being built.
    private var pendingBound = ByteString()
    private var footer = TableFooter()

    init(io: any DriveIO, pool: BufferPool, number: UInt64, parameters: IndexParameters) {
        self.io = io
        self.pool = pool
        self.number = number
        self.parameters = parameters
        buffer = pool.take(Self.bufferBytes)
    }

    deinit {
        rows.free()
        index.free()
        top.free()
        lastOfBlock.free()
        pendingBound.free()
        lastPrefix.free()
    }

    var path: String { TableFormat.path(number) }
    var rowCount: UInt64 { footer.entryCount }
    /// Bytes of data blocks so far, the unfinished one included.
    var dataBytes: Int { written + filled + (rows.isEmpty ? 0 : rows.usedBytes) }
    var wantsDrain: Bool { filled >= Self.drainBytes }
    /// True when the table should end here, so that its parts stay within bounds whatever the keys look like.
    var isFull: Bool { dataBytes >= parameters.tableBytes || top.usedBytes >= 256 << 10 }

    func create() async throws(DriveError) {
        do { file = try await io.open(path, [.create, .exclusive, .direct]) } catch { throw .io(error) }
    }

    /// Adds a row behind the others; nil is a tombstone.
    func add(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer?) {
        if footer.entryCount == 0 {
            smallest = Array(key)
        } else if !rows.isEmpty, rows.usedBytes(adding: key, valueBytes: value?.count ?? 0) > parameters.blockBytes {
            finishDataBlock()
        }
        if rows.isEmpty { startDataBlock(key) }
        rows.add(key, value)
        footer.entryCount += 1
        if value == nil { footer.tombstoneCount += 1 }
        let prefix = UnsafeRawBufferPointer(rebasing: key[..<IndexKey.filterPrefixCount(of: key)])
        if !hasPrefix || compareBytes(prefix, lastPrefix.bytes) != 0 {
            lastPrefix.set(prefix)
            hasPrefix = true
            hashes.append(TableFilter.hash(prefix))
        }
    }

    /// Writes out what has gathered.
    func drain() async throws(DriveError) {
        guard filled > 0 else { return }
        guard let file else { preconditionFailure("create comes first") }
        let bytes = UnsafeRawBufferPointer(start: buffer.base, count: filled)
        do { try await file.write(bytes, at: UInt64(written)) } catch { throw .io(error) }
        written += filled
        filled = 0
    }

    /// Writes filter, index and footer, and syncs file and directory. At least one row was added.
    func finish(level: Int, pause: () async -> Void) async throws(DriveError) -> TableRecord {
        precondition(footer.entryCount > 0, "a table holds rows")
        let largest = Array(rows.last)
        finishDataBlock()
        finishIndexBlock()
        footer.dataPages = UInt32((written + filled) / TableFormat.pageBytes)
        try await writeFilter(pause)
        try await writeIndex()
        try await writeTopAndBounds(largest)
        footer.number = number
        emit(pages: 1) { memory in
            _ = memory.initializeMemory(as: UInt8.self, repeating: 0)
            footer.write(to: memory)
        } seal: {
            TableFormat.seal($0, kind: .footer, used: TableFormat.footerUsedBytes, table: number, page: $1)
        }
        try await drain()
        guard let file else { preconditionFailure("create comes first") }
        do {
            try await file.sync()
            try await io.syncDirectory("index")
        } catch { throw .io(error) }
        await file.close()
        self.file = nil
        return TableRecord(
            number: number, level: level, fileBytes: UInt64(written), entryCount: footer.entryCount,
            tombstoneCount: footer.tombstoneCount, smallest: IndexKey(smallest), largest: IndexKey(largest))
    }

    /// Gives up. A file that can't be removed now is removed at the next start.
    func discard() async {
        guard let file else { return }
        self.file = nil
        await file.close()
        do { try await io.remove(path) } catch {}
    }

    // MARK: Data blocks

    private func startDataBlock(_ key: UnsafeRawBufferPointer) {
        // The shortest string that is above all before and not above what comes: one byte more than they share.
        var bound = UnsafeRawBufferPointer(rebasing: key[..<0])
        if footer.dataBlocks > 0 {
            bound = UnsafeRawBufferPointer(rebasing: key[...commonPrefixCount(lastOfBlock.bytes, key)])
        }
        if !index.isEmpty, index.usedBytes(adding: bound, valueBytes: 8) > parameters.blockBytes {
            finishIndexBlock()
        }
        if index.isEmpty { indexLowerBound = Array(bound) }
        pendingBound.set(bound)
    }

    private func finishDataBlock() {
        lastOfBlock.set(rows.last)
        let pages = TableFormat.pages(rows.usedBytes)
        let page = UInt32((written + filled) / TableFormat.pageBytes)
        emit(pages: pages) { _ in
        } seal: {
            rows.finish(into: $0, kind: .data, table: number, page: $1)
        }
        footer.dataBlocks += 1
        addPlace(page, pages, pendingBound.bytes, to: &index)
    }

    private func addPlace(
        _ page: UInt32, _ pages: Int, _ bound: UnsafeRawBufferPointer, to builder: inout BlockBuilder
    ) {
        let place = [page.littleEndian, UInt32(pages).littleEndian]
        place.withUnsafeBytes { builder.add(bound, $0) }
    }

    // MARK: What follows the data

    /// An index block is kept until its page is known; its header is filled in then.
    private func finishIndexBlock() {
        let pages = TableFormat.pages(index.usedBytes)
        var block = [UInt8](repeating: 0, count: pages * TableFormat.pageBytes)
        block.withUnsafeMutableBytes { index.finish(into: $0, kind: .index, table: number, page: 0) }
        indexBlocks.append(block)
        // The place is relative to the first index page until the filter's size is known.
        indexLowerBound.withUnsafeBytes { addPlace(UInt32(indexPages), pages, $0, to: &top) }
        indexPages += pages
    }

    private func writeFilter(_ pause: () async -> Void) async throws(DriveError) {
        let shape = TableFilter.Shape(count: hashes.count, bitsPerKey: parameters.filterBitsPerKey)
        let blockBytes = shape.blockPages * TableFormat.pageBytes
        footer.filterCount = UInt64(hashes.count)
        footer.filterBlocks = UInt32(shape.blocks)
        footer.filterBlockPages = UInt32(shape.blockPages)
        footer.filterProbes = UInt32(shape.probes)
        var filter = [UInt8](repeating: 0, count: shape.blocks * blockBytes)
        var done = 0
        while done < hashes.count {
            // About 20 ns each.
            let batch = hashes[done..<min(hashes.count, done + 20_000)]
            filter.withUnsafeMutableBytes { memory in
                for hash in batch {
                    let start = shape.block(hash) * blockBytes
                    shape.set(hash, in: UnsafeMutableRawBufferPointer(rebasing: memory[start..<start + blockBytes]))
                }
            }
            done += batch.count
            if done < hashes.count { await pause() }
        }
        hashes = []
        for block in 0..<shape.blocks {
            emitCopy(filter[block * blockBytes..<(block + 1) * blockBytes], kind: .filter, used: blockBytes)
            if wantsDrain { try await drain() }
        }
    }

    private func writeIndex() async throws(DriveError) {
        footer.indexPages = UInt32(indexPages)
        for block in indexBlocks {
            let used = block.withUnsafeBytes {
                UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: 12, as: UInt32.self))
            }
            emitCopy(block[...], kind: .index, used: Int(used))
            if wantsDrain { try await drain() }
        }
        indexBlocks = []
    }

    private func writeTopAndBounds(_ largest: [UInt8]) async throws(DriveError) {
        let topPages = TableFormat.pages(top.usedBytes)
        footer.topPages = UInt32(topPages)
        emitLarge(pages: topPages) { memory, page in top.finish(into: memory, kind: .top, table: number, page: page) }
        if wantsDrain { try await drain() }
        smallest.withUnsafeBytes { top.add($0, nil) }
        largest.withUnsafeBytes { top.add($0, nil) }
        let boundsPages = TableFormat.pages(top.usedBytes)
        footer.boundsPages = UInt32(boundsPages)
        emitLarge(pages: boundsPages) { memory, page in
            top.finish(into: memory, kind: .bounds, table: number, page: page)
        }
    }

    private func emitLarge(pages: Int, _ fill: (UnsafeMutableRawBufferPointer, UInt32) -> Void) {
        emit(pages: pages, prepare: { _ in }, seal: fill)
    }

    private func emitCopy(_ block: ArraySlice<UInt8>, kind: TableFormat.BlockKind, used: Int) {
        emit(pages: block.count / TableFormat.pageBytes) { memory in
            block.withUnsafeBytes { memory.copyMemory(from: $0) }
        } seal: {
            TableFormat.seal($0, kind: kind, used: used, table: number, page: $1)
        }
    }

    private func emit(
        pages: Int, prepare: (UnsafeMutableRawBufferPointer) -> Void,
        seal: (UnsafeMutableRawBufferPointer, UInt32) -> Void
    ) {
        let count = pages * TableFormat.pageBytes
        precondition(filled + count <= Self.bufferBytes, "drained in time, and no block passes the buffer's rest")
        let memory = UnsafeMutableRawBufferPointer(start: buffer.base + filled, count: count)
        prepare(memory)
        seal(memory, UInt32((written + filled) / TableFormat.pageBytes))
        filled += count
    }
}
