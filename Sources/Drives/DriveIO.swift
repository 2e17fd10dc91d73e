/// The file calls that the drive engine makes: io_uring, a thread pool, or `SimulatedFiles`.
///
/// Paths are relative to the drive's directory. Every call suspends on the drive's executor and returns there. Buffers given to
/// direct files are aligned to 4 KiB in address, offset and length; they must stay alive until the call returns, cancelled or not.
package protocol DriveIO: AnyObject, Sendable {
    /// Opens or creates a file. With `.direct` the file bypasses the page cache where the file system can; where it can't the
    /// same file works buffered and `isDirect` says so.
    func open(_ path: String, _ mode: OpenMode) async throws(DriveIOError) -> any DriveFile
    /// Names in a directory, unsorted, without "." and "..". A directory that does not exist is `.notFound`.
    func list(_ directory: String) async throws(DriveIOError) -> [String]
    /// Creates the directory and its parents; fine if it exists.
    func makeDirectory(_ path: String) async throws(DriveIOError)
    /// Replaces `to` in one step. Durable only after `syncDirectory`.
    func rename(_ from: String, to: String) async throws(DriveIOError)
    /// Removes a file. Durable only after `syncDirectory`.
    func remove(_ path: String) async throws(DriveIOError)
    /// Makes creations, renames and removals in the directory durable.
    func syncDirectory(_ path: String) async throws(DriveIOError)
    /// Space of the file system that the drive is on.
    func space() async throws(DriveIOError) -> (totalBytes: UInt64, freeBytes: UInt64)
}

package struct OpenMode: OptionSet, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }
    package static let create = OpenMode(rawValue: 1)
    /// With `.create`: fails with `.exists` instead of opening.
    package static let exclusive = OpenMode(rawValue: 2)
    package static let direct = OpenMode(rawValue: 4)
    package static let readOnly = OpenMode(rawValue: 8)
}

package protocol DriveFile: AnyObject, Sendable {
    var path: String { get }
    var isDirect: Bool { get }
    /// Reads up to `buffer.count` bytes; fewer only at the end of the file.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) async throws(DriveIOError) -> Int
    /// Writes everything or throws; a short write is an error. Not durable before a sync.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) async throws(DriveIOError)
    /// Writes, then syncs data, as one linked submission. Neither half is skipped: an error in either is an error of the whole.
    func writeAndSync(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) async throws(DriveIOError)
    /// fdatasync.
    func sync() async throws(DriveIOError)
    /// Reserves space so that writes inside it need no allocation (fallocate); grows the file to `bytes`.
    func allocate(_ bytes: UInt64) async throws(DriveIOError)
    func truncate(_ bytes: UInt64) async throws(DriveIOError)
    func size() async throws(DriveIOError) -> UInt64
    /// Takes an exclusive lock on the file for the life of this object; false when another process has it.
    func tryLock() throws(DriveIOError) -> Bool
    /// Closes the descriptor once operations in flight have ended. Not an error to call twice.
    func close() async
}

/// A file call that failed: which call on which path, and errno.
package enum DriveIOError: Error, Hashable, Sendable {
    case notFound(path: String)
    case exists(path: String)
    /// ENOSPC or EDQUOT: back-pressure, not poison.
    case noSpace(path: String)
    case shortWrite(path: String, wrote: Int, of: Int)
    case system(call: String, path: String, errno: Int32)
}
