/// The files of the data segments: `data/NNNNNNNN.dat`, opened when needed, at most a number of them at once, and synced together.
///
/// Used on the drive's executor only.
final class DataFiles {
    static let directory = "data"

    private let io: any DriveIO
    private let openMax: Int
    private var files: [UInt32: any DriveFile] = [:]
    /// Least recently used first.
    private var order: [UInt32] = []
    private var dirty: Set<UInt32> = []
    private var syncWaiters: [UnsafeContinuation<Turn, Never>] = []
    private var isSyncing = false
    private(set) var syncs: UInt64 = 0

    private enum Turn {
        case lead
        case done(Result<Void, DriveIOError>)
    }

    init(io: any DriveIO, openMax: Int) {
        self.io = io
        self.openMax = openMax
    }

    static func path(_ number: UInt32) -> String {
        let digits = String(number)
        return directory + "/" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits + ".dat"
    }

    /// Makes a segment's file with all its space, and its name durable.
    func create(_ number: UInt32, bytes: UInt64) async throws(DriveIOError) {
        let file = try await io.open(Self.path(number), [.create, .direct])
        do throws(DriveIOError) {
            try await file.allocate(bytes)
            try await file.sync()
            try await io.syncDirectory(Self.directory)
        } catch {
            await file.close()
            // The half-made file holds nothing and is found again at the next start if it cannot be removed now.
            try? await io.remove(Self.path(number))
            throw error
        }
        await keep(file, number)
    }

    func file(_ number: UInt32) async throws(DriveIOError) -> any DriveFile {
        if let file = files[number] {
            if order.last != number {
                order.removeAll { $0 == number }
                order.append(number)
            }
            return file
        }
        let opened = try await io.open(Self.path(number), .direct)
        if let file = files[number] {
            await opened.close()
            return file
        }
        await keep(opened, number)
        return opened
    }

    private func keep(_ file: any DriveFile, _ number: UInt32) async {
        files[number] = file
        order.append(number)
        // A dirty file stays open: its errors are reported to descriptors that were open when they happened.
        guard files.count > openMax, let victim = order.first(where: { !dirty.contains($0) && $0 != number }) else {
            return
        }
        order.removeAll { $0 == victim }
        await files.removeValue(forKey: victim)?.close()
    }

    func wrote(_ number: UInt32) { dirty.insert(number) }

    /// Removes the file of a segment that the manifest does not name any more.
    func remove(_ number: UInt32) async throws(DriveIOError) {
        order.removeAll { $0 == number }
        dirty.remove(number)
        await files.removeValue(forKey: number)?.close()
        try await io.remove(Self.path(number))
    }

    /// Removes files that no segment in `known` has: what a crash left. Each known segment must have one.
    func check(known: Set<UInt32>) async throws(DriveError) {
        var missing = known
        do throws(DriveIOError) {
            for name in try await io.list(Self.directory).sorted() where name.hasSuffix(".dat") {
                guard let number = UInt32(name.dropLast(4)) else { continue }
                if missing.remove(number) == nil { try await io.remove(Self.directory + "/" + name) }
            }
        } catch { throw .io(error) }
        guard let first = missing.min() else { return }
        throw .damagedFormat(what: "\(Self.path(first)) is gone")
    }

    /// Syncs everything written before the call. Calls that wait together share one sync: the first of them does it.
    func sync() async throws(DriveIOError) {
        if isSyncing {
            switch await withUnsafeContinuation({ syncWaiters.append($0) }) {
            case .done(let result): return try result.get()
            case .lead: break
            }
        }
        isSyncing = true
        let followers = syncWaiters
        syncWaiters = []
        let result = await syncDirty()
        for follower in followers { follower.resume(returning: .done(result)) }
        if syncWaiters.isEmpty { isSyncing = false } else { syncWaiters.removeFirst().resume(returning: .lead) }
        return try result.get()
    }

    private func syncDirty() async -> Result<Void, DriveIOError> {
        let numbers = dirty.sorted()
        dirty = []
        for number in numbers {
            do throws(DriveIOError) {
                try await file(number).sync()
                syncs += 1
            } catch { return .failure(error) }
        }
        return .success(())
    }

    func close() async {
        for number in files.keys.sorted() { await files[number]?.close() }
        files = [:]
        order = []
    }
}
