import AccessPolicy
import Base
import Digests
import Identity
import Objects
import Testing

/// The same bits each time.
private struct Counting: RandomSource {
    func next() -> UInt64 { 0x0807_0605_0403_0201 }
}

private let dataKey = [UInt8](0..<32)
private let rootBytes = [UInt8](repeating: 0xAB, count: 32)

private func sampleAccount() -> Account {
    var account = Account(
        number: "123456789012", canonicalID: "abc", displayName: "Zwei & Söhne", email: "a@example.com", name: "two")
    account.created = Timestamp(seconds: 1_700_000_000)
    account.alias = "alias"
    account.tenant = TenantID(rawValue: 7)
    account.isActive = false
    account.keys = [AccessKey(id: "KEY", secret: "secret/+=", created: account.created)]
    return account
}

private func sampleRole() -> Holder {
    var role = Holder(kind: .role, name: "reader", id: "AROA1", created: Timestamp(seconds: 1_700_000_001))
    role.path = "/team/"
    role.inline = ["b": "{}", "a": "{\"x\":1}"]
    role.attached = ["arn:aws:iam::aws:policy/readonly"]
    role.boundary = "arn:aws:iam::aws:policy/readwrite"
    role.tags = [IdentityTag("team", "blue"), IdentityTag("a", "")]
    role.trust = "{\"Statement\":[]}"
    role.summary = "reads"
    role.sessionSecondsMax = 7200
    return role
}

private func samplePolicy() -> ManagedPolicy {
    var policy = ManagedPolicy(
        name: "lister", id: "ANPA1", created: Timestamp(seconds: 1_700_000_002), document: "{\"v\":1}")
    policy.versions.append(.init(number: 3, document: "{\"v\":3}", created: Timestamp(seconds: 1_700_000_003)))
    (policy.current, policy.last, policy.tags) = (3, 3, [IdentityTag("k", "v")])
    return policy
}

