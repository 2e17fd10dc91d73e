import AccessPolicy
import Testing

@Suite struct DecisionTests {
    static let allowAll = "{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}"
    static let denyGet = "{\"Effect\":\"Deny\",\"Action\":\"s3:GetObject\",\"Resource\":\"*\"}"
    static let allowPut = "{\"Effect\":\"Allow\",\"Action\":\"s3:PutObject\",\"Resource\":\"*\"}"

    static func named(_ arn: String) -> String { Sample.statement(principal: "{\"AWS\":\"\(arn)\"}") }
    static let everyone = Sample.statement()
    static let denyEveryone = Sample.statement("Deny")
    static let account1 = named("111111111111"), account2 = named("222222222222")
    static let alice = named("arn:aws:iam::111111111111:user/alice"), bob = named("arn:aws:iam::222222222222:user/bob")
    static let reader = named("arn:aws:iam::111111111111:role/reader")

    struct Row: Sendable, CustomStringConvertible {
        var name: String, caller: Caller, allowed: Bool
        var identity: [String] = [], boundary: String?, session: [String] = [], bucket: [String] = []
        var toAccount = false, toGroup = false
        var description: String { name }
    }

    static let rows: [Row] = [
        Row(name: "nobody may without a grant", caller: .anonymous, allowed: false),
        Row(name: "anonymous by bucket policy", caller: .anonymous, allowed: true, bucket: [everyone]),
        Row(name: "anonymous by group grant", caller: .anonymous, allowed: true, toGroup: true),
        Row(name: "anonymous is in no account", caller: .anonymous, allowed: false, toAccount: true),
        Row(
            name: "anonymous denied in spite of the list", caller: .anonymous, allowed: false, bucket: [denyEveryone],
            toGroup: true),
        Row(name: "the owner's root may", caller: Sample.root(), allowed: true),
        Row(
            name: "the owner's root denied by the bucket", caller: Sample.root(), allowed: false, bucket: [denyEveryone]
        ),
        Row(name: "another root may not", caller: Sample.otherRoot, allowed: false),
        Row(name: "another root by bucket policy", caller: Sample.otherRoot, allowed: true, bucket: [account2]),
        Row(name: "another root by list", caller: Sample.otherRoot, allowed: true, toAccount: true),
        Row(
            name: "another root denied in spite of the list", caller: Sample.otherRoot, allowed: false,
            bucket: [denyEveryone], toAccount: true),
        Row(name: "a user without policies", caller: Sample.user(), allowed: false),
        Row(name: "a user by identity policy", caller: Sample.user(), allowed: true, identity: [allowAll]),
        Row(name: "a user by the second policy", caller: Sample.user(), allowed: true, identity: [allowPut, allowAll]),
        Row(
            name: "deny in one policy outweighs allow in another", caller: Sample.user(), allowed: false,
            identity: [allowAll, denyGet]),
        Row(
            name: "identity deny outweighs bucket allow", caller: Sample.user(), allowed: false, identity: [denyGet],
            bucket: [alice]),
        Row(
            name: "bucket deny outweighs identity allow", caller: Sample.user(), allowed: false, identity: [allowAll],
            bucket: [denyEveryone]),
        Row(name: "a user named by the bucket", caller: Sample.user(), allowed: true, bucket: [alice]),
        Row(name: "a user whose account is named", caller: Sample.user(), allowed: false, bucket: [account1]),
        Row(name: "a user by everyone", caller: Sample.user(), allowed: true, bucket: [everyone]),
        Row(
            name: "a user within the boundary", caller: Sample.user(), allowed: true, identity: [allowAll],
            boundary: allowAll),
        Row(
            name: "a user beyond the boundary", caller: Sample.user(), allowed: false, identity: [allowAll],
            boundary: allowPut),
        Row(name: "a boundary allows nothing by itself", caller: Sample.user(), allowed: false, boundary: allowAll),
        Row(
            name: "a boundary does not bound what the bucket gives by name", caller: Sample.user(), allowed: true,
            boundary: allowPut, bucket: [alice]),
        Row(name: "a boundary that denies", caller: Sample.user(), allowed: false, boundary: denyGet, bucket: [alice]),
        Row(name: "a session by its role's policy", caller: Sample.session(), allowed: true, identity: [allowAll]),
        Row(
            name: "a session within its policy", caller: Sample.session(), allowed: true, identity: [allowAll],
            session: [allowAll]),
        Row(
            name: "a session beyond its policy", caller: Sample.session(), allowed: false, identity: [allowAll],
            session: [allowPut]),
        Row(
            name: "a session policy allows nothing by itself", caller: Sample.session(), allowed: false,
            session: [allowAll]),
        Row(name: "a session whose role the bucket names", caller: Sample.session(), allowed: true, bucket: [reader]),
        Row(
            name: "a session policy bounds what the bucket gives", caller: Sample.session(), allowed: false,
            session: [allowPut], bucket: [reader]),
        Row(
            name: "another account's user needs both", caller: Sample.otherUser, allowed: true, identity: [allowAll],
            bucket: [bob]),
        Row(
            name: "another account's user needs an identity policy", caller: Sample.otherUser, allowed: false,
            bucket: [bob]),
        Row(
            name: "another account's user needs the bucket's", caller: Sample.otherUser, allowed: false,
            identity: [allowAll]),
        Row(
            name: "another account's user through its account", caller: Sample.otherUser, allowed: true,
            identity: [allowAll], bucket: [account2]),
        Row(
            name: "another account's user by list", caller: Sample.otherUser, allowed: true, identity: [allowAll],
            toAccount: true),
        Row(
            name: "another account's user by list without a policy", caller: Sample.otherUser, allowed: false,
            toAccount: true),
    ]

