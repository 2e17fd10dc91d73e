/// All policies that have a say in one request, combined as AWS documents: "Policy evaluation logic", within an account and across.
package struct PolicyCombination: Sendable {
    /// Of the user and its groups, or of the role. An account's own root has none and may do everything in its account.
    package var identity: [PolicyDocument] = []
    /// The permissions boundary: allows nothing by itself, and nothing beyond it.
    package var boundary: PolicyDocument?
    /// Policies of the session, which bound it the same way.
    package var session: [PolicyDocument] = []
    /// The bucket's policy.
    package var resource: PolicyDocument?
    /// The account that owns the resource, by canonical id.
    package var resourceOwner: String
    /// An access control list grants this to the caller's account.
    package var isGrantedToAccount = false
    /// An access control list grants this to a group that the caller is in: everybody, or everybody signed.
    package var isGrantedToGroup = false
    /// Allows in the bucket's policy reach only what the bucket's owner owns; denies reach everything.
    package var resourceAllowsCount = true

    package init(resourceOwner: String) { self.resourceOwner = resourceOwner }
}

/// Whether a request may go on, and which policy decided.
package struct AccessDecision: Hashable, Sendable {
    package enum Reason: Hashable, Sendable {
        /// A statement says Deny.
        case deniedBy(Source, statement: Int)
        /// Nothing allows it.
        case notAllowed(missing: Source)
        case allowedBy(Source)
    }
    package enum Source: Hashable, Sendable {
        case accountRoot
        case identityPolicy(Int)
        case boundary
        case sessionPolicy(Int)
        case bucketPolicy
        case accessControlList
        /// No policy of any kind.
        case nothing
    }
    package var isAllowed: Bool
    package var reason: Reason
    package var isExplicitDeny: Bool {
        if case .deniedBy = reason { true } else { false }
    }
}

extension PolicyCombination {
    package func decide(_ request: AccessRequest) -> AccessDecision {
        let bucketVerdict = resource?.evaluate(request) ?? .silent
        if case .denied(let statement) = bucketVerdict.answer, !isOwnersWayOut(request) {
            return refused(.deniedBy(.bucketPolicy, statement: statement))
        }
        var bucketMatch = PrincipalSet.Match.none
        if resourceAllowsCount, case .allowed(_, let match) = bucketVerdict.answer { bucketMatch = match }
        guard case .identity(let caller) = request.caller else {
            if bucketMatch >= .direct { return allowed(.bucketPolicy) }
            return isGrantedToGroup ? allowed(.accessControlList) : refused(.notAllowed(missing: .nothing))
        }
        return decide(request, caller, bucketMatch)
    }

    private func decide(
        _ request: AccessRequest, _ caller: CallerIdentity, _ bucketMatch: PrincipalSet.Match
    ) -> AccessDecision {
        // Every policy is asked for its denies before any allow counts.
        var identityAllows: AccessDecision.Source? = caller.kind == .account ? .accountRoot : nil
        for (index, policy) in identity.enumerated() {
            switch policy.evaluate(request).answer {
            case .denied(let statement): return refused(.deniedBy(.identityPolicy(index), statement: statement))
            case .allowed: identityAllows = identityAllows ?? .identityPolicy(index)
            case .silent: break
            }
        }
        var isBounded = false
        if let boundary {
            switch boundary.evaluate(request).answer {
            case .denied(let statement): return refused(.deniedBy(.boundary, statement: statement))
            case .allowed: break
            case .silent: isBounded = true
            }
        }
        var blockingSession: Int?
        if !session.isEmpty {
            var isCovered = false
            for (index, policy) in session.enumerated() {
                switch policy.evaluate(request).answer {
                case .denied(let statement): return refused(.deniedBy(.sessionPolicy(index), statement: statement))
                case .allowed: isCovered = true
                case .silent: break
                }
            }
            if !isCovered { blockingSession = 0 }
        }

        let isSameAccount = caller.canonicalID == resourceOwner
        // Within the account a policy that names the identity itself decides alone. A boundary does not take away from a user
        // what the bucket gives it by name; from a role's session it does, and so does a session policy, unless the bucket
        // names that one session.
        if isSameAccount, bucketMatch == .session { return allowed(.bucketPolicy) }
        let isNamed = bucketMatch == .direct || isGrantedToGroup
        if isSameAccount, isNamed {
            if blockingSession == nil, !isBounded || caller.kind == .user {
                return allowed(bucketMatch == .direct ? .bucketPolicy : .accessControlList)
            }
        }
        guard let source = identityAllows else { return refused(.notAllowed(missing: .identityPolicy(0))) }
        guard !isBounded else { return refused(.notAllowed(missing: .boundary)) }
        if let blockingSession { return refused(.notAllowed(missing: .sessionPolicy(blockingSession))) }
        if isSameAccount { return allowed(source) }
        if bucketMatch != .none { return allowed(.bucketPolicy) }
        if isGrantedToAccount || isGrantedToGroup { return allowed(.accessControlList) }
        return refused(.notAllowed(missing: .bucketPolicy))
    }

    /// The owner of a bucket can always read, replace and remove its policy, lest a mistake lock everybody out.
    private func isOwnersWayOut(_ request: AccessRequest) -> Bool {
        guard case .identity(let caller) = request.caller, caller.kind == .account, caller.canonicalID == resourceOwner
        else { return false }
        return ["s3:PutBucketPolicy", "s3:GetBucketPolicy", "s3:DeleteBucketPolicy"].contains(request.action)
    }

    private func allowed(_ source: AccessDecision.Source) -> AccessDecision {
        AccessDecision(isAllowed: true, reason: .allowedBy(source))
    }

    private func refused(_ reason: AccessDecision.Reason) -> AccessDecision {
        AccessDecision(isAllowed: false, reason: reason)
    }
}