/// Docs/formats/identities.md, byte for byte. A change here is a change of the format.
@Suite struct IdentityFormatTests {
    @Test func `an account is stored so`() throws {
        let entity = StoredEntity.account(sampleAccount())
        #expect(String(decoding: entity.name, as: UTF8.self) == "A/123456789012/")
        #expect(
            String(decoding: entity.encoded, as: UTF8.self)
                == #"{"type":"account","tenant":7,"number":"123456789012","id":"abc","name":"two","displayName":"Zwei & Söhne","email":"a@example.com","alias":"alias","active":false,"created":1700000000000000000,"keys":[{"id":"KEY","secret":"secret/+=","active":true,"created":1700000000000000000}]}"#
        )
        #expect(StoredEntity(decoding: entity.encoded) == entity)
    }

    @Test func `a tenant is stored so`() throws {
        var tenant = TenantInfo(id: TenantID(rawValue: 7), name: "acme")
        (tenant.rootAccount, tenant.hosts) = ("123456789012", ["acme.example"])
        tenant.created = Timestamp(seconds: 1_700_000_000)
        tenant.limits.total = ResourceLimits(bytes: 1024, buckets: 3)
        tenant.limits.perAccount = ResourceLimits(objects: 5)
        let entity = StoredEntity.tenant(tenant)
        #expect(String(decoding: entity.name, as: UTF8.self) == "T/7/")
        #expect(
            String(decoding: entity.encoded, as: UTF8.self)
                == #"{"type":"tenant","id":7,"name":"acme","root":"123456789012","hosts":["acme.example"],"active":true,"created":1700000000000000000,"limits":{"bytes":1024,"objects":null,"buckets":3},"userLimits":{"bytes":null,"objects":5,"buckets":null}}"#
        )
        #expect(StoredEntity(decoding: entity.encoded) == entity)
    }

    @Test func `a role is stored so`() throws {
        let entity = StoredEntity.holder(account: "123456789012", sampleRole())
        #expect(String(decoding: entity.name, as: UTF8.self) == "Role/123456789012/reader")
        #expect(
            String(decoding: entity.encoded, as: UTF8.self)
                == #"{"type":"Role","account":"123456789012","name":"reader","path":"/team/","id":"AROA1","created":1700000001000000000,"inline":{"a":"{\"x\":1}","b":"{}"},"attached":["arn:aws:iam::aws:policy/readonly"],"boundary":"arn:aws:iam::aws:policy/readwrite","tags":[["team","blue"],["a",""]],"keys":[],"members":[],"trust":"{\"Statement\":[]}","summary":"reads","session":7200}"#
        )
        #expect(StoredEntity(decoding: entity.encoded) == entity)
    }

    @Test func `a policy is stored so`() throws {
        let entity = StoredEntity.policy(account: "123456789012", samplePolicy())
        #expect(String(decoding: entity.name, as: UTF8.self) == "P/123456789012/lister")
        #expect(
            String(decoding: entity.encoded, as: UTF8.self)
                == #"{"type":"policy","account":"123456789012","name":"lister","path":"/","id":"ANPA1","created":1700000002000000000,"updated":1700000002000000000,"summary":"","tags":[["k","v"]],"versions":[{"number":1,"document":"{\"v\":1}","created":1700000002000000000},{"number":3,"document":"{\"v\":3}","created":1700000003000000000}],"current":3,"last":3}"#
        )
        #expect(StoredEntity(decoding: entity.encoded) == entity)
    }

    @Test func `the data key is wrapped under the root key so`() throws {
        let root = try #require(RootKey(rootBytes))
        let wrapped = try #require(root.wrap(dataKey, random: Counting()))
        #expect(Hex.encode(wrapped) == Golden.wrapped)
        #expect(root.unwrap(wrapped) == dataKey)
        let other = try #require(RootKey([UInt8](repeating: 0xAC, count: 32)))
        #expect(other.unwrap(wrapped) == nil)
    }

    @Test func `a row is sealed so, for its name only`() throws {
        let keys = IdentityKeys(dataKey: dataKey)
        let sealed = try #require(keys.seal(record: Array("{}".utf8), name: Array("A/1/".utf8), random: Counting()))
        #expect(Hex.encode(sealed) == Golden.row)
        #expect(keys.open(record: sealed, name: Array("A/1/".utf8)) == Array("{}".utf8))
        #expect(keys.open(record: sealed, name: Array("A/2/".utf8)) == nil)
        #expect(IdentityKeys(dataKey: rootBytes).open(record: sealed, name: Array("A/1/".utf8)) == nil)
    }

    @Test func `a session token is sealed so, for its access key only`() throws {
        let keys = IdentityKeys(dataKey: dataKey)
        var claims = SessionClaims(
            kind: .role, account: "123456789012", name: "reader", holderID: "AROA1", secret: "s", issued: 1, expires: 2)
        claims.tags = [IdentityTag("team", "blue")]
        claims.policies = ["{}"]
        let token = try #require(claims.token(accessKey: "ASIA1", key: keys, random: Counting()))
        #expect(token == Golden.token)
        #expect(SessionClaims(token: token, accessKey: "ASIA1", key: keys) == claims)
        #expect(SessionClaims(token: token, accessKey: "ASIA2", key: keys) == nil)
    }

    @Test func `damaged documents are refused, not trapped on`() {
        let whole = StoredEntity.holder(account: "1", sampleRole()).encoded
        for cut in 0..<whole.count { #expect(StoredEntity(decoding: Array(whole[..<cut])) == nil) }
        for index in whole.indices {
            var changed = whole
            changed[index] ^= 0x20
            _ = StoredEntity(decoding: changed)
        }
    }
}

