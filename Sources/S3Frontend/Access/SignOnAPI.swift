import AccessPolicy
import Base
import HTTPServer
import Identity
import S3Protocol
import SignOn

/// The calls of STS that nobody signs: who asks brings a token of an identity provider, or a name and a password of a directory.
struct SignOnAPI: Sendable {
    static let actions: Set<String> = ["AssumeRoleWithWebIdentity", "AssumeRoleWithLDAPIdentity"]

    let signOn: SignOn
    let store: IdentityStore
    /// Number of the account for sessions whose provider names none.
    let operatorAccount: String

    /// `tenant` is the one that was asked, by its host: providers, directories and roles of others are not there.
    func perform(_ call: QueryCall, in tenant: TenantID, facts: any FactSource) async throws(IdentityError)
        -> [AnswerElement]
    {
        let outcome: Outcome
        do throws(SignOnError) {
            if call.action == "AssumeRoleWithLDAPIdentity" {
                outcome = try await directory(call, tenant)
            } else {
                outcome = try await webIdentity(call, tenant, facts)
            }
        } catch {
            throw Self.refusal(error)
        }
        return try outcome.get()
    }

    private static func refusal(_ error: SignOnError) -> IdentityError {
        switch error {
        case .invalidToken(let text): IdentityError("InvalidIdentityToken", 400, text)
        case .expired: IdentityError("ExpiredTokenException", 400, "Token is expired")
        case .unreachable(let text): IdentityError("IDPCommunicationError", 400, text)
        case .rejected(let text): IdentityError("IDPRejectedClaim", 403, text)
        case .denied: IdentityError("AccessDenied", 403, "The name or the password is wrong.")
        }
    }

    private typealias Outcome = Result<[AnswerElement], IdentityError>

    private static func outcome(_ work: () throws(IdentityError) -> [AnswerElement]) -> Outcome {
        do { return .success(try work()) } catch { return .failure(error) }
    }

    // MARK: Tokens

    private func webIdentity(
        _ call: QueryCall, _ tenant: TenantID, _ facts: any FactSource
    ) async throws(SignOnError) -> Outcome {
        guard let text = call["WebIdentityToken"], !text.isEmpty else {
            return .failure(IdentityError("ValidationError", 400, "WebIdentityToken must not be empty"))
        }
        guard call["ProviderId"] == nil else {
            return .failure(
                IdentityError("ValidationError", 400, "ProviderId is for tokens that are not OpenID Connect's."))
        }
        let token = try JSONWebToken(parsing: text)
        // Clients of other servers name roles of no account, or none.
        let asked = call["RoleArn"].flatMap { $0.hasPrefix("arn:aws:iam::") ? $0 : nil }
        let provider = try provider(of: token, role: asked, tenant)
        try await signOn.check(token, by: provider)
        let role = asked ?? provider.roleARN
        let identity = identity(of: token, provider, role)
        let sts = STS(store)
        return Self.outcome { () throws(IdentityError) in
            try sts.assumeRoleWithWebIdentity(call, identity, role: role, in: tenant, facts: facts)
        }
    }

    /// A provider that the role's account made comes before those of the configuration, and one that the token is meant for before others.
    private func provider(
        of token: JSONWebToken, role: String?, _ tenant: TenantID
    ) throws(SignOnError) -> OpenIDProvider {
        guard let issuer = token.issuer else { throw .invalidToken("The token has no issuer.") }
        let state = store.state
        var found = signOn.providers.filter { $0.issuer == issuer && isAccount($0.account, of: tenant, state) }
        if let role, let account = state.account(number: Self.account(of: role), in: tenant),
            issuer.hasPrefix("https://"),
            let made = account.openIDProviders[IssuerURL.name(of: issuer)]
        {
            var provider = OpenIDProvider(name: made.name, issuer: issuer, audiences: made.clients)
            provider.isMadeByAccount = true
            found.insert(provider, at: 0)
        }
        let meant = found.first { provider in
            provider.audiences.contains { token.audiences.contains($0) || token.authorizedParty == $0 }
        }
        guard let provider = meant ?? found.first else {
            throw .invalidToken("No OpenIDConnect provider found in your account for the token's issuer.")
        }
        return provider
    }

    /// Whether the sessions of a provider or a directory are an account's of that tenant; without an account they are the operator's.
    private func isAccount(_ number: String?, of tenant: TenantID, _ state: IdentityState) -> Bool {
        (number.flatMap { state.accounts[$0]?.tenant } ?? .default) == tenant
    }

    private static func account(of arn: String) -> String {
        let parts = arn.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
        return parts.count == 6 ? String(parts[4]) : ""
    }

