import CLinux
import Glibc

/// The drive's files by blocking calls on a pool of threads: for kernels and containers without io_uring.
package final class ThreadedFiles: DriveIO {
    private let directory: LocalDirectory

    /// `root` is the drive's directory, which exists.
    package init(root: String, pool: BlockingPool) { directory = LocalDirectory(root: root, pool: pool) }

    package func open(_ path: String, _ mode: OpenMode) async throws(DriveIOError) -> any DriveFile {
        ThreadedFile(try await directory.open(path, mode), directory.pool)
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

final class ThreadedFile: DriveFile {
    private let descriptor: LocalDescriptor
    private let pool: BlockingPool

    init(_ descriptor: LocalDescriptor, _ pool: BlockingPool) { (self.descriptor, self.pool) = (descriptor, pool) }

    var path: String { descriptor.path }
    var isDirect: Bool { descriptor.isDirect }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) async throws(DriveIOError) -> Int {
        let address = UInt(bitPattern: buffer.baseAddress), count = buffer.count
        return try await transfer("pread", address, count, offset) { descriptor, done in
            pread(
                descriptor, UnsafeMutableRawPointer(bitPattern: address + UInt(done)), count - done,
                off_t(offset) + off_t(done))
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) async throws(DriveIOError) {
        let address = UInt(bitPattern: bytes.baseAddress), count = bytes.count
        let wrote = try await transfer("pwrite", address, count, offset) { descriptor, done in
            pwrite(
                descriptor, UnsafeRawPointer(bitPattern: address + UInt(done)), count - done,
                off_t(offset) + off_t(done))
        }
        guard wrote == count else { throw .shortWrite(path: path, wrote: wrote, of: count) }
    }

    func writeAndSync(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) async throws(DriveIOError) {
        try await write(bytes, at: offset)
        try await sync()
    }

    func sync() async throws(DriveIOError) {
        let number = try descriptor.begin("fdatasync")
        defer { descriptor.end() }
        // Not made again after EINTR: whether the first call has reported an error by then is not known.
        let code = await pool.perform { fdatasync(number) == 0 ? 0 : clinux_errno() }
        guard code == 0 else { throw DriveIOError(errno: code, call: "fdatasync", path: path) }
    }

    func allocate(_ bytes: UInt64) async throws(DriveIOError) { try await descriptor.allocate(bytes) }
    func truncate(_ bytes: UInt64) async throws(DriveIOError) { try await descriptor.truncate(bytes) }
    func size() async throws(DriveIOError) -> UInt64 { try await descriptor.size() }
    func tryLock() throws(DriveIOError) -> Bool { try descriptor.tryLock() }
    func close() async { await descriptor.close() }

    /// Calls until all bytes have moved, a call moves none, or an error comes. How many have moved.
    private func transfer(
        _ name: String, _ address: UInt, _ count: Int, _ offset: UInt64,
        _ step: @escaping @Sendable (_ descriptor: Int32, _ done: Int) -> Int
    ) async throws(DriveIOError) -> Int {
        let number = try descriptor.begin(name)
        defer { descriptor.end() }
        let file = descriptor
        return try await pool.perform { () -> Result<Int, DriveIOError> in
            var done = 0
            while done < count {
                let moved = step(number, done)
                if moved == 0 { break }
                if moved > 0 {
                    done += moved
                    // A direct file moves whole blocks up to its end, where nothing more is to be had.
                    if file.isDirect && done % 4096 != 0 { break }
                    continue
                }
                let code = clinux_errno()
                if code == EINTR { continue }
                if code == EINVAL, file.fallBack(address: address, count: count, offset: offset) { continue }
                return .failure(DriveIOError(errno: code, call: name, path: file.path))
            }
            return .success(done)
        }.get()
    }
}
