/// One operator with one key and its values, of a statement's Condition block. All conditions of a statement must hold.
package struct Condition: Hashable, Sendable {
    package let comparing: ConditionOperator
    /// As the policy wrote it; compared in lower case.
    package let key: String
    package let texts: [String]
    let lowercasedKey: String
    let values: [ConditionValue]

    init(_ comparing: ConditionOperator, key: String, texts: [String], variables: Bool) throws(PolicyError) {
        self.comparing = comparing
        self.key = key
        self.texts = texts
        lowercasedKey = key.lowercased()
        var values: [ConditionValue] = []
        for text in texts {
            values.append(try ConditionValue(text, for: comparing.comparison, variables: variables))
        }
        self.values = values
    }

    package func holds(_ facts: any FactSource) -> Bool {
        let found = facts.values(of: lowercasedKey)
        if comparing.comparison == .null {
            let isAbsent = found?.isEmpty ?? true
            return values.contains { $0.matches(isAbsent ? "true" : "false", .null, facts) }
        }
        switch comparing.quantifier {
        case .single:
            guard let found, !found.isEmpty else { return comparing.ifExists || comparing.isNegated }
            let isFitting = found.contains { fits($0, facts) }
            return isFitting != comparing.isNegated
        case .forAll:
            // Holds for a key that is not there: every value of none fits.
            return (found ?? []).allSatisfy { fits($0, facts) != comparing.isNegated }
        case .forAny:
            guard let found, !found.isEmpty else { return comparing.ifExists }
            return found.contains { fits($0, facts) != comparing.isNegated }
        }
    }

    private func fits(_ text: String, _ facts: any FactSource) -> Bool {
        values.contains { $0.matches(text, comparing.comparison, facts) }
    }

    /// Reads a Condition block: operator, then key, then one value or several.
    static func parse(_ value: JSONValue, variables: Bool) throws(PolicyError) -> [Condition] {
        guard case .object(let operators) = value else { throw .invalidConditionValue }
        var conditions: [Condition] = []
        for member in operators {
            let comparing = try ConditionOperator(member.name)
            guard case .object(let keys) = member.value else { throw .invalidConditionValue }
            for key in keys {
                guard isKey(key.name) else { throw .invalidConditionKey }
                conditions.append(
                    try Condition(comparing, key: key.name, texts: try texts(key.value), variables: variables))
            }
        }
        return conditions
    }

    /// `vendor:name`, with anything after a slash.
    private static func isKey(_ name: String) -> Bool {
        let parts = name.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        return parts.count == 2 && !parts[0].isEmpty && !parts[1].isEmpty
    }

    private static func texts(_ value: JSONValue) throws(PolicyError) -> [String] {
        switch value {
        case .string(let text), .number(let text): return [text]
        case .bool(let value): return [value ? "true" : "false"]
        case .array(let values):
            var all: [String] = []
            for value in values {
                if case .array = value { throw .invalidConditionValue }
                all += try texts(value)
            }
            return all
        case .object, .null: throw .invalidConditionValue
        }
    }
}
