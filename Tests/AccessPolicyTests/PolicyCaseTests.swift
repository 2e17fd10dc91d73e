import AccessPolicy
import Testing

@Suite struct PolicyCaseTests {
    struct Case: Sendable, CustomStringConvertible {
        let subject: String, request: String, holds: Bool
        var description: String { "\(subject) | \(request) \(holds ? "y" : "n")" }
    }

    static func cases(_ table: String) -> [Case] {
        table.split(separator: "\n").flatMap { line in
            let cells = line.split(separator: "|").map { $0.trimmed }
            return cells.dropFirst().map { cell in
                Case(subject: cells[0], request: String(cell.dropLast().trimmed), holds: cell.last == "y")
            }
        }
    }

    static let conditions = cases(PolicyCases.conditions)
    static let selectors = cases(PolicyCases.selectors)
    static let principals = cases(PolicyCases.principals)
    static let combinations = PolicyCases.combinations.split(separator: "\n").map { line in
        line.split(separator: "|").map { $0.trimmed }
    }

    @Test func `there are at least five hundred cases`() {
        let count =
            Self.conditions.count + Self.selectors.count + Self.principals.count + Self.combinations.count
        #expect(count >= 500, "\(count) cases")
    }

    /// What the requests of the tables say of other keys.
    static let facts: [String: [String]] = [
        "aws:username": ["alice"], "aws:number": ["7"], "aws:many": ["one", "two"], "aws:star": ["*"],
        "aws:PrincipalTag/team": ["blue"],
    ]

    @Test(arguments: conditions)
    func `conditions hold as documented`(row: Case) throws {
        let space = try #require(row.subject.firstIndex(of: " "))
        let name = row.subject[..<space], values = row.subject[space...].trimmed
        let policy = try Sample.identity(
            Sample.statement(principal: nil, condition: "{\"\(name)\":{\"Aws:Key\":\(values)}}"))
        var facts = Self.facts
        facts["aws:key"] = try Self.found(row.request)
        let slow = SlowEvaluator.holds(
            operator: String(name), values: try Self.texts(values), found: facts["aws:key"],
            facts: SlowEvaluator.facts(facts))
        #expect(
            policy.evaluate(Sample.request(Sample.user(), "s3:GetObject", "arn:aws:s3:::b/k", facts)).isAllowed
                == row.holds)
        #expect(slow == row.holds, "the slow evaluator")
    }

    private static func found(_ request: String) throws -> [String]? {
        request == "-" ? nil : try texts(request)
    }

    /// Texts of a JSON value, as conditions have them.
    static func texts(_ json: String) throws -> [String] {
        func texts(_ value: JSONValue) -> [String] {
            switch value {
            case .string(let text), .number(let text): [text]
            case .bool(let value): [value ? "true" : "false"]
            case .array(let values): values.flatMap(texts)
            case .object, .null: []
            }
        }
        return texts(try JSONReader.parse(Array(json.utf8)))
    }

    @Test(arguments: selectors)
    func `actions and resources are selected as documented`(row: Case) throws {
        let space = try #require(row.subject.firstIndex(of: " "))
        let name = String(row.subject[..<space]), values = row.subject[space...].trimmed
        let isAction = name.hasSuffix("Action")
        let rest = isAction ? "\"Resource\":\"*\"" : "\"Action\":\"*\""
        let policy = try Sample.identity("{\"Effect\":\"Allow\",\"\(name)\":\(values),\(rest)}")
        let request = Sample.request(
            Sample.user(), isAction ? row.request : "s3:GetObject", isAction ? "arn:aws:s3:::b/k" : row.request,
            Self.facts)
        #expect(policy.evaluate(request).isAllowed == row.holds)
        let slow = SlowEvaluator.selects(
            try Self.texts(values), isNegated: name.hasPrefix("Not"), row.request, foldsCase: isAction,
            hasVariables: !isAction, facts: SlowEvaluator.facts(Self.facts))
        #expect(slow == row.holds, "the slow evaluator")
    }

    static let callers: [String: Caller] = [
        "root": Sample.root(), "alice": Sample.user(), "carol": Sample.user("carol"), "reader": Sample.session(),
        "writer": Sample.session("writer"), "root2": Sample.otherRoot, "bob": Sample.otherUser, "nobody": .anonymous,
        "fed": .identity(
            CallerIdentity(
                kind: .federatedUser, arn: "arn:aws:sts::111111111111:federated-user/dan",
                accountID: Sample.account, canonicalID: Sample.canonical, userID: "111111111111:dan")),
    ]

    @Test(arguments: principals)
    func `principals are meant as documented`(row: Case) throws {
        let space = try #require(row.subject.firstIndex(of: " "))
        let name = row.subject[..<space], value = row.subject[space...].trimmed
        let effect = name == "Principal" ? "Allow" : "Deny"
        let policy = try Sample.bucket(
            "{\"Effect\":\"\(effect)\",\"\(name)\":\(value),\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::b/*\"}"
        )
        let verdict = policy.evaluate(Sample.request(try #require(Self.callers[row.request])))
        #expect((effect == "Allow" ? verdict.isAllowed : verdict.isDenied) == row.holds)
    }

    private static let names: [String: String] = [
        "*": "\"*\"", "alice": "{\"AWS\":\"arn:aws:iam::111111111111:user/alice\"}",
        "carol": "{\"AWS\":\"arn:aws:iam::111111111111:user/carol\"}",
        "bob": "{\"AWS\":\"arn:aws:iam::222222222222:user/bob\"}", "account": "{\"AWS\":\"111111111111\"}",
        "account2": "{\"AWS\":\"222222222222\"}", "role": "{\"AWS\":\"arn:aws:iam::111111111111:role/reader\"}",
        "session": "{\"AWS\":\"arn:aws:sts::111111111111:assumed-role/reader/s1\"}",
        "fed": "{\"AWS\":\"arn:aws:sts::111111111111:federated-user/dan\"}",
    ]

    @Test(arguments: combinations)
    func `policies of all kinds combine as documented`(row: [String]) throws {
        var combination = PolicyCombination(resourceOwner: Sample.canonical), bucket: [String] = []
        for cell in row.dropFirst(2) {
            let parts = cell.split(separator: ":").map(String.init), verb = parts.count > 1 ? parts[1] : ""
            func statement(_ principal: String?) -> String {
                Sample.statement(
                    verb == "deny" ? "Deny" : "Allow", principal: principal,
                    action: verb == "other" ? "s3:PutObject" : "s3:GetObject")
            }
            switch parts[0] {
            case "identity": combination.identity.append(try Sample.identity(statement(nil)))
            case "boundary": combination.boundary = try Sample.identity(statement(nil))
            case "session": combination.session.append(try Sample.identity(statement(nil)))
            case "bucket": bucket.append(statement(Self.names[parts[2]] ?? "unknown"))
            case "account": combination.isGrantedToAccount = true
            case "group": combination.isGrantedToGroup = true
            default: Issue.record("\(cell)")
            }
        }
        if !bucket.isEmpty { combination.resource = try Sample.bucket(bucket.joined(separator: ",")) }
        let decision = combination.decide(Sample.request(try #require(Self.callers[row[0]])))
        #expect(decision.isAllowed == (row[1] == "y"), "\(decision.reason)")
    }
}

extension StringProtocol {
    var trimmed: String {
        var text = Substring(self)
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
