import AccessPolicy

/// Somebody whom an identity provider or a directory vouches for, checked and ready for a session.
package struct ExternalIdentity: Sendable {
    /// `openid/<issuer>/<subject>` or `ldap/<name>`: unlike that of everybody else.
    package var name: String
    /// Number of the account that the session belongs to when it takes no role.
    package var account: String
    package var grants = ExternalGrants()
    /// The names by which trust policies know the provider; empty when roles can't be taken.
    package var providerNames: [String] = []
    /// What trust policies may ask, by condition key in lower case.
    package var trustFacts: [String: [String]] = [:]
    /// For a role's session whose caller chose no name.
    package var sessionName: String?
    /// Of the answer.
    package var subject = ""
    package var audience = ""
    package var provider = ""

    package init(name: String, account: String) { (self.name, self.account) = (name, account) }

    /// A kind of its own, so that no name that somebody chooses elsewhere can be taken for a user, a role or another's session.
    package static func arn(_ account: String, _ name: String) -> String {
        "arn:aws:sts::\(account):external-user/\(name)"
    }

    /// A part of a name: everything that could end it or stand for something else is percent-encoded.
    package static func part(_ text: String) -> String { PercentForm.encode(text) }
}

/// What a session of such an identity may do: names of policies and groups, looked up with every request, so that changes count at once.
package struct ExternalGrants: Hashable, Sendable {
    /// Names of policies, canned ones or the account's.
    package var policies: [String] = []
    /// Names of the account's groups.
    package var groups: [String] = []
    /// By condition key, in lower case.
    package var facts: [String: [String]] = [:]

    package init() {}

    /// A token travels with every request, and heads have limits.
    static let bytesMax = 6 << 10

    /// Canonical names of a directory's entries: the person's and the groups'.
    package var entries: [String] {
        ((facts["ldap:user"] ?? []) + (facts["ldap:groups"] ?? [])).compactMap(DistinguishedName.canonical)
    }

    func documents(_ account: Account) -> [PolicyDocument] {
        var arns: [String] = []
        for name in policies {
            if let arn = Self.arn(ofPolicy: name, account) { arns.append(arn) }
        }
        for entry in entries { arns += account.directoryPolicies[entry] ?? [] }
        var documents = arns.compactMap { arn -> PolicyDocument? in
            let isThere = CannedPolicies.document(arn: arn) != nil || account.policy(arn: arn) != nil
            return isThere ? IdentityResolver.document(arn: arn, account) : nil
        }
        for name in groups {
            if let group = account.holders[.init(.group, name)] {
                documents += IdentityResolver.documents(of: group, account)
            }
        }
        return documents
    }

    /// A policy is named by its name or its ARN.
    static func arn(ofPolicy name: String, _ account: Account) -> String? {
        if name.hasPrefix("arn:") { return name }
        if let policy = account.policies[name] { return account.arn(of: policy) }
        let canned = CannedPolicies.arnPrefix + name
        return CannedPolicies.document(arn: canned) == nil ? nil : canned
    }

    /// Whether a policy of that name is there.
    package static func names(policy name: String, _ account: Account) -> Bool {
        arn(ofPolicy: name, account).map { CannedPolicies.document(arn: $0) != nil || account.policy(arn: $0) != nil }
            ?? false
    }

    var json: JSONValue {
        func list(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
        if self == ExternalGrants() { return .null }
        return .object([
            .init("p", list(policies)), .init("g", list(groups)),
            .init("f", .object(facts.sorted { $0.key < $1.key }.map { JSONValue.Member($0.key, list($0.value)) })),
        ])
    }

    init?(_ json: JSONValue?) {
        func texts(_ value: JSONValue?) -> [String]? {
            guard case .array(let values)? = value else { return nil }
            return values.compactMap(\.text)
        }
        guard let json, json != .null else { return }
        guard let policies = texts(json["p"]), let groups = texts(json["g"]),
            case .object(let facts)? = json["f"]
        else { return nil }
        (self.policies, self.groups) = (policies, groups)
        for fact in facts { self.facts[fact.name] = texts(fact.value) }
    }
}
