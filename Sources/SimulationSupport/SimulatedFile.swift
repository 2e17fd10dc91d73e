import Drives
import Glibc

/// An open file of a `SimulatedDrive`.
// SAFETY: touched on the simulation's thread only, as `SimulatedDrive` is.
final class SimulatedFile: DriveFile, @unchecked Sendable {
    let path: String
    let isDirect: Bool
    private let files: SimulatedFiles
    private let inode: SimulatedInode
    private let isReadOnly: Bool
    private var isOpen = true
    private var hasLock = false

    private var drive: SimulatedDrive { files.drive }

    init(files: SimulatedFiles, inode: SimulatedInode, path: String, mode: OpenMode) {
        (self.files, self.inode, self.path) = (files, inode, path)
        isDirect = mode.contains(.direct)
        isReadOnly = mode.contains(.readOnly)
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) async throws(DriveIOError) -> Int {
        try check("read", UnsafeRawBufferPointer(buffer), offset)
        return try await perform(.read) { [inode, path, drive] _, effect in
            if case .error(let code) = effect { return .failure(DriveIOError(errno: code, call: "read", path: path)) }
            guard offset < inode.size else { return .success(0) }
            let count = Int(min(UInt64(buffer.count), inode.size - offset))
            if !inode.unreadable.isEmpty,
                SimulatedInode.sectors(offset, count).contains(where: { inode.unreadable.contains($0) })
            {
                return .failure(.system(call: "read", path: path, errno: EIO))
            }
            let target = UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])
            inode.current.read(at: offset, into: target)
            if effect == .corruptRead, count > 0 {
                target[drive.random.below(count)] ^= 1 << UInt8(drive.random.below(8))
            }
            return .success(count)
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) async throws(DriveIOError) {
        try check("write", bytes, offset)
        try checkWritable("write")
        let copy = [UInt8](bytes)
        try await perform(.write) { [self] number, effect -> Result<Void, DriveIOError> in
            precondition(Self.equal(bytes, copy), "a buffer changed while it was being written")
            return write(copy, at: offset, number, effect)
        }
    }

    func writeAndSync(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) async throws(DriveIOError) {
        try await write(bytes, at: offset)
        try await sync()
    }

    func sync() async throws(DriveIOError) {
        // Covers the calls that have returned by now; those under way may be covered too, which their callers can't count on.
        let before = drive.operationCount
        let pending = Set(drive.underWay.keys)
        try await perform(.sync) { [inode, path, drive] _, effect -> Result<Void, DriveIOError> in
            if case .error(let code) = effect {
                inode.forgetUnsynced(&drive.random)
                return .failure(DriveIOError(errno: code, call: "sync", path: path))
            }
            inode.sync { $0 <= before && !pending.contains($0) }
            drive.syncCount += 1
            return .success(())
        }
    }

    func allocate(_ bytes: UInt64) async throws(DriveIOError) {
        try checkWritable("allocate")
        try await perform(.allocate) { [inode, path, drive] number, effect -> Result<Void, DriveIOError> in
            if case .error(let code) = effect {
                return .failure(DriveIOError(errno: code, call: "allocate", path: path))
            }
            let rounded = (bytes + 4095) & ~4095
            let more = rounded > inode.allocatedBytes ? rounded - inode.allocatedBytes : 0
            guard drive.hasRoom(for: more) else { return .failure(.noSpace(path: path)) }
            inode.reserved = max(inode.reserved, rounded)
            if bytes > inode.size { inode.setSize(bytes, operation: number) }
            return .success(())
        }
    }

    func truncate(_ bytes: UInt64) async throws(DriveIOError) {
        try checkWritable("truncate")
        try await perform(.truncate) { [inode, path] number, effect -> Result<Void, DriveIOError> in
            if case .error(let code) = effect {
                return .failure(DriveIOError(errno: code, call: "truncate", path: path))
            }
            inode.setSize(bytes, operation: number)
            return .success(())
        }
    }

    func size() async throws(DriveIOError) -> UInt64 {
        try await perform(.size) { [inode, path] _, effect in
            if case .error(let code) = effect { return .failure(DriveIOError(errno: code, call: "size", path: path)) }
            return .success(inode.size)
        }
    }

    func tryLock() throws(DriveIOError) -> Bool {
        drive.executor.checkIsolated()
        guard isOpen, files.generation == drive.generation, !drive.isAway else {
            throw .system(call: "lock", path: path, errno: EIO)
        }
        if hasLock { return true }
        guard !inode.isLocked else { return false }
        (inode.isLocked, hasLock) = (true, true)
        return true
    }

    func close() async {
        guard isOpen else { return }
        isOpen = false
        if hasLock && files.generation == drive.generation { inode.isLocked = false }
    }

    // MARK: Checks and effects

    private func perform<Value: Sendable>(
        _ call: SimulatedFault.Call, _ body: @escaping (Int, SimulatedFault.Effect?) -> Result<Value, DriveIOError>
    ) async throws(DriveIOError) -> Value {
        guard isOpen else { throw .system(call: "\(call)", path: path, errno: EBADF) }
        return try await drive.perform(call, path, generation: files.generation, body)
    }

    private func check(_ call: String, _ bytes: UnsafeRawBufferPointer, _ offset: UInt64) throws(DriveIOError) {
        guard isDirect, bytes.count > 0 else { return }
        let address = UInt(bitPattern: bytes.baseAddress)
        guard address % 4096 == 0, bytes.count % 4096 == 0, offset % 4096 == 0 else {
            throw .system(call: call, path: path, errno: EINVAL)
        }
    }

    private func checkWritable(_ call: String) throws(DriveIOError) {
        if isReadOnly { throw .system(call: call, path: path, errno: EBADF) }
    }

    private func write(
        _ bytes: [UInt8], at offset: UInt64, _ number: Int, _ effect: SimulatedFault.Effect?
    ) -> Result<Void, DriveIOError> {
        guard drive.hasRoom(for: inode.newBytes(offset, bytes.count)) else { return .failure(.noSpace(path: path)) }
        switch effect {
        case .error(let code):
            if code != ENOSPC { writeParts(bytes, at: offset, number) }
            return .failure(DriveIOError(errno: code, call: "write", path: path))
        case .shortWrite:
            let wrote = drive.random.below(max(1, bytes.count))
            inode.write(Array(bytes[..<wrote]), at: offset, operation: number)
            return .failure(.shortWrite(path: path, wrote: wrote, of: bytes.count))
        case .dropWrite:
            return .success(())
        case .tearWrite:
            writeParts(bytes, at: offset, number)
            return .success(())
        case .misdirectWrite(let distance):
            let wrong = Int64(clamping: offset).addingReportingOverflow(distance)
            inode.write(bytes, at: UInt64(clamping: wrong.overflow ? 0 : wrong.partialValue), operation: number)
            return .success(())
        case nil, .corruptRead, .cutPower, .kill, .stall:
            inode.write(bytes, at: offset, operation: number)
            return .success(())
        }
    }

    private static func equal(_ bytes: UnsafeRawBufferPointer, _ copy: [UInt8]) -> Bool {
        copy.withUnsafeBytes { copy in
            guard let first = bytes.baseAddress, let second = copy.baseAddress else { return bytes.count == copy.count }
            return memcmp(first, second, copy.count) == 0
        }
    }

    private func writeParts(_ bytes: [UInt8], at offset: UInt64, _ number: Int) {
        var position = 0
        while position < bytes.count {
            let count = min(SimulatedInode.sectorBytes, bytes.count - position)
            if drive.random.chance(0.5) {
                let piece = Array(bytes[position..<position + count])
                inode.write(piece, at: offset + UInt64(position), operation: number)
            }
            position += count
        }
    }
}

extension SimulatedDrive {
    func hasRoom(for more: UInt64) -> Bool {
        guard let capacityBytes, more > 0 else { return true }
        return usedBytes + more <= capacityBytes
    }
}

extension SimulatedInode {
    /// Space that a write would take beyond what the file has.
    func newBytes(_ offset: UInt64, _ count: Int) -> UInt64 {
        guard count > 0 else { return 0 }
        var more: UInt64 = 0
        var page = offset & ~4095
        while page < offset + UInt64(count) {
            if page >= reserved && !current.hasPage(at: page) { more += 4096 }
            page += 4096
        }
        return more
    }
}
