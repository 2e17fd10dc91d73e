import AccessPolicy
import Testing

@Suite struct DocumentTests {
    static func parse(_ text: String) throws(PolicyError) -> PolicyDocument {
        try PolicyDocument(parsing: Array(text.utf8), use: .bucket("b"))
    }

    static let good =
        "\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::b/*\""

    @Test(arguments: [
        ("", PolicyError.notJSON), ("[]", .notJSON), (" {}", .notJSON), ("{", .notJSON),
        ("{}", .missingField("Statement")),
        ("{\"Statement\":[]}", .emptyStatements),
        ("{\"Version\":\"2020-01-01\",\"Statement\":[{\(good)}]}", .invalidVersion),
        ("{\"Foo\":1,\"Statement\":[{\(good)}]}", .unknownField("Foo")),
        ("{\"Statement\":[{\(good),\"Foo\":1}]}", .unknownField("Foo")),
        ("{\"Statement\":[{\(good),\"Effect\":\"Deny\"}]}", .duplicateName("Effect")),
    ])
    func `a document of the wrong shape says what is wrong`(text: String, error: PolicyError) {
        #expect(throws: error) { _ = try Self.parse(text) }
    }

    @Test(arguments: [
        ("Effect", PolicyError.missingField("Effect")), ("Principal", .missingField("Principal")),
        ("Action", .missingField("Action")),
        ("Resource", .missingField("Resource")),
    ])
    func `a statement without a field says which`(field: String, error: PolicyError) {
        let fields = [
            "Effect": "\"Allow\"", "Principal": "\"*\"", "Action": "\"s3:GetObject\"",
            "Resource": "\"arn:aws:s3:::b/*\"",
        ]
        let rest = fields.filter { $0.key != field }.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",")
        #expect(throws: error) { _ = try Self.parse("{\"Statement\":{\(rest)}}") }
        #expect(error.message == "Missing required field \(field)")
    }

    @Test(arguments: [
        "\"alice\"", "{}", "{\"AWS\":[]}", "{\"AWS\":\"alice\"}", "{\"AWS\":\"arn:aws:s3:::b\"}",
        "{\"AWS\":\"12345678901\"}",
        "{\"AWS\":\"arn:aws:iam::111111111111:user/*\"}", "{\"Foo\":\"x\"}", "[\"*\"]",
        "{\"AWS\":\"arn:aws:iam::111111111111:group/g\"}",
        "{\"Service\":\"x\"}", "{\"CanonicalUser\":\"\"}", "{\"AWS\":\"arn:aws:iam::111111111111:user/\"}",
    ])
    func `a principal that names nobody is refused`(principal: String) {
        #expect(throws: PolicyError.invalidPrincipal) { _ = try Sample.bucket(Sample.statement(principal: principal)) }
    }

    @Test(arguments: [
        "\"*\"", "{\"AWS\":\"*\"}", "{\"AWS\":[\"111111111111\",\"arn:aws:iam::111111111111:root\"]}",
        "{\"AWS\":\"arn:aws:iam::111111111111:user/a/b\"}", "{\"AWS\":\"arn:aws:iam::tenant1:root\"}",
        "{\"CanonicalUser\":\"c1\"}",
        "{\"Service\":\"logging.s3.amazonaws.com\"}", "{\"Federated\":\"cognito-identity.amazonaws.com\"}",
        "{\"AWS\":\"arn:aws:sts::111111111111:assumed-role/r/s\"}", "{\"AWS\":\"arn:aws:iam:::user/c1\"}",
    ])
    func `a principal of every kind is taken`(principal: String) throws {
        _ = try Sample.bucket(Sample.statement(principal: principal))
    }

    @Test(arguments: ["s3:GetObjct", "ec2:RunInstances", "s3:", "GetObject", "s3:Foo*"])
    func `an action that S3 does not have is refused`(action: String) {
        #expect(throws: PolicyError.invalidAction) { _ = try Sample.bucket(Sample.statement(action: action)) }
    }

    @Test(arguments: [
        "arn:aws:s3:::other/*", "b/*", "arn:aws:s3:::", "arn:aws:ec2:::b/*", "arn:aws:s3:eu-west-1::b/*",
        "arn:aws:s3:::bb/*", "b",
    ])
    func `a resource of another bucket is refused`(resource: String) {
        #expect(throws: PolicyError.invalidResource) { _ = try Sample.bucket(Sample.statement(resource: resource)) }
    }

    @Test(arguments: [
        "arn:aws:s3:::*", "arn:aws:s3:::*/*", "arn:aws:s3:::b*", "*", "arn:aws:s3:::b/prefix/${aws:username}/*",
    ])
    func `a resource that covers objects of the bucket is taken`(resource: String) throws {
        _ = try Sample.bucket(Sample.statement(resource: resource))
    }

    @Test(arguments: [
        ("s3:ListBucket", "arn:aws:s3:::b/*", false), ("s3:GetObject", "arn:aws:s3:::b", false),
        ("s3:ListBucket", "arn:aws:s3:::b", true),
        ("s3:*", "arn:aws:s3:::b", true), ("s3:*", "arn:aws:s3:::b/*", true), ("s3:List*", "arn:aws:s3:::b/*", true),
        ("s3:PutBucketPolicy", "arn:aws:s3:::b/*", false),
    ])
    func `an action must be about one of the resources`(action: String, resource: String, fits: Bool) {
        let text = Sample.statement(action: action, resource: resource)
        if fits {
            #expect(throws: Never.self) { _ = try Sample.bucket(text) }
        } else {
            #expect(throws: PolicyError.actionWithoutResource) { _ = try Sample.bucket(text) }
        }
    }

    @Test func `allow with NotPrincipal is refused and deny is not`() throws {
        let rest =
            "\"NotPrincipal\":{\"AWS\":\"111111111111\"},\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::b/*\"}"
        #expect(throws: PolicyError.allowWithNotPrincipal) { _ = try Sample.bucket("{\"Effect\":\"Allow\",\(rest)") }
        let policy = try Sample.bucket("{\"Effect\":\"Deny\",\(rest)")
        #expect(policy.evaluate(Sample.request(Sample.otherRoot)).isDenied)
        #expect(!policy.evaluate(Sample.request(Sample.root())).isDenied)
    }

    @Test func `identities have no principal in their policies`() {
        #expect(throws: PolicyError.principalNotAllowed) { _ = try Sample.identity(Sample.statement()) }
    }

    @Test func `a policy of more than 20 KiB is refused`() {
        #expect(throws: PolicyError.tooLarge) {
            _ = try Sample.bucket(Sample.statement(resource: "arn:aws:s3:::b/" + String(repeating: "x", count: 20_480)))
        }
    }

    @Test func `NotAction and NotResource select everything else`() throws {
        let policy = try Sample.identity(
            "{\"Effect\":\"Allow\",\"NotAction\":\"s3:Delete*\",\"NotResource\":\"arn:aws:s3:::secret/*\"}")
        #expect(policy.evaluate(Sample.request(Sample.user())).isAllowed)
        #expect(!policy.evaluate(Sample.request(Sample.user(), "s3:DeleteObject")).isAllowed)
        #expect(!policy.evaluate(Sample.request(Sample.user(), "s3:GetObject", "arn:aws:s3:::secret/x")).isAllowed)
    }
}
