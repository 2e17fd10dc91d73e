package import Base

/// A user, a group or a role of an account: what policies can be given to.
package struct Holder: Hashable, Sendable {
    package enum Kind: String, Hashable, Comparable, Sendable {
        case user = "User"
        case group = "Group"
        case role = "Role"
        package static func < (lhs: Kind, rhs: Kind) -> Bool { lhs.rawValue < rhs.rawValue }
        /// How ids of the kind begin.
        var idPrefix: String {
            switch self {
            case .user: "AIDA"
            case .group: "AGPA"
            case .role: "AROA"
            }
        }
    }

    package var kind: Kind
    package var name: String
    package var path = "/"
    package var id: String
    package var created: Timestamp
    /// Documents by name.
    package var inline: [String: String] = [:]
    /// ARNs of managed policies, in the order in which they were attached.
    package var attached: [String] = []
    package var boundary: String?
    /// Users and roles, in the order in which they came.
    package var tags: [IdentityTag] = []
    /// Users only.
    package var keys: [AccessKey] = []
    /// Groups only: names of users, in the order in which they came.
    package var members: [String] = []
    /// Roles only.
    package var trust = ""
    package var summary = ""
    package var sessionSecondsMax = 3600

    package init(kind: Kind, name: String, id: String, created: Timestamp) {
        self.kind = kind
        self.name = name
        self.id = id
        self.created = created
    }
}

package struct AccessKey: Hashable, Sendable {
    package var id: String
    package var secret: String
    package var isActive = true
    /// From the server's settings: not stored, and changed there.
    package var isConfigured = false
    package var created: Timestamp
    package init(id: String, secret: String, created: Timestamp) {
        self.id = id
        self.secret = secret
        self.created = created
    }
}

/// A tag of a user, a role or a policy: policies ask for it as `aws:PrincipalTag/key`.
package struct IdentityTag: Hashable, Sendable {
    package var key: String
    package var value: String
    package init(_ key: String, _ value: String) { (self.key, self.value) = (key, value) }
}

package struct ManagedPolicy: Hashable, Sendable {
    package struct Version: Hashable, Sendable {
        package var number: Int
        package var document: String
        package var created: Timestamp
        package init(number: Int, document: String, created: Timestamp) {
            (self.number, self.document, self.created) = (number, document, created)
        }
    }
    /// AWS's limit; it also keeps the policy's row within a commit.
    static let versionsMax = 5

    package var name: String
    package var path = "/"
    package var id: String
    package var created: Timestamp
    package var updated: Timestamp
    package var summary = ""
    package var tags: [IdentityTag] = []
    /// Oldest first; never empty.
    package var versions: [Version]
    /// The number of the version that counts.
    package var current: Int
    /// The highest number that was ever given: none is given twice.
    package var last: Int

    package init(name: String, id: String, created: Timestamp, document: String) {
        (self.name, self.id, self.created, updated) = (name, id, created, created)
        versions = [Version(number: 1, document: document, created: created)]
        (current, last) = (1, 1)
    }

    /// Of the version that counts.
    package var document: String { version(current)?.document ?? "" }

    func version(_ number: Int) -> Version? { versions.first { $0.number == number } }
}

