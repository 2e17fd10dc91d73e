import Base
import Identity

extension Server {
    /// Identities can't be read without the key that they were sealed with: then the server says so instead of making a new one.
    func openIdentities(
        _ store: Store, _ configured: ConfiguredAccounts, _ environment: (String) -> String?, _ stateDirectory: String
    ) async throws -> (IdentityStore, RootKeyRotator) {
        var file = try RootKeyFile(environment: environment, stateDirectory: stateDirectory)
        do throws(IdentityStore.OpenError) {
            if try await IdentityStore.isFresh(store.objects) {
                if file.candidates.isEmpty { try make(&file) }
            } else if file.candidates.isEmpty {
                guard forgetsIdentities else { throw .wrongRootKey }
                try await IdentityStore.forget(store.objects)
                Self.say("the stored identities were deleted: accounts, users, groups, roles, access keys and policies")
                try make(&file)
            }
            let opened: IdentityStore
            do throws(IdentityStore.OpenError) {
                opened = try await open(store, configured, file)
            } catch {
                guard case .wrongRootKey = error, forgetsIdentities else { throw error }
                try await IdentityStore.forget(store.objects)
                Self.say("the stored identities were deleted: accounts, users, groups, roles, access keys and policies")
                opened = try await open(store, configured, file)
            }
            if file.candidates[opened.opened].kind == .previous {
                do throws(IdentityError) { try await opened.rewrap(under: file.candidates[0].key) } catch {
                    throw .damaged("key: \(error.message)")
                }
                Self.say(
                    "the identities are sealed under the new root key: MARTLET_ROOT_KEY_PREVIOUS is no longer needed")
            }
            do throws(SettingsError) { try file.settle(opened: opened.opened) } catch { throw .damaged("\(error)") }
            return (opened, RootKeyRotator(path: file.path, random: random))
        } catch { throw Self.explained(error, file) }
    }

    private func make(_ file: inout RootKeyFile) throws(IdentityStore.OpenError) {
        do throws(SettingsError) { try file.make(random: random) } catch { throw .damaged("\(error)") }
    }

    private func open(
        _ store: Store, _ configured: ConfiguredAccounts, _ file: RootKeyFile
    ) async throws(IdentityStore.OpenError) -> IdentityStore {
        try await IdentityStore(
            store: store.objects, rootKeys: file.candidates.map(\.key), configured: configured.accounts, time: time,
            random: random)
    }

    private static func explained(_ error: IdentityStore.OpenError, _ file: RootKeyFile) -> SettingsError {
        let advice =
            "Restore the key from your copy, or name it with MARTLET_ROOT_KEY or MARTLET_ROOT_KEY_FILE. Without it accounts, users, "
            + "access keys, roles and policies can't be read. If it is gone for good, start once with --forget-identities: it deletes "
            + "them and keeps all buckets and objects, which the root credentials and accounts made with the same canonical ids own"
        switch error {
        case .wrongRootKey where file.candidates.isEmpty:
            return SettingsError(
                "the root key is lost: \(file.place) is not there, and the identities of this deployment were sealed under it. "
                    + advice)
        case .wrongRootKey:
            return SettingsError(
                "the root key of \(file.place) is not the one that the identities of this deployment were sealed under. "
                    + advice)
        case .damaged(let what): return SettingsError("the stored identities can't be opened: \(what)")
        case .store(let error): return SettingsError("identities can't be read: \(error)")
        }
    }
}
