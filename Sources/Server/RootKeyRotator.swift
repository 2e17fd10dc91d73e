import Base
import Glibc
import Identity
import S3Frontend
import Synchronization

/// Exchanges the root key while the server runs. The new key lies beside the old one, synced, before anything is wrapped under it, and
/// takes its name afterwards; a start after a crash in between finds both and keeps the one that opens.
final class RootKeyRotator: RootKeyRotation {
    private let path: String?
    private let random: any RandomSource
    private let isRunning = Mutex(false)

    init(path: String?, random: any RandomSource) {
        self.path = path
        self.random = random
    }

    func rotate(_ store: IdentityStore) async throws(IdentityError) -> String {
        guard let path else {
            throw .invalidInput(
                "The root key comes from MARTLET_ROOT_KEY: start the server with the new key there and the old one in "
                    + "MARTLET_ROOT_KEY_PREVIOUS, once.")
        }
        guard
            isRunning.withLock({ running in
                defer { running = true }
                return !running
            })
        else { throw .conflict }
        defer { isRunning.withLock { $0 = false } }
        guard access(path + ".new", F_OK) != 0 else {
            throw .invalidInput("A rotation did not come to its end: restart the server, which settles it.")
        }
        // A few hundred bytes once in a long while: the loop can wait for them.
        let key: RootKey
        do throws(SettingsError) { key = try RootKeyFile.write(path + ".new", random: random) } catch {
            throw .invalidInput("\(error). The root key is as it was.")
        }
        SmallFile.syncDirectory(of: path)
        try await store.rewrap(under: key)
        do throws(SettingsError) { try RootKeyFile.adopt(path) } catch {
            throw IdentityError("ServiceFailure", 500, "\(error). Keep \(path).new: it is the root key now.")
        }
        return path
    }
}
