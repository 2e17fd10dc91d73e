import Drives
import Glibc
import Synchronization

/// Files in memory, whose calls cost a copy: what is measured above them is the engine.
final class MemoryFiles: DriveIO {
    private let files = Mutex<[String: MemoryFile]>([:])

    func open(_ path: String, _ mode: OpenMode) async throws(DriveIOError) -> any DriveFile {
        let found = files.withLock { files -> MemoryFile? in
            if let file = files[path] { return mode.contains(.exclusive) ? nil : file }
            guard mode.contains(.create) else { return nil }
            let file = MemoryFile(path, isDirect: mode.contains(.direct))
            files[path] = file
            return file
        }
        guard let found else {
            if mode.contains(.exclusive) { throw .exists(path: path) }
            throw .notFound(path: path)
        }
        return found
    }

    func list(_ directory: String) async throws(DriveIOError) -> [String] {
        let start = directory.isEmpty || directory == "." ? "" : directory + "/"
        return files.withLock { files in
            files.keys.filter { $0.hasPrefix(start) && !$0.dropFirst(start.count).contains("/") }
                .map { String($0.dropFirst(start.count)) }.sorted()
        }
    }

    func makeDirectory(_ path: String) async throws(DriveIOError) {}
    func syncDirectory(_ path: String) async throws(DriveIOError) {}
    func rename(_ from: String, to: String) async throws(DriveIOError) {
        files.withLock { files in files[to] = files.removeValue(forKey: from) }
    }
    func remove(_ path: String) async throws(DriveIOError) { files.withLock { $0[path] = nil } }
    func space() async throws(DriveIOError) -> (totalBytes: UInt64, freeBytes: UInt64) { (1 << 40, 1 << 40) }
}

/// Address space for the largest file there is here; pages come when they are touched.
// SAFETY: used on one loop only.
final class MemoryFile: DriveFile, @unchecked Sendable {
    private static let room = 1 << 30
    let path: String
    let isDirect: Bool
    private let bytes: UnsafeMutableRawBufferPointer
    private var end = 0

    init(_ path: String, isDirect: Bool) {
        (self.path, self.isDirect) = (path, isDirect)
        let base = mmap(nil, Self.room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        precondition(base != MAP_FAILED, "no address space")
        bytes = UnsafeMutableRawBufferPointer(start: base, count: Self.room)
    }

    deinit { munmap(bytes.baseAddress, Self.room) }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) async throws(DriveIOError) -> Int {
        let count = max(0, min(buffer.count, end - Int(offset)))
        guard count > 0 else { return 0 }
        buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[Int(offset)..<Int(offset) + count]))
        return count
    }

    func write(_ source: UnsafeRawBufferPointer, at offset: UInt64) async throws(DriveIOError) {
        let stop = Int(offset) + source.count
        guard stop <= Self.room else { throw .noSpace(path: path) }
        UnsafeMutableRawBufferPointer(rebasing: bytes[Int(offset)..<stop]).copyMemory(from: source)
        end = max(end, stop)
    }

    func writeAndSync(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) async throws(DriveIOError) {
        try await write(bytes, at: offset)
    }

    func sync() async throws(DriveIOError) {}
    func allocate(_ bytes: UInt64) async throws(DriveIOError) {
        guard bytes <= UInt64(Self.room) else { throw .noSpace(path: path) }
        end = max(end, Int(bytes))
    }
    func truncate(_ bytes: UInt64) async throws(DriveIOError) { end = Int(bytes) }
    func size() async throws(DriveIOError) -> UInt64 { UInt64(end) }
    func tryLock() throws(DriveIOError) -> Bool { true }
    func close() async {}
}
