import Base
import Drives
import Glibc
import Objects
import Runtime

/// Opens the drives of one set, at the start and when one has come back.
final class LocalDrives: DriveSource {
    let places: [DrivePlaces.Place]
    let loop: Loop
    private let files: BlockingPool
    private let buffers: BufferPool
    private let time: any TimeSource
    private let random: any RandomSource
    private let parameters: DriveParameters

    init(
        _ places: [DrivePlaces.Place], loop: Loop, files: BlockingPool, buffers: BufferPool, time: any TimeSource,
        random: any RandomSource, parameters: DriveParameters
    ) {
        self.places = places
        self.loop = loop
        self.files = files
        self.buffers = buffers
        self.time = time
        self.random = random
        self.parameters = parameters
    }

    /// The slot's drive, not recovered yet; nil while its directory is not there or holds something else. A blank directory in
    /// the place of a drive becomes a new drive: whether it is admitted is the set's decision.
    func openDrive(slot: Int) async -> (any Drive)? {
        let place = places[slot]
        let io = Self.io(place.path, loop: loop, files: files)
        do throws(DriveError) {
            switch try await DriveFormat.inspect(io) {
            case .formatted(let contents):
                let identity = contents.identity
                guard identity.deployment == place.identity.deployment, identity.set == place.identity.set,
                    identity.slot == slot
                else { return nil }
                return engine(identity, io)
            case .blank:
                var identity = place.identity
                identity.drive = UniqueID(random: random)
                try await DriveFormat.format(io, as: identity)
                return engine(identity, io)
            case .occupied, .unreadable: return nil
            }
        } catch { return nil }
    }

    func disappearance(of drive: DriveIdentity) async -> String? {
        let place = places[drive.slot]
        do throws(DriveError) {
            switch try await DriveFormat.inspect(Self.io(place.path, loop: loop, files: files)) {
            case .formatted(let contents) where contents.identity == drive: return nil
            case .formatted: return "\(place.path) holds another drive now"
            case .blank: return "\(place.path) has been emptied"
            case .occupied: return "\(place.path) has lost its drive.json"
            case .unreadable(let what): return "\(place.path) has a damaged drive.json (\(what))"
            }
        } catch { return "\(place.path) can't be read: \(error)" }
    }

    private func engine(_ identity: DriveIdentity, _ io: any DriveIO) -> DriveEngine {
        let engine = DriveEngine(
            identity: identity, io: io, executor: loop, time: time, random: random, pool: buffers,
            parameters: parameters)
        loop.spawn { await engine.run() }
        return engine
    }

    /// io_uring where the loop has one, else the pool of threads.
    static func io(_ path: String, loop: Loop, files: BlockingPool) -> any DriveIO {
        if let ring = RingFiles(root: path, loop: loop, pool: files) { return ring }
        return ThreadedFiles(root: path, pool: files)
    }

    /// What a directory holds, in the terms of `DrivePlaces`. `error` texts say what to do.
    static func look(_ path: String, loop: Loop, files: BlockingPool) async throws(SettingsError) -> DrivePlaces.Found {
        guard access(path, F_OK) == 0 else { return .missing }
        let inspection: DriveInspection
        do {
            inspection = try await DriveFormat.inspect(io(path, loop: loop, files: files))
        } catch { throw SettingsError("\(path) can't be read: \(error)") }
        switch inspection {
        case .blank: return .blank
        case .formatted(let contents): return .drive(contents.identity)
        case .occupied(let names):
            throw SettingsError(
                "\(path) is not empty and not a Martlet drive (found \(names.joined(separator: ", "))): "
                    + "give an empty directory, nothing is overwritten")
        case .unreadable(let what):
            throw SettingsError(
                "\(path) has a drive.json that can't be used (\(what)): restore it, or empty the directory to have the drive rebuilt"
            )
        }
    }
}
