import Base

/// Access keys of users, and of the account itself: a call that names no user is about whoever signed it.
extension IAM {
    private static let keysMax = 2

    func newSecret() -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        return String((0..<40).map { _ in letters[Int(store.random.next() % 64)] })
    }

    static func checkKey(_ id: String, _ secret: String) throws(IdentityError) {
        guard (3...128).contains(id.utf8.count), (8...128).contains(secret.utf8.count),
            id.utf8.allSatisfy({ (0x21...0x7E).contains($0) && !"/,=".utf8.contains($0) })
        else {
            throw .invalid(
                "An access key needs 3 to 128 printable characters without '/', ',', '=' and space, a secret 8 to 128")
        }
    }

    /// The operator may choose id and secret, for accounts that clients are already set up for.
    func createKey(_ call: QueryCall, _ caller: CallerName) async throws(IdentityError) -> [AnswerElement] {
        var key = AccessKey(id: newID("AKIA"), secret: newSecret(), created: store.time.now())
        if call["MartletAccessKey"] != nil || call["MartletSecretKey"] != nil {
            guard caller.isOperator else { throw .accessDenied }
            key.id = call["MartletAccessKey"] ?? key.id
            key.secret = call["MartletSecretKey"] ?? key.secret
            try Self.checkKey(key.id, key.secret)
        }
        let made = key
        return try await changingKeys(call, caller) { keys, owner, edit throws(IdentityError) in
            guard keys.count < Self.keysMax else {
                throw .limitExceeded("Cannot exceed quota for AccessKeysPerUser: \(Self.keysMax)")
            }
            guard !edit.state.hasKey(made.id) else { throw .alreadyExists("Access key \(made.id)") }
            keys.append(made)
            return [.group("AccessKey", Self.describe(made, of: owner) + [.text("SecretAccessKey", made.secret)])]
        }
    }

    private static func describe(_ key: AccessKey, of owner: String) -> [AnswerElement] {
        [
            .text("UserName", owner), .text("AccessKeyId", key.id),
            .text("Status", key.isActive ? "Active" : "Inactive"), .text("CreateDate", DateForm.text(key.created)),
        ]
    }

    /// True when the call is about the account's own keys.
    private static func isAboutAccount(_ call: QueryCall, _ caller: CallerName) -> Bool {
        caller.user == nil && (call["UserName"] ?? "").isEmpty
    }

    private func changingKeys(
        _ call: QueryCall, _ caller: CallerName,
        _ change: @Sendable (inout [AccessKey], String, IdentityEdit) throws(IdentityError) -> [AnswerElement]
    ) async throws(IdentityError) -> [AnswerElement] {
        if Self.isAboutAccount(call, caller) {
            return try await store.change { edit throws(IdentityError) in
                guard var account = edit.state.accounts[caller.account] else { throw .accessDenied }
                guard !account.isConfigured else { throw Self.isConfigured }
                let answer = try change(&account.keys, account.displayName, edit)
                edit.put(account)
                return answer
            }
        }
        let name = try holderName(.user, call, caller)
        return try await store.change { edit throws(IdentityError) in
            guard var user = edit.state.accounts[caller.account]?.holders[.init(.user, name)] else {
                throw .noSuch(.user, name)
            }
            let answer = try change(&user.keys, user.name, edit)
            edit.put(user, in: caller.account)
            return answer
        }
    }

    static let isConfigured = IdentityError(
        "UnmodifiableEntity", 400,
        "The account comes from the server's settings (root credentials or accounts file) and is changed there.")

    func listKeys(_ call: QueryCall, _ caller: CallerName) throws(IdentityError) -> [AnswerElement] {
        let keys: [AccessKey], owner: String
        if Self.isAboutAccount(call, caller) {
            let account = try account(caller)
            (keys, owner) = (account.keys, account.displayName)
        } else {
            let (_, user) = try holder(.user, call, caller)
            (keys, owner) = (user.keys, user.name)
        }
        let page = try call.page(keys) { $0.id }
        return [.list("AccessKeyMetadata", page.items.map { Self.describe($0, of: owner) })] + page.end
    }

    func updateKey(_ call: QueryCall, _ caller: CallerName) async throws(IdentityError) -> [AnswerElement] {
        let id = try call.required("AccessKeyId"), status = try call.required("Status")
        guard status == "Active" || status == "Inactive" else { throw .invalid("Status must be Active or Inactive") }
        return try await changingKeys(call, caller) { keys, _, _ throws(IdentityError) in
            guard let index = keys.firstIndex(where: { $0.id == id }) else { throw Self.noSuchKey(id) }
            keys[index].isActive = status == "Active"
            return []
        }
    }

    func deleteKey(_ call: QueryCall, _ caller: CallerName) async throws(IdentityError) -> [AnswerElement] {
        let id = try call.required("AccessKeyId")
        return try await changingKeys(call, caller) { keys, _, _ throws(IdentityError) in
            guard keys.contains(where: { $0.id == id }) else { throw Self.noSuchKey(id) }
            keys.removeAll { $0.id == id }
            return []
        }
    }

    private static func noSuchKey(_ id: String) -> IdentityError {
        .noSuchEntity("The Access Key with id \(id) cannot be found.")
    }

    /// When a key was used last is not recorded, which this API can say.
    func keyLastUsed(_ call: QueryCall, _ caller: CallerName) throws(IdentityError) -> [AnswerElement] {
        let id = try call.required("AccessKeyId"), account = try account(caller)
        guard let user = account.holders(.user).first(where: { $0.keys.contains { $0.id == id } }) else {
            throw Self.noSuchKey(id)
        }
        return [
            .text("UserName", user.name),
            .group("AccessKeyLastUsed", [.text("ServiceName", "N/A"), .text("Region", "N/A")]),
        ]
    }
}
