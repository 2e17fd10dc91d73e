import Base

extension IdentityTag {
    static let countMax = 50
}

/// Tags of users, roles and policies.
extension IAM {
    static func tagList(_ tags: [IdentityTag]) -> AnswerElement {
        .list("Tags", tags.map { [.text("Key", $0.key), .text("Value", $0.value)] })
    }

    func changeTags(_ kind: Holder.Kind, _ call: QueryCall, _ caller: CallerName) async throws(IdentityError)
        -> [AnswerElement]
    {
        let added = try call.tags(), removed = call.list("TagKeys")
        return try await changing(kind, call, caller) { holder, _ throws(IdentityError) in
            holder.tags = try Self.changed(holder.tags, added: added, removed: removed)
            return []
        }
    }

    func listTags(_ kind: Holder.Kind, _ call: QueryCall, _ caller: CallerName) throws(IdentityError)
        -> [AnswerElement]
    {
        let (_, holder) = try holder(kind, call, caller)
        let page = try call.page(holder.tags) { $0.key }
        return [Self.tagList(page.items)] + page.end
    }

    func policyTags(_ call: QueryCall, _ caller: CallerName) async throws(IdentityError) -> [AnswerElement] {
        let arn = try call.required("PolicyArn")
        if call.action == "ListPolicyTags" {
            guard let policy = try account(caller).policy(arn: arn) else {
                throw .noSuchEntity("Policy \(arn) was not found.")
            }
            let page = try call.page(policy.tags) { $0.key }
            return [Self.tagList(page.items)] + page.end
        }
        let added = try call.tags(), removed = call.list("TagKeys")
        return try await store.change { edit throws(IdentityError) in
            guard var policy = edit.state.accounts[caller.account]?.policy(arn: arn) else {
                throw .noSuchEntity("Policy \(arn) was not found.")
            }
            policy.tags = try Self.changed(policy.tags, added: added, removed: removed)
            edit.put(policy, in: caller.account)
            return []
        }
    }

    /// Keys compare without case; a key that is there takes the new value.
    private static func changed(
        _ tags: [IdentityTag], added: [IdentityTag], removed: [String]
    ) throws(IdentityError) -> [IdentityTag] {
        let gone = Set(removed.map { $0.lowercased() })
        var tags = tags.filter { !gone.contains($0.key.lowercased()) }
        for tag in added {
            if let index = tags.firstIndex(where: { $0.key.lowercased() == tag.key.lowercased() }) {
                tags[index] = tag
            } else {
                tags.append(tag)
            }
        }
        guard tags.count <= IdentityTag.countMax else { throw .tooManyTags }
        return tags
    }
}