/// An account: owns buckets, and has users, groups, roles and policies.
package struct Account: Hashable, Sendable {
    /// Names differ in more than case, are found in any, and are listed without regard to it.
    package struct HolderName: Hashable, Comparable, Sendable {
        package let kind: Holder.Kind
        /// In lower case.
        package let name: String
        package init(_ kind: Holder.Kind, _ name: String) {
            self.kind = kind
            self.name = name.lowercased()
        }
        package static func < (lhs: Self, rhs: Self) -> Bool {
            lhs.kind == rhs.kind ? lhs.name.utf8.lexicographicallyPrecedes(rhs.name.utf8) : lhs.kind < rhs.kind
        }
    }

    /// Twelve digits.
    package var number: String
    package var tenant = TenantID.default
    package var canonicalID: String
    /// What the operator calls it; no two accounts of a tenant have one name.
    package var name: String
    package var displayName: String
    package var email: String?
    /// The one alias that IAM lets an account have.
    package var alias: String?
    /// False while it is suspended: none of its keys and sessions is known then.
    package var isActive = true
    /// Of the account itself.
    package var keys: [AccessKey] = []
    /// The operator's own account and those of the accounts file: only what was added to them is stored.
    package var isConfigured = false
    package var created = Timestamp(seconds: 0)
    package var holders: [HolderName: Holder] = [:]
    package var policies: [String: ManagedPolicy] = [:]
    /// By name: the address without its scheme.
    package var openIDProviders: [String: OpenIDConnectProvider] = [:]
    /// ARNs of policies by the canonical name of a directory's entry.
    package var directoryPolicies: [String: [String]] = [:]

    package init(
        number: String, canonicalID: String, displayName: String, email: String? = nil, name: String? = nil
    ) {
        self.number = number
        self.canonicalID = canonicalID
        self.name = name ?? displayName
        self.displayName = displayName
        self.email = email
    }

    package func arn(of holder: Holder) -> String {
        "arn:aws:iam::\(number):\(holder.kind.rawValue.lowercased())\(holder.path)\(holder.name)"
    }

    package func arn(of policy: ManagedPolicy) -> String {
        "arn:aws:iam::\(number):policy\(policy.path)\(policy.name)"
    }

    package func holders(_ kind: Holder.Kind) -> [Holder] {
        holders.filter { $0.key.kind == kind }.sorted { $0.key < $1.key }.map(\.value)
    }

    package func policy(arn: String) -> ManagedPolicy? {
        let prefix = "arn:aws:iam::\(number):policy/"
        guard arn.hasPrefix(prefix), let name = arn.split(separator: "/").last,
            let policy = policies[String(name)], self.arn(of: policy) == arn
        else { return nil }
        return policy
    }
}

/// All tenants and accounts. A value: published whole after every change, so that a request sees one state.
package struct IdentityState: Sendable {
    /// The default one is always there.
    package var tenants: [TenantID: TenantInfo] = [.default: .default]
    /// Of all tenants, by number.
    package var accounts: [String: Account] = [:]
    /// As of the last `index()`.
    package private(set) var directory = TenantDirectory([:])
    /// Who has an access key, as of the last `index()`: unknown keys, which anybody can send, cost one look-up.
    private var keyOwners: [String: KeyOwner] = [:]
    /// Numbers by canonical id, likewise.
    private var numbers: [String: String] = [:]

    struct KeyOwner: Sendable {
        var account: String
        /// nil: the account itself.
        var user: String?
    }

    package init() {}

    /// Brings the indexes in line, before the state is published.
    mutating func index() {
        keyOwners = [:]
        numbers = [:]
        directory = TenantDirectory(tenants)
        for account in accounts.values {
            numbers[account.canonicalID] = account.number
            for key in account.keys { keyOwners[key.id] = KeyOwner(account: account.number) }
            for holder in account.holders.values {
                for key in holder.keys { keyOwners[key.id] = KeyOwner(account: account.number, user: holder.name) }
            }
        }
    }

    package func account(canonicalID: String) -> Account? { numbers[canonicalID].flatMap { accounts[$0] } }

    /// The account that a key belongs to, and the user if it is one's.
    func owner(ofKey id: String) -> (account: Account, user: Holder?, key: AccessKey)? {
        guard let owner = keyOwners[id], let account = accounts[owner.account] else { return nil }
        guard let name = owner.user else { return account.keys.first { $0.id == id }.map { (account, nil, $0) } }
        guard let user = account.holders[.init(.user, name)] else { return nil }
        return user.keys.first { $0.id == id }.map { (account, user, $0) }
    }

    /// Found by number, else by canonical id, in any tenant unless one is given; else by name in that one or the default one.
    package func account(named text: String, in tenant: TenantID? = nil) -> Account? {
        if let found = accounts[text] ?? account(canonicalID: text), tenant == nil || found.tenant == tenant {
            return found
        }
        return accounts.values.first { $0.name == text && $0.tenant == tenant ?? .default }
    }

    /// As long as it is one of that tenant's.
    package func account(number: String, in tenant: TenantID) -> Account? {
        accounts[number].flatMap { $0.tenant == tenant ? $0 : nil }
    }

    package func tenant(named name: String) -> TenantInfo? { tenants.values.first { $0.name == name } }

    /// The account that a key belongs to.
    package func tenant(ofKey id: String) -> TenantID? {
        keyOwners[id].flatMap { accounts[$0.account]?.tenant }
    }

    /// Whether some account or user has this access key.
    func hasKey(_ id: String) -> Bool { owner(ofKey: id) != nil }
}
