import AccessPolicy
import Base
import Foundation
import SignOn
import Testing

private let keys = JSONWebKey.set(parsing: Array(TokenVectors.keys.utf8)) ?? []

func base64URL(_ text: String) -> String {
    Data(text.utf8).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
}

func unsigned(_ header: String, _ payload: String = "{\"iss\":\"i\"}") -> String {
    base64URL(header) + "." + base64URL(payload) + "."
}

private func isVerified(_ text: String, by keys: [JSONWebKey] = keys) throws -> Bool {
    let token = try JSONWebToken(parsing: text)
    return keys.contains { $0.verifies(token) }
}

@Suite struct TokenTests {
    @Test(arguments: TokenVectors.tokens.indices)
    func `tokens that openssl signed verify, and changed ones do not`(index: Int) throws {
        let (algorithm, text) = TokenVectors.tokens[index]
        let token = try JSONWebToken(parsing: text)
        #expect(token.algorithm.rawValue == algorithm)
        #expect(try isVerified(text))
        #expect(keys.filter { $0.verifies(token) }.count == 1)
        var parts = text.split(separator: ".").map(String.init)
        let good = parts
        parts[1] = base64URL("{\"iss\":\"https://id.example.com\",\"sub\":\"root\",\"exp\":2000000000}")
        #expect(try isVerified(parts.joined(separator: ".")) == false)
        parts = good
        let first = parts[2].removeFirst()
        parts[2] = (first == "A" ? "B" : "A") + parts[2]
        #expect(try isVerified(parts.joined(separator: ".")) == false)
        #expect(try isVerified("\(good[0]).\(good[1]).") == false)
    }

    @Test func `a token of one algorithm is not verified as another's`() throws {
        let token = TokenVectors.tokens[0].token.split(separator: ".").map(String.init)
        for algorithm in JSONWebToken.Algorithm.allCases where algorithm != .rs256 {
            let header = base64URL("{\"alg\":\"\(algorithm.rawValue)\"}")
            #expect(try isVerified("\(header).\(token[1]).\(token[2])") == false, "\(algorithm)")
        }
    }

    @Test(arguments: ["none", "None", "NONE", "HS256", "HS384", "HS512", "", "RS1"])
    func `algorithms without a public key are refused`(name: String) {
        #expect(throws: SignOnError.self) { try JSONWebToken(parsing: unsigned("{\"alg\":\"\(name)\"}") + "AAAA") }
    }

    @Test(arguments: [
        "", ".", "..", "...", "a.b", "a.b.c", "e30.e30.", "e30=.e30.AA", "e30.e30.A", "W10.e30.AA",
        unsigned("{\"alg\":\"RS256\",\"alg\":\"none\"}"), unsigned("{\"alg\":\"RS256\",\"crit\":[\"b64\"]}"),
        unsigned("{\"alg\":\"RS256\",\"typ\":\"logout+jwt\"}"), unsigned("{\"alg\":\"RS256\",\"typ\":1}"),
        unsigned("{\"alg\":\"RS256\",\"kid\":1}"), unsigned("{\"alg\":\"RS256\"}", "{\"sub\":\"a\",\"sub\":\"b\"}"),
        unsigned("{\"alg\":\"RS256\"}", "[]"), unsigned("{\"alg\":\"RS256\"}", "{} {}"),
        unsigned("{\"alg\":\"RS256\"}", String(repeating: "[", count: 5000)),
        unsigned("{\"alg\":\"RS256\"}", "{\"a\":\"" + String(repeating: "x", count: 20_000) + "\"}"),
    ])
    func `what is no token is refused`(text: String) {
        #expect(throws: SignOnError.self) { try JSONWebToken(parsing: text) }
    }

    @Test func `hostile bytes are refused without a trap`() {
        var seed: UInt64 = 7
        func next(_ limit: Int) -> Int {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(seed >> 33) % limit
        }
        let good = Array(TokenVectors.tokens[6].token.utf8)
        for _ in 0..<3000 {
            var bytes = good
            for _ in 0...next(3) {
                switch next(4) {
                case 0: bytes[next(bytes.count)] = UInt8(next(128))
                case 1: bytes.removeSubrange(next(bytes.count)...)
                case 2: bytes.insert(UInt8(ascii: "."), at: next(bytes.count + 1))
                default: bytes.insert(contentsOf: bytes.prefix(next(40)), at: next(bytes.count + 1))
                }
                if bytes.isEmpty { bytes = [0] }
            }
            let text = String(decoding: bytes, as: UTF8.self)
            // Changed bytes may leave the token what it was only when nothing that is signed or signs was changed.
            if text == TokenVectors.tokens[6].token { continue }
            guard let token = try? JSONWebToken(parsing: text) else { continue }
            #expect(!keys.contains { $0.verifies(token) })
            try? TokenRules(issuer: "i", audiences: ["a"]).check(token, now: 0)
        }
    }

