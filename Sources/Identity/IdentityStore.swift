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
    private let dataKey: [UInt8]
    package nonisolated let key: IdentityKeys
    /// Which of the root keys offered opened what is stored.
    package nonisolated let opened: Int
    package nonisolated let random: any RandomSource
    package nonisolated let time: any TimeSource
    private let configured: [Account]
    private nonisolated let published: Mutex<(state: IdentityState, generation: UInt64)>
    /// Changes wait for each other: each begins from the state that the one before it stored.
    private var isBusy = false
    private var waiting: [CheckedContinuation<Void, Never>] = []
    /// A change had an unknown outcome: what is stored has to be read before the next.
    private var isInDoubt = false

    /// The row of the wrapped data key.
    private static let keyName = Array("key".utf8)

    /// `configured` are the accounts that exist without being stored; their users are. Of `rootKeys` the first that opens what
    /// is stored is used; when nothing is stored yet, the first begins it.
    package init(
        store: ObjectStore, rootKeys: [RootKey], configured: [Account], time: any TimeSource,
        random: any RandomSource
    ) async throws(OpenError) {
        self.store = store
        self.time = time
        self.random = random
        self.configured = configured
        let rows: [ObjectStore.IdentityRow]
        do { rows = try await store.identityRows() } catch { throw .store(error) }
        if rows.isEmpty, let first = rootKeys.first {
            let made = SealedBytes.bytes(RootKey.byteCount, random)
            guard let wrapped = first.wrap(made, random: random) else { throw .wrongRootKey }
            do {
                try await store.changeIdentityRows([.init(name: Self.keyName, payload: wrapped)])
            } catch { throw .store(error) }
            (dataKey, opened) = (made, 0)
        } else {
            guard let wrapped = rows.first(where: { $0.name == Self.keyName })?.payload else { throw .damaged("key") }
            var found: (key: [UInt8], index: Int)?
            for (index, rootKey) in rootKeys.enumerated() where found == nil {
                found = rootKey.unwrap(wrapped).map { ($0, index) }
            }
            guard let found else { throw .wrongRootKey }
            (dataKey, opened) = (found.key, found.index)
        }
        key = IdentityKeys(dataKey: dataKey)
        let state = try Self.state(of: rows, key, configured)
        published = Mutex((state, 1))
        for tenant in state.tenants.values { store.setLimits(tenant.limits, tenant: tenant.id) }
    }

    /// Whether nothing was stored yet.
    package static func isFresh(_ store: ObjectStore) async throws(OpenError) -> Bool {
        do { return try await store.identityRows().isEmpty } catch { throw .store(error) }
    }

    /// Deletes everything that is stored, for a deployment whose root key is gone.
    package static func forget(_ store: ObjectStore) async throws(OpenError) {
        do {
            var rest = try await store.identityRows()[...]
            // The key's row goes last: until then the rest can't be taken for a fresh start.
            rest = (rest.filter { $0.name != keyName } + rest.filter { $0.name == keyName })[...]
            while !rest.isEmpty {
                try await store.changeIdentityRows(rest.prefix(100).map { .init(name: $0.name, payload: nil) })
                rest = rest.dropFirst(100)
            }
        } catch { throw .store(error) }
    }

    /// Wraps the data key under another root key. Until it returns, either may be the one that opens.
    package func rewrap(under rootKey: RootKey) async throws(IdentityError) {
        guard let wrapped = rootKey.wrap(dataKey, random: random) else { throw .serviceFailure }
        await enter()
        defer { leave() }
        do {
            try await store.changeIdentityRows([.init(name: Self.keyName, payload: wrapped)])
        } catch { throw .serviceUnavailable }
    }

    /// Names of some buckets that an account owns.
    nonisolated func buckets(of account: Account) -> [String] {
        var options = ListBucketsOptions()
        (options.owner, options.limit) = (account.canonicalID, 10)
        return store.listBuckets(tenant: account.tenant, options: options).buckets.map(\.name)
    }

    /// Names of some buckets of a tenant.
    nonisolated func buckets(in tenant: TenantID) -> [String] {
        var options = ListBucketsOptions()
        options.limit = 10
        return store.listBuckets(tenant: tenant, options: options).buckets.map(\.name)
    }

    nonisolated func usage(tenant: TenantID) async throws(IdentityError) -> TenantUsage {
        do { return try await store.usage(tenant: tenant) } catch { throw .serviceUnavailable }
    }

    nonisolated func closeTenant(_ tenant: TenantID) async -> Bool { await store.closeTenant(tenant) }
    nonisolated func reopenTenant(_ tenant: TenantID) async { await store.reopenTenant(tenant) }

    package nonisolated var state: IdentityState { published.withLock { $0.state } }
    /// Which tenants there are, and whose a host name is.
    package nonisolated var tenants: TenantDirectory { published.withLock { $0.state.directory } }
    /// Rises with every change: what was worked out of a state may be kept by it.
    package nonisolated var generation: UInt64 { published.withLock { $0.generation } }

    private static func state(
        of rows: [ObjectStore.IdentityRow], _ key: IdentityKeys, _ configured: [Account]
    ) throws(OpenError) -> IdentityState {
        var state = IdentityState()
        for account in configured { state.accounts[account.number] = account }
        var entities: [StoredEntity] = []
        for row in rows where row.name != keyName {
            guard let payload = row.payload, let plain = key.open(record: payload, name: row.name),
                let entity = StoredEntity(decoding: plain)
            else { throw .damaged(String(decoding: row.name, as: UTF8.self)) }
            entities.append(entity)
        }
        for case .tenant(let tenant) in entities { state.tenants[tenant.id] = tenant }
        // Accounts first: the others belong to them.
        for case .account(let account) in entities {
            if var known = state.accounts[account.number] {
                known.keys += account.keys.filter { key in !known.keys.contains { $0.id == key.id } }
                known.alias = account.alias
                state.accounts[account.number] = known
            } else {
                state.accounts[account.number] = account
            }
        }
        for entity in entities {
            switch entity {
            case .account, .tenant: continue
            case .holder, .policy, .provider, .entry: state.take(entity)
            }
        }
        state.index()
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
            guard let sealed = key.seal(record: entity.encoded, name: name, random: random) else {
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
        var changed = edit.state
        changed.index()
        let next = changed
        published.withLock { $0 = (next, $0.generation + 1) }
        for case .tenant(let tenant) in edit.stored { store.setLimits(tenant.limits, tenant: tenant.id) }
        return result
    }

    private func reload() async throws(IdentityError) {
        do {
            let found = try Self.state(of: try await store.identityRows(), key, configured)
            published.withLock { $0 = (found, $0.generation + 1) }
            for tenant in found.tenants.values { store.setLimits(tenant.limits, tenant: tenant.id) }
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

    package mutating func put(_ tenant: TenantInfo) {
        state.take(.tenant(tenant))
        stored.append(.tenant(tenant))
    }

    package mutating func deleteTenant(_ id: TenantID) {
        state.tenants[id] = nil
        deleted.append(StoredEntity.name(of: id))
    }

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
        deleted.append(StoredEntity.name(of: kind.rawValue, account, name.lowercased()))
    }

    package mutating func deleteAccount(_ number: String) {
        state.accounts[number] = nil
        deleted.append(StoredEntity.name(of: "A", number, ""))
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
        case .tenant(let tenant): tenants[tenant.id] = tenant
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
