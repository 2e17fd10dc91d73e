import AccessPolicy
import Testing

/// SplitMix64: small, seeded, the same everywhere.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
    mutating func pick<Element>(_ list: [Element]) -> Element { list[Int(next() % UInt64(list.count))] }
    mutating func chance(_ one: UInt64, in all: UInt64) -> Bool { next() % all < one }
}

@Suite struct PolicyPropertyTests {
    /// Small alphabets, so that policies and requests meet often.
    private static let actions = [
        "s3:GetObject", "s3:getobject", "s3:Get*", "s3:*", "*", "s3:PutObject", "s3:?etObject", "s3:*Object", "s3:*t*",
    ]
    private static let asked = ["s3:GetObject", "s3:PutObject", "s3:GetObjectAcl", "s3:DeleteObject"]
    private static let resources = [
        "arn:aws:s3:::b/*", "arn:aws:s3:::b/a*b", "arn:aws:s3:::b/${aws:username}/*", "*", "arn:aws:s3:::?/a",
        "arn:aws:s3:::b/${aws:none}", "arn:aws:s3:::b/${aws:none, 'a'}", "arn:aws:s3:::*a*b*", "arn:aws:s3:::b/${*}",
    ]
    private static let places = [
        "arn:aws:s3:::b/a", "arn:aws:s3:::b/ab", "arn:aws:s3:::b/alice/x", "arn:aws:s3:::b/*", "arn:aws:s3:::b",
        "arn:aws:s3:::b/aXbaXb",
    ]
    private static let families: [(operators: [String], values: [String])] = [
        (
            [
                "StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike",
                "StringNotLike",
            ],
            ["a", "A", "ab", "a*", "*", "?", "${aws:username}", "alice", "${aws:none}", "", "a*a*b", "aab", "é"]
        ),
        (
            [
                "NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan",
                "NumericGreaterThanEquals",
            ], ["0", "1", "-1", "10", "1.5", "1e1", "9007199254740993", "9007199254740992", "+7", "007"]
        ),
        (
            [
                "DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan",
                "DateGreaterThanEquals",
            ],
            [
                "1970-01-01", "2024-02-29T12:00:00Z", "2024-03-01", "20240301T000000Z", "86400", "0",
                "2026-11-23T22:00:00+01:00",
                "2026-11-23T21:00:00Z", "2000-12-31T23:59:59Z",
            ]
        ),
        (["Bool"], ["true", "false", "TRUE"]),
        (["BinaryEquals"], ["QUI=", "QUE=", ""]),
        (
            ["IpAddress", "NotIpAddress"],
            [
                "10.0.0.0/8", "10.1.1.1", "10.1.1.0/31", "0.0.0.0/0", "2001:db8::/33", "::1", "::/0", "::ffff:10.1.1.1",
                "10.1.1.1/32",
            ]
        ),
        (
            ["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"],
            [
                "arn:aws:s3:::b", "arn:aws:s3:::*", "arn:*:s3:::b", "arn:aws:sns:eu:1:x:y", "arn:aws:sns:*:1:*",
                "arn:aws:sns:*:${aws:number}:x", "arn:aws:sns:eu:7:x", "arn:aws:sns:eu:1:7:x",
                "arn:aws:iam::1:user/${aws:username}",
                "arn:aws:iam::1:user/alice",
            ]
        ),
    ]

    private static func statement(_ random: inout SeededRandom) -> SlowEvaluator.Statement {
        var conditions: [(operator: String, key: String, values: [String])] = []
        for number in 0..<Int(random.next() % 3) {
            let family = random.pick(families)
            var name = random.pick(family.operators)
            if random.chance(1, in: 4) { name += "IfExists" }
            switch random.next() % 4 {
            case 0: name = "ForAllValues:" + name
            case 1: name = "ForAnyValue:" + name
            default: break
            }
            var values = (0...Int(random.next() % 3)).map { _ in random.pick(family.values) }
            if random.chance(1, in: 8) { (name, values) = ("Null", [random.pick(["true", "false"])]) }
            // One name of an operator may stand in a block once.
            if conditions.contains(where: { $0.operator == name }) { continue }
            conditions.append((name, "aws:key\(number)", values))
        }
        return SlowEvaluator.Statement(
            isDeny: random.chance(1, in: 4), actions: [random.pick(actions)], isNotAction: random.chance(1, in: 6),
            resources: (0...Int(random.next() % 2)).map { _ in random.pick(resources) },
            isNotResource: random.chance(1, in: 6), conditions: conditions)
    }

    private static func json(_ statement: SlowEvaluator.Statement) -> String {
        func list(_ texts: [String]) -> String { "[" + texts.map { "\"\($0)\"" }.joined(separator: ",") + "]" }
        let conditions = statement.conditions.map { "\"\($0.operator)\":{\"\($0.key)\":\(list($0.values))}" }
        return "{\"Effect\":\"\(statement.isDeny ? "Deny" : "Allow")\","
            + "\"\(statement.isNotAction ? "NotAction" : "Action")\":\(list(statement.actions)),"
            + "\"\(statement.isNotResource ? "NotResource" : "Resource")\":\(list(statement.resources)),"
            + "\"Condition\":{\(conditions.joined(separator: ","))}}"
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `the evaluator answers as the slow one does`(seed: UInt64) throws {
        var random = SeededRandom(seed), answers: [String: Int] = [:]
        for _ in 0..<2500 {
            let statements = (0...Int(random.next() % 3)).map { _ in Self.statement(&random) }
            let text =
                "{\"Version\":\"2012-10-17\",\"Statement\":[\(statements.map(Self.json).joined(separator: ","))]}"
            let policy = try PolicyDocument(parsing: Array(text.utf8), use: .identity)
            for _ in 0..<3 {
                var facts: [String: [String]] = ["aws:username": ["alice"], "aws:number": ["7"]]
                for number in 0..<2 where random.chance(4, in: 5) {
                    let family = random.pick(Self.families)
                    facts["aws:key\(number)"] = (0..<Int(random.next() % 4)).map { _ in random.pick(family.values) }
                    // Values of the family that a condition asks for, more often than not.
                    if let asks = statements.flatMap(\.conditions).first(where: { $0.key == "aws:key\(number)" }),
                        random.chance(3, in: 4)
                    {
                        facts["aws:key\(number)"] = [random.pick(asks.values)]
                    }
                }
                let action = random.pick(Self.asked), resource = random.pick(Self.places)
                let expected = SlowEvaluator.answer(
                    statements, action: action, resource: resource, facts: SlowEvaluator.facts(facts))
                let verdict = policy.evaluate(Sample.request(Sample.user(), action, resource, facts))
                let answer = verdict.isDenied ? "deny" : verdict.isAllowed ? "allow" : "silent"
                #expect(answer == expected, "seed \(seed): \(text) asked for \(action) on \(resource) with \(facts)")
                answers[answer, default: 0] += 1
                if answer != expected { return }
            }
        }
        // A generator whose policies never meet its requests would show nothing.
        for answer in ["deny", "allow", "silent"] { #expect(answers[answer, default: 0] > 500) }
    }
}
