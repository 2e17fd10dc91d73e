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

package struct ManagedPolicy: Hashable, Sendable {
    package var name: String
    package var path = "/"
    package var id: String
    package var created: Timestamp
    package var updated: Timestamp
    package var summary = ""
    package var document: String
    /// Counts changes; the current one is `v<version>`.
    package var version = 1
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
    package var displayName: String
    package var email: String?
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

    package init(number: String, canonicalID: String, displayName: String, email: String? = nil) {
        self.number = number
        self.canonicalID = canonicalID
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
}
