/// Why a statement does or does not apply to a request.
package enum StatementOutcome: Hashable, Sendable {
    case applies
    case otherPrincipal
    case otherAction
    case otherResource
    /// The first condition that does not hold.
    case failedCondition(operator: String, key: String)
}

/// What one policy says of a request, and which of its statements says so.
package struct PolicyVerdict: Hashable, Sendable {
    package enum Answer: Hashable, Sendable {
        case denied(statement: Int)
        /// `match` tells a principal that was named from one whose account was.
        case allowed(statement: Int, match: PrincipalSet.Match)
        case silent
    }
    package var answer: Answer
    /// One for each statement that was looked at, in their order; empty unless the caller asked.
    package var outcomes: [StatementOutcome]

    package static let silent = PolicyVerdict(answer: .silent, outcomes: [])

    package var isDenied: Bool {
        if case .denied = answer { true } else { false }
    }
    package var isAllowed: Bool {
        if case .allowed = answer { true } else { false }
    }
}

extension PolicyDocument {
    /// Explicit deny first: no allow outweighs it. `explaining` looks at every statement and keeps why.
    package func evaluate(_ request: AccessRequest, explaining: Bool = false) -> PolicyVerdict {
        var outcomes: [StatementOutcome] = [], denied: Int?, allowed: (Int, PrincipalSet.Match)?
        for (index, statement) in statements.enumerated() {
            // An allow that is there already needs no second one unless it names the caller more directly.
            if !explaining, statement.effect == .allow, let allowed, allowed.1 == .session { continue }
            let (outcome, match) = statement.outcome(request)
            if explaining { outcomes.append(outcome) }
            guard outcome == .applies else { continue }
            switch statement.effect {
            case .deny:
                denied = denied ?? index
                if !explaining { return PolicyVerdict(answer: .denied(statement: index), outcomes: []) }
            case .allow:
                if allowed.map({ $0.1 < match }) ?? true { allowed = (index, match) }
            }
        }
        if let denied { return PolicyVerdict(answer: .denied(statement: denied), outcomes: outcomes) }
        if let (index, match) = allowed {
            return PolicyVerdict(answer: .allowed(statement: index, match: match), outcomes: outcomes)
        }
        return PolicyVerdict(answer: .silent, outcomes: outcomes)
    }
}

extension PolicyDocument.Statement {
    func outcome(_ request: AccessRequest) -> (StatementOutcome, PrincipalSet.Match) {
        var match = PrincipalSet.Match.direct
        if let principal {
            if isPrincipalNegated {
                match = principal.excepts(request.caller) ? .none : .direct
            } else {
                match = principal.match(request.caller)
            }
            guard match != .none else { return (.otherPrincipal, .none) }
        }
        guard actions.matches(request.action, request.facts, foldingCase: true) else { return (.otherAction, match) }
        if let resources, !resources.matches(request.resource, request.facts, foldingCase: false) {
            return (.otherResource, match)
        }
        for condition in conditions where !condition.holds(request.facts) {
            return (.failedCondition(operator: condition.comparing.name, key: condition.key), match)
        }
        return (.applies, match)
    }
}
