import Base

/// What an account has, all at once; and what no account here has.
extension IAM {
    func summary(_ caller: CallerName) throws(IdentityError) -> [AnswerElement] {
        let account = try account(caller)
        let counts = [
            ("AccountAccessKeysPresent", account.keys.isEmpty ? 0 : 1), ("AccountMFAEnabled", 0),
            ("AccessKeysPerUserQuota", 2), ("AttachedPoliciesPerGroupQuota", 20), ("AttachedPoliciesPerRoleQuota", 20),
            ("AttachedPoliciesPerUserQuota", 20), ("Groups", account.holders(.group).count), ("MFADevices", 0),
            ("Policies", account.policies.count), ("PolicySizeQuota", Self.documentBytesMax),
            ("Roles", account.holders(.role).count), ("Users", account.holders(.user).count),
            ("VersionsPerPolicyQuota", ManagedPolicy.versionsMax),
        ]
        let entries = counts.map { name, count in
            AnswerElement.group("entry", [.text("key", name), .text("value", String(count))])
        }
        return [.group("SummaryMap", entries)]
    }

    func alias(_ call: QueryCall, _ caller: CallerName) async throws(IdentityError) -> [AnswerElement] {
        if call.action == "ListAccountAliases" {
            return [
                .texts("AccountAliases", try account(caller).alias.map { [$0] } ?? []), .text("IsTruncated", "false"),
            ]
        }
        let alias = try call.required("AccountAlias"), creates = call.action == "CreateAccountAlias"
        guard (3...63).contains(alias.utf8.count), alias.utf8.allSatisfy(Self.isAliasByte),
            !alias.hasPrefix("-"), !alias.hasSuffix("-"), !alias.contains("--")
        else { throw .invalid("An alias has 3 to 63 lower-case letters, digits and single hyphens.") }
        return try await store.change { edit throws(IdentityError) in
            guard var account = edit.state.accounts[caller.account] else { throw .accessDenied }
            if creates {
                guard
                    !edit.state.accounts.values.contains(where: {
                        $0.alias == alias && $0.number != account.number && $0.tenant == account.tenant
                    })
                else { throw .alreadyExists("The account alias \(alias)") }
                account.alias = alias
            } else {
                guard account.alias == alias else { throw .noSuchEntity("The account alias \(alias) was not found.") }
                account.alias = nil
            }
            edit.put(account)
            return []
        }
    }

    private static func isAliasByte(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte) || byte == UInt8(ascii: "-")
    }

    // MARK: Everything of an account

    func authorizationDetails(_ call: QueryCall, _ caller: CallerName) throws(IdentityError) -> [AnswerElement] {
        let account = try account(caller), filters = call.list("Filter")
        func wants(_ name: String) -> Bool { filters.isEmpty || filters.contains(name) }
        enum Item {
            case holder(Holder)
            case policy(ManagedPolicy)
        }
        var items: [(name: String, item: Item)] = []
        for kind in [Holder.Kind.user, .group, .role] where wants(kind.rawValue) {
            items += account.holders(kind).map { ("\(kind.rawValue)/\($0.name)", .holder($0)) }
        }
        if wants("LocalManagedPolicy") {
            items += account.policies.values.sorted { $0.name < $1.name }.map { ("Policy/\($0.name)", .policy($0)) }
        }
        let page = try call.page(items) { $0.name }
        var lists: [Holder.Kind: [[AnswerElement]]] = [:], policies: [[AnswerElement]] = []
        for (_, item) in page.items {
            switch item {
            case .holder(let holder): lists[holder.kind, default: []].append(detail(holder, account))
            case .policy(let policy):
                let versions = policy.versions.map { Self.describe($0, of: policy, withDocument: true) }
                policies.append(describe(policy, in: account) + [.list("PolicyVersionList", versions)])
            }
        }
        return [
            .list("UserDetailList", lists[.user] ?? []), .list("GroupDetailList", lists[.group] ?? []),
            .list("RoleDetailList", lists[.role] ?? []), .list("Policies", policies),
        ] + page.end
    }

    private func detail(_ holder: Holder, _ account: Account) -> [AnswerElement] {
        let kind = holder.kind.rawValue
        let inline: [[AnswerElement]] = holder.inline.sorted { $0.key < $1.key }.map {
            [.text("PolicyName", $0.key), .text("PolicyDocument", PercentForm.encode($0.value))]
        }
        var elements =
            Self.describe(holder, in: account) + [
                .list("\(kind)PolicyList", inline), Self.attachedList("AttachedManagedPolicies", holder.attached),
            ]
        switch holder.kind {
        case .user:
            let groups = account.holders(.group).filter { $0.members.contains(holder.name) }.map(\.name)
            elements.append(.texts("GroupList", groups))
        case .role: elements.append(.list("InstanceProfileList", []))
        case .group: break
        }
        return elements
    }

    /// To whom a policy is attached, or whom it bounds.
    func entities(_ call: QueryCall, _ caller: CallerName) throws(IdentityError) -> [AnswerElement] {
        let arn = try call.required("PolicyArn"), account = try account(caller)
        try Self.checkPolicy(arn, account)
        let filter = call["EntityFilter"], prefix = call["PathPrefix"] ?? "/"
        let bounds = call["PolicyUsageFilter"] == "PermissionsBoundary"
        var found: [Holder] = []
        for kind in [Holder.Kind.group, .user, .role] where filter == nil || filter == kind.rawValue {
            found += account.holders(kind).filter { holder in
                holder.path.hasPrefix(prefix) && (bounds ? holder.boundary == arn : holder.attached.contains(arn))
            }
        }
        let page = try call.page(found) { "\($0.kind.rawValue)/\($0.name)" }
        let lists = [Holder.Kind.group, .user, .role].map { kind in
            AnswerElement.list(
                "Policy\(kind.rawValue)s",
                page.items.filter { $0.kind == kind }.map {
                    [.text("\(kind.rawValue)Name", $0.name), .text("\(kind.rawValue)Id", $0.id)]
                })
        }
        return lists + page.end
    }

    // MARK: What no account here has

    private static let emptyLists = [
        "ListMFADevices": "MFADevices", "ListVirtualMFADevices": "VirtualMFADevices",
        "ListInstanceProfiles": "InstanceProfiles", "ListInstanceProfilesForRole": "InstanceProfiles",
        "ListSSHPublicKeys": "SSHPublicKeys", "ListSigningCertificates": "Certificates",
        "ListServiceSpecificCredentials": "ServiceSpecificCredentials",
        "ListServerCertificates": "ServerCertificateMetadataList", "ListSAMLProviders": "SAMLProviderList",
    ]

    /// Tools ask for these before they delete a user or a role: there are none, which is all that the answer says. nil when the
    /// call is another.
    static func absent(_ call: QueryCall) -> Result<[AnswerElement], IdentityError>? {
        if let name = emptyLists[call.action] { return .success([.list(name, []), .text("IsTruncated", "false")]) }
        switch call.action {
        case "GetLoginProfile":
            return .failure(.noSuchEntity("Login Profile for User \(call["UserName"] ?? "") cannot be found."))
        case "GetAccountPasswordPolicy":
            return .failure(.noSuchEntity("The Password Policy with domain name cannot be found."))
        default: return nil
        }
    }
}
