/// What a request says of itself, asked for by condition key. Keys are in lower case; nil means that the request has no such key,
/// which is not the same as a key without values.
///
/// A source answers on demand, because most requests meet no policy that asks, and the rest ask for one or two keys.
package protocol FactSource: Sendable {
    func values(of key: String) -> [String]?
}

package struct NoFacts: FactSource {
    package init() {}
    package func values(of key: String) -> [String]? { nil }
}

/// Facts in a table, for tests and simulations. Keys may be written in any case.
package struct FactTable: FactSource {
    private var table: [String: [String]]

    package init(_ facts: [String: [String]] = [:]) {
        table = [:]
        for (key, values) in facts { table[key.lowercased()] = values }
    }

    package func values(of key: String) -> [String]? { table[key] }
}

/// One request as policies see it.
package struct AccessRequest: Sendable {
    package var caller: Caller
    /// `s3:GetObject`
    package var action: String
    /// `arn:aws:s3:::bucket/key`
    package var resource: String
    package var facts: any FactSource

    package init(caller: Caller, action: String, resource: String, facts: any FactSource = NoFacts()) {
        self.caller = caller
        self.action = action
        self.resource = resource
        self.facts = facts
    }
}

/// Who asks.
package enum Caller: Hashable, Sendable {
    case anonymous
    case identity(CallerIdentity)
    /// Somebody whom an identity provider vouches for, by the names that policies have for the provider. Meets trust policies only.
    case federated([String])

    package var identity: CallerIdentity? {
        if case .identity(let identity) = self { identity } else { nil }
    }
}

package struct CallerIdentity: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// The account itself, with its root credentials.
        case account
        case user
        /// A session of the role with this ARN.
        case role(String)
        case federatedUser
    }

    package var kind: Kind
    /// `arn:aws:iam::123456789012:user/alice`
    package var arn: String
    /// Twelve digits.
    package var accountID: String
    /// The canonical id of the account.
    package var canonicalID: String
    /// AIDA…, AROA…:session, or the account's number.
    package var userID: String
    package var userName: String?

    package init(
        kind: Kind, arn: String, accountID: String, canonicalID: String, userID: String, userName: String? = nil
    ) {
        self.kind = kind
        self.arn = arn
        self.accountID = accountID
        self.canonicalID = canonicalID
        self.userID = userID
        self.userName = userName
    }
}
