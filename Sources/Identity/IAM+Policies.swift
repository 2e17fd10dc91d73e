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
        let page = try call.page(holder.inline.keys.sorted()) { $0 }
        return [.texts("PolicyNames", page.items)] + page.end
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
        let page = try call.page(holder.attached) { $0 }
        return [Self.attachedList("AttachedPolicies", page.items)] + page.end
    }

    static func attachedList(_ name: String, _ arns: [String]) -> AnswerElement {
        .list(
            name,
            arns.map { arn in
                [.text("PolicyName", arn.split(separator: "/").last.map(String.init) ?? arn), .text("PolicyArn", arn)]
            })
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

    func describe(_ policy: ManagedPolicy, in account: Account) -> [AnswerElement] {
        let arn = account.arn(of: policy)
        let count = account.holders.values.reduce(0) { $0 + ($1.attached.contains(arn) ? 1 : 0) }
        let bounded = account.holders.values.reduce(0) { $0 + ($1.boundary == arn ? 1 : 0) }
        return [
            .text("PolicyName", policy.name), .text("PolicyId", policy.id), .text("Arn", arn),
            .text("Path", policy.path), .text("DefaultVersionId", "v\(policy.current)"),
            .text("AttachmentCount", String(count)), .text("PermissionsBoundaryUsageCount", String(bounded)),
            .text("IsAttachable", "true"), .text("Description", policy.summary),
            .text("CreateDate", DateForm.text(policy.created)), .text("UpdateDate", DateForm.text(policy.updated)),
        ] + (policy.tags.isEmpty ? [] : [Self.tagList(policy.tags)])
    }

    private func canned(_ name: String, in account: Account) -> [AnswerElement] {
        let arn = CannedPolicies.arnPrefix + name
        let count = account.holders.values.reduce(0) { $0 + ($1.attached.contains(arn) ? 1 : 0) }
        let bounded = account.holders.values.reduce(0) { $0 + ($1.boundary == arn ? 1 : 0) }
        let date = DateForm.text(Timestamp(seconds: 0))
        return [
            .text("PolicyName", name), .text("PolicyId", "ANPA\(name.uppercased())"),
            .text("Arn", arn), .text("Path", "/"), .text("DefaultVersionId", "v1"),
            .text("AttachmentCount", String(count)), .text("PermissionsBoundaryUsageCount", String(bounded)),
            .text("IsAttachable", "true"), .text("CreateDate", date), .text("UpdateDate", date),
        ]
    }

    func createPolicy(_ call: QueryCall, _ caller: CallerName) async throws(IdentityError) -> [AnswerElement] {
        let name = try call.required("PolicyName"), document = try call.required("PolicyDocument"),
            now = store.time.now()
        try Self.checkName(name)
        try Self.checkDocument(document)
        var made = ManagedPolicy(name: name, id: newID("ANPA"), created: now, document: document)
        (made.path, made.summary, made.tags) = (try Self.path(call), call["Description"] ?? "", try call.tags())
        let policy = made
        let account = try await store.change { edit throws(IdentityError) -> Account in
            guard let account = edit.state.accounts[caller.account] else { throw .accessDenied }
            guard account.policies[name] == nil else { throw .alreadyExists("A policy called \(name)") }
            edit.put(policy, in: account.number)
            return account
        }
        return [.group("Policy", describe(policy, in: account))]
    }

    func changeVersions(_ call: QueryCall, _ caller: CallerName) async throws(IdentityError) -> [AnswerElement] {
        let arn = try call.required("PolicyArn"), now = store.time.now()
        let document = call["PolicyDocument"], version = call["VersionId"]
        if call.action == "CreatePolicyVersion" {
            try Self.checkDocument(try call.required("PolicyDocument"))
        } else {
            _ = try call.required("VersionId")
        }
        return try await store.change { edit throws(IdentityError) in
            guard let account = edit.state.accounts[caller.account], var policy = account.policy(arn: arn) else {
                throw .noSuchEntity("Policy \(arn) was not found.")
            }
            var answer: [AnswerElement] = []
            switch call.action {
            case "CreatePolicyVersion":
                guard policy.versions.count < ManagedPolicy.versionsMax else {
                    throw .limitExceeded(
                        "A managed policy can have up to \(ManagedPolicy.versionsMax) versions. Before you create a new version, "
                            + "you must delete an existing version.")
                }
                policy.last += 1
                let made = ManagedPolicy.Version(number: policy.last, document: document ?? "", created: now)
                policy.versions.append(made)
                if call.flag("SetAsDefault") { policy.current = made.number }
                answer = [.group("PolicyVersion", Self.describe(made, of: policy, withDocument: false))]
            default:
                guard let found = policy.versions.first(where: { "v\($0.number)" == version }) else {
                    throw Self.noSuchVersion(arn, version ?? "")
                }
                if call.action == "SetDefaultPolicyVersion" {
                    policy.current = found.number
                } else {
                    guard found.number != policy.current else {
                        throw IdentityError(
                            "DeleteConflict", 409, "Cannot delete the default version of a policy.")
                    }
                    policy.versions.removeAll { $0.number == found.number }
                }
            }
            policy.updated = now
            edit.put(policy, in: account.number)
            return answer
        }
    }

    private static func noSuchVersion(_ arn: String, _ version: String) -> IdentityError {
        .noSuchEntity("Policy \(arn) version \(version) does not exist or is not attachable.")
    }

    static func describe(
        _ version: ManagedPolicy.Version, of policy: ManagedPolicy, withDocument: Bool
    ) -> [AnswerElement] {
        AnswerElement.optional("Document", withDocument ? PercentForm.encode(version.document) : nil)
            + [
                .text("VersionId", "v\(version.number)"),
                .text("IsDefaultVersion", version.number == policy.current ? "true" : "false"),
                .text("CreateDate", DateForm.text(version.created)),
            ]
    }

    /// A canned policy as a managed one: it has one version.
    private static func cannedPolicy(_ arn: String) -> ManagedPolicy? {
        CannedPolicies.document(arn: arn).map { document in
            let name = String(arn.dropFirst(CannedPolicies.arnPrefix.count))
            return ManagedPolicy(
                name: name, id: "ANPA" + name.uppercased(), created: Timestamp(seconds: 0), document: document)
        }
    }

    private func managed(_ call: QueryCall, _ caller: CallerName) throws(IdentityError) -> ManagedPolicy {
        let arn = try call.required("PolicyArn")
        guard arn.hasPrefix("arn:") else { throw .invalidInput("ARN \(arn) is not valid.") }
        if let policy = Self.cannedPolicy(arn) { return policy }
        guard let policy = try account(caller).policy(arn: arn) else {
            throw .noSuchEntity("Policy \(arn) was not found.")
        }
        return policy
    }

    func getPolicy(_ call: QueryCall, _ caller: CallerName) throws(IdentityError) -> [AnswerElement] {
        let policy = try managed(call, caller), account = try account(caller)
        if call["PolicyArn"]?.hasPrefix(CannedPolicies.arnPrefix) == true {
            return [.group("Policy", canned(policy.name, in: account))]
        }
        return [.group("Policy", describe(policy, in: account))]
    }

    func getPolicyVersion(_ call: QueryCall, _ caller: CallerName) throws(IdentityError) -> [AnswerElement] {
        let policy = try managed(call, caller), wanted = try call.required("VersionId")
        guard let version = policy.versions.first(where: { "v\($0.number)" == wanted }) else {
            throw Self.noSuchVersion(try call.required("PolicyArn"), wanted)
        }
        return [.group("PolicyVersion", Self.describe(version, of: policy, withDocument: true))]
    }

    func listPolicyVersions(_ call: QueryCall, _ caller: CallerName) throws(IdentityError) -> [AnswerElement] {
        let policy = try managed(call, caller)
        let page = try call.page(policy.versions.reversed()) { "v\($0.number)" }
        return [.list("Versions", page.items.map { Self.describe($0, of: policy, withDocument: false) })] + page.end
    }

    func listPolicies(_ call: QueryCall, _ caller: CallerName) throws(IdentityError) -> [AnswerElement] {
        let account = try account(caller), scope = call["Scope"] ?? "All", prefix = call["PathPrefix"] ?? "/"
        guard ["All", "AWS", "Local"].contains(scope) else { throw .invalid("Scope must be All, AWS or Local") }
        var policies: [(arn: String, elements: [AnswerElement])] = []
        if scope != "AWS" {
            for policy in account.policies.values.sorted(by: { $0.name < $1.name }) where policy.path.hasPrefix(prefix)
            {
                policies.append((account.arn(of: policy), describe(policy, in: account)))
            }
        }
        if scope != "Local", prefix == "/" {
            policies += CannedPolicies.names.map { (CannedPolicies.arnPrefix + $0, canned($0, in: account)) }
        }
        if call.flag("OnlyAttached") {
            policies = policies.filter { policy in
                account.holders.values.contains { $0.attached.contains(policy.arn) }
            }
        }
        let page = try call.page(policies) { $0.arn }
        return [.list("Policies", page.items.map(\.elements))] + page.end
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
            guard policy.versions.count == 1 || call.flag("MartletCascade") else {
                throw IdentityError(
                    "DeleteConflict", 409,
                    "This policy has more than one version. Before you delete a policy, you must delete "
                        + "the policy's versions. The default version is deleted with the policy.")
            }
            edit.deletePolicy(policy.name, in: account.number)
            return []
        }
    }
}
