import Glibc
package import Runtime

/// The drive's files by the io_uring of the loop that the drive belongs to. Reads, writes and syncs are submissions; what works on
/// names and sizes blocks in the kernel's workers anyway and goes to the pool of threads.
///
/// Calls are made on the loop's thread, by tasks that prefer the loop.
package final class RingFiles: DriveIO {
    private let directory: LocalDirectory
    private let ring: Ring

    /// `root` is the drive's directory, which exists. nil when the loop has no ring: `Loop.ringRefusal` says why.
    package init?(root: String, loop: Loop, pool: BlockingPool) {
        guard let ring = loop.ring else { return nil }
        self.ring = ring
        directory = LocalDirectory(root: root, pool: pool)
    }

    package func open(_ path: String, _ mode: OpenMode) async throws(DriveIOError) -> any DriveFile {
        RingFile(try await directory.open(path, mode), ring)
    }
    package func list(_ path: String) async throws(DriveIOError) -> [String] { try await directory.list(path) }
    package func makeDirectory(_ path: String) async throws(DriveIOError) { try await directory.makeDirectory(path) }
    package func rename(_ from: String, to: String) async throws(DriveIOError) {
        try await directory.rename(from, to: to)
    }
    package func remove(_ path: String) async throws(DriveIOError) { try await directory.remove(path) }
    package func syncDirectory(_ path: String) async throws(DriveIOError) { try await directory.syncDirectory(path) }
    package func space() async throws(DriveIOError) -> (totalBytes: UInt64, freeBytes: UInt64) {
        try await directory.space()
    }
}

final class RingFile: DriveFile {
    /// One submission moves less than 2 GiB.
    private static let submissionBytesMax = 1 << 30

    private let descriptor: LocalDescriptor
    private let ring: Ring

    init(_ descriptor: LocalDescriptor, _ ring: Ring) { (self.descriptor, self.ring) = (descriptor, ring) }

    var path: String { descriptor.path }
    var isDirect: Bool { descriptor.isDirect }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) async throws(DriveIOError) -> Int {
        let number = try descriptor.begin("read")
        defer { descriptor.end() }
        var done = 0
        while done < buffer.count {
            let count = min(buffer.count - done, Self.submissionBytesMax)
            let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[done..<done + count])
            let result = await ring.read(number, into: piece, at: offset + UInt64(done))
            if result == 0 { break }
            if result < 0 {
                try retry(-result, "read", UInt(bitPattern: piece.baseAddress), count, offset + UInt64(done))
                continue
            }
            done += Int(result)
            // A direct file moves whole blocks up to its end, where nothing more is to be had.
            if isDirect && done % 4096 != 0 { break }
        }
        return done
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) async throws(DriveIOError) {
        let number = try descriptor.begin("write")
        defer { descriptor.end() }
        var done = 0
        while done < bytes.count {
            let count = min(bytes.count - done, Self.submissionBytesMax)
            let piece = UnsafeRawBufferPointer(rebasing: bytes[done..<done + count])
            let result = await ring.write(number, piece, at: offset + UInt64(done))
            if result < 0 {
                try retry(-result, "write", UInt(bitPattern: piece.baseAddress), count, offset + UInt64(done))
                continue
            }
            done += Int(result)
            let isStuck = result == 0 || (isDirect && done % 4096 != 0)
            if isStuck && done < bytes.count { throw .shortWrite(path: path, wrote: done, of: bytes.count) }
        }
    }

    func writeAndSync(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) async throws(DriveIOError) {
        guard bytes.count <= Self.submissionBytesMax else {
            try await write(bytes, at: offset)
            return try await sync()
        }
        let number = try descriptor.begin("writeAndSync")
        defer { descriptor.end() }
        while true {
            let result = await ring.writeAndSync(number, bytes, at: offset)
            if result.write < 0 {
                // Nothing was written and the sync was cancelled: the whole may be made again.
                try retry(-result.write, "write", UInt(bitPattern: bytes.baseAddress), bytes.count, offset)
                continue
            }
            guard Int(result.write) == bytes.count else {
                throw .shortWrite(path: path, wrote: Int(result.write), of: bytes.count)
            }
            guard result.sync >= 0 else { throw DriveIOError(errno: -result.sync, call: "fdatasync", path: path) }
            return
        }
    }

    func sync() async throws(DriveIOError) {
        let number = try descriptor.begin("fdatasync")
        defer { descriptor.end() }
        let result = await ring.sync(number)
        guard result >= 0 else { throw DriveIOError(errno: -result, call: "fdatasync", path: path) }
    }

    func allocate(_ bytes: UInt64) async throws(DriveIOError) { try await descriptor.allocate(bytes) }
    func truncate(_ bytes: UInt64) async throws(DriveIOError) { try await descriptor.truncate(bytes) }
    func size() async throws(DriveIOError) -> UInt64 { try await descriptor.size() }
    func tryLock() throws(DriveIOError) -> Bool { try descriptor.tryLock() }
    func close() async { await descriptor.close() }

    /// Returns when the call is to be made again, else throws what went wrong.
    private func retry(
        _ code: Int32, _ call: String, _ address: UInt, _ count: Int, _ offset: UInt64
    ) throws(DriveIOError) {
        if code == EINTR || code == EAGAIN { return }
        if code == EINVAL, descriptor.fallBack(address: address, count: count, offset: offset) { return }
        throw DriveIOError(errno: code, call: call, path: path)
    }
}
