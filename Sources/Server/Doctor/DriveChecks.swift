import CLinux
import Glibc

/// What one drive's directory offers: file system, direct I/O, the cost of a sync, space, and what is on it.
enum DriveChecks {
    /// Syncs that are timed; enough for a median, little enough for a spinning disk.
    static let syncs = 32

    static func all(_ path: String) -> [Finding] {
        guard access(path, F_OK) == 0 else {
            return [
                Finding(
                    .bad, path, "does not exist",
                    remedy:
                        "mount the drive or make the directory; the server makes directories only below an existing parent"
                )
            ]
        }
        guard access(path, R_OK | W_OK | X_OK) == 0 else {
            return [
                Finding(.bad, path, "not writable by this user", remedy: "chown it to the user that runs the server")
            ]
        }
        return [contents(path), fileSystem(path), direct(path), syncCost(path), space(path)]
    }

    /// What lies there: the server takes a drive of its own or an empty directory, and nothing else.
    static func contents(_ path: String) -> Finding {
        guard let directory = opendir(path) else {
            return Finding(.bad, path, "can't be listed (\(MachineChecks.text(clinux_errno())))")
        }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if ![".", "..", "lost+found", "drive.json.tmp"].contains(name) { names.append(name) }
        }
        if names.isEmpty { return Finding(.good, path, "empty: it becomes a drive with the first start") }
        if names.contains("drive.json") { return Finding(.good, path, "a Martlet drive") }
        return Finding(
            .bad, path, "not empty and not a Martlet drive (found \(names.sorted().prefix(4).joined(separator: ", ")))",
            remedy: "give an empty directory: the server overwrites nothing and refuses to start")
    }

    /// Drives are meant to fail one at a time; directories of one device fail together.
    static func sharedDevices(_ paths: [String]) -> Finding? {
        var byDevice: [(device: dev_t, paths: [String])] = []
        for path in paths {
            var status = stat()
            guard stat(path, &status) == 0 else { continue }
            if let index = byDevice.firstIndex(where: { $0.device == status.st_dev }) {
                byDevice[index].paths.append(path)
            } else {
                byDevice.append((status.st_dev, [path]))
            }
        }
        let shared = byDevice.filter { $0.paths.count > 1 }
        guard !shared.isEmpty else { return nil }
        return Finding(
            .advice, "drives",
            shared.map { $0.paths.joined(separator: ", ") + " are on one device" }.joined(separator: "; "),
            remedy: "parity protects against the loss of drives only when each directory is on a disk of its own")
    }

    static func fileSystem(_ path: String) -> Finding {
        var names = [CChar](repeating: 0, count: 64)
        let kind = clinux_file_system_name(path, &names, names.count)
        let name = String(decoding: names.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        switch kind {
        case 0: return Finding(.good, path, "file system \(name)")
        case 1:
            return Finding(
                .advice, path, "file system \(name): memory only",
                remedy: "nothing on it survives a restart of the machine")
        case 2:
            return Finding(
                .bad, path, "file system \(name): a network file system",
                remedy:
                    "use local drives: a network file system's sync and locks can't be trusted for a store of only copies"
            )
        default: return Finding(.advice, path, "file system \(name)")
        }
    }

    static func direct(_ path: String) -> Finding {
        let code = clinux_probe_direct_io(path)
        if code == 0 { return Finding(.good, path, "direct I/O works") }
        return Finding(
            .advice, path, "no direct I/O (\(MachineChecks.text(code))): files are buffered",
            remedy: "ext4 and xfs have it; tmpfs and overlayfs do not")
    }

    static func syncCost(_ path: String) -> Finding {
        var microseconds = [Int64](repeating: 0, count: syncs)
        let count = Int(clinux_time_syncs(path, &microseconds, Int32(syncs)))
        guard count > 0 else { return Finding(.bad, path, "a file can't be written and synced here") }
        let sorted = microseconds.prefix(count).sorted()
        let median = sorted[count / 2], worst = sorted[count - 1]
        let found = "a sync takes \(median) µs (median), \(worst) µs (worst of \(count))"
        if median > 5_000 {
            return Finding(
                .advice, path, found,
                remedy:
                    "every batch of writes waits for one sync: a drive with a power-loss-protected cache is far faster")
        }
        if median < 5 {
            return Finding(
                .advice, path, found,
                remedy: "that is faster than any drive: does this device really store what it syncs?")
        }
        return Finding(.good, path, found)
    }

    static func space(_ path: String) -> Finding {
        var total: UInt64 = 0, free: UInt64 = 0
        guard clinux_space(path, &total, &free) == 0 else { return Finding(.bad, path, "its space can't be read") }
        let found = "\(free >> 30) GiB free of \(total >> 30) GiB"
        if free < 2 << 30 {
            return Finding(.advice, path, found, remedy: "at least 2 GiB are needed for log, index and data segments")
        }
        return Finding(.good, path, found)
    }
}
