package import Base
package import Objects
import Synchronization

/// Owns all identities: keeps them in memory, stores every change before it counts, and publishes one state for all connections.
package actor IdentityStore {
    package enum OpenError: Error, Sendable {
        /// The stored identities were sealed with another root key.
        case wrongRootKey
        case damaged(String)
        case store(ObjectError)
    }

    private let store: ObjectStore
    private let rootKey: RootKey
    package nonisolated let random: any RandomSource
    package nonisolated let time: any TimeSource
    private let configured: [Account]
    private nonisolated let published: Mutex<(state: IdentityState, generation: UInt64)>
    /// Changes wait for each other: each begins from the state that the one before it stored.
    private var isBusy = false
    private var waiting: [CheckedContinuation<Void, Never>] = []
    /// A change had an unknown outcome: what is stored has to be read before the next.
    private var isInDoubt = false

    private static let checkName = Array("check".utf8)
    private static let checkText = Array("martlet".utf8)

    /// `configured` are the accounts that exist without being stored; their users are.
    package init(
        store: ObjectStore, rootKey: RootKey, configured: [Account], time: any TimeSource, random: any RandomSource
    ) async throws(OpenError) {
        self.store = store
        self.rootKey = rootKey
        self.time = time
        self.random = random
        self.configured = configured
        let state = try await Self.load(store, rootKey, configured, random)
        published = Mutex((state, 1))
    }

    package nonisolated var state: IdentityState { published.withLock { $0.state } }
    /// Rises with every change: what was worked out of a state may be kept by it.
    package nonisolated var generation: UInt64 { published.withLock { $0.generation } }
    package nonisolated var key: RootKey { rootKey }

    private static func load(
        _ store: ObjectStore, _ rootKey: RootKey, _ configured: [Account], _ random: any RandomSource
    ) async throws(OpenError) -> IdentityState {
        let rows: [ObjectStore.IdentityRow]
        do { rows = try await store.identityRows() } catch { throw .store(error) }
        var state = IdentityState()
        for account in configured { state.accounts[account.number] = account }
        var entities: [StoredEntity] = [], isChecked = rows.isEmpty
        for row in rows {
            guard let payload = row.payload, let plain = rootKey.open(record: payload, name: row.name) else {
                throw .wrongRootKey
            }
            if row.name == checkName {
                guard plain == checkText else { throw .wrongRootKey }
                isChecked = true
                continue
            }
            guard let entity = StoredEntity(decoding: plain) else {
                throw .damaged(String(decoding: row.name, as: UTF8.self))
            }
            entities.append(entity)
        }
        guard isChecked else { throw .damaged("check") }
        if rows.isEmpty, let sealed = rootKey.seal(record: checkText, name: checkName, random: random) {
            do {
                try await store.changeIdentityRows([.init(name: checkName, payload: sealed)])
            } catch { throw .store(error) }
        }
        // Accounts first: the others belong to them.
        for case .account(let account) in entities where state.accounts[account.number]?.isConfigured != true {
            state.accounts[account.number] = account
        }
        for entity in entities { state.take(entity) }
        return state
    }

    /// Runs a change and stores what it touched. `change` sees the newest state and must not wait.
    package func change<Result: Sendable>(
        _ change: @Sendable (inout IdentityEdit) throws(IdentityError) -> Result
    ) async throws(IdentityError) -> Result {
        await enter()
        defer { leave() }
        if isInDoubt { try await reload() }
        var edit = IdentityEdit(state: state)
        let result = try change(&edit)
        guard !edit.isEmpty else { return result }
        var rows: [ObjectStore.IdentityRow] = []
        for entity in edit.stored {
            let name = entity.name
            guard let sealed = rootKey.seal(record: entity.encoded, name: name, random: random) else {
                throw .serviceFailure
            }
            rows.append(.init(name: name, payload: sealed))
        }
        for name in edit.deleted { rows.append(.init(name: name, payload: nil)) }
        do {
            try await store.changeIdentityRows(rows)
        } catch {
            if case .documentTooLarge = error { throw .limitExceeded("The entity has become too large.") }
            isInDoubt = true
            throw .serviceUnavailable
        }
        let next = edit.state
        published.withLock { $0 = (next, $0.generation + 1) }
        return result
    }

    private func reload() async throws(IdentityError) {
        do {
            let found = try await Self.load(store, rootKey, configured, random)
            published.withLock { $0 = (found, $0.generation + 1) }
            isInDoubt = false
        } catch { throw .serviceUnavailable }
    }

    private func enter() async {
        await withCheckedContinuation { continuation in
            if isBusy {
                waiting.append(continuation)
            } else {
                isBusy = true
                continuation.resume()
            }
        }
    }

    private func leave() {
        if waiting.isEmpty { isBusy = false } else { waiting.removeFirst().resume() }
    }
}

