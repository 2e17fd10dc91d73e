import Base

/// Accounts: made, listed, suspended and deleted by the server's operator. Not calls of AWS's.
extension IAM {
    package static let accountActions: Set<String> = [
        "MartletCreateAccount", "MartletListAccounts", "MartletGetAccount", "MartletUpdateAccount",
        "MartletDeleteAccount",
    ]

    /// Whether a name is short and plain enough to stand in metrics and logs.
    package static func isKnown(_ action: String) -> Bool {
        (1...64).contains(action.utf8.count)
            && [
                "Create", "Get", "List", "Delete", "Update", "Put", "Attach", "Detach", "Add", "Remove", "Assume",
                "Martlet", "Set", "Tag", "Untag", "Simulate",
            ].contains(where: { action.hasPrefix($0) })
    }

    package func performOnAccounts(_ call: QueryCall) async throws(IdentityError) -> [AnswerElement] {
        switch call.action {
        case "MartletCreateAccount": return try await createAccount(call)
        case "MartletGetAccount":
            let state = store.state
            return [.group("Account", Self.describe(try account(named: call, in: state), in: state))]
        case "MartletUpdateAccount": return try await updateAccount(call)
        case "MartletDeleteAccount": return try await deleteAccount(call)
        default:
            let state = store.state
            let wanted = try call["Tenant"].map { _ throws(IdentityError) in try Self.tenant(call, in: state).id }
            let accounts = state.accounts.values.filter { wanted == nil || $0.tenant == wanted }
                .sorted { $0.number < $1.number }
            let page = try call.page(accounts) { $0.number }
            return [.list("Accounts", page.items.map { Self.describe($0, in: state) })] + page.end
        }
    }

    static func describe(_ account: Account, in state: IdentityState) -> [AnswerElement] {
        // Of the default tenant nothing is said: most servers have no other.
        let tenant = account.tenant == .default ? nil : state.tenants[account.tenant]?.name
        return [.text("Name", account.name)] + AnswerElement.optional("Tenant", tenant) + [
            .text("Number", account.number), .text("Id", account.canonicalID),
            .text("DisplayName", account.displayName),
        ] + AnswerElement.optional("Email", account.email) + AnswerElement.optional("Alias", account.alias) + [
            .text("Status", account.isActive ? "Active" : "Suspended"),
            .text("Origin", account.isConfigured ? "Settings" : "Stored"),
            .text("CreateDate", DateForm.text(account.created)),
            .texts("AccessKeys", account.keys.map(\.id)), .text("Users", String(account.holders(.user).count)),
            .text("Groups", String(account.holders(.group).count)),
            .text("Roles", String(account.holders(.role).count)), .text("Policies", String(account.policies.count)),
        ]
    }

    /// By number, canonical id or name.
    private func account(named call: QueryCall, in state: IdentityState) throws(IdentityError) -> Account {
        let wanted = try call.required("Account")
        let tenant = try call["Tenant"].map { _ throws(IdentityError) in try Self.tenant(call, in: state).id }
        guard let account = state.account(named: wanted, in: tenant) else {
            throw .noSuchEntity("The account \(wanted) cannot be found.")
        }
        return account
    }

    private func createAccount(_ call: QueryCall) async throws(IdentityError) -> [AnswerElement] {
        let (draft, secret) = try newAccount(call, name: try call.required("Name"))
        return try await store.change { edit throws(IdentityError) in
            var made = draft
            made.tenant = try Self.tenant(call, in: edit.state).id
            try Self.checkIsNew(made, edit.state)
            edit.put(made)
            return [.group("Account", Self.describe(made, in: edit.state) + [.text("SecretKey", secret)])]
        }
    }

    /// An account as the call describes it, with its secret: what is not given is made up.
    func newAccount(_ call: QueryCall, name: String) throws(IdentityError) -> (account: Account, secret: String) {
        let displayName = call["DisplayName"] ?? name
        let id = call["Id"] ?? hexID()
        let number = call["Number"] ?? String(100_000_000_000 + store.random.next() % 900_000_000_000)
        guard (1...128).contains(id.utf8.count), id.utf8.allSatisfy({ (0x21...0x7E).contains($0) }),
            number.utf8.count == 12, number.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else { throw .invalid("Id needs 1 to 128 printable characters without spaces, Number twelve digits") }
        try Self.checkAccountText(name, displayName, call["Email"])
        let accessKey = call["AccessKey"] ?? newID("AKIA"), secret = call["SecretKey"] ?? newSecret()
        try Self.checkKey(accessKey, secret)
        var account = Account(
            number: number, canonicalID: id, displayName: displayName, email: call["Email"], name: name)
        account.created = store.time.now()
        account.keys = [AccessKey(id: accessKey, secret: secret, created: account.created)]
        return (account, secret)
    }

