package import Base
import Drives
import Glibc
package import Objects
import ObjectFormat
package import Runtime
import Synchronization

/// The pool of erasure sets that one process owns: drives found, formatted and opened, sets started, background work running.
package final class Store: Sendable {
    package let objects: ObjectStore
    package let deployment: UniqueID
    package let sets: [ErasureSet]
    package let layout: PoolLayout
    private let drives: [LocalDrives]

    package static func open(
        paths: [String], settings: Settings, loops: LoopGroup, buffers: BufferPool, time: any TimeSource,
        random: any RandomSource, replaced: [String] = [], note: (String) -> Void
    ) async throws -> Store {
        if let unknown = replaced.first(where: { !paths.contains($0) }) {
            throw SettingsError(
                "--replaced \(unknown) is not one of the drives: name it there too, where the new drive is")
        }
        let layout = try PoolLayout(drives: paths.count, setSize: settings.setSize)
        let files = BlockingPool()
        let places = try await place(paths, layout, loops, files, random, note)
        var parameters = DriveParameters()
        parameters.cacheBytes = settings.blockCacheBytes
        var sets: [ErasureSet] = [], sources: [LocalDrives] = []
        for (index, members) in places.places.enumerated() {
            let loop = loops[index]
            let source = LocalDrives(
                members, loop: loop, files: files, buffers: buffers, time: time, random: random, parameters: parameters)
            sources.append(source)
            let cacheBytes = settings.objectCacheBytes / places.places.count
            let lost = SlotMask(members.indices.filter { replaced.contains(members[$0].path) })
            sets.append(
                try await start(source, members, layout, buffers, random, lost: lost, cacheBytes: cacheBytes, note))
        }
        let chosen = sets
        let objects = try await objectStore(chosen, time, random, buffers)
        for set in sets { set.executor.spawn { await set.run() } }
        loops[0].spawn { await objects.runSweeper() }
        return Store(objects: objects, deployment: places.deployment, sets: sets, layout: layout, drives: sources)
    }

    private static func objectStore(
        _ sets: [ErasureSet], _ time: any TimeSource, _ random: any RandomSource, _ buffers: BufferPool
    ) async throws -> ObjectStore {
        do throws(ObjectError) {
            return try await ObjectStore(sets: sets, time: time, random: random, buffers: buffers)
        } catch {
            guard case .noSpace = error else { throw error }
            throw SettingsError(
                "the drives have no space for a first record: each needs at least 1 GiB; give larger ones or free some")
        }
    }

    private init(
        objects: ObjectStore, deployment: UniqueID, sets: [ErasureSet], layout: PoolLayout, drives: [LocalDrives]
    ) {
        self.objects = objects
        self.deployment = deployment
        self.sets = sets
        self.layout = layout
        self.drives = drives
    }

    private static func place(
        _ paths: [String], _ layout: PoolLayout, _ loops: LoopGroup, _ files: BlockingPool, _ random: any RandomSource,
        _ note: (String) -> Void
    ) async throws(SettingsError) -> DrivePlaces {
        guard Set(paths).count == paths.count else { throw SettingsError("a drive is named twice: name each once") }
        var found: [(path: String, found: DrivePlaces.Found)] = []
        for path in paths { found.append((path, try await looked(path, loops[0], files))) }
        let places = try DrivePlaces(found, layout: layout, random: random)
        for place in places.toFormat {
            if access(place.path, F_OK) != 0, mkdir(place.path, 0o755) != 0 {
                throw SettingsError("\(place.path) can't be made: \(String(cString: strerror(errno)))")
            }
            do {
                try await onLoop(loops[0]) { () async throws(DriveError) in
                    try await DriveFormat.format(
                        LocalDrives.io(place.path, loop: loops[0], files: files), as: place.identity)
                }
            } catch { throw SettingsError("\(place.path) can't be formatted: \(error)") }
            note("formatted \(place.path) as drive \(place.identity.slot + 1) of set \(place.identity.set + 1)")
        }
        return places
    }

    private static func looked(
        _ path: String, _ loop: Loop, _ files: BlockingPool
    ) async throws(SettingsError) -> DrivePlaces.Found {
        try await onLoop(loop) { () async throws(SettingsError) in
            try await LocalDrives.look(path, loop: loop, files: files)
        }
    }

    /// A set that can't serve yet is no reason not to start: its drives may come back, and it says what is missing.
    private static func start(
        _ source: LocalDrives, _ places: [DrivePlaces.Place], _ layout: PoolLayout, _ buffers: BufferPool,
        _ random: any RandomSource, lost: SlotMask, cacheBytes: Int, _ note: (String) -> Void
    ) async throws -> ErasureSet {
        let loop = source.loop
        var drives: [(any Drive)?] = []
        for (slot, place) in places.enumerated() {
            let drive = await onLoop(loop) { () async in place.isHere ? await source.openDrive(slot: slot) : nil }
            if drive == nil { note("\(place.path) is not there: the set starts without it") }
            drives.append(drive)
        }
        var parameters = DataPlaneParameters()
        parameters.packedCacheBytes = cacheBytes
        let plane = ErasurePlane(executor: loop, pool: buffers, random: random, parameters: parameters)
        let opened = drives
        let set = ErasureSet(
            geometry: layout.geometry, drives: opened, executor: loop, random: random, plane: plane, source: source)
        do {
            try await onLoop(loop) { () async throws(SetError) in try await set.start(declaringLost: lost) }
        } catch { note("a set can't serve yet: \(error)") }
        return set
    }

    /// The directory of a slot's drive.
    package func path(set: Int, slot: Int) -> String { drives[set].places[slot].path }

    /// Closes everything in order, so that the next start has nothing to replay.
    package func shutDown() async {
        for set in sets { await set.shutDown() }
    }
}

/// Runs the work on a loop and returns to the caller's executor.
func onLoop<Result: Sendable, Failure: Error>(
    _ loop: Loop, _ work: @Sendable () async throws(Failure) -> Result
) async throws(Failure) -> Result {
    let result: Swift.Result<Result, Failure> = await withTaskExecutorPreference(loop) {
        await moveToPreferredExecutor()
        do throws(Failure) { return .success(try await work()) } catch { return .failure(error) }
    }
    await moveToPreferredExecutor()
    return try result.get()
}
