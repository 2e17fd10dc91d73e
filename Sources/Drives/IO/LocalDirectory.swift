import CLinux
import Glibc

/// The directory of a drive on a local file system: every call that works on names. All of them block, so all run on the pool.
struct LocalDirectory: Sendable {
    let root: String
    let pool: BlockingPool

    private func absolute(_ path: String) -> String { path.isEmpty ? root : root + "/" + path }

    func open(_ path: String, _ mode: OpenMode) async throws(DriveIOError) -> LocalDescriptor {
        let absolute = absolute(path)
        let result = await pool.perform { () -> Result<(Int32, Bool), DriveIOError> in
            var flags = O_CLOEXEC | (mode.contains(.readOnly) ? O_RDONLY : O_RDWR)
            if mode.contains(.create) { flags |= O_CREAT }
            if mode.contains(.create) && mode.contains(.exclusive) { flags |= O_EXCL }
            if mode.contains(.direct) {
                let (descriptor, code) = Self.openRetrying(absolute, flags | clinux_o_direct())
                if descriptor >= 0 { return .success((descriptor, true)) }
                // EINVAL: the file system has no direct files (tmpfs, overlayfs on some kernels). The file works buffered.
                guard code == EINVAL else { return .failure(DriveIOError(errno: code, call: "open", path: path)) }
                // Some file systems have created the file before they refuse.
                flags &= ~O_EXCL
            }
            let (descriptor, code) = Self.openRetrying(absolute, flags)
            guard descriptor >= 0 else { return .failure(DriveIOError(errno: code, call: "open", path: path)) }
            return .success((descriptor, false))
        }
        let (descriptor, isDirect) = try result.get()
        return LocalDescriptor(descriptor, path: path, isDirect: isDirect, pool: pool)
    }

    private static func openRetrying(_ path: String, _ flags: Int32) -> (descriptor: Int32, errno: Int32) {
        while true {
            let descriptor = clinux_open(path, flags, 0o600)
            if descriptor >= 0 { return (descriptor, 0) }
            let code = clinux_errno()
            if code != EINTR { return (-1, code) }
        }
    }

    func list(_ directory: String) async throws(DriveIOError) -> [String] {
        let absolute = absolute(directory)
        return try await pool.perform { () -> Result<[String], DriveIOError> in
            guard let stream = opendir(absolute) else {
                return .failure(DriveIOError(errno: clinux_errno(), call: "opendir", path: directory))
            }
            defer { closedir(stream) }
            var names: [String] = []
            while let entry = readdir(stream) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                if name != "." && name != ".." { names.append(name) }
            }
            return .success(names)
        }.get()
    }

    func makeDirectory(_ path: String) async throws(DriveIOError) {
        let root = root
        try await pool.perform { () -> Result<Void, DriveIOError> in
            var current = root
            for component in path.split(separator: "/") {
                current += "/" + component
                guard mkdir(current, 0o700) != 0 else { continue }
                let code = clinux_errno()
                if code != EEXIST { return .failure(DriveIOError(errno: code, call: "mkdir", path: path)) }
            }
            return .success(())
        }.get()
    }

    func rename(_ from: String, to: String) async throws(DriveIOError) {
        let source = absolute(from), target = absolute(to)
        try await call("rename", from) { Glibc.rename(source, target) }
    }

    func remove(_ path: String) async throws(DriveIOError) {
        let absolute = absolute(path)
        try await call("unlink", path) { unlink(absolute) }
    }

    func syncDirectory(_ path: String) async throws(DriveIOError) {
        let absolute = absolute(path)
        try await pool.perform { () -> Result<Void, DriveIOError> in
            let (descriptor, code) = Self.openRetrying(absolute, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard descriptor >= 0 else { return .failure(DriveIOError(errno: code, call: "open", path: path)) }
            defer { Glibc.close(descriptor) }
            guard fsync(descriptor) == 0 else {
                return .failure(DriveIOError(errno: clinux_errno(), call: "fsync", path: path))
            }
            return .success(())
        }.get()
    }

    func space() async throws(DriveIOError) -> (totalBytes: UInt64, freeBytes: UInt64) {
        let root = root
        return try await pool.perform { () -> Result<(totalBytes: UInt64, freeBytes: UInt64), DriveIOError> in
            var status = statvfs()
            guard statvfs(root, &status) == 0 else {
                return .failure(DriveIOError(errno: clinux_errno(), call: "statvfs", path: ""))
            }
            let block = UInt64(status.f_frsize)
            return .success((UInt64(status.f_blocks) * block, UInt64(status.f_bavail) * block))
        }.get()
    }

    private func call(
        _ name: String, _ path: String, _ body: @escaping @Sendable () -> Int32
    ) async throws(DriveIOError) {
        try await pool.perform { () -> Result<Void, DriveIOError> in
            while body() != 0 {
                let code = clinux_errno()
                if code != EINTR { return .failure(DriveIOError(errno: code, call: name, path: path)) }
            }
            return .success(())
        }.get()
    }
}
