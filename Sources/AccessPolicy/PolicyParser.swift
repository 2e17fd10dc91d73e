/// What a policy is attached to, which decides what it must and must not say.
package enum PolicyUse: Hashable, Sendable {
    /// A user, group, role, session or boundary: no principal.
    case identity
    /// A bucket: a principal, S3's actions, and resources of that bucket.
    case bucket(String)
    /// A role's trust policy: a principal, no resource.
    case trust
}

extension PolicyDocument {
    /// AWS's limit for bucket policies; those of identities have smaller ones, which their owners check.
    package static let bytesMax = 20_480

    package init(parsing bytes: [UInt8], use: PolicyUse, bytesMax: Int = bytesMax) throws(PolicyError) {
        guard bytes.count <= bytesMax else { throw .tooLarge }
        guard bytes.first == UInt8(ascii: "{") else { throw .notJSON }
        let root: JSONValue
        do { root = try JSONReader.parse(bytes) } catch {
            switch error {
            case .duplicateName(let name): throw .duplicateName(name)
            case .tooLarge, .tooDeep, .syntax: throw .notJSON
            }
        }
        guard case .object(let members) = root else { throw .notJSON }
        for member in members where !["Version", "Id", "Statement"].contains(member.name) {
            throw .unknownField(member.name)
        }
        var version = "2008-10-17"
        if let found = root["Version"] {
            guard let text = found.text, text == "2012-10-17" || text == "2008-10-17" else { throw .invalidVersion }
            version = text
        }
        let found: [JSONValue]
        switch root["Statement"] {
        case .array(let values)?: found = values
        case .object?: found = root["Statement"].map { [$0] } ?? []
        case nil: throw .missingField("Statement")
        default: throw .notJSON
        }
        guard !found.isEmpty else { throw .emptyStatements }
        var statements: [Statement] = []
        for value in found {
            statements.append(try Self.statement(value, use, variables: version == "2012-10-17"))
        }
        self.init(id: root["Id"]?.text, version: version, statements: statements)
        try validate(use)
    }

    private static let statementFields = [
        "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition",
    ]

    private static func statement(
        _ value: JSONValue, _ use: PolicyUse, variables: Bool
    ) throws(PolicyError) -> Statement {
        guard case .object(let members) = value else { throw .notJSON }
        for member in members where !statementFields.contains(member.name) { throw .unknownField(member.name) }
        let effect: Effect
        switch value["Effect"] {
        case nil: throw .missingField("Effect")
        case .string(let text)?:
            guard let known = Effect(rawValue: text) else { throw .invalidEffect(text) }
            effect = known
        default: throw .invalidEffect("")
        }
        if value["Sid"] != nil, value["Sid"]?.text == nil { throw .notJSON }
        let (principal, isNegated) = try principal(value, use, effect)
        guard let actions = try selector(value, "Action", .invalidAction, variables: false) else {
            throw .missingField("Action")
        }
        let resources = try selector(value, "Resource", .invalidResource, variables: variables)
        switch (use, resources) {
        case (.trust, _?): throw .unknownField("Resource")
        case (.identity, nil), (.bucket, nil): throw .missingField("Resource")
        default: break
        }
        let conditions = try value["Condition"].map { value throws(PolicyError) in
            try Condition.parse(value, variables: variables)
        }
        return Statement(
            sid: value["Sid"]?.text, effect: effect, principal: principal, isPrincipalNegated: isNegated,
            actions: actions, resources: resources, conditions: conditions ?? [])
    }

    private static func principal(
        _ value: JSONValue, _ use: PolicyUse, _ effect: Effect
    ) throws(PolicyError) -> (PrincipalSet?, Bool) {
        let plain = value["Principal"], negated = value["NotPrincipal"]
        if plain != nil, negated != nil { throw .conflictingFields("Principal", "NotPrincipal") }
        if use == .identity {
            guard plain == nil, negated == nil else { throw .principalNotAllowed }
            return (nil, false)
        }
        if let negated {
            // It would grant to everybody but a few, the anonymous included.
            guard effect == .deny else { throw .allowWithNotPrincipal }
            return (try PrincipalSet(negated), true)
        }
        guard let plain else { throw .missingField("Principal") }
        return (try PrincipalSet(plain), false)
    }

    private static func selector(
        _ value: JSONValue, _ name: String, _ error: PolicyError, variables: Bool
    ) throws(PolicyError) -> Selector? {
        let plain = value[name], negated = value["Not" + name]
        if plain != nil, negated != nil { throw .conflictingFields(name, "Not" + name) }
        guard let found = plain ?? negated else { return nil }
        var texts: [String] = []
        switch found {
        case .string(let text): texts = [text]
        case .array(let values):
            for value in values {
                guard let text = value.text else { throw error }
                texts.append(text)
            }
        default: throw error
        }
        guard !texts.isEmpty, texts.allSatisfy({ !$0.isEmpty }) else { throw error }
        return Selector(patterns: texts.map { Pattern($0, variables: variables) }, isNegated: negated != nil)
    }
}
