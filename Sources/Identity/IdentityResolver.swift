package import AccessPolicy
package import Base
import Synchronization

/// An identity with everything that decides about its requests.
package struct ResolvedIdentity: Sendable {
    package var secret: String
    package var account: Account
    package var caller: CallerIdentity
    package var attached: [PolicyDocument] = []
    package var boundary: PolicyDocument?
    package var session: [PolicyDocument] = []
    package var issued: Timestamp?
    /// `aws:PrincipalTag/…`: of the user or role and, over them, of the session.
    package var tags: [IdentityTag] = []
    /// What an identity provider says, by condition key.
    package var claims: [String: [String]] = [:]
}

/// Finds identities by access key. What was worked out is kept until the next change of any identity, so that a key that is
/// switched off stops at once.
package final class IdentityResolver: Sendable {
    package enum TokenError: Error, Sendable { case malformed, expired, unknownKey }

    private struct Cache {
        var generation: UInt64 = 0
        var keys: [String: ResolvedIdentity] = [:]
        var tokens: [String: (claims: SessionClaims, identity: ResolvedIdentity)] = [:]
    }
    private static let entriesMax = 8192
    package let store: IdentityStore
    private let cache = Mutex(Cache())

    package init(_ store: IdentityStore) { self.store = store }

    package func identity(accessKey: String) -> ResolvedIdentity? {
        let generation = store.generation
        let known = cache.withLock { cache -> ResolvedIdentity? in
            Self.renew(&cache, generation)
            return cache.keys[accessKey]
        }
        if let known { return known }
        guard let found = Self.find(accessKey, store.state) else { return nil }
        cache.withLock { cache in
            Self.renew(&cache, generation)
            if cache.generation == generation { cache.keys[accessKey] = found }
        }
        return found
    }

    /// The identity of a session, whose token is opened once and then known until identities change.
    package func session(
        _ token: String, accessKey: String, now: Timestamp
    ) throws(TokenError) -> ResolvedIdentity {
        let generation = store.generation, name = accessKey + "/" + token
        let known = cache.withLock { cache -> (claims: SessionClaims, identity: ResolvedIdentity)? in
            Self.renew(&cache, generation)
            return cache.tokens[name]
        }
        if let known {
            guard now.seconds < known.claims.expires else { throw .expired }
            return known.identity
        }
        guard let claims = SessionClaims(token: token, accessKey: accessKey, key: store.key) else { throw .malformed }
        guard now.seconds < claims.expires else { throw .expired }
        guard let identity = Self.find(claims, store.state) else { throw .unknownKey }
        cache.withLock { cache in
            Self.renew(&cache, generation)
            if cache.generation == generation { cache.tokens[name] = (claims, identity) }
        }
        return identity
    }

    private static func renew(_ cache: inout Cache, _ generation: UInt64) {
        if cache.generation < generation || cache.keys.count + cache.tokens.count > entriesMax {
            cache = Cache(generation: max(cache.generation, generation))
        }
    }

    // MARK: Working it out

    private static func find(_ accessKey: String, _ state: IdentityState) -> ResolvedIdentity? {
        for account in state.accounts.values where account.isActive {
            if let key = account.keys.first(where: { $0.id == accessKey }) {
                return key.isActive ? root(of: account, secret: key.secret) : nil
            }
            for user in account.holders.values where user.kind == .user {
                guard let key = user.keys.first(where: { $0.id == accessKey }) else { continue }
                return key.isActive ? self.user(user, of: account, secret: key.secret) : nil
            }
        }
        return nil
    }

    private static func root(of account: Account, secret: String) -> ResolvedIdentity {
        ResolvedIdentity(
            secret: secret, account: account,
            caller: CallerIdentity(
                kind: .account, arn: "arn:aws:iam::\(account.number):root", accountID: account.number,
                canonicalID: account.canonicalID, userID: account.number))
    }

    private static func user(_ user: Holder, of account: Account, secret: String) -> ResolvedIdentity {
        var found = ResolvedIdentity(
            secret: secret, account: account,
            caller: CallerIdentity(
                kind: .user, arn: account.arn(of: user), accountID: account.number, canonicalID: account.canonicalID,
                userID: user.id, userName: user.name))
        found.attached = documents(of: user, account)
        for group in account.holders(.group) where group.members.contains(user.name) {
            found.attached += documents(of: group, account)
        }
        found.boundary = user.boundary.map { document(arn: $0, account) }
        found.tags = user.tags
        return found
    }

    /// A user or role as it is now, for questions about what it may do.
    package static func holder(_ holder: Holder, of account: Account) -> ResolvedIdentity {
        if holder.kind == .user { return user(holder, of: account, secret: "") }
        var found = root(of: account, secret: "")
        let arn = account.arn(of: holder)
        found.caller = CallerIdentity(
            kind: .role(arn), arn: arn, accountID: account.number, canonicalID: account.canonicalID,
            userID: holder.id)
        found.attached = documents(of: holder, account)
        found.boundary = holder.boundary.map { document(arn: $0, account) }
        found.tags = holder.tags
        return found
    }

    package static func account(_ account: Account) -> ResolvedIdentity { root(of: account, secret: "") }

    private static func find(_ claims: SessionClaims, _ state: IdentityState) -> ResolvedIdentity? {
        guard let account = state.accounts[claims.account], account.isActive else { return nil }
        var found: ResolvedIdentity
        switch claims.kind {
        case .account: found = root(of: account, secret: claims.secret)
        case .user, .federated:
            if claims.name.isEmpty {
                found = root(of: account, secret: claims.secret)
            } else {
                guard let user = account.holders[.init(.user, claims.name)], user.id == claims.holderID else {
                    return nil
                }
                found = self.user(user, of: account, secret: claims.secret)
            }
            if claims.kind == .federated {
                let arn = "arn:aws:sts::\(account.number):federated-user/\(claims.sessionName)"
                found.caller.userID = "\(account.number):\(claims.sessionName)"
                found.caller.userName = nil
                found.caller.arn = arn
                // A federated session of the account itself has what its session policy leaves of everything.
                if found.caller.kind == .account { found.attached = [everything] }
                found.caller.kind = .federatedUser
            }
        case .role:
            guard let role = account.holders[.init(.role, claims.name)], role.id == claims.holderID else {
                return nil
            }
            found = ResolvedIdentity(
                secret: claims.secret, account: account,
                caller: CallerIdentity(
                    kind: .role(account.arn(of: role)),
                    arn: "arn:aws:sts::\(account.number):assumed-role/\(role.name)/\(claims.sessionName)",
                    accountID: account.number, canonicalID: account.canonicalID,
                    userID: "\(role.id):\(claims.sessionName)"))
            found.attached = documents(of: role, account)
            found.boundary = role.boundary.map { document(arn: $0, account) }
            found.tags = role.tags
        case .external:
            found = ResolvedIdentity(
                secret: claims.secret, account: account,
                caller: CallerIdentity(
                    kind: .federatedUser, arn: ExternalIdentity.arn(account.number, claims.name),
                    accountID: account.number, canonicalID: account.canonicalID,
                    userID: "\(account.number):\(claims.name)"))
            found.attached = claims.external.documents(account)
        }
        found.claims = claims.external.facts
        if claims.name.isEmpty, claims.holderID != account.canonicalID { return nil }
        found.session = claims.policies.map { read($0) }
        found.issued = Timestamp(seconds: claims.issued)
        let names = claims.tags.map { $0.key.lowercased() }
        found.tags = found.tags.filter { !names.contains($0.key.lowercased()) } + claims.tags
        return found
    }

    static func documents(of holder: Holder, _ account: Account) -> [PolicyDocument] {
        holder.inline.sorted { $0.key < $1.key }.map { read($0.value) }
            + holder.attached.map { document(arn: $0, account) }
    }

    static func document(arn: String, _ account: Account) -> PolicyDocument {
        read(CannedPolicies.document(arn: arn) ?? account.policy(arn: arn)?.document ?? "")
    }

    /// What can't be read denies everything: it may have been a deny.
    private static func read(_ text: String) -> PolicyDocument {
        do { return try PolicyDocument(parsing: Array(text.utf8), use: .identity) } catch { return nothing }
    }

    private static let nothing = constant("{\"Statement\":{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\"}}")
    private static let everything = constant(
        "{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}}")

    private static func constant(_ text: String) -> PolicyDocument {
        do { return try PolicyDocument(parsing: Array(text.utf8), use: .identity) } catch {
            preconditionFailure("a constant policy parses: \(error)")
        }
    }
}
