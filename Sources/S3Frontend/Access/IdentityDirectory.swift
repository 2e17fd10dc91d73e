import AccessPolicy
package import Base
package import Identity
import ObjectFormat
package import S3Protocol

/// Stored identities as this layer asks for them: access keys of the whole server, accounts of one tenant.
package struct IdentityDirectory: CredentialDirectory, AccountDirectory {
    let resolver: IdentityResolver
    private var tenant = TenantID.default

    package init(_ resolver: IdentityResolver) { self.resolver = resolver }

    package func scoped(to tenant: TenantID) -> any AccountDirectory {
        var scoped = self
        scoped.tenant = tenant
        return scoped
    }

    package func secret(of accessKey: String) -> SignerIdentity? {
        resolver.identity(accessKey: accessKey).map { SignerIdentity($0, accessKey: accessKey) }
    }

    package func session(_ token: String, accessKey: String, now: Timestamp) throws(S3Error) -> SignerIdentity {
        do throws(IdentityResolver.TokenError) {
            return SignerIdentity(try resolver.session(token, accessKey: accessKey, now: now), accessKey: accessKey)
        } catch {
            switch error {
            case .malformed: throw S3Error(.invalidToken)
            case .expired: throw S3Error(.expiredToken)
            case .unknownKey: throw S3Error(.invalidAccessKeyId).with("AWSAccessKeyId", accessKey)
            }
        }
    }

    // MARK: Accounts

    package func account(canonicalID: String) -> AccountInfo? {
        resolver.store.state.account(canonicalID: canonicalID).flatMap { $0.tenant == tenant ? AccountInfo($0) : nil }
    }

    package func account(number: String) -> AccountInfo? {
        resolver.store.state.account(number: number, in: tenant).map(AccountInfo.init)
    }

    package func accounts(email: String) -> [AccountInfo] {
        resolver.store.state.accounts.values
            .filter { $0.tenant == tenant && $0.email?.lowercased() == email.lowercased() }
            .map(AccountInfo.init).sorted { $0.canonicalID < $1.canonicalID }
    }

    package func mayExist(principal arn: String) -> Bool {
        let parts = arn.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 6, parts[2] == "iam",
            let account = resolver.store.state.account(number: parts[4], in: tenant)
        else { return true }
        return account.holders.values.contains { $0.kind != .group && account.arn(of: $0) == arn }
    }
}

extension AccountInfo {
    init(_ account: Account) {
        self.init(
            number: account.number, canonicalID: account.canonicalID, displayName: account.displayName,
            email: account.email)
    }
}

extension SignerIdentity {
    init(_ found: ResolvedIdentity, accessKey: String) {
        self.init(
            accessKey: accessKey, secretKey: found.secret, tenant: found.account.tenant,
            canonicalID: found.account.canonicalID,
            displayName: found.account.displayName, number: found.account.number)
        caller = .identity(found.caller)
        policies.attached = found.attached
        policies.boundary = found.boundary
        policies.session = found.session
        tokenIssued = found.issued
        principalTags = found.tags.map { NameValue(name: $0.key, value: $0.value) }
        claims = found.claims
    }
}
