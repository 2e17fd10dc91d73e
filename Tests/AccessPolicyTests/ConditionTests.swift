import AccessPolicy
import Testing

@Suite struct ConditionTests {
    /// Operator, values in JSON, what the request says of the key (nil: nothing), and whether the statement applies.
    struct Row: Sendable, CustomStringConvertible {
        let comparing: String, values: String, found: [String]?, holds: Bool
        init(_ comparing: String, _ values: String, _ found: [String]?, _ holds: Bool) {
            (self.comparing, self.values, self.found, self.holds) = (comparing, values, found, holds)
        }
        var description: String {
            "\(comparing) \(values) on \(found.map(String.init(describing:)) ?? "nothing"): \(holds)"
        }
    }

    static let strings: [Row] = [
        Row("StringEquals", "\"a\"", ["a"], true), Row("StringEquals", "\"a\"", ["b"], false),
        Row("StringEquals", "[\"a\",\"b\"]", ["b"], true), Row("StringEquals", "\"a*\"", ["ab"], false),
        Row("StringEquals", "\"a\"", nil, false), Row("StringEqualsIfExists", "\"a\"", nil, true),
        Row("StringEqualsIfExists", "\"a\"", ["b"], false), Row("StringNotEquals", "\"a\"", ["b"], true),
        Row("StringNotEquals", "\"a\"", ["a"], false), Row("StringNotEquals", "[\"a\",\"b\"]", ["b"], false),
        Row("StringNotEquals", "\"a\"", nil, true), Row("StringEqualsIgnoreCase", "\"AbC\"", ["aBc"], true),
        Row("StringNotEqualsIgnoreCase", "\"AbC\"", ["aBc"], false), Row("StringLike", "\"a*\"", ["abc"], true),
        Row("StringLike", "\"a?\"", ["abc"], false), Row("StringLike", "[\"x\",\"*c\"]", ["abc"], true),
        Row("StringNotLike", "\"a*\"", ["abc"], false), Row("StringNotLike", "\"a*\"", ["b"], true),
        Row("stringequals", "\"a\"", ["a"], true), Row("StringEquals", "\"${aws:username}\"", ["alice"], true),
        Row("StringEquals", "\"${aws:none}\"", ["alice"], false), Row("StringEquals", "[]", ["a"], false),
    ]
    static let numbers: [Row] = [
        Row("NumericEquals", "\"10\"", ["10"], true), Row("NumericEquals", "10", ["10.0"], true),
        Row("NumericEquals", "10", ["11"], false), Row("NumericEquals", "10", ["ten"], false),
        Row("NumericNotEquals", "10", ["11"], true), Row("NumericNotEquals", "10", ["10"], false),
        Row("NumericLessThan", "10", ["9"], true), Row("NumericLessThan", "10", ["10"], false),
        Row("NumericLessThanEquals", "10", ["10"], true), Row("NumericGreaterThan", "10", ["10"], false),
        Row("NumericGreaterThan", "10", ["11"], true), Row("NumericGreaterThanEquals", "10", ["10"], true),
        Row("NumericGreaterThanEquals", "9007199254740993", ["9007199254740992"], false),
        Row("NumericLessThan", "10", nil, false), Row("NumericLessThanIfExists", "10", nil, true),
        Row("NumericEquals", "\"${aws:number}\"", ["7"], true),
    ]
    static let dates: [Row] = [
        Row("DateEquals", "\"2026-11-23T22:00:00Z\"", ["2026-11-23T23:00:00+01:00"], true),
        Row("DateEquals", "\"1970-01-02\"", ["86400"], true),
        Row("DateNotEquals", "\"1970-01-02\"", ["86401"], true),
        Row("DateLessThan", "\"2026-11-23T22:00:00Z\"", ["2026-11-23T21:59:59Z"], true),
        Row("DateLessThan", "\"2026-11-23T22:00:00Z\"", ["2026-11-23T22:00:00Z"], false),
        Row("DateLessThanEquals", "\"2026-11-23T22:00:00Z\"", ["2026-11-23T22:00:00Z"], true),
        Row("DateGreaterThan", "\"2024-02-29T00:00:00Z\"", ["2024-03-01T00:00:00Z"], true),
        Row("DateGreaterThan", "\"2024-02-29T00:00:00Z\"", ["2024-02-28T23:59:59.999Z"], false),
        Row("DateGreaterThanEquals", "\"20240229T000000Z\"", ["2024-02-29T00:00:00Z"], true),
    ]
    static let others: [Row] = [
        Row("Bool", "\"true\"", ["true"], true), Row("Bool", "true", ["false"], false),
        Row("Bool", "false", ["FALSE"], true),
        Row("Bool", "\"true\"", nil, false), Row("BoolIfExists", "\"true\"", nil, true),
        Row("BinaryEquals", "\"QUI=\"", ["QUI="], true), Row("BinaryEquals", "\"QUI=\"", ["QUE="], false),
        Row("IpAddress", "\"192.0.2.0/24\"", ["192.0.2.77"], true),
        Row("IpAddress", "\"192.0.2.0/24\"", ["192.0.3.1"], false),
        Row("IpAddress", "\"192.0.2.1\"", ["192.0.2.1"], true),
        Row("IpAddress", "\"192.0.2.1\"", ["::ffff:192.0.2.1"], true),
        Row("IpAddress", "\"2001:db8::/32\"", ["2001:db8:1::5"], true),
        Row("IpAddress", "\"2001:db8::/32\"", ["2001:db9::1"], false),
        Row("IpAddress", "\"0.0.0.0/0\"", ["::1"], false),
        Row("IpAddress", "[\"10.0.0.0/8\",\"::1/128\"]", ["::1"], true),
        Row("NotIpAddress", "\"192.0.2.0/24\"", ["192.0.2.77"], false),
        Row("NotIpAddress", "\"192.0.2.0/24\"", ["10.1.1.1"], true),
        Row("ArnEquals", "\"arn:aws:sns:*:1:x\"", ["arn:aws:sns:eu:1:x"], true),
        Row("ArnLike", "\"arn:aws:sns:*:1:x\"", ["arn:aws:sns:eu:2:1:x"], false),
        Row("ArnLike", "\"arn:aws:s3:::b*\"", ["arn:aws:s3:::bucket/a:b"], true),
        Row("ArnNotEquals", "\"arn:aws:s3:::b\"", ["arn:aws:s3:::c"], true),
        Row("ArnNotLike", "\"arn:aws:s3:::*\"", ["arn:aws:s3:::c"], false),
        Row("Null", "\"true\"", nil, true), Row("Null", "\"true\"", ["x"], false),
        Row("Null", "\"false\"", ["x"], true),
        Row("Null", "false", nil, false),
    ]
    static let sets: [Row] = [
        Row("ForAllValues:StringEquals", "[\"a\",\"b\"]", ["a", "b"], true),
        Row("ForAllValues:StringEquals", "[\"a\",\"b\"]", ["a", "c"], false),
        Row("ForAllValues:StringEquals", "[\"a\"]", nil, true), Row("ForAllValues:StringEquals", "[\"a\"]", [], true),
        Row("ForAnyValue:StringEquals", "[\"a\"]", ["a", "c"], true),
        Row("ForAnyValue:StringEquals", "[\"a\"]", ["b", "c"], false),
        Row("ForAnyValue:StringEquals", "[\"a\"]", nil, false),
        Row("ForAnyValue:StringLike", "[\"x*\"]", ["b", "xy"], true),
        Row("ForAllValues:StringNotEquals", "[\"a\"]", ["b", "c"], true),
        Row("ForAllValues:StringNotEquals", "[\"a\"]", ["a", "c"], false),
        Row("ForAnyValue:StringNotEquals", "[\"a\"]", ["a", "c"], true),
        Row("ForAnyValue:StringNotEquals", "[\"a\"]", ["a"], false),
        Row("foranyvalue:stringequalsifexists", "[\"a\"]", nil, true),
    ]