    @Test func `small RSA keys and keys for other uses are not taken`() throws {
        let small = try #require(JSONWebKey.set(parsing: Array(TokenVectors.smallKey.utf8)))
        #expect(small.count == 1)
        #expect(try isVerified(TokenVectors.smallToken, by: small) == false)
        for use in ["\"use\":\"enc\"", "\"use\":7", "\"key_ops\":[\"sign\"]"] {
            let text = TokenVectors.keys.replacing(
                "\"kty\": \"RSA\", \"kid\": \"rsa\", \"use\": \"sig\"", with: "\"kty\":\"RSA\",\"kid\":\"rsa\",\(use)")
            let found = try #require(JSONWebKey.set(parsing: Array(text.utf8)))
            #expect(found.count == 4)
            #expect(try isVerified(TokenVectors.tokens[0].token, by: found) == false)
        }
    }

    @Test func `secrets in a key set are no keys`() throws {
        let set = "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"},{\"kty\":\"RSA\"},{},7]}"
        #expect(try #require(JSONWebKey.set(parsing: Array(set.utf8))).isEmpty)
        #expect(JSONWebKey.set(parsing: Array("{\"keys\":{}}".utf8)) == nil)
        #expect(JSONWebKey.set(parsing: Array("<html>".utf8)) == nil)
    }

    @Test func `claims are found by name and by path`() throws {
        let token = try JSONWebToken(parsing: TokenVectors.tokens[0].token)
        #expect(token.values(at: "realm_access.roles") == ["a", "b"])
        #expect(token.values(at: "policy") == ["readonly,writeonly"])
        #expect(token.values(at: "realm_access") == nil)
        #expect(token.values(at: "sub.x") == nil)
        #expect(token.audiences == ["martlet", "other"])
        #expect(token.facts.first { $0.name == "admin" }?.values == ["true"])
    }
}

@Suite struct TokenRuleTests {
    private func check(
        _ payload: String, now: Int64 = 1_000, issuer: String = "i", audiences: [String] = ["me"]
    ) throws(SignOnError) {
        let token = try JSONWebToken(parsing: unsigned("{\"alg\":\"RS256\"}", payload))
        try TokenRules(issuer: issuer, audiences: audiences, skewSeconds: 60).check(token, now: now)
    }

    @Test func `a token in order passes`() throws {
        try check(#"{"iss":"i","sub":"s","aud":"me","exp":2000}"#)
        try check(#"{"iss":"i","sub":"s","aud":["you","me"],"exp":2000.5,"nbf":1000,"iat":999}"#)
        try check(#"{"iss":"i","sub":"s","aud":"account","azp":"me","exp":2000}"#)
    }

    @Test func `clocks may differ by the skew and no more`() throws {
        try check(#"{"iss":"i","sub":"s","aud":"me","exp":941}"#)
        #expect(throws: SignOnError.expired) { try check(#"{"iss":"i","sub":"s","aud":"me","exp":940}"#) }
        try check(#"{"iss":"i","sub":"s","aud":"me","exp":2000,"nbf":1060}"#)
        #expect(throws: SignOnError.self) { try check(#"{"iss":"i","sub":"s","aud":"me","exp":2000,"nbf":1061}"#) }
        #expect(throws: SignOnError.self) { try check(#"{"iss":"i","sub":"s","aud":"me","exp":2000,"iat":1061}"#) }
    }

    @Test(arguments: [
        #"{"iss":"j","sub":"s","aud":"me","exp":2000}"#, #"{"sub":"s","aud":"me","exp":2000}"#,
        #"{"iss":["i"],"sub":"s","aud":"me","exp":2000}"#, #"{"iss":"i","aud":"me","exp":2000}"#,
        #"{"iss":"i","sub":"","aud":"me","exp":2000}"#, #"{"iss":"i","sub":"s","exp":2000}"#,
        #"{"iss":"i","sub":"s","aud":"you","exp":2000}"#, #"{"iss":"i","sub":"s","aud":"me"}"#,
        #"{"iss":"i","sub":"s","aud":"me","exp":"2000"}"#, #"{"iss":"i","sub":"s","aud":"me","exp":1e300}"#,
        #"{"iss":"i","sub":"s","aud":"me","exp":2000,"nbf":"0"}"#, #"{"iss":"i","sub":"s","aud":{"me":1},"exp":2000}"#,
    ])
    func `a token that lacks something is refused`(payload: String) {
        #expect(throws: SignOnError.self) { try check(payload) }
    }
}
