/// The Principal of a statement.
package struct PrincipalSet: Hashable, Sendable {
    package enum Member: Hashable, Sendable {
        /// Everybody, signed or not.
        case everyone
        /// Every identity of an account: by number, by its root's ARN, or by canonical id.
        case account(String)
        case canonicalUser(String)
        /// A user, role, role session or federated user, by ARN.
        case arn(String)
        case service(String)
        case federated(String)
    }

    package var members: [Member]
    package init(_ members: [Member]) { self.members = members }

    /// How the caller is meant. Naming an account hands the decision to that account; naming the identity decides; what names one
    /// session is given to it alone, beyond what bounds other sessions.
    package enum Match: Int, Comparable, Sendable {
        case none = 0
        case account = 1
        case direct = 2
        case session = 3
        package static func < (lhs: Match, rhs: Match) -> Bool { lhs.rawValue < rhs.rawValue }
    }

    package func match(_ caller: Caller) -> Match {
        var best = Match.none
        for member in members { best = max(best, Self.match(member, caller)) }
        return best
    }

    /// Whether NotPrincipal excepts the caller: only whom it names. An account there is the account itself, and a role its sessions'
    /// role: a session has to be named as well.
    package func excepts(_ caller: Caller) -> Bool {
        members.contains { member in
            guard case .identity(let identity) = caller, case .role(let role) = identity.kind, member == .arn(role)
            else {
                return Self.match(member, caller) >= .direct
            }
            return false
        }
    }

    private static func match(_ member: Member, _ caller: Caller) -> Match {
        // Whoever a provider vouches for is trusted by the provider's name, never as "everybody".
        if case .federated(let names) = caller {
            guard case .federated(let name) = member, names.contains(name) else { return .none }
            return .direct
        }
        if member == .everyone { return .direct }
        guard case .identity(let identity) = caller else { return .none }
        switch member {
        case .everyone: return .direct
        case .account(let id):
            guard id == identity.accountID || id == identity.canonicalID else { return .none }
            return identity.kind == .account ? .direct : .account
        case .canonicalUser(let id):
            guard id == identity.canonicalID else { return .none }
            return identity.kind == .account ? .direct : .account
        case .arn(let arn):
            if arn == identity.arn {
                switch identity.kind {
                case .role, .federatedUser: return .session
                case .account, .user: return .direct
                }
            }
            if case .role(let role) = identity.kind, role == arn { return .direct }
            // The form without an account number names an account by its canonical id.
            if arn == "arn:aws:iam:::user/\(identity.canonicalID)" {
                return identity.kind == .account ? .direct : .account
            }
            return .none
        case .service, .federated: return .none
        }
    }

    /// Reads the value of Principal or NotPrincipal.
    init(_ value: JSONValue) throws(PolicyError) {
        switch value {
        case .string("*"): members = [.everyone]
        case .object(let groups):
            guard !groups.isEmpty else { throw .invalidPrincipal }
            var members: [Member] = []
            for group in groups {
                for text in try Self.texts(group.value) { members.append(try Self.member(group.name, text)) }
            }
            self.members = members
        default: throw .invalidPrincipal
        }
    }

    private static func texts(_ value: JSONValue) throws(PolicyError) -> [String] {
        switch value {
        case .string(let text): return [text]
        case .array(let values) where !values.isEmpty:
            var texts: [String] = []
            for value in values {
                guard let text = value.text else { throw .invalidPrincipal }
                texts.append(text)
            }
            return texts
        default: throw .invalidPrincipal
        }
    }

    private static func member(_ kind: String, _ text: String) throws(PolicyError) -> Member {
        switch kind {
        case "AWS": return try awsMember(text)
        case "CanonicalUser":
            guard !text.isEmpty, text != "*" else { throw .invalidPrincipal }
            return .canonicalUser(text)
        case "Service":
            guard text.hasSuffix(".amazonaws.com"), text.utf8.count > ".amazonaws.com".utf8.count else {
                throw .invalidPrincipal
            }
            return .service(text)
        case "Federated":
            guard !text.isEmpty else { throw .invalidPrincipal }
            return .federated(text)
        default: throw .invalidPrincipal
        }
    }

    private static func awsMember(_ text: String) throws(PolicyError) -> Member {
        if text == "*" { return .everyone }
        if text.utf8.count == 12, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) { return .account(text) }
        let pieces = text.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false).map(String.init)
        guard pieces.count == 6, pieces[0] == "arn", pieces[1].hasPrefix("aws"), pieces[3].isEmpty else {
            throw .invalidPrincipal
        }
        let (service, account, name) = (pieces[2], pieces[4], pieces[5])
        // No part of a principal has a wildcard: it must say who.
        guard !name.contains("*"), !name.contains("?"), account.utf8.allSatisfy(isAccountByte) else {
            throw .invalidPrincipal
        }
        switch service {
        case "iam":
            if name == "root", !account.isEmpty { return .account(account) }
            guard hasName(name, "user/") || (hasName(name, "role/") && !account.isEmpty) else {
                throw .invalidPrincipal
            }
            return .arn(text)
        case "sts":
            guard !account.isEmpty, hasName(name, "assumed-role/") || hasName(name, "federated-user/") else {
                throw .invalidPrincipal
            }
            return .arn(text)
        default: throw .invalidPrincipal
        }
    }

    private static func hasName(_ name: String, _ prefix: String) -> Bool {
        name.hasPrefix(prefix) && name.utf8.count > prefix.utf8.count
    }

    private static func isAccountByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."): true
        default: false
        }
    }
}
