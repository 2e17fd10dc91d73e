import Runtime

/// Records on their way to the drive together: the unit that is written, synced, torn and checked.
///
/// Built in the buffer that is written, from its record headers on; the header comes last, when the place is known.
struct LogBatch {
    private struct Record {
        var token: UInt64
        var offset: Int
        var count: Int
    }

    /// Every record in it frees space and may use the reserve.
    let usesReserve: Bool
    private let buffer: IOBuffer
    private(set) var length = LogFormat.batchHeaderBytes
    private var records: [Record] = []

    init(pool: BufferPool, byteCount: Int, usesReserve: Bool) {
        buffer = pool.take(LogFormat.padded(byteCount))
        self.usesReserve = usesReserve
    }

    var paddedLength: Int { LogFormat.padded(length) }
    var recordCount: Int { records.count }
    var recordBytes: Int { records.reduce(0) { $0 + $1.count } }
    var tokens: [UInt64] { records.map(\.token) }

    /// What a batch with a single record of this size takes.
    static func bytes(forRecordOf byteCount: Int) -> Int {
        LogFormat.batchHeaderBytes + LogFormat.recordHeaderBytes + byteCount
    }

    func hasRoom(for byteCount: Int, limit: Int) -> Bool {
        let needed = length + LogFormat.recordHeaderBytes + byteCount
        return needed <= limit && needed <= buffer.capacity
    }

    mutating func append(_ byteCount: Int, token: UInt64, fill: (UnsafeMutableRawBufferPointer) -> Void) {
        let start = length + LogFormat.recordHeaderBytes
        buffer.bytes.store(UInt32(byteCount), at: length)
        buffer.bytes.store(UInt32(0), at: length + 4)
        fill(UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[start..<start + byteCount]))
        records.append(Record(token: token, offset: start, count: byteCount))
        length = start + byteCount
    }

    /// Completes the batch for its place. The bytes to write, valid as long as the batch.
    func seal(salt: UInt64, lsn: LSN) -> UnsafeRawBufferPointer {
        let padding = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[length..<paddedLength])
        padding.copyBytes(from: repeatElement(0, count: padding.count))
        LogBatchHeader.seal(
            UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<length]), recordCount: records.count, salt: salt,
            lsn: lsn)
        return UnsafeRawBufferPointer(rebasing: buffer.bytes[..<paddedLength])
    }

    /// What the listener hears once the batch is durable at this place.
    func entries(segment: UInt32, offset: Int, lsn: LSN) -> [LogEntry] {
        records.map { record in
            LogEntry(
                token: record.token, lsn: lsn + record.offset,
                location: LogLocation(
                    segment: segment, offset: UInt32(offset + record.offset), count: UInt32(record.count)))
        }
    }
}
