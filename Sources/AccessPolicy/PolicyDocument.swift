/// A policy, read once and asked often.
package struct PolicyDocument: Hashable, Sendable {
    package enum Effect: String, Hashable, Sendable {
        case allow = "Allow"
        case deny = "Deny"
    }

    /// What a statement is about: these, or everything but these.
    package struct Selector: Hashable, Sendable {
        package var patterns: [Pattern]
        package var isNegated: Bool

        func matches(_ text: String, _ facts: any FactSource, foldingCase: Bool) -> Bool {
            patterns.contains { $0.matches(text, facts, foldingCase: foldingCase) } != isNegated
        }
    }

    package struct Statement: Hashable, Sendable {
        package var sid: String?
        package var effect: Effect
        /// nil in policies of identities, which are about whoever they are attached to.
        package var principal: PrincipalSet?
        package var isPrincipalNegated = false
        package var actions: Selector
        /// nil in trust policies, which are about the role that they belong to.
        package var resources: Selector?
        package var conditions: [Condition]
    }

    package var id: String?
    package var version: String
    package var statements: [Statement]

    /// The condition keys that some statement asks for, in lower case and in order.
    package let keys: [String]

    /// True when a condition or a variable asks for a key that begins so.
    package func asksFor(prefix: String) -> Bool { keys.contains { $0.hasPrefix(prefix) } }

    init(id: String?, version: String, statements: [Statement]) {
        self.id = id
        self.version = version
        self.statements = statements
        var keys: [String] = []
        for statement in statements {
            for condition in statement.conditions {
                keys.append(condition.lowercasedKey)
                for text in condition.texts { keys += Self.variables(of: Pattern(text)) }
            }
            for pattern in statement.resources?.patterns ?? [] { keys += Self.variables(of: pattern) }
        }
        self.keys = keys
    }

    private static func variables(of pattern: Pattern) -> [String] {
        pattern.pieces.compactMap { piece in
            if case .variable(let name, _) = piece { name } else { nil }
        }
    }
}
