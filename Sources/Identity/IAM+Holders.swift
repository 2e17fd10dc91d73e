import Base

/// Users, groups and roles.
extension IAM {
    static func describe(_ holder: Holder, in account: Account) -> [AnswerElement] {
        let kind = holder.kind.rawValue
        var elements: [AnswerElement] = [
            .text("Path", holder.path), .text("\(kind)Name", holder.name), .text("\(kind)Id", holder.id),
            .text("Arn", account.arn(of: holder)), .text("CreateDate", DateForm.text(holder.created)),
        ]
        if holder.kind == .role {
            elements.append(.text("AssumeRolePolicyDocument", PercentForm.encode(holder.trust)))
            elements.append(.text("Description", holder.summary))
            elements.append(.text("MaxSessionDuration", String(holder.sessionSecondsMax)))
        }
        if !holder.tags.isEmpty { elements.append(tagList(holder.tags)) }
        if let boundary = holder.boundary {
            elements.append(
                .group(
                    "PermissionsBoundary",
                    [.text("PermissionsBoundaryType", "Policy"), .text("PermissionsBoundaryArn", boundary)]))
        }
        return elements
    }

    func create(_ kind: Holder.Kind, _ call: QueryCall, _ caller: CallerName) async throws(IdentityError)
        -> [AnswerElement]
    {
        let name = try call.required("\(kind.rawValue)Name")
        try Self.checkName(name)
        var holder = Holder(kind: kind, name: name, id: newID(kind.idPrefix), created: store.time.now())
        holder.path = try Self.path(call)
        if kind == .role {
            holder.trust = try call.required("AssumeRolePolicyDocument")
            try Self.checkDocument(holder.trust, trust: true)
            holder.summary = call["Description"] ?? ""
            holder.sessionSecondsMax = try call.number("MaxSessionDuration", in: 3600...43_200) ?? 3600
        }
        holder.boundary = call["PermissionsBoundary"]
        if kind != .group { holder.tags = try call.tags() }
        let made = holder
        return try await store.change { edit throws(IdentityError) in
            guard let account = edit.state.accounts[caller.account] else { throw .accessDenied }
            guard
                !account.holders.keys.contains(where: { $0.kind == kind && $0.name.lowercased() == name.lowercased() })
            else { throw .alreadyExists("\(kind.rawValue) with name \(name)") }
            if let boundary = made.boundary { try Self.checkPolicy(boundary, account) }
            if kind == .role { try Self.checkPrincipals(made.trust, of: caller.account, edit.state) }
            edit.put(made, in: account.number)
            return [.group(kind.rawValue, Self.describe(made, in: account))]
        }
    }

    func get(_ kind: Holder.Kind, _ call: QueryCall, _ caller: CallerName) throws(IdentityError) -> [AnswerElement] {
        // The account itself is a user without a name.
        if kind == .user, call["UserName"] == nil, caller.isAccount {
            let account = try account(caller)
            return [
                .group(
                    "User",
                    [
                        .text("Path", "/"), .text("UserId", account.number),
                        .text("Arn", "arn:aws:iam::\(account.number):root"),
                        .text("CreateDate", DateForm.text(account.created)), .text("UserName", account.displayName),
                    ])
            ]
        }
        let (account, holder) = try holder(kind, call, caller)
        return [.group(kind.rawValue, Self.describe(holder, in: account))]
    }

    func getGroup(_ call: QueryCall, _ caller: CallerName) throws(IdentityError) -> [AnswerElement] {
        let (account, group) = try holder(.group, call, caller)
        let users = group.members.compactMap { account.holders[.init(.user, $0)] }
        let page = try call.page(users) { $0.name }
        return [
            .group("Group", Self.describe(group, in: account)),
            .list("Users", page.items.map { Self.describe($0, in: account) }),
        ] + page.end
    }

    func list(_ kind: Holder.Kind, _ call: QueryCall, _ caller: CallerName) throws(IdentityError) -> [AnswerElement] {
        let account = try account(caller), prefix = call["PathPrefix"] ?? "/"
        let page = try call.page(account.holders(kind).filter { $0.path.hasPrefix(prefix) }) { $0.name }
        return [.list("\(kind.rawValue)s", page.items.map { Self.describe($0, in: account) })] + page.end
    }

