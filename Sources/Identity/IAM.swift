import AccessPolicy
import Base

/// The IAM API: one call against an account. Calls that only read run on the published state; the others change it.
package struct IAM: Sendable {
    let store: IdentityStore

    package init(_ store: IdentityStore) { self.store = store }

    /// Who calls: the account, and the user if it is one.
    package struct CallerName: Sendable {
        package var account: String
        package var user: String?
        /// The account itself, not a user, and not a session of a role, which has no user's name either.
        package var isAccount: Bool
        /// The server's operator, who may choose what others are given.
        package var isOperator: Bool
        package init(account: String, user: String?, isAccount: Bool, isOperator: Bool) {
            (self.account, self.user) = (account, user)
            (self.isAccount, self.isOperator) = (isAccount, isOperator)
        }
    }

    /// The entity that a call is about, for policies that restrict iam: actions to resources.
    package func resource(of call: QueryCall, _ caller: CallerName) -> String {
        guard let account = store.state.accounts[caller.account] else { return "*" }
        if let arn = call["PolicyArn"], call["UserName"] == nil, call["GroupName"] == nil, call["RoleName"] == nil {
            return arn
        }
        if let arn = call["OpenIDConnectProviderArn"] { return arn }
        for kind in [Holder.Kind.user, .group, .role] {
            guard let name = call[kind.rawValue + "Name"] else { continue }
            if let holder = account.holders[.init(kind, name)] { return account.arn(of: holder) }
            return "arn:aws:iam::\(account.number):\(kind.rawValue.lowercased())\(call["Path"] ?? "/")\(name)"
        }
        if let user = caller.user, let holder = account.holders[.init(.user, user)] { return account.arn(of: holder) }
        return "*"
    }

    package func perform(_ call: QueryCall, _ caller: CallerName) async throws(IdentityError) -> [AnswerElement] {
        switch call.action {
        case "CreateUser": return try await create(.user, call, caller)
        case "CreateGroup": return try await create(.group, call, caller)
        case "CreateRole": return try await create(.role, call, caller)
        case "GetUser": return try get(.user, call, caller)
        case "GetGroup": return try getGroup(call, caller)
        case "GetRole": return try get(.role, call, caller)
        case "ListUsers": return try list(.user, call, caller)
        case "ListGroups": return try list(.group, call, caller)
        case "ListRoles": return try list(.role, call, caller)
        case "DeleteUser": return try await delete(.user, call, caller)
        case "DeleteGroup": return try await delete(.group, call, caller)
        case "DeleteRole": return try await delete(.role, call, caller)
        case "UpdateUser": return try await rename(.user, call, caller)
        case "UpdateGroup": return try await rename(.group, call, caller)
        case "UpdateAssumeRolePolicy", "UpdateRole", "UpdateRoleDescription": return try await updateRole(call, caller)
        case "AddUserToGroup", "RemoveUserFromGroup": return try await changeMembers(call, caller)
        case "ListGroupsForUser": return try groupsOfUser(call, caller)
        case "CreateAccessKey": return try await createKey(call, caller)
        case "ListAccessKeys": return try listKeys(call, caller)
        case "UpdateAccessKey": return try await updateKey(call, caller)
        case "DeleteAccessKey": return try await deleteKey(call, caller)
        case "GetAccessKeyLastUsed": return try keyLastUsed(call, caller)
        case "GetAccountSummary": return try summary(caller)
        case "GetAccountAuthorizationDetails": return try authorizationDetails(call, caller)
        case "ListAccountAliases", "CreateAccountAlias", "DeleteAccountAlias": return try await alias(call, caller)
        case "SimulateCustomPolicy", "SimulatePrincipalPolicy": return try simulate(call, caller)
        case "GetContextKeysForCustomPolicy", "GetContextKeysForPrincipalPolicy": return try contextKeys(call, caller)
        default:
            if let answer = try await performOnPolicy(call, caller) { return answer }
            if let answer = try await performOnFederation(call, caller) { return answer }
            if let answer = Self.absent(call) { return try answer.get() }
            return try await performOnHolder(call, caller)
        }
    }

    private func performOnPolicy(
        _ call: QueryCall, _ caller: CallerName
    ) async throws(IdentityError) -> [AnswerElement]? {
        switch call.action {
        case "CreatePolicy": return try await createPolicy(call, caller)
        case "GetPolicy": return try getPolicy(call, caller)
        case "GetPolicyVersion": return try getPolicyVersion(call, caller)
        case "ListPolicyVersions": return try listPolicyVersions(call, caller)
        case "CreatePolicyVersion", "SetDefaultPolicyVersion", "DeletePolicyVersion":
            return try await changeVersions(call, caller)
        case "ListPolicies": return try listPolicies(call, caller)
        case "ListEntitiesForPolicy": return try entities(call, caller)
        case "DeletePolicy": return try await deletePolicy(call, caller)
        case "TagPolicy", "UntagPolicy", "ListPolicyTags": return try await policyTags(call, caller)
        default: return nil
        }
    }

    /// The calls that users, groups and roles have in common under different names.
    private func performOnHolder(_ call: QueryCall, _ caller: CallerName) async throws(IdentityError) -> [AnswerElement]
    {
        for kind in [Holder.Kind.user, .group, .role] {
            let name = kind.rawValue
            switch call.action {
            case "Put\(name)Policy": return try await putInline(kind, call, caller)
            case "Get\(name)Policy": return try getInline(kind, call, caller)
            case "Delete\(name)Policy": return try await deleteInline(kind, call, caller)
            case "List\(name)Policies": return try listInline(kind, call, caller)
            case "Attach\(name)Policy", "Detach\(name)Policy": return try await attach(kind, call, caller)
            case "ListAttached\(name)Policies": return try listAttached(kind, call, caller)
            case "Put\(name)PermissionsBoundary" where kind != .group,
                "Delete\(name)PermissionsBoundary" where kind != .group:
                return try await setBoundary(kind, call, caller)
            case "Tag\(name)" where kind != .group, "Untag\(name)" where kind != .group:
                return try await changeTags(kind, call, caller)
            case "List\(name)Tags" where kind != .group: return try listTags(kind, call, caller)
            default: continue
            }
        }
        throw .unknownAction(call.action)
    }

    // MARK: What the calls share

    func account(_ caller: CallerName) throws(IdentityError) -> Account {
        guard let account = store.state.accounts[caller.account] else { throw .accessDenied }
        return account
    }

    /// The name in the call; for users, without one, the caller's own.
    func holderName(_ kind: Holder.Kind, _ call: QueryCall, _ caller: CallerName) throws(IdentityError) -> String {
        if let name = call[kind.rawValue + "Name"], !name.isEmpty { return name }
        if kind == .user, let user = caller.user { return user }
        return try call.required(kind.rawValue + "Name")
    }

    func holder(_ kind: Holder.Kind, _ call: QueryCall, _ caller: CallerName) throws(IdentityError) -> (Account, Holder)
    {
        let account = try account(caller), name = try holderName(kind, call, caller)
        guard let holder = account.holders[.init(kind, name)] else { throw .noSuch(kind, name) }
        return (account, holder)
    }

    /// Changes one user, group or role.
    func changing<Result: Sendable>(
        _ kind: Holder.Kind, _ call: QueryCall, _ caller: CallerName,
        _ change: @Sendable (inout Holder, Account) throws(IdentityError) -> Result
    ) async throws(IdentityError) -> Result {
        let name = try holderName(kind, call, caller)
        return try await store.change { edit throws(IdentityError) in
            guard let account = edit.state.accounts[caller.account], var holder = account.holders[.init(kind, name)]
            else {
                throw .noSuch(kind, name)
            }
            let result = try change(&holder, account)
            edit.put(holder, in: caller.account)
            return result
        }
    }

    func newID(_ prefix: String) -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
        return prefix + String((0..<16).map { _ in letters[Int(store.random.next() % 32)] })
    }

    static func checkName(_ name: String) throws(IdentityError) {
        guard (1...128).contains(name.utf8.count), name.utf8.allSatisfy(isNameByte) else {
            throw .invalid(
                "The specified value for the name is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"
            )
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "+=,.@_-".utf8.contains(byte)
        }
    }

    static func path(_ call: QueryCall, _ name: String = "Path") throws(IdentityError) -> String {
        let path = call[name] ?? "/"
        guard path.hasPrefix("/"), path.hasSuffix("/"), path.utf8.count <= 512,
            path.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { throw .invalid("The specified value for path is invalid.") }
        return path
    }

    /// Users and roles that a trust policy of `owner` names must exist, where their account is known to it: one of its tenant's.
    static func checkPrincipals(
        _ trust: String, of owner: String, _ state: IdentityState
    ) throws(IdentityError) {
        let tenant = state.accounts[owner]?.tenant ?? .default
        let document: PolicyDocument
        do throws(PolicyError) { document = try PolicyDocument(parsing: Array(trust.utf8), use: .trust) } catch {
            throw .malformedPolicy(error.message)
        }
        for case .arn(let arn) in document.statements.flatMap({ $0.principal?.members ?? [] }) {
            let parts = arn.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 6, parts[2] == "iam", let account = state.account(number: parts[4], in: tenant)
            else { continue }
            guard account.holders.values.contains(where: { $0.kind != .group && account.arn(of: $0) == arn }) else {
                throw .malformedPolicy("Invalid principal in policy: \"AWS\":\"\(arn)\"")
            }
        }
    }

    /// AWS's limits: 2 KiB for users' inline policies up to 10 KiB for roles'; one limit for all here.
    static let documentBytesMax = 10_240

    static func checkDocument(_ text: String, trust: Bool = false) throws(IdentityError) {
        do throws(PolicyError) {
            _ = try PolicyDocument(
                parsing: Array(text.utf8), use: trust ? .trust : .identity, bytesMax: documentBytesMax)
        } catch {
            if error == .tooLarge { throw .limitExceeded("Maximum policy size of \(documentBytesMax) bytes exceeded.") }
            throw .malformedPolicy(error.message)
        }
    }
}