    @Test(arguments: rows)
    func `policies combine as documented`(row: Row) throws {
        var combination = PolicyCombination(resourceOwner: Sample.canonical)
        combination.identity = try row.identity.map { try Sample.identity($0) }
        combination.boundary = try row.boundary.map { try Sample.identity($0) }
        combination.session = try row.session.map { try Sample.identity($0) }
        if !row.bucket.isEmpty { combination.resource = try Sample.bucket(row.bucket.joined(separator: ",")) }
        combination.isGrantedToAccount = row.toAccount
        combination.isGrantedToGroup = row.toGroup
        let decision = combination.decide(Sample.request(row.caller))
        #expect(decision.isAllowed == row.allowed, "\(decision.reason)")
    }

    @Test func `the owner's root can always mend the policy`() throws {
        let deny =
            "{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"s3:*\",\"Resource\":[\"arn:aws:s3:::b\",\"arn:aws:s3:::b/*\"]}"
        var combination = PolicyCombination(resourceOwner: Sample.canonical)
        combination.resource = try Sample.bucket(deny)
        for action in ["s3:PutBucketPolicy", "s3:GetBucketPolicy", "s3:DeleteBucketPolicy"] {
            #expect(combination.decide(Sample.request(Sample.root(), action, "arn:aws:s3:::b")).isAllowed)
            #expect(!combination.decide(Sample.request(Sample.otherRoot, action, "arn:aws:s3:::b")).isAllowed)
        }
        #expect(!combination.decide(Sample.request(Sample.root(), "s3:ListBucket", "arn:aws:s3:::b")).isAllowed)
    }

    @Test func `a bucket's allows do not reach objects of others`() throws {
        var combination = PolicyCombination(resourceOwner: Sample.otherCanonical)
        combination.resource = try Sample.bucket(Self.everyone)
        combination.resourceAllowsCount = false
        #expect(!combination.decide(Sample.request(.anonymous)).isAllowed)
        #expect(combination.decide(Sample.request(Sample.otherRoot)).isAllowed)
    }

    @Test func `a decision says which statement made it`() throws {
        var combination = PolicyCombination(resourceOwner: Sample.canonical)
        combination.identity = [try Sample.identity(Self.allowAll), try Sample.identity(Self.allowPut, Self.denyGet)]
        let decision = combination.decide(Sample.request(Sample.user()))
        #expect(decision.reason == .deniedBy(.identityPolicy(1), statement: 1))
    }
}

@Suite struct PublicPolicyTests {
    @Test(
        arguments: [
            ("\"*\"", nil, true), ("{\"AWS\":\"*\"}", nil, true), ("{\"AWS\":\"111111111111\"}", nil, false),
            ("\"*\"", "{\"IpAddress\":{\"aws:SourceIp\":\"192.0.2.0/24\"}}", false),
            ("\"*\"", "{\"IpAddress\":{\"aws:SourceIp\":\"0.0.0.0/0\"}}", true),
            ("\"*\"", "{\"NotIpAddress\":{\"aws:SourceIp\":\"192.0.2.0/24\"}}", true),
            ("\"*\"", "{\"StringEquals\":{\"aws:SourceVpc\":\"vpc-1\"}}", false),
            ("\"*\"", "{\"StringLike\":{\"aws:SourceVpc\":\"vpc-*\"}}", true),
            ("\"*\"", "{\"StringEquals\":{\"aws:PrincipalOrgID\":\"o-1\"}}", false),
            ("\"*\"", "{\"StringEquals\":{\"s3:prefix\":\"x\"}}", true),
            ("\"*\"", "{\"StringEqualsIfExists\":{\"aws:PrincipalOrgID\":\"o-1\"}}", true),
            ("\"*\"", "{\"ArnLike\":{\"aws:SourceArn\":\"arn:aws:s3:*:111111111111:x/*\"}}", false),
            ("\"*\"", "{\"ArnLike\":{\"aws:SourceArn\":\"arn:aws:s3:*:*:x/*\"}}", true),
            ("\"*\"", "{\"StringLike\":{\"aws:Referer\":\"http://example.com/*\"}}", true),
        ] as [(String, String?, Bool)])
    func `a policy for everybody is public unless a condition fixes who`(
        principal: String, condition: String?, isPublic: Bool
    ) throws {
        #expect(try Sample.bucket(Sample.statement(principal: principal, condition: condition)).isPublic == isPublic)
    }

    @Test func `a deny is never public`() throws {
        #expect(try !Sample.bucket(Sample.statement("Deny")).isPublic)
    }
}
