package import Drives
import Glibc

/// The twin of the real `DriveIO`s: the files of a `SimulatedDrive`, as one process sees them. The fault model is described there.
// SAFETY: touched on the simulation's thread only, as `SimulatedDrive` is.
package final class SimulatedFiles: DriveIO, @unchecked Sendable {
    package let drive: SimulatedDrive
    let generation: Int

    init(drive: SimulatedDrive, generation: Int) {
        self.drive = drive
        self.generation = generation
    }

    package func open(_ path: String, _ mode: OpenMode) async throws(DriveIOError) -> any DriveFile {
        let path = Self.normal(path)
        return try await drive.perform(.open, path, generation: generation) { [self, drive] number, effect in
            if case .error(let code) = effect { return .failure(DriveIOError(errno: code, call: "open", path: path)) }
            if let inode = drive.names[path] {
                if mode.contains(.create) && mode.contains(.exclusive) { return .failure(.exists(path: path)) }
                return .success(SimulatedFile(files: self, inode: inode, path: path, mode: mode))
            }
            guard mode.contains(.create), drive.directories.contains(Self.parent(path)) else {
                return .failure(.notFound(path: path))
            }
            if drive.directories.contains(path) {
                return .failure(.system(call: "open", path: path, errno: EISDIR))
            }
            let inode = SimulatedInode()
            change(number, [Self.parent(path)], [(path, inode)])
            return .success(SimulatedFile(files: self, inode: inode, path: path, mode: mode))
        }
    }

    package func list(_ directory: String) async throws(DriveIOError) -> [String] {
        let directory = Self.normal(directory)
        return try await drive.perform(.list, directory, generation: generation) { [drive] _, effect in
            if case .error(let code) = effect {
                return .failure(DriveIOError(errno: code, call: "list", path: directory))
            }
            guard drive.directories.contains(directory) else { return .failure(.notFound(path: directory)) }
            var found: [String] = []
            for path in drive.paths where Self.parent(path) == directory { found.append(Self.last(path)) }
            for path in drive.directories.sorted() where path != "" && Self.parent(path) == directory {
                found.append(Self.last(path))
            }
            found.shuffle(using: &drive.random)
            return .success(found)
        }
    }

    package func makeDirectory(_ path: String) async throws(DriveIOError) {
        let path = Self.normal(path)
        try await drive.perform(.makeDirectory, path, generation: generation) {
            [drive] number, effect -> Result<Void, DriveIOError> in
            if case .error(let code) = effect {
                return .failure(DriveIOError(errno: code, call: "makeDirectory", path: path))
            }
            var missing: [String] = []
            var next = path
            while !drive.directories.contains(next) {
                missing.append(next)
                next = Self.parent(next)
            }
            for directory in missing.reversed() {
                drive.directories.insert(directory)
                drive.nameChanges.append(
                    (number, .init(directories: [Self.parent(directory)], names: [], madeDirectory: directory)))
            }
            return .success(())
        }
    }

    package func rename(_ from: String, to: String) async throws(DriveIOError) {
        let from = Self.normal(from), to = Self.normal(to)
        try await drive.perform(.rename, from, generation: generation) {
            [self, drive] number, effect -> Result<Void, DriveIOError> in
            if case .error(let code) = effect {
                return .failure(DriveIOError(errno: code, call: "rename", path: from))
            }
            guard let inode = drive.names[from], drive.directories.contains(Self.parent(to)) else {
                return .failure(.notFound(path: from))
            }
            if from != to { change(number, [Self.parent(from), Self.parent(to)], [(from, nil), (to, inode)]) }
            return .success(())
        }
    }

    package func remove(_ path: String) async throws(DriveIOError) {
        let path = Self.normal(path)
        try await drive.perform(.remove, path, generation: generation) {
            [self, drive] number, effect -> Result<Void, DriveIOError> in
            if case .error(let code) = effect {
                return .failure(DriveIOError(errno: code, call: "remove", path: path))
            }
            guard drive.names[path] != nil else { return .failure(.notFound(path: path)) }
            change(number, [Self.parent(path)], [(path, nil)])
            return .success(())
        }
    }

    package func syncDirectory(_ path: String) async throws(DriveIOError) {
        let path = Self.normal(path)
        let before = drive.operationCount
        try await drive.perform(.syncDirectory, path, generation: generation) {
            [drive] _, effect -> Result<Void, DriveIOError> in
            if case .error(let code) = effect {
                return .failure(DriveIOError(errno: code, call: "syncDirectory", path: path))
            }
            guard drive.directories.contains(path) else { return .failure(.notFound(path: path)) }
            var kept: [(operation: Int, change: SimulatedDrive.NameChange)] = []
            for entry in drive.nameChanges {
                if entry.operation <= before && entry.change.directories.contains(path) {
                    drive.makeDurable(entry.change)
                } else {
                    kept.append(entry)
                }
            }
            drive.nameChanges = kept
            return .success(())
        }
    }

    package func space() async throws(DriveIOError) -> (totalBytes: UInt64, freeBytes: UInt64) {
        try await drive.perform(.space, "", generation: generation) { [drive] _, effect in
            if case .error(let code) = effect { return .failure(DriveIOError(errno: code, call: "space", path: "")) }
            let total = drive.capacityBytes ?? 1 << 40, used = drive.usedBytes
            return .success((total, total > used ? total - used : 0))
        }
    }

    private func change(_ number: Int, _ directories: [String], _ names: [(path: String, inode: SimulatedInode?)]) {
        for (path, inode) in names { drive.names[path] = inode }
        drive.nameChanges.append((number, .init(directories: directories, names: names, madeDirectory: nil)))
    }

    // MARK: Paths

    static func normal(_ path: String) -> String {
        path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    }

    static func parent(_ path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    }

    static func last(_ path: String) -> String {
        path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    }
}
