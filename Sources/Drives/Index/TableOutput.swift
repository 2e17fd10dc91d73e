/// The tables that a flush or a compaction writes, one after the other, each of bounded size.
///
/// `add` never suspends; `prepare` comes before it whenever `isReady` is false.
final class TableOutput {
    private let index: DriveIndex
    private let level: Int
    private var writer: TableWriter?
    private var records: [TableRecord] = []
    private var wantsCut = false

    init(_ index: DriveIndex, level: Int) {
        self.index = index
        self.level = level
    }

    var isReady: Bool {
        guard let writer else { return false }
        return !writer.wantsDrain && !writer.isFull && !wantsCut
    }

    /// Rows of the present table.
    var rowCount: UInt64 { writer?.rowCount ?? 0 }

    /// Ends the present table before the next row.
    func cut() { wantsCut = rowCount > 0 }

    func prepare(_ pause: () async -> Void) async throws(DriveError) {
        if let writer {
            if writer.isFull || wantsCut {
                try await finishTable(pause)
            } else if writer.wantsDrain {
                try await writer.drain()
            }
        }
        wantsCut = false
        guard writer == nil else { return }
        let next = TableWriter(
            io: index.io, pool: index.pool, number: index.nextTableNumber, parameters: index.parameters)
        index.nextTableNumber += 1
        writer = next
        try await next.create()
    }

    func add(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer?) { writer?.add(key, value) }

    /// Ends the last table; all of them are durable, names included.
    func finish(_ pause: () async -> Void) async throws(DriveError) -> [TableRecord] {
        if rowCount > 0 {
            try await finishTable(pause)
        } else if let writer {
            self.writer = nil
            await writer.discard()
        }
        return records
    }

    /// Gives up: what was written is of no use.
    func discard() async {
        await writer?.discard()
        writer = nil
        for record in records { index.released.tables.append((record.number, nil)) }
        records = []
    }

    private func finishTable(_ pause: () async -> Void) async throws(DriveError) {
        guard let writer else { return }
        records.append(try await writer.finish(level: level, pause: pause))
        self.writer = nil
    }
}

/// Counts a long work's rows and bytes and lets others run in between.
struct WorkShare {
    private let rows: Int
    private let bytes: Int
    private var rowsLeft: Int
    private var bytesLeft: Int

    init(_ parameters: IndexParameters) {
        rows = parameters.rowsPerPause
        bytes = parameters.bytesPerPause
        (rowsLeft, bytesLeft) = (rows, bytes)
    }

    /// True when it is time to let others run.
    @inline(__always)
    mutating func spend(_ rowBytes: Int) -> Bool {
        rowsLeft -= 1
        bytesLeft -= rowBytes
        guard rowsLeft <= 0 || bytesLeft <= 0 else { return false }
        (rowsLeft, bytesLeft) = (rows, bytes)
        return true
    }
}