/// A state being changed, and which rows the change touches.
package struct IdentityEdit: Sendable {
    package private(set) var state: IdentityState
    private(set) var stored: [StoredEntity] = []
    private(set) var deleted: [[UInt8]] = []

    init(state: IdentityState) { self.state = state }

    var isEmpty: Bool { stored.isEmpty && deleted.isEmpty }

    package mutating func put(_ account: Account) {
        state.take(.account(account))
        stored.append(.account(account))
    }

    package mutating func put(_ holder: Holder, in account: String) {
        let entity = StoredEntity.holder(account: account, holder)
        state.take(entity)
        stored.append(entity)
    }

    package mutating func put(_ policy: ManagedPolicy, in account: String) {
        let entity = StoredEntity.policy(account: account, policy)
        state.take(entity)
        stored.append(entity)
    }

    package mutating func delete(_ kind: Holder.Kind, _ name: String, in account: String) {
        state.accounts[account]?.holders[.init(kind, name)] = nil
        deleted.append(StoredEntity.name(of: kind.rawValue, account, name))
    }

    mutating func put(_ provider: OpenIDConnectProvider, in account: String) {
        let entity = StoredEntity.provider(account: account, provider)
        state.take(entity)
        stored.append(entity)
    }

    mutating func deleteProvider(_ name: String, in account: String) {
        state.accounts[account]?.openIDProviders[name] = nil
        deleted.append(StoredEntity.name(of: "O", account, name))
    }

    /// No policies: the entry is forgotten.
    mutating func put(_ policies: [String], forEntry name: String, in account: String) {
        let entity = StoredEntity.entry(account: account, name: name, policies: policies)
        if policies.isEmpty {
            state.accounts[account]?.directoryPolicies[name] = nil
            deleted.append(entity.name)
        } else {
            state.take(entity)
            stored.append(entity)
        }
    }

    package mutating func deletePolicy(_ name: String, in account: String) {
        state.accounts[account]?.policies[name] = nil
        deleted.append(StoredEntity.name(of: "P", account, name))
    }
}

extension IdentityState {
    /// What belongs to an account that is not there is left out: the account was deleted with all that it had.
    mutating func take(_ entity: StoredEntity) {
        switch entity {
        case .account(let account):
            var account = account
            if let known = accounts[account.number] {
                (account.holders, account.policies) = (known.holders, known.policies)
                (account.openIDProviders, account.directoryPolicies) = (known.openIDProviders, known.directoryPolicies)
                account.isConfigured = known.isConfigured
            }
            accounts[account.number] = account
        case .holder(let number, let holder): accounts[number]?.holders[.init(holder.kind, holder.name)] = holder
        case .policy(let number, let policy): accounts[number]?.policies[policy.name] = policy
        case .provider(let number, let provider): accounts[number]?.openIDProviders[provider.name] = provider
        case .entry(let number, let name, let policies): accounts[number]?.directoryPolicies[name] = policies
        }
    }
}