    func delete(_ kind: Holder.Kind, _ call: QueryCall, _ caller: CallerName) async throws(IdentityError)
        -> [AnswerElement]
    {
        let wanted = try call.required("\(kind.rawValue)Name")
        // Whoever may do everything in the account can have all that hangs on it go with it.
        let isCascading = call.flag("MartletCascade") && caller.isAccount
        return try await store.change { edit throws(IdentityError) in
            guard let account = edit.state.accounts[caller.account], let holder = account.holders[.init(kind, wanted)]
            else {
                throw .noSuch(kind, wanted)
            }
            let name = holder.name
            if isCascading {
                for var group in account.holders(.group) where kind == .user && group.members.contains(name) {
                    group.members.removeAll { $0 == name }
                    edit.put(group, in: account.number)
                }
                edit.delete(kind, name, in: account.number)
                return []
            }
            if !holder.inline.isEmpty { throw .deleteConflict("delete policies") }
            if !holder.attached.isEmpty { throw .deleteConflict("detach all policies") }
            if !holder.keys.isEmpty { throw .deleteConflict("delete access keys") }
            if !holder.members.isEmpty { throw .deleteConflict("remove users from group") }
            if kind == .user, account.holders(.group).contains(where: { $0.members.contains(name) }) {
                throw .deleteConflict("remove users from group")
            }
            edit.delete(kind, name, in: account.number)
            return []
        }
    }

    func rename(_ kind: Holder.Kind, _ call: QueryCall, _ caller: CallerName) async throws(IdentityError)
        -> [AnswerElement]
    {
        let wanted = try call.required("\(kind.rawValue)Name"), newName = call["New\(kind.rawValue)Name"]
        let newPath: String?
        if call["NewPath"] != nil { newPath = try Self.path(call, "NewPath") } else { newPath = nil }
        if let newName { try Self.checkName(newName) }
        return try await store.change { edit throws(IdentityError) in
            guard let account = edit.state.accounts[caller.account], var holder = account.holders[.init(kind, wanted)]
            else {
                throw .noSuch(kind, wanted)
            }
            let name = holder.name, newName = newName ?? name
            guard
                !account.holders.keys.contains(where: {
                    $0.kind == kind && $0.name != name.lowercased() && $0.name == newName.lowercased()
                })
            else { throw .alreadyExists("\(kind.rawValue) with name \(newName)") }
            holder.name = newName
            if let newPath { holder.path = newPath }
            if newName != name {
                // A name in other case has the same row.
                if newName.lowercased() != name.lowercased() { edit.delete(kind, name, in: account.number) }
                for var group in account.holders(.group) where kind == .user && group.members.contains(name) {
                    group.members = group.members.map { $0 == name ? newName : $0 }
                    edit.put(group, in: account.number)
                }
            }
            edit.put(holder, in: account.number)
            return []
        }
    }

    func updateRole(_ call: QueryCall, _ caller: CallerName) async throws(IdentityError) -> [AnswerElement] {
        let seconds = try call.number("MaxSessionDuration", in: 3600...43_200)
        if let document = call["PolicyDocument"] { try Self.checkDocument(document, trust: true) }
        return try await changing(.role, call, caller) { role, account throws(IdentityError) in
            // Nobody is trusted who does not exist; what was published last is what the caller can know.
            if let document = call["PolicyDocument"] {
                try Self.checkPrincipals(document, of: caller.account, store.state)
            }
            if call.action == "UpdateAssumeRolePolicy" { role.trust = try call.required("PolicyDocument") }
            if let seconds { role.sessionSecondsMax = seconds }
            if let text = call["Description"] { role.summary = text }
            return call.action == "UpdateRoleDescription" ? [.group("Role", Self.describe(role, in: account))] : []
        }
    }

    // MARK: Groups

    func changeMembers(_ call: QueryCall, _ caller: CallerName) async throws(IdentityError) -> [AnswerElement] {
        let wanted = try call.required("UserName"), adds = call.action == "AddUserToGroup"
        return try await changing(.group, call, caller) { group, account throws(IdentityError) in
            guard let user = account.holders[.init(.user, wanted)]?.name else { throw .noSuch(.user, wanted) }
            guard adds || group.members.contains(user) else {
                throw .noSuchEntity("The user \(user) is not in the group \(group.name).")
            }
            group.members.removeAll { $0 == user }
            if adds { group.members.append(user) }
            return []
        }
    }

    func groupsOfUser(_ call: QueryCall, _ caller: CallerName) throws(IdentityError) -> [AnswerElement] {
        let (account, user) = try holder(.user, call, caller)
        let groups = account.holders(.group).filter { $0.members.contains(user.name) }
        let page = try call.page(groups) { $0.name }
        return [.list("Groups", page.items.map { Self.describe($0, in: account) })] + page.end
    }
}
