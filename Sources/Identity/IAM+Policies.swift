import Base

/// Inline and managed policies.
extension IAM {
    func putInline(_ kind: Holder.Kind, _ call: QueryCall, _ caller: CallerName) async throws(IdentityError)
        -> [AnswerElement]
    {
        let name = try call.required("PolicyName"), document = try call.required("PolicyDocument")
        try Self.checkName(name)
        try Self.checkDocument(document)
        return try await changing(kind, call, caller) { holder, _ throws(IdentityError) in
            holder.inline[name] = document
            return []
        }
    }

    func getInline(_ kind: Holder.Kind, _ call: QueryCall, _ caller: CallerName) throws(IdentityError)
        -> [AnswerElement]
    {
        let (_, holder) = try holder(kind, call, caller), name = try call.required("PolicyName")
        guard let document = holder.inline[name] else { throw Self.noSuchPolicy(name) }
        return [
            .text("\(kind.rawValue)Name", holder.name), .text("PolicyName", name),
            .text("PolicyDocument", PercentForm.encode(document)),
        ]
    }

    func deleteInline(_ kind: Holder.Kind, _ call: QueryCall, _ caller: CallerName) async throws(IdentityError)
        -> [AnswerElement]
    {
        let name = try call.required("PolicyName")
        return try await changing(kind, call, caller) { holder, _ throws(IdentityError) in
            guard holder.inline.removeValue(forKey: name) != nil else { throw Self.noSuchPolicy(name) }
            return []
        }
    }

    private static func noSuchPolicy(_ name: String) -> IdentityError {
        .noSuchEntity("The policy with name \(name) cannot be found.")
    }

    func listInline(_ kind: Holder.Kind, _ call: QueryCall, _ caller: CallerName) throws(IdentityError)
        -> [AnswerElement]
    {
        let (_, holder) = try holder(kind, call, caller)
        return [.texts("PolicyNames", holder.inline.keys.sorted()), Self.notTruncated]
    }

    func attach(_ kind: Holder.Kind, _ call: QueryCall, _ caller: CallerName) async throws(IdentityError)
        -> [AnswerElement]
    {
        let arn = try call.required("PolicyArn"), attaches = call.action.hasPrefix("Attach")
        return try await changing(kind, call, caller) { holder, account throws(IdentityError) in
            if attaches {
                try Self.checkPolicy(arn, account)
                if !holder.attached.contains(arn) { holder.attached.append(arn) }
                guard holder.attached.count <= 20 else {
                    throw .limitExceeded("Cannot exceed quota for PoliciesPerEntity: 20")
                }
            } else {
                guard holder.attached.contains(arn) else { throw .noSuchEntity("Policy \(arn) was not found.") }
                holder.attached.removeAll { $0 == arn }
            }
            return []
        }
    }

    static func checkPolicy(_ arn: String, _ account: Account) throws(IdentityError) {
        guard CannedPolicies.document(arn: arn) != nil || account.policy(arn: arn) != nil else {
            throw .noSuchEntity("Policy \(arn) does not exist or is not attachable.")
        }
    }

    func listAttached(_ kind: Holder.Kind, _ call: QueryCall, _ caller: CallerName) throws(IdentityError)
        -> [AnswerElement]
    {
        let (_, holder) = try holder(kind, call, caller)
        let policies: [[AnswerElement]] = holder.attached.map { arn in
            [.text("PolicyName", arn.split(separator: "/").last.map(String.init) ?? arn), .text("PolicyArn", arn)]
        }
        return [.list("AttachedPolicies", policies), Self.notTruncated]
    }

    func setBoundary(_ kind: Holder.Kind, _ call: QueryCall, _ caller: CallerName) async throws(IdentityError)
        -> [AnswerElement]
    {
        let arn: String?
        if call.action.hasPrefix("Put") { arn = try call.required("PermissionsBoundary") } else { arn = nil }
        return try await changing(kind, call, caller) { holder, account throws(IdentityError) in
            if let arn { try Self.checkPolicy(arn, account) }
            holder.boundary = arn
            return []
        }
    }

    // MARK: Managed

    private func describe(_ policy: ManagedPolicy, in account: Account) -> [AnswerElement] {
        let arn = account.arn(of: policy)
        let count = account.holders.values.reduce(0) { $0 + ($1.attached.contains(arn) ? 1 : 0) }
        return [
            .text("PolicyName", policy.name), .text("PolicyId", policy.id), .text("Arn", arn),
            .text("Path", policy.path), .text("DefaultVersionId", "v\(policy.version)"),
            .text("AttachmentCount", String(count)), .text("PermissionsBoundaryUsageCount", "0"),
            .text("IsAttachable", "true"), .text("Description", policy.summary),
            .text("CreateDate", DateForm.text(policy.created)), .text("UpdateDate", DateForm.text(policy.updated)),
        ]
    }

    private func canned(_ name: String) -> [AnswerElement] {
        let date = DateForm.text(Timestamp(seconds: 0))
        return [
            .text("PolicyName", name), .text("PolicyId", "ANPA\(name.uppercased())"),
            .text("Arn", CannedPolicies.arnPrefix + name), .text("Path", "/"), .text("DefaultVersionId", "v1"),
            .text("AttachmentCount", "0"), .text("PermissionsBoundaryUsageCount", "0"), .text("IsAttachable", "true"),
            .text("CreateDate", date), .text("UpdateDate", date),
        ]
    }

