import Base

/// Accounts: made and listed by the server's operator, whose own account they do not belong to. Not calls of AWS's.
extension IAM {
    package static let accountActions: Set<String> = ["MartletCreateAccount", "MartletListAccounts"]

    /// Whether a name is short and plain enough to stand in metrics and logs.
    package static func isKnown(_ action: String) -> Bool {
        (1...64).contains(action.utf8.count)
            && [
                "Create", "Get", "List", "Delete", "Update", "Put", "Attach", "Detach", "Add", "Remove", "Assume",
                "Martlet",
            ].contains(where: { action.hasPrefix($0) })
    }

    package func performOnAccounts(_ call: QueryCall) async throws(IdentityError) -> [AnswerElement] {
        switch call.action {
        case "MartletCreateAccount": return try await createAccount(call)
        default:
            let accounts = store.state.accounts.values.sorted { $0.number < $1.number }
            return [.list("Accounts", accounts.map(Self.describe))]
        }
    }

    private static func describe(_ account: Account) -> [AnswerElement] {
        [
            .text("Number", account.number), .text("Id", account.canonicalID),
            .text("DisplayName", account.displayName),
        ] + AnswerElement.optional("Email", account.email)
            + [.texts("AccessKeys", account.keys.map(\.id))]
    }

    private func createAccount(_ call: QueryCall) async throws(IdentityError) -> [AnswerElement] {
        let name = try call.required("Name")
        let id = call["Id"] ?? hexID(), displayName = call["DisplayName"] ?? name
        let number = call["Number"] ?? String(100_000_000_000 + store.random.next() % 900_000_000_000)
        guard (1...128).contains(id.utf8.count), number.utf8.count == 12,
            number.utf8.allSatisfy({ (0x30...0x39).contains($0) }), (1...256).contains(displayName.utf8.count)
        else { throw .invalid("Id needs 1 to 128 characters, Number twelve digits, DisplayName 1 to 256 characters") }
        let accessKey = call["AccessKey"] ?? newID("AKIA"), secret = call["SecretKey"] ?? newSecret()
        guard (3...128).contains(accessKey.utf8.count), (8...128).contains(secret.utf8.count),
            !accessKey.contains(where: { $0 == "/" || $0 == "," || $0 == "=" || $0 == " " })
        else {
            throw .invalid("AccessKey needs 3 to 128 characters without '/', ',', '=' and space, SecretKey 8 to 128")
        }
        var account = Account(number: number, canonicalID: id, displayName: displayName, email: call["Email"])
        account.created = store.time.now()
        account.keys = [AccessKey(id: accessKey, secret: secret, created: account.created)]
        let made = account
        return try await store.change { edit throws(IdentityError) in
            for other in edit.state.accounts.values {
                if other.number == number || other.canonicalID == id { throw .alreadyExists("Account \(id)") }
                let keys = other.keys + other.holders(.user).flatMap(\.keys)
                if keys.contains(where: { $0.id == accessKey }) { throw .alreadyExists("Access key \(accessKey)") }
            }
            edit.put(made)
            return [.group("Account", Self.describe(made) + [.text("SecretKey", secret)])]
        }
    }

    private func hexID() -> String {
        (0..<4).map { _ in
            let digits = String(store.random.next(), radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}
