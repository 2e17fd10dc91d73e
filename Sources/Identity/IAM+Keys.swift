import Base

/// Access keys of users, and of the account itself.
extension IAM {
    private static let keysMax = 2

    func newSecret() -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        return String((0..<40).map { _ in letters[Int(store.random.next() % 64)] })
    }

    func createKey(_ call: QueryCall, _ caller: CallerName) async throws(IdentityError) -> [AnswerElement] {
        let key = AccessKey(id: newID("AKIA"), secret: newSecret(), created: store.time.now())
        return try await changing(.user, call, caller) { user, _ throws(IdentityError) in
            guard user.keys.count < Self.keysMax else {
                throw .limitExceeded("Cannot exceed quota for AccessKeysPerUser: \(Self.keysMax)")
            }
            user.keys.append(key)
            return [
                .group("AccessKey", Self.describe(key, of: user) + [.text("SecretAccessKey", key.secret)])
            ]
        }
    }

    private static func describe(_ key: AccessKey, of user: Holder) -> [AnswerElement] {
        [
            .text("UserName", user.name), .text("AccessKeyId", key.id),
            .text("Status", key.isActive ? "Active" : "Inactive"), .text("CreateDate", DateForm.text(key.created)),
        ]
    }

    func listKeys(_ call: QueryCall, _ caller: CallerName) throws(IdentityError) -> [AnswerElement] {
        let (_, user) = try holder(.user, call, caller)
        return [.list("AccessKeyMetadata", user.keys.map { Self.describe($0, of: user) }), Self.notTruncated]
    }

    func updateKey(_ call: QueryCall, _ caller: CallerName) async throws(IdentityError) -> [AnswerElement] {
        let id = try call.required("AccessKeyId"), status = try call.required("Status")
        guard status == "Active" || status == "Inactive" else { throw .invalid("Status must be Active or Inactive") }
        return try await changing(.user, call, caller) { user, _ throws(IdentityError) in
            guard let index = user.keys.firstIndex(where: { $0.id == id }) else {
                throw .noSuchEntity("The Access Key with id \(id) cannot be found.")
            }
            user.keys[index].isActive = status == "Active"
            return []
        }
    }

    func deleteKey(_ call: QueryCall, _ caller: CallerName) async throws(IdentityError) -> [AnswerElement] {
        let id = try call.required("AccessKeyId")
        return try await changing(.user, call, caller) { user, _ throws(IdentityError) in
            guard user.keys.contains(where: { $0.id == id }) else {
                throw .noSuchEntity("The Access Key with id \(id) cannot be found.")
            }
            user.keys.removeAll { $0.id == id }
            return []
        }
    }

    /// When a key was used last is not recorded, which this API can say.
    func keyLastUsed(_ call: QueryCall, _ caller: CallerName) throws(IdentityError) -> [AnswerElement] {
        let id = try call.required("AccessKeyId"), account = try account(caller)
        guard let user = account.holders(.user).first(where: { $0.keys.contains { $0.id == id } }) else {
            throw .noSuchEntity("The Access Key with id \(id) cannot be found.")
        }
        return [
            .text("UserName", user.name),
            .group("AccessKeyLastUsed", [.text("ServiceName", "N/A"), .text("Region", "N/A")]),
        ]
    }
}
