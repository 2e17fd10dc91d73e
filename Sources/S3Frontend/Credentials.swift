package import AccessPolicy
package import Base
package import ObjectFormat
package import S3Protocol

/// Who signs requests, by access key.
package protocol CredentialDirectory: Sendable {
    func secret(of accessKey: String) -> SignerIdentity?
    /// The identity of temporary credentials, whose token comes with each request. Throws when the token is not one of this
    /// server's, belongs to another key, or has expired.
    func session(_ token: String, accessKey: String, now: Timestamp) throws(S3Error) -> SignerIdentity
}

extension CredentialDirectory {
    package func session(_ token: String, accessKey: String, now: Timestamp) throws(S3Error) -> SignerIdentity {
        throw S3Error(.invalidToken)
    }
}

/// Who a request is from, once its signature holds: the account, and the identity of the account that signed.
package struct SignerIdentity: Sendable {
    package var accessKey: String
    package var secretKey: String
    package var tenant: TenantID
    /// Of the account: shown as the owner of buckets and objects.
    package var canonicalID: String
    package var displayName: String
    package var caller: Caller
    package var policies = IdentityPolicies()
    package var principalTags: [NameValue] = []
    /// Claims of the identity provider that a session began with, by condition key.
    package var claims: [String: [String]] = [:]
    package var tokenIssued: Timestamp?

    /// The account itself.
    package init(
        accessKey: String, secretKey: String, tenant: TenantID, canonicalID: String, displayName: String,
        number: String? = nil
    ) {
        self.accessKey = accessKey
        self.secretKey = secretKey
        self.tenant = tenant
        self.canonicalID = canonicalID
        self.displayName = displayName
        let number = number ?? AccountInfo.number(of: canonicalID)
        caller = .identity(
            CallerIdentity(
                kind: .account, arn: "arn:aws:iam::\(number):root", accountID: number, canonicalID: canonicalID,
                userID: number))
    }

    private init(anonymousIn tenant: TenantID) {
        (accessKey, secretKey, self.tenant) = ("", "", tenant)
        (canonicalID, displayName, caller) = (Self.anonymousID, "", .anonymous)
    }

    /// Whoever does not sign. What such a request writes belongs to this id, as on AWS.
    package static func anonymous(in tenant: TenantID) -> SignerIdentity { SignerIdentity(anonymousIn: tenant) }
    static let anonymousID = "65a011a29cdf8ec533ec3d1ccaae921c"

    /// How uploads name who began them.
    var initiator: String {
        guard let identity = caller.identity, identity.kind != .account else { return canonicalID }
        return identity.arn
    }

    package var isAccountRoot: Bool { caller.identity?.kind == .account && policies.isEmpty }
}

/// The policies that an identity brings along.
package struct IdentityPolicies: Sendable {
    package var attached: [PolicyDocument] = []
    package var boundary: PolicyDocument?
    package var session: [PolicyDocument] = []
    package init() {}

    var isEmpty: Bool { attached.isEmpty && boundary == nil && session.isEmpty }

    func asksFor(prefix: String) -> Bool {
        attached.contains { $0.asksFor(prefix: prefix) } || boundary?.asksFor(prefix: prefix) == true
            || session.contains { $0.asksFor(prefix: prefix) }
    }

    func fill(_ combination: inout PolicyCombination) {
        combination.identity = attached
        combination.boundary = boundary
        combination.session = session
    }
}