    @Test(arguments: strings + numbers + dates + others + sets)
    func `operators compare as documented`(row: Row) throws {
        let policy = try Sample.bucket(
            Sample.statement(condition: "{\"\(row.comparing)\":{\"Aws:Key\":\(row.values)}}"))
        var facts: [String: [String]] = ["aws:username": ["alice"], "aws:number": ["7"]]
        facts["aws:key"] = row.found
        let verdict = policy.evaluate(Sample.request(.anonymous, "s3:GetObject", "arn:aws:s3:::b/k", facts))
        #expect(verdict.isAllowed == row.holds)
    }

    @Test(arguments: [
        "{\"StringSame\":{\"aws:a\":\"x\"}}", "{\"NullIfExists\":{\"aws:a\":\"true\"}}",
        "{\"ForSome:StringEquals\":{\"aws:a\":\"x\"}}",
        "{\"NumericEquals\":{\"aws:a\":\"x\"}}", "{\"DateEquals\":{\"aws:a\":\"soon\"}}",
        "{\"IpAddress\":{\"aws:a\":\"192.0.2.0/33\"}}",
        "{\"IpAddress\":{\"aws:a\":\"1.2.3\"}}", "{\"Bool\":{\"aws:a\":\"maybe\"}}",
        "{\"StringEquals\":{\"aws:a\":{}}}", "{\"StringEquals\":\"x\"}",
        "{\"StringEquals\":{\"nokey\":\"x\"}}", "[]", "{\"BinaryEquals\":{\"aws:a\":\"?\"}}",
        "{\"IpAddress\":{\"aws:a\":\"1::2::3\"}}",
    ])
    func `a condition that can't be read refuses the policy`(condition: String) {
        #expect(throws: PolicyError.self) { _ = try Sample.bucket(Sample.statement(condition: condition)) }
    }

    @Test func `all conditions must hold`() throws {
        let policy = try Sample.bucket(
            Sample.statement(
                condition:
                    "{\"StringEquals\":{\"s3:a\":\"1\",\"s3:b\":\"2\"},\"Bool\":{\"aws:SecureTransport\":\"true\"}}"))
        let all = ["s3:a": ["1"], "s3:b": ["2"], "aws:securetransport": ["true"]]
        #expect(policy.evaluate(Sample.request(.anonymous, "s3:GetObject", "arn:aws:s3:::b/k", all)).isAllowed)
        for key in all.keys.sorted() {
            var some = all
            some[key] = ["no"]
            let verdict = policy.evaluate(
                Sample.request(.anonymous, "s3:GetObject", "arn:aws:s3:::b/k", some), explaining: true)
            #expect(verdict.answer == .silent)
            guard case .failedCondition(_, let failed)? = verdict.outcomes.first else {
                Issue.record("no condition is named")
                continue
            }
            #expect(failed.lowercased() == key)
        }
    }
}
