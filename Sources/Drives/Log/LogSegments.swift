import Base
import Runtime

/// A segment that holds batches: its place in the log, and its file while somebody reads it.
struct LogSegment {
    let number: UInt32
    let firstLSN: LSN
    /// nil for segments of earlier runs whose header nobody had to read.
    let byteCount: Int?
    /// The end of its last batch, or a later point that is not in it.
    var end: LSN
    var file: (any DriveFile)?
    var readers = 0
    var lastUse: UInt64 = 0
}

/// A segment's file that waits to be used: allocated, its contents meaningless.
struct FreeSegment {
    let path: String
    var file: (any DriveFile)?
}

/// The segment that takes batches.
struct ActiveSegment {
    let number: UInt32
    let salt: UInt64
    let firstLSN: LSN
    let byteCount: Int
    let file: any DriveFile
    /// Where the next batch goes.
    var offset = LogFormat.blockBytes
    /// It was taken from the reserve: only records that free space go in until there is space again.
    var isReserve: Bool

    var end: LSN { firstLSN + offset }
}

/// The files of the log's segments: makes, recycles, opens and closes them. Knows nothing of batches.
struct LogFiles {
    let io: any DriveIO
    let pool: BufferPool
    let drive: UniqueID
    let parameters: LogParameters

    private static let zeroBytes = 1 << 20

    /// A fresh file of a segment's size under a name that recovery ignores.
    func makeFree(_ number: Int) async throws(DriveIOError) -> FreeSegment {
        let path = LogFormat.freePath(number)
        let file = try await io.open(path, [.create, .direct])
        do {
            try await file.allocate(UInt64(parameters.segmentBytes))
            if parameters.prewritesFreshSegments { try await writeZeros(file) }
            try await file.sync()
        } catch {
            await file.close()
            // What made the file fail is the news; a file left behind is found and removed by the next start.
            try? await io.remove(path)
            throw error
        }
        return FreeSegment(path: path, file: file)
    }

    private func writeZeros(_ file: any DriveFile) async throws(DriveIOError) {
        let zeros = pool.take(Self.zeroBytes)
        // A pointer does not keep its buffer alive while the call is under way.
        defer { withExtendedLifetime(zeros) {} }
        zeros.bytes.zero()
        var offset = 0
        while offset < parameters.segmentBytes {
            let count = min(Self.zeroBytes, parameters.segmentBytes - offset)
            try await file.write(UnsafeRawBufferPointer(zeros.slice(0, count).bytes), at: UInt64(offset))
            offset += count
        }
    }

    /// Turns a free file into the segment of this number: its header is durable before its name is, and both before it is used.
    func activate(
        _ free: FreeSegment, number: UInt32, salt: UInt64, firstLSN: LSN, previousEnd: LSN, isReserve: Bool
    ) async throws(DriveIOError) -> ActiveSegment {
        let file: any DriveFile
        if let open = free.file { file = open } else { file = try await io.open(free.path, [.direct]) }
        let block = pool.take(LogFormat.blockBytes).slice(0, LogFormat.blockBytes)
        defer { withExtendedLifetime(block) {} }
        LogSegmentHeader(
            drive: drive, number: number, salt: salt, firstLSN: firstLSN,
            segmentBytes: UInt64(parameters.segmentBytes), previousEnd: previousEnd
        ).encode(into: block.mutableBytes)
        try await file.writeAndSync(block.bytes, at: 0)
        try await io.rename(free.path, to: LogFormat.segmentPath(number))
        try await io.syncDirectory(LogFormat.directory)
        return ActiveSegment(
            number: number, salt: salt, firstLSN: firstLSN, byteCount: parameters.segmentBytes, file: file,
            isReserve: isReserve)
    }
}
