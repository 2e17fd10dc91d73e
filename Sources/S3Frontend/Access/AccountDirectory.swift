import AccessPolicy
package import Base
import Digests

/// An account as owners, grantees and policies name it.
package struct AccountInfo: Hashable, Sendable {
    /// Twelve digits: the account of ARNs.
    package var number: String
    /// Shown as the ID of owners and grantees.
    package var canonicalID: String
    package var displayName: String
    package var email: String?

    package init(number: String, canonicalID: String, displayName: String, email: String? = nil) {
        self.number = number
        self.canonicalID = canonicalID
        self.displayName = displayName
        self.email = email
    }

    /// The account number of a canonical id for which none was chosen: it says nothing and stays the same.
    package static func number(of canonicalID: String) -> String {
        let digest = SHA256.of(Array("martlet account \(canonicalID)".utf8))
        let value = digest.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) } % 900_000_000_000
        return String(100_000_000_000 + value)
    }
}

/// Who exists in a tenant: what grants and policies are checked against. Look-ups are in memory and never wait.
package protocol AccountDirectory: Sendable {
    /// The accounts of another tenant.
    func scoped(to tenant: TenantID) -> any AccountDirectory
    func account(canonicalID: String) -> AccountInfo?
    func account(number: String) -> AccountInfo?
    /// Several when an e-mail address was given to several.
    func accounts(email: String) -> [AccountInfo]
    /// False when the ARN names a user or role of an account that is known and has no such user or role.
    func mayExist(principal arn: String) -> Bool
}

extension AccountDirectory {
    package func scoped(to tenant: TenantID) -> any AccountDirectory { self }
    package func mayExist(principal arn: String) -> Bool { true }
}

/// Nobody but who signs: for tests of operations that name no account.
package struct NoAccounts: AccountDirectory {
    package init() {}
    package func account(canonicalID: String) -> AccountInfo? { nil }
    package func account(number: String) -> AccountInfo? { nil }
    package func accounts(email: String) -> [AccountInfo] { [] }
}