    /// Numbers, canonical ids and access keys are given once on the server, names once in a tenant.
    static func checkIsNew(_ account: Account, _ state: IdentityState) throws(IdentityError) {
        for other in state.accounts.values {
            if other.number == account.number { throw .alreadyExists("An account with number \(account.number)") }
            if other.canonicalID == account.canonicalID {
                throw .alreadyExists("An account with id \(account.canonicalID)")
            }
            if other.name == account.name, other.tenant == account.tenant {
                throw .alreadyExists("An account with name \(account.name)")
            }
        }
        for key in account.keys where state.hasKey(key.id) { throw .alreadyExists("Access key \(key.id)") }
    }

    private static func checkAccountText(
        _ name: String, _ displayName: String, _ email: String?
    ) throws(IdentityError) {
        for text in [name, displayName] {
            guard (1...256).contains(text.utf8.count), !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
                throw .invalid("Name and DisplayName need 1 to 256 characters without control characters")
            }
        }
        if let email {
            guard (3...256).contains(email.utf8.count), email.contains("@"),
                email.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
            else { throw .invalid("Email needs 3 to 256 printable characters and an @") }
        }
    }

    private func updateAccount(_ call: QueryCall) async throws(IdentityError) -> [AnswerElement] {
        let status = call["Status"]
        if let status, status != "Active", status != "Suspended" {
            throw .invalid("Status must be Active or Suspended")
        }
        return try await store.change { edit throws(IdentityError) in
            var account = try self.account(named: call, in: edit.state)
            guard !account.isConfigured else { throw Self.isConfigured }
            if let name = call["Name"], name != account.name {
                guard
                    !edit.state.accounts.values.contains(where: { $0.name == name && $0.tenant == account.tenant })
                else {
                    throw .alreadyExists("An account with name \(name)")
                }
                account.name = name
            }
            account.displayName = call["DisplayName"] ?? account.displayName
            if let email = call["Email"] { account.email = email.isEmpty ? nil : email }
            try Self.checkAccountText(account.name, account.displayName, account.email)
            if let status { account.isActive = status == "Active" }
            edit.put(account)
            return [.group("Account", Self.describe(account, in: edit.state))]
        }
    }

    /// Suspends the account, so that it makes no bucket meanwhile, then takes away what it has, in commits that each leave a whole
    /// state, and the account itself last. An account that owns buckets stays: nobody would own them.
    private func deleteAccount(_ call: QueryCall) async throws(IdentityError) -> [AnswerElement] {
        let found = try account(named: call, in: store.state), number = found.number
        guard !found.isConfigured else { throw Self.isConfigured }
        try checkOwnsNoBucket(found)
        try await store.change { edit throws(IdentityError) in
            guard var account = edit.state.accounts[number] else { return }
            account.isActive = false
            edit.put(account)
        }
        do throws(IdentityError) { try checkOwnsNoBucket(found) } catch {
            try await store.change { edit throws(IdentityError) in
                guard var account = edit.state.accounts[number] else { return }
                account.isActive = found.isActive
                edit.put(account)
            }
            throw error
        }
        try await purge(number)
        return []
    }

    /// Takes away what an account has, and the account itself last.
    func purge(_ number: String) async throws(IdentityError) {
        while true {
            let isDone = try await store.change { edit throws(IdentityError) -> Bool in
                guard let account = edit.state.accounts[number] else { return true }
                var room = Self.deletedAtOnce
                func some<Name: Comparable>(_ names: some Sequence<Name>) -> ArraySlice<Name> {
                    let some = names.sorted().prefix(room)
                    room -= some.count
                    return some
                }
                for holder in some(account.holders.keys) { edit.delete(holder.kind, holder.name, in: number) }
                for policy in some(account.policies.keys) { edit.deletePolicy(policy, in: number) }
                // Providers and entries of a directory too: an account made anew trusts none that the old one did.
                for provider in some(account.openIDProviders.keys) { edit.deleteProvider(provider, in: number) }
                for entry in some(account.directoryPolicies.keys) { edit.put([], forEntry: entry, in: number) }
                let isLast = room > 0
                if isLast { edit.deleteAccount(number) }
                return isLast
            }
            if isDone { return }
        }
    }

    /// A commit has room for the names of that many.
    private static let deletedAtOnce = 100

    private func checkOwnsNoBucket(_ account: Account) throws(IdentityError) {
        let buckets = store.buckets(of: account)
        guard buckets.isEmpty else {
            throw IdentityError(
                "DeleteConflict", 409,
                "The account owns buckets (\(buckets.joined(separator: ", "))): delete them first, or suspend the account."
            )
        }
    }

    private func hexID() -> String {
        (0..<4).map { _ in
            let digits = String(store.random.next(), radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}