    /// Claims that policies may ask for as `jwt:…`; the rest of a token stays out of the session's own.
    private static let claims: Set<String> = [
        "sub", "iss", "aud", "jti", "upn", "name", "groups", "roles", "given_name", "family_name", "middle_name",
        "nickname", "preferred_username", "profile", "picture", "website", "email", "gender", "birthdate",
        "phone_number", "address", "scope", "client_id", "azp",
    ]

    private func identity(
        of token: JSONWebToken, _ provider: OpenIDProvider, _ role: String?
    ) -> ExternalIdentity {
        let issuer = IssuerURL.name(of: provider.issuer), subject = token.subject ?? ""
        var identity = ExternalIdentity(
            name: "openid/\(ExternalIdentity.part(issuer))/\(ExternalIdentity.part(subject))",
            account: provider.account ?? operatorAccount)
        let arn = "arn:aws:iam::\(role.map(Self.account) ?? identity.account):oidc-provider/\(issuer)"
        identity.providerNames = [arn, issuer]
        (identity.subject, identity.provider) = (subject, provider.issuer)
        identity.audience = token.authorizedParty ?? token.audiences.first ?? ""
        let prefix = issuer.lowercased() + ":"
        for fact in token.facts {
            identity.trustFacts[prefix + fact.name.lowercased()] = fact.values
            if Self.claims.contains(fact.name) { identity.grants.facts["jwt:" + fact.name] = fact.values }
        }
        // As on AWS: the party that the token was issued to, when it names one, is its audience.
        if let party = token.authorizedParty {
            identity.trustFacts[prefix + "aud"] = [party]
            identity.trustFacts[prefix + "oaud"] = token.audiences
        }
        identity.grants.facts["aws:federatedprovider"] = [arn]
        if role != nil {
            identity.sessionName = Self.sessionName(subject)
            return identity
        }
        identity.grants.policies = provider.policies
        for value in token.values(at: provider.policyClaim) ?? [] {
            identity.grants.policies += value.split(separator: ",").map { Self.trimmed($0) }
        }
        if let claim = provider.groupsClaim, let groups = token.values(at: claim) {
            // Some providers write groups as paths.
            identity.grants.groups = groups.map { $0.hasPrefix("/") ? String($0.dropFirst()) : $0 }
            identity.grants.facts["jwt:groups"] = groups
        }
        return identity
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }

    /// For a role's session whose caller named none: the subject, as far as names go.
    private static func sessionName(_ subject: String) -> String {
        let bytes = subject.utf8.prefix(64).map { byte -> UInt8 in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: byte
            default: "+=,.@_-".utf8.contains(byte) ? byte : UInt8(ascii: "-")
            }
        }
        return String(decoding: bytes, as: UTF8.self) + (bytes.count < 2 ? "-" : "")
    }

    // MARK: Directories

    private func directory(_ call: QueryCall, _ tenant: TenantID) async throws(SignOnError) -> Outcome {
        guard let directory = signOn.directory, isAccount(directory.settings.account, of: tenant, store.state) else {
            return .failure(
                IdentityError("InvalidParameterValue", 400, "No directory is configured on this server."))
        }
        guard let login = call["LDAPUsername"], let password = call["LDAPPassword"], !login.isEmpty, !password.isEmpty
        else {
            return .failure(
                IdentityError("MissingParameter", 400, "LDAPUsername and LDAPPassword must not be empty"))
        }
        let user = try await directory.signOn(login: login, password: password)
        let name = DistinguishedName.canonical(user.name) ?? user.name.lowercased()
        var identity = ExternalIdentity(
            name: "ldap/\(ExternalIdentity.part(name))", account: directory.settings.account ?? operatorAccount)
        identity.grants.facts = [
            "ldap:username": [user.login], "ldap:user": [user.name], "ldap:groups": user.groups,
        ]
        for entry in identity.grants.entries { identity.grants.policies += directory.settings.policies[entry] ?? [] }
        let sts = STS(store)
        return Self.outcome { () throws(IdentityError) in try sts.assumeRoleWithLDAPIdentity(call, identity, in: tenant)
        }
    }
}

/// What trust policies may ask of a call that nobody signed.
struct CallFacts: FactSource {
    let address: String
    let isSecure: Bool
    let now: Timestamp

    func values(of key: String) -> [String]? {
        switch key {
        case "aws:sourceip": [address]
        case "aws:securetransport": [isSecure ? "true" : "false"]
        case "aws:currenttime": [ISO8601.formatSeconds(now)]
        case "aws:epochtime": [String(now.seconds)]
        default: nil
        }
    }
}
