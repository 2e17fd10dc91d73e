package import AccessPolicy
import Base

/// The STS API: temporary credentials. `identity` is whoever signed the call.
package struct STS: Sendable {
    let store: IdentityStore
    let iam: IAM

    package init(_ store: IdentityStore) {
        self.store = store
        iam = IAM(store)
    }

    package func perform(
        _ call: QueryCall, _ identity: ResolvedIdentity, facts: any FactSource
    ) throws(IdentityError) -> [AnswerElement] {
        for name in ["SerialNumber", "TokenCode", "SourceIdentity", "TransitiveTagKeys.member.1"]
        where call[name] != nil {
            throw .invalid("\(name) is not supported by this server.")
        }
        switch call.action {
        case "GetCallerIdentity":
            return [
                .text("Arn", identity.caller.arn), .text("UserId", identity.caller.userID),
                .text("Account", identity.account.number),
            ]
        case "GetSessionToken": return try sessionToken(call, identity)
        case "GetFederationToken": return try federationToken(call, identity)
        case "GetAccessKeyInfo":
            let id = try call.required("AccessKeyId")
            let owner = store.state.owner(ofKey: id)?.account
            // Which account has a key is told to that account only.
            guard let owner, owner.number == identity.account.number else {
                throw .invalid("The access key \(id) is not one of this account.")
            }
            return [.text("Account", owner.number)]
        case "AssumeRole":
            // Clients of other servers ask without a role: a session of the caller, bounded by a policy.
            let arn = call["RoleArn"] ?? ""
            if arn.hasPrefix("arn:aws:iam::") { return try assumeRole(call, arn, identity, facts) }
            return try sessionToken(call, identity, named: "AssumeRole")
        default: throw .unknownAction(call.action)
        }
    }

    private func sessionToken(
        _ call: QueryCall, _ identity: ResolvedIdentity, named: String = "GetSessionToken"
    ) throws(IdentityError) -> [AnswerElement] {
        guard identity.issued == nil else {
            throw IdentityError("AccessDenied", 403, "Cannot call \(named) with session credentials")
        }
        let seconds = try call.number("DurationSeconds", in: 900...129_600) ?? 43_200
        var claims = claims(.user, identity, identity.caller.userName ?? "", seconds)
        if identity.caller.kind == .account { claims.kind = .account }
        claims.policies = try policies(call, identity.account)
        return [try credentials(claims)]
    }

    private func federationToken(
        _ call: QueryCall, _ identity: ResolvedIdentity
    ) throws(IdentityError) -> [AnswerElement] {
        guard identity.issued == nil else {
            throw IdentityError("AccessDenied", 403, "Cannot call GetFederationToken with session credentials")
        }
        let name = try call.required("Name")
        guard (2...32).contains(name.utf8.count) else { throw .invalid("Name must have 2 to 32 characters") }
        try IAM.checkName(name)
        let seconds = try call.number("DurationSeconds", in: 900...129_600) ?? 43_200
        var claims = claims(.federated, identity, identity.caller.userName ?? "", seconds)
        claims.sessionName = name
        claims.tags = try call.tags()
        claims.policies = try policies(call, identity.account)
        // Without a policy such a session may do nothing.
        if claims.policies.isEmpty {
            claims.policies = ["{\"Statement\":{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\"}}"]
        }
        let user = AnswerElement.group(
            "FederatedUser",
            [
                .text("FederatedUserId", "\(identity.account.number):\(name)"),
                .text("Arn", "arn:aws:sts::\(identity.account.number):federated-user/\(name)"),
            ])
        return [try credentials(claims), user, .text("PackedPolicySize", "0")]
    }

    private func assumeRole(
        _ call: QueryCall, _ arn: String, _ identity: ResolvedIdentity, _ facts: any FactSource
    ) throws(IdentityError) -> [AnswerElement] {
        let name = try call.required("RoleSessionName")
        guard (2...64).contains(name.utf8.count) else { throw .invalid("RoleSessionName must have 2 to 64 characters") }
        try IAM.checkName(name)
        let refusal = IdentityError(
            "AccessDenied", 403,
            "User: \(identity.caller.arn) is not authorized to perform: sts:AssumeRole on resource: \(arn)")
        let parts = arn.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 6, let account = store.state.account(number: parts[4], in: identity.account.tenant),
            let roleName = parts[5].split(separator: "/").last,
            let role = account.holders[.init(.role, String(roleName))], account.arn(of: role) == arn
        else { throw refusal }
        let longest = role.sessionSecondsMax
        let seconds = try call.number("DurationSeconds", in: 900...43_200) ?? 3600
        guard seconds <= longest else {
            throw .invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
        }
        let tags = try call.tags()
        try checkTrust(role, arn, account, identity, facts, refusal, "sts:AssumeRole")
        if !tags.isEmpty { try checkTrust(role, arn, account, identity, facts, refusal, "sts:TagSession") }
        var claims = claims(.role, identity, role.name, seconds)
        (claims.account, claims.holderID, claims.tags) = (account.number, role.id, tags)
        claims.sessionName = name
        claims.policies = try policies(call, account)
        let user = AnswerElement.group(
            "AssumedRoleUser",
            [
                .text("AssumedRoleId", "\(role.id):\(name)"),
                .text("Arn", "arn:aws:sts::\(account.number):assumed-role/\(role.name)/\(name)"),
            ])
        return [try credentials(claims), user, .text("PackedPolicySize", "0")]
    }

    /// The role's trust policy must let the caller in, and where it names the account only, the account's policies must too.
    private func checkTrust(
        _ role: Holder, _ arn: String, _ account: Account, _ identity: ResolvedIdentity, _ facts: any FactSource,
        _ refusal: IdentityError, _ action: String
    ) throws(IdentityError) {
        let trust: PolicyDocument
        do throws(PolicyError) { trust = try PolicyDocument(parsing: Array(role.trust.utf8), use: .trust) } catch {
            throw refusal
        }
        let request = AccessRequest(
            caller: .identity(identity.caller), action: action, resource: arn, facts: facts)
        var combination = PolicyCombination(resourceOwner: account.canonicalID)
        combination.identity = identity.attached
        combination.boundary = identity.boundary
        combination.session = identity.session
        combination.resource = trust
        guard trust.evaluate(request).isAllowed, combination.decide(request).isAllowed else { throw refusal }
    }

    private func claims(
        _ kind: SessionClaims.Kind, _ identity: ResolvedIdentity, _ name: String, _ seconds: Int
    ) -> SessionClaims {
        let now = store.time.now().seconds
        return SessionClaims(
            kind: kind, account: identity.account.number, name: name,
            holderID: name.isEmpty ? identity.account.canonicalID : identity.caller.userID, secret: iam.newSecret(),
            issued: now, expires: now + Int64(seconds))
    }

    func policies(_ call: QueryCall, _ account: Account) throws(IdentityError) -> [String] {
        var documents: [String] = []
        if let text = call["Policy"], !text.isEmpty {
            guard text.utf8.count <= 2048 else {
                throw IdentityError("PackedPolicyTooLarge", 400, "The policy is too large.")
            }
            try IAM.checkDocument(text)
            documents.append(text)
        }
        for arn in call.list("PolicyArns", "arn") {
            try IAM.checkPolicy(arn, account)
            if let text = CannedPolicies.document(arn: arn) ?? account.policy(arn: arn)?.document {
                documents.append(text)
            }
        }
        return documents
    }

    func credentials(_ claims: SessionClaims) throws(IdentityError) -> AnswerElement {
        let accessKey = iam.newID("ASIA")
        guard let token = claims.token(accessKey: accessKey, key: store.key, random: store.random) else {
            throw .serviceFailure
        }
        return .group(
            "Credentials",
            [
                .text("AccessKeyId", accessKey), .text("SecretAccessKey", claims.secret), .text("SessionToken", token),
                .text("Expiration", DateForm.text(Timestamp(seconds: claims.expires))),
            ])
    }
}
