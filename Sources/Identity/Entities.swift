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
    package struct HolderName: Hashable, Comparable, Sendable {
        package var kind: Holder.Kind
        package var name: String
        package init(_ kind: Holder.Kind, _ name: String) {
            self.kind = kind
            self.name = name
        }
        package static func < (lhs: Self, rhs: Self) -> Bool {
            lhs.kind == rhs.kind ? lhs.name.utf8.lexicographicallyPrecedes(rhs.name.utf8) : lhs.kind < rhs.kind
        }
    }

    /// Twelve digits.
    package var number: String
    package var canonicalID: String
    /// What the operator calls it; no two accounts have one name.
    package var name: String
    package var displayName: String
    package var email: String?
    /// The one alias that IAM lets an account have.
    package var alias: String?
    /// False while it is suspended: none of its keys and sessions is known then.
    package var isActive = true
    /// Of the account itself.
    package var keys: [AccessKey] = []
    /// Not stored: the operator's own account and those of the accounts file.
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

/// All accounts. A value: published whole after every change, so that a request sees one state.
package struct IdentityState: Sendable {
    /// By number.
    package var accounts: [String: Account] = [:]

    package init() {}

    package func account(canonicalID: String) -> Account? {
        accounts.values.first { $0.canonicalID == canonicalID }
    }

    /// Found by number, else by canonical id, else by name.
    package func account(named text: String) -> Account? {
        accounts[text] ?? account(canonicalID: text) ?? accounts.values.first { $0.name == text }
    }

    /// Whether some account or user has this access key.
    func hasKey(_ id: String) -> Bool {
        accounts.values.contains { account in
            account.keys.contains { $0.id == id }
                || account.holders.values.contains { $0.keys.contains { $0.id == id } }
        }
    }
}
