package import AccessPolicy
package import Base

/// Sessions of identities that are kept elsewhere. The caller has checked who they are; here is decided what they get.
extension STS {
    /// A session of the role that the call names, or of the identity itself when `role` is nil.
    package func assumeRoleWithWebIdentity(
        _ call: QueryCall, _ identity: ExternalIdentity, role: String?, in tenant: TenantID, facts: any FactSource
    ) throws(IdentityError) -> [AnswerElement] {
        let session: [AnswerElement]
        if let role {
            session = try roleSession(call, identity, role, tenant, facts)
        } else {
            session = try ownSession(call, identity, tenant, secondsMax: 43_200)
        }
        return session + [
            .text("SubjectFromWebIdentityToken", identity.subject), .text("Audience", identity.audience),
            .text("Provider", identity.provider), .text("PackedPolicySize", "0"),
        ]
    }

    package func assumeRoleWithLDAPIdentity(
        _ call: QueryCall, _ identity: ExternalIdentity, in tenant: TenantID
    ) throws(IdentityError) -> [AnswerElement] {
        try ownSession(call, identity, tenant, secondsMax: 604_800)
    }

    private func ownSession(
        _ call: QueryCall, _ identity: ExternalIdentity, _ tenant: TenantID, secondsMax: Int
    ) throws(IdentityError) -> [AnswerElement] {
        let seconds = try call.number("DurationSeconds", in: 900...secondsMax) ?? 3600
        guard let account = store.state.account(number: identity.account, in: tenant),
            !identity.grants.documents(account).isEmpty
        else {
            throw IdentityError("AccessDenied", 403, "No policy is given to this identity.")
        }
        let now = store.time.now().seconds
        var claims = SessionClaims(
            kind: .external, account: account.number, name: identity.name, holderID: account.canonicalID,
            secret: iam.newSecret(), issued: now, expires: now + Int64(seconds))
        claims.external = identity.grants
        claims.policies = try policies(call, account)
        return [
            try credentials(try Self.checked(claims)),
            .group(
                "AssumedRoleUser",
                [
                    .text("AssumedRoleId", "\(account.number):\(identity.name)"),
                    .text("Arn", ExternalIdentity.arn(account.number, identity.name)),
                ]),
        ]
    }

    private func roleSession(
        _ call: QueryCall, _ identity: ExternalIdentity, _ arn: String, _ tenant: TenantID, _ facts: any FactSource
    ) throws(IdentityError) -> [AnswerElement] {
        var name = call["RoleSessionName"] ?? identity.sessionName ?? ""
        if name.isEmpty { name = try call.required("RoleSessionName") }
        guard (2...64).contains(name.utf8.count) else { throw .invalid("RoleSessionName must have 2 to 64 characters") }
        try IAM.checkName(name)
        let refusal = IdentityError("AccessDenied", 403, "Not authorized to perform sts:AssumeRoleWithWebIdentity")
        guard let (account, role) = STS.role(arn, store.state), account.tenant == tenant else { throw refusal }
        let seconds = try call.number("DurationSeconds", in: 900...43_200) ?? 3600
        guard seconds <= role.sessionSecondsMax else {
            throw .invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
        }
        let trust: PolicyDocument
        do throws(PolicyError) { trust = try PolicyDocument(parsing: Array(role.trust.utf8), use: .trust) } catch {
            throw refusal
        }
        let request = AccessRequest(
            caller: .federated(identity.providerNames), action: "sts:AssumeRoleWithWebIdentity", resource: arn,
            facts: TrustFacts(claims: identity.trustFacts, sessionName: name, others: facts))
        guard !identity.providerNames.isEmpty, trust.evaluate(request).isAllowed else { throw refusal }
        let now = store.time.now().seconds
        var claims = SessionClaims(
            kind: .role, account: account.number, name: role.name, holderID: role.id, secret: iam.newSecret(),
            issued: now, expires: now + Int64(seconds))
        claims.sessionName = name
        claims.external.facts = identity.grants.facts
        claims.policies = try policies(call, account)
        return [
            try credentials(try Self.checked(claims)),
            .group(
                "AssumedRoleUser",
                [
                    .text("AssumedRoleId", "\(role.id):\(name)"),
                    .text("Arn", "arn:aws:sts::\(account.number):assumed-role/\(role.name)/\(name)"),
                ]),
        ]
    }

    /// Claims that are too many are refused as a whole: the one left out may be the one that a policy denies something for.
    private static func checked(_ claims: SessionClaims) throws(IdentityError) -> SessionClaims {
        guard claims.external.json.encoded.utf8.count <= ExternalGrants.bytesMax else {
            throw IdentityError(
                "PackedPolicyTooLarge", 400, "The identity's claims and groups are too many for a session.")
        }
        return claims
    }

    /// The role of that ARN and its account.
    package static func role(_ arn: String, _ state: IdentityState) -> (Account, Holder)? {
        let parts = arn.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 6, let account = state.accounts[parts[4]],
            let name = parts[5].split(separator: "/").last,
            let role = account.holders[.init(.role, String(name))], account.arn(of: role) == arn
        else { return nil }
        return (account, role)
    }
}

/// What a trust policy may ask of a call that a provider vouches for.
private struct TrustFacts: FactSource {
    let claims: [String: [String]]
    let sessionName: String
    let others: any FactSource

    func values(of key: String) -> [String]? {
        if key == "sts:rolesessionname" { return [sessionName] }
        return claims[key] ?? others.values(of: key)
    }
}
