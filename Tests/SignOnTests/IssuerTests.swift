import Base
import SignOn
import Synchronization
import Testing

/// A provider in a table, that counts what it is asked.
private final class TableFetcher: DocumentFetcher {
    let documents = Mutex<[String: String]>([:])
    let questions = Mutex(0)

    func get(_ url: String) async throws(FetchError) -> [UInt8] {
        let found = documents.withLock { $0[url] }
        if url.hasSuffix("openid-configuration") { questions.withLock { $0 += 1 } }
        guard let found else { throw FetchError("down") }
        return Array(found.utf8)
    }

    func publish(issuer: String = "https://id.example.com", keys: String?) {
        documents.withLock { documents in
            documents = [:]
            guard let keys else { return }
            documents["https://id.example.com/.well-known/openid-configuration"] =
                "{\"issuer\":\"\(issuer)\",\"jwks_uri\":\"https://id.example.com/keys\"}"
            documents["https://id.example.com/keys"] = keys
        }
    }
}

private final class ManualTime: TimeSource {
    let seconds = Mutex<UInt64>(1_000)
    func now() -> Timestamp { Timestamp(seconds: 1_800_000_000) }
    func monotonicNanoseconds() -> UInt64 { seconds.withLock { $0 } * 1_000_000_000 }
    func advance(_ by: UInt64) { seconds.withLock { $0 += by } }
}

@Suite struct IssuerTests {
    private let fetcher = TableFetcher(), time = ManualTime()

    private func issuer() -> OpenIDIssuer {
        OpenIDIssuer(issuer: "https://id.example.com", documentURL: nil, fetcher: fetcher, time: time)
    }

    private func token(_ index: Int = 0) throws -> JSONWebToken {
        try JSONWebToken(parsing: TokenVectors.tokens[index].token)
    }

    private var questions: Int { fetcher.questions.withLock { $0 } }

    private func refusal(_ issuer: OpenIDIssuer, _ token: JSONWebToken) async -> SignOnError? {
        do throws(SignOnError) {
            try await issuer.checkSignature(token)
            return nil
        } catch { return error }
    }

    @Test func `keys are asked for once and kept`() async throws {
        fetcher.publish(keys: TokenVectors.keys)
        let issuer = issuer()
        for index in TokenVectors.tokens.indices { try await issuer.checkSignature(try token(index)) }
        #expect(questions == 1)
        time.advance(KeyRing.freshSeconds)
        try await issuer.checkSignature(try token())
        #expect(questions == 2)
    }

    @Test func `a key that is new is asked for, and one that was taken back is forgotten`() async throws {
        fetcher.publish(keys: TokenVectors.smallKey)
        let issuer = issuer()
        #expect(await refusal(issuer, try token()) != nil)
        fetcher.publish(keys: TokenVectors.keys)
        try await issuer.checkSignature(try token())
        fetcher.publish(keys: TokenVectors.smallKey)
        try await issuer.checkSignature(try token())
        time.advance(KeyRing.freshSeconds)
        #expect(await refusal(issuer, try token()) == .invalidToken("No key of the provider fits the token."))
    }

    @Test func `invented key ids ask the provider a few times only`() async throws {
        fetcher.publish(keys: TokenVectors.keys)
        let issuer = issuer()
        try await issuer.checkSignature(try token())
        let parts = TokenVectors.tokens[0].token.split(separator: ".")
        for number in 0..<50 {
            let forged = try JSONWebToken(
                parsing: base64URL("{\"alg\":\"RS256\",\"kid\":\"x\(number)\"}") + ".\(parts[1]).\(parts[2])")
            #expect(await refusal(issuer, forged) == .invalidToken("No key of the provider fits the token."))
        }
        #expect(questions == KeyRing.questionsMax)
        // Tokens with a known key are not held up by that.
        try await issuer.checkSignature(try token())
        time.advance(3 * KeyRing.intervalSeconds)
        for number in 0..<50 {
            let forged = try JSONWebToken(
                parsing: base64URL("{\"alg\":\"RS256\",\"kid\":\"y\(number)\"}") + ".\(parts[1]).\(parts[2])")
            _ = await refusal(issuer, forged)
        }
        #expect(questions == KeyRing.questionsMax + 3)
    }

    @Test func `the last good keys serve while the provider is down`() async throws {
        let issuer = issuer()
        let unreachable = SignOnError.unreachable("The identity provider's keys could not be read.")
        #expect(await refusal(issuer, try token()) == unreachable)
        fetcher.publish(keys: TokenVectors.keys)
        try await issuer.checkSignature(try token())
        fetcher.publish(keys: nil)
        time.advance(10 * KeyRing.freshSeconds)
        try await issuer.checkSignature(try token())
        let before = questions
        for _ in 0..<20 { try await issuer.checkSignature(try token()) }
        #expect(questions == before)
        time.advance(KeyRing.intervalSeconds)
        fetcher.publish(keys: TokenVectors.smallKey)
        #expect(await refusal(issuer, try token()) != nil)
    }

    @Test func `a discovery document of another issuer, or keys at an insecure place, are not taken`() async throws {
        fetcher.publish(issuer: "https://evil.example.com", keys: TokenVectors.keys)
        #expect(await refusal(issuer(), try token()) != nil)
        fetcher.publish(keys: TokenVectors.keys)
        fetcher.documents.withLock { documents in
            documents["https://id.example.com/.well-known/openid-configuration"] =
                "{\"issuer\":\"https://id.example.com\",\"jwks_uri\":\"http://id.example.com/keys\"}"
            documents["http://id.example.com/keys"] = TokenVectors.keys
        }
        #expect(await refusal(issuer(), try token()) != nil)
    }

    @Test func `addresses of issuers`() {
        for url in ["https://a", "http://a:8080/realms/x", "https://a/b/"] {
            #expect(IssuerURL.isValid(url, secure: false), "\(url)")
        }
        for url in ["", "https://", "ftp://a", "file:///etc/passwd", "https://a b", "https://u@a", "http://"] {
            #expect(!IssuerURL.isValid(url, secure: false), "\(url)")
        }
        #expect(!IssuerURL.isValid("http://a", secure: true))
        #expect(IssuerURL.discovery(of: "https://a/") == "https://a/.well-known/openid-configuration")
        #expect(IssuerURL.name(of: "https://a/b/") == "a/b")
    }
}