    func createPolicy(_ call: QueryCall, _ caller: CallerName) async throws(IdentityError) -> [AnswerElement] {
        let name = try call.required("PolicyName"), document = try call.required("PolicyDocument"),
            now = store.time.now()
        try Self.checkName(name)
        try Self.checkDocument(document)
        let policy = ManagedPolicy(
            name: name, path: try Self.path(call), id: newID("ANPA"), created: now, updated: now,
            summary: call["Description"] ?? "", document: document)
        let account = try await store.change { edit throws(IdentityError) -> Account in
            guard let account = edit.state.accounts[caller.account] else { throw .accessDenied }
            guard account.policies[name] == nil else { throw .alreadyExists("A policy called \(name)") }
            edit.put(policy, in: account.number)
            return account
        }
        return [.group("Policy", describe(policy, in: account))]
    }

    func updatePolicy(_ call: QueryCall, _ caller: CallerName) async throws(IdentityError) -> [AnswerElement] {
        let arn = try call.required("PolicyArn"), document = try call.required("PolicyDocument"), now = store.time.now()
        try Self.checkDocument(document)
        guard call["SetAsDefault"]?.lowercased() == "true" else {
            throw .invalidInput("A policy keeps one version: a new one must be set as default.")
        }
        return try await store.change { edit throws(IdentityError) in
            guard let account = edit.state.accounts[caller.account], var policy = account.policy(arn: arn) else {
                throw .noSuchEntity("Policy \(arn) was not found.")
            }
            policy.document = document
            policy.version += 1
            policy.updated = now
            edit.put(policy, in: account.number)
            return [.group("PolicyVersion", Self.describeVersion(policy.version, now, document: nil))]
        }
    }

    private static func describeVersion(_ version: Int, _ date: Timestamp, document: String?) -> [AnswerElement] {
        AnswerElement.optional("Document", document.map(PercentForm.encode))
            + [
                .text("VersionId", "v\(version)"), .text("IsDefaultVersion", "true"),
                .text("CreateDate", DateForm.text(date)),
            ]
    }

    func getPolicy(_ call: QueryCall, _ caller: CallerName) throws(IdentityError) -> [AnswerElement] {
        let arn = try call.required("PolicyArn"), account = try account(caller)
        if CannedPolicies.document(arn: arn) != nil {
            return [.group("Policy", canned(String(arn.dropFirst(CannedPolicies.arnPrefix.count))))]
        }
        guard let policy = account.policy(arn: arn) else { throw .noSuchEntity("Policy \(arn) was not found.") }
        return [.group("Policy", describe(policy, in: account))]
    }

    func getPolicyVersion(_ call: QueryCall, _ caller: CallerName) throws(IdentityError) -> [AnswerElement] {
        let arn = try call.required("PolicyArn"), version = try call.required("VersionId")
        if let document = CannedPolicies.document(arn: arn), version == "v1" {
            return [.group("PolicyVersion", Self.describeVersion(1, Timestamp(seconds: 0), document: document))]
        }
        guard let policy = try account(caller).policy(arn: arn), version == "v\(policy.version)" else {
            throw .noSuchEntity("Policy \(arn) version \(version) does not exist or is not attachable.")
        }
        return [
            .group("PolicyVersion", Self.describeVersion(policy.version, policy.updated, document: policy.document))
        ]
    }

    func listPolicyVersions(_ call: QueryCall, _ caller: CallerName) throws(IdentityError) -> [AnswerElement] {
        let arn = try call.required("PolicyArn")
        if CannedPolicies.document(arn: arn) != nil {
            return [
                .list("Versions", [Self.describeVersion(1, Timestamp(seconds: 0), document: nil)]), Self.notTruncated,
            ]
        }
        guard let policy = try account(caller).policy(arn: arn) else {
            throw .noSuchEntity("Policy \(arn) was not found.")
        }
        return [
            .list("Versions", [Self.describeVersion(policy.version, policy.updated, document: nil)]), Self.notTruncated,
        ]
    }

    func listPolicies(_ call: QueryCall, _ caller: CallerName) throws(IdentityError) -> [AnswerElement] {
        let account = try account(caller), scope = call["Scope"] ?? "All"
        var policies: [[AnswerElement]] = []
        if scope != "AWS" {
            policies += account.policies.values.sorted { $0.name < $1.name }.map { describe($0, in: account) }
        }
        if scope != "Local", call["OnlyAttached"]?.lowercased() != "true" {
            policies += CannedPolicies.names.map(canned)
        }
        return [.list("Policies", policies), Self.notTruncated]
    }

    func deletePolicy(_ call: QueryCall, _ caller: CallerName) async throws(IdentityError) -> [AnswerElement] {
        let arn = try call.required("PolicyArn")
        return try await store.change { edit throws(IdentityError) in
            guard let account = edit.state.accounts[caller.account], let policy = account.policy(arn: arn) else {
                throw .noSuchEntity("Policy \(arn) was not found.")
            }
            guard !account.holders.values.contains(where: { $0.attached.contains(arn) || $0.boundary == arn }) else {
                throw IdentityError("DeleteConflict", 409, "Cannot delete a policy attached to entities.")
            }
            edit.deletePolicy(policy.name, in: account.number)
            return []
        }
    }
}