enum Golden {
    static let wrapped =
        "0101020304050607080102030443d14f7f4185e28d0f32435710e6ffaca38053a1a7c0f4b497ee03811e4dc5d77974801f91752e5a8bf93086675756aa"
    static let row = "01010203040506070801020304d81ae3379ee65dd36fd0c8de913e3465a42d"
    static let token =
        "AQECAwQFBgcIAQIDBPye9BU6O3vXmqPWwxiCdX63dHo/Urs1VpYPXHzExmYDneDxdl/31xeVdlLIHl5wubLbTC91XNHPp/by6vT7soOe0uhJ1MDFjYO20ZP+SPfPRz7KWYz3BpQXUs+Y5vNaKSfrhvX4GjszWQwg/gmG2enidBJfM/13I6HW6CZqcLW4PFoqyxkLGHoYKvFgsQ=="
}

@Suite struct TenantTests {
    private func tenant(_ name: String, _ hosts: [String]) -> (TenantID, TenantInfo) {
        var tenant = TenantInfo(id: TenantInfo.id(of: name), name: name)
        tenant.hosts = hosts
        return (tenant.id, tenant)
    }

    @Test func `the number of a tenant's name never changes`() {
        #expect(TenantInfo.id(of: "acme").rawValue == 0xF075_5552)
        #expect(TenantInfo.id(of: "acme") != TenantInfo.id(of: "other"))
    }

    @Test func `a host belongs to the tenant whose host it is or lies closest below`() {
        let (acme, first) = tenant("acme", ["a.example"]),
            (other, second) = tenant("other", ["b.a.example", "c.example"])
        let directory = TenantDirectory([acme: first, other: second])
        func match(_ host: String) -> TenantDirectory.HostMatch? { directory.match(host: host) }
        #expect(match("a.example") == .init(tenant: acme, prefix: nil))
        #expect(match("A.Example.:9000") == .init(tenant: acme, prefix: nil))
        #expect(match("x.y.a.example:9000") == .init(tenant: acme, prefix: "x.y"))
        #expect(match("b.a.example") == .init(tenant: other, prefix: nil))
        #expect(match("x.b.a.example") == .init(tenant: other, prefix: "x"))
        for stranger in ["example", "za.example", ".a.example", "a.example.org", "[::1]:9000", "", "127.0.0.1"] {
            #expect(match(stranger) == nil)
        }
        #expect(directory.match(host: nil) == nil)
        #expect(!TenantDirectory([.default: .default]).hasHosts)
    }
}

@Suite struct ExplanationTests {
    @Test func `an explanation says of every statement why`() throws {
        let identity = try PolicyDocument(
            parsing: Array(
                #"{"Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{"StringEquals":{"aws:username":"ann"}}},{"Effect":"Deny","Action":"s3:PutObject","Resource":"*"}]}"#
                    .utf8), use: .identity)
        var combination = PolicyCombination(resourceOwner: "me")
        combination.identity = [identity]
        let caller = CallerIdentity(
            kind: .user, arn: "arn:aws:iam::1:user/bea", accountID: "1", canonicalID: "me", userID: "AIDA",
            userName: "bea")
        func ask(_ action: String, _ name: String) -> AccessExplanation {
            combination.explain(
                AccessRequest(
                    caller: .identity(caller), action: action, resource: "arn:aws:s3:::b/k",
                    facts: FactTable(["aws:username": [name]])))
        }
        let refused = ask("s3:GetObject", "bea")
        #expect(!refused.decision.isAllowed)
        #expect(
            refused.policies[0].verdict.outcomes == [
                .failedCondition(operator: "StringEquals", key: "aws:username"), .otherAction,
            ])
        let allowed = ask("s3:GetObject", "ann")
        #expect(allowed.decision.reason == .allowedBy(.identityPolicy(0)))
        #expect(allowed.policies[0].verdict.outcomes == [.applies, .otherAction])
        #expect(ask("s3:PutObject", "ann").decision.reason == .deniedBy(.identityPolicy(0), statement: 1))
    }
}
