import CLinux
import Glibc
import Synchronization

/// An open file of a local drive: its descriptor, closed when nobody uses it any more, and the calls that work on its metadata.
final class LocalDescriptor: Sendable {
    private struct State {
        var isDirect: Bool
        var uses = 0
        var isClosing = false
        var isClosed = false
        var closers: [UnsafeContinuation<Void, Never>] = []
    }

    let path: String
    private let number: Int32
    private let pool: BlockingPool
    private let state: Mutex<State>

    init(_ number: Int32, path: String, isDirect: Bool, pool: BlockingPool) {
        (self.number, self.path, self.pool) = (number, path, pool)
        state = Mutex(State(isDirect: isDirect))
    }

    deinit {
        if !state.withLock({ $0.isClosed }) { Glibc.close(number) }
    }

    var isDirect: Bool { state.withLock { $0.isDirect } }

    // MARK: Uses

    /// The descriptor, kept open until `end`. Fails when it has been closed.
    func begin(_ call: String) throws(DriveIOError) -> Int32 {
        let isOpen = state.withLock { state in
            guard !state.isClosing else { return false }
            state.uses += 1
            return true
        }
        guard isOpen else { throw .system(call: call, path: path, errno: EBADF) }
        return number
    }

    func end() {
        let closers = state.withLock { state -> [UnsafeContinuation<Void, Never>] in
            state.uses -= 1
            guard state.uses == 0 else { return [] }
            defer { state.closers = [] }
            return state.closers
        }
        for closer in closers { closer.resume() }
    }

    func close() async {
        let isFirst = state.withLock { state in
            defer { state.isClosing = true }
            return !state.isClosing
        }
        guard isFirst else { return }
        await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            let isUnused = state.withLock { state in
                guard state.uses > 0 else { return true }
                state.closers.append(continuation)
                return false
            }
            if isUnused { continuation.resume() }
        }
        let number = number
        state.withLock { $0.isClosed = true }
        // What close(2) reports was reported by the sync before it, or did not matter.
        _ = await pool.perform { Glibc.close(number) }
    }

    // MARK: Direct files

    /// The kernel refused a read or write with EINVAL. True when the file is buffered from now on and the call is to be made
    /// again: file systems exist that open direct files and then can't use them. A buffer that is not aligned is the caller's.
    func fallBack(address: UInt, count: Int, offset: UInt64) -> Bool {
        guard address % 4096 == 0, count % 4096 == 0, offset % 4096 == 0 else { return false }
        return state.withLock { state in
            guard state.isDirect, clinux_clear_direct(number) == 0 else { return false }
            state.isDirect = false
            return true
        }
    }

    // MARK: Metadata

    func allocate(_ bytes: UInt64) async throws(DriveIOError) {
        try await call("fallocate") { clinux_allocate($0, bytes) }
    }

    func truncate(_ bytes: UInt64) async throws(DriveIOError) {
        guard bytes <= UInt64(Int64.max) else { throw .system(call: "ftruncate", path: path, errno: EFBIG) }
        try await call("ftruncate") { ftruncate($0, off_t(bytes)) == 0 ? 0 : clinux_errno() }
    }

    func size() async throws(DriveIOError) -> UInt64 {
        let descriptor = try begin("fstat")
        defer { end() }
        let path = path
        return try await pool.perform { () -> Result<UInt64, DriveIOError> in
            var status = stat()
            guard fstat(descriptor, &status) == 0 else {
                return .failure(DriveIOError(errno: clinux_errno(), call: "fstat", path: path))
            }
            return .success(UInt64(status.st_size))
        }.get()
    }

    func tryLock() throws(DriveIOError) -> Bool {
        let descriptor = try begin("flock")
        defer { end() }
        let code = clinux_try_lock(descriptor)
        if code == EWOULDBLOCK { return false }
        guard code == 0 else { throw DriveIOError(errno: code, call: "flock", path: path) }
        return true
    }

    /// A call that answers with 0 or an errno, made again after EINTR.
    private func call(_ name: String, _ body: @escaping @Sendable (Int32) -> Int32) async throws(DriveIOError) {
        let descriptor = try begin(name)
        defer { end() }
        let code = await pool.perform {
            var code: Int32
            repeat { code = body(descriptor) } while code == EINTR
            return code
        }
        guard code == 0 else { throw DriveIOError(errno: code, call: name, path: path) }
    }
}
