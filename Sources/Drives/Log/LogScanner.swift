import Glibc
import Runtime

/// Reads the batches of one segment, in a window of bounded size, and tells whole ones from torn, damaged and unreadable ones.
struct LogScanner {
    /// What lies at an offset.
    enum Found {
        /// Header and records of a batch, valid until the next call.
        case batch(LogBatchHeader, UnsafeMutableRawBufferPointer)
        /// No whole batch. `looksTorn`: a header of this segment is there.
        case nothing(looksTorn: Bool)
    }

    /// One operation of the scan.
    private static let windowBytes = 1 << 20
    /// With more pages than this that can't be read, the drive is not damaged in places: it is failing, and not opened.
    private static let unreadablePagesMax = 256

    let file: any DriveFile
    let salt: UInt64
    let firstLSN: LSN
    let byteCount: Int
    let checksSalt: Bool
    private let pool: BufferPool
    private var window: BufferSlice
    private var windowStart = 0
    private var windowCount = 0
    /// Offsets of pages that the drive could not read, ascending.
    private(set) var unreadable: [Int] = []

    init(
        file: any DriveFile, salt: UInt64, firstLSN: LSN, byteCount: Int, checksSalt: Bool, pool: BufferPool
    ) {
        (self.file, self.salt, self.firstLSN, self.byteCount) = (file, salt, firstLSN, byteCount)
        (self.checksSalt, self.pool) = (checksSalt, pool)
        window = pool.take(Self.windowBytes).slice(0, Self.windowBytes)
    }

    /// The batch at `offset`, if a whole one is there that ends at or before `limit`.
    mutating func batch(at offset: Int, limit: Int) async throws(DriveIOError) -> Found {
        guard offset + LogFormat.blockBytes <= limit else { return .nothing(looksTorn: false) }
        let block = try await bytes(at: offset, LogFormat.blockBytes)
        let expected: UInt64? = checksSalt ? salt : nil
        guard
            let header = LogBatchHeader.decode(
                UnsafeRawBufferPointer(block), salt: expected, lsn: firstLSN + offset, room: limit - offset)
        else { return .nothing(looksTorn: false) }
        let batch = try await bytes(at: offset, Int(header.length))
        guard header.verify(batch), Self.recordsFit(header, UnsafeRawBufferPointer(batch)) else {
            return .nothing(looksTorn: true)
        }
        return .batch(header, batch)
    }

    /// Reads the first block once more: it could be read when the scan began.
    func readHeaderBlock() async throws(DriveIOError) -> Int {
        let block = pool.take(LogFormat.blockBytes)
        defer { withExtendedLifetime(block) {} }
        return try await file.read(into: block.slice(0, LogFormat.blockBytes).mutableBytes, at: 0)
    }

    /// True when the records fill the batch exactly: a whole batch that does not is not ours to guess at.
    private static func recordsFit(_ header: LogBatchHeader, _ batch: UnsafeRawBufferPointer) -> Bool {
        var offset = LogFormat.batchHeaderBytes
        for _ in 0..<header.recordCount {
            guard offset + LogFormat.recordHeaderBytes <= batch.count else { return false }
            let count = Int(batch.load(UInt32.self, at: offset))
            offset += LogFormat.recordHeaderBytes
            guard count > 0, count <= batch.count - offset else { return false }
            offset += count
        }
        return offset == batch.count
    }

    /// Bytes of the segment, zeros where it can't be read. Within the window as long as no other call is made.
    private mutating func bytes(at offset: Int, _ count: Int) async throws(DriveIOError)
        -> UnsafeMutableRawBufferPointer
    {
        if offset < windowStart || offset + count > windowStart + windowCount {
            let wanted = LogFormat.padded(count)
            if wanted > window.count { window = pool.take(wanted).slice(0, wanted) }
            windowStart = offset
            windowCount = min(window.count, byteCount - offset)
            try await fill()
        }
        let start = offset - windowStart
        return UnsafeMutableRawBufferPointer(rebasing: window.mutableBytes[start..<start + count])
    }

    private mutating func fill() async throws(DriveIOError) {
        let target = UnsafeMutableRawBufferPointer(rebasing: window.mutableBytes[..<windowCount])
        do {
            let read = try await file.read(into: target, at: UInt64(windowStart))
            UnsafeMutableRawBufferPointer(rebasing: target[read...]).zero()
        } catch {
            guard Self.isMedium(error) else { throw error }
            try await fillByPages(target)
        }
    }

    /// Finds the pages that can't be read by reading each on its own.
    private mutating func fillByPages(_ target: UnsafeMutableRawBufferPointer) async throws(DriveIOError) {
        for start in stride(from: 0, to: windowCount, by: LogFormat.blockBytes) {
            let page = UnsafeMutableRawBufferPointer(rebasing: target[start..<start + LogFormat.blockBytes])
            do {
                let read = try await file.read(into: page, at: UInt64(windowStart + start))
                UnsafeMutableRawBufferPointer(rebasing: page[read...]).zero()
            } catch {
                guard Self.isMedium(error), unreadable.count < Self.unreadablePagesMax else { throw error }
                page.zero()
                let offset = windowStart + start
                if !unreadable.contains(offset) { unreadable.append(offset) }
            }
        }
    }

    /// Errors of the medium under single sectors, in the words of different drivers and file systems.
    static func isMedium(_ error: DriveIOError) -> Bool {
        guard case .system(_, _, let code) = error else { return false }
        return code == EIO || code == ENODATA || code == EILSEQ || code == EBADMSG || code == EUCLEAN
    }
}

extension UnsafeMutableRawBufferPointer {
    func zero() {
        guard let baseAddress, count > 0 else { return }
        memset(baseAddress, 0, count)
    }
}
