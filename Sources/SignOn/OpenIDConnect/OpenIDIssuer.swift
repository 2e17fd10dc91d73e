import AccessPolicy
package import Base

/// One issuer of tokens: its discovery document and its keys, asked for once however many sign on at the same time.
package actor OpenIDIssuer {
    private let issuer: String
    private let documentURL: String
    private let fetcher: any DocumentFetcher
    private let time: any TimeSource
    private var ring = KeyRing()
    private var isFetching = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// `documentURL` is the discovery document's place when it is not the usual one.
    package init(issuer: String, documentURL: String?, fetcher: any DocumentFetcher, time: any TimeSource) {
        self.issuer = issuer
        self.documentURL = documentURL ?? IssuerURL.discovery(of: issuer)
        self.fetcher = fetcher
        self.time = time
    }

    /// Throws unless one of the issuer's keys signed the token.
    package func checkSignature(_ token: JSONWebToken) async throws(SignOnError) {
        var step = KeyRing.Step.fetch
        if isFetching {
            await fetched()
            step = ring.settled(token)
        } else {
            step = ring.step(token, now: seconds)
            if step == .fetch {
                await fetch()
                step = ring.settled(token)
            }
        }
        switch step {
        case .use(let keys):
            guard keys.contains(where: { $0.verifies(token) }) else {
                throw .invalidToken("The token's signature is not the provider's.")
            }
        case .unknown, .fetch: throw .invalidToken("No key of the provider fits the token.")
        case .unreachable: throw .unreachable("The identity provider's keys could not be read.")
        }
    }

    private var seconds: UInt64 { time.monotonicNanoseconds() / 1_000_000_000 }

    private func fetched() async {
        await withCheckedContinuation { continuation in
            if isFetching { waiting.append(continuation) } else { continuation.resume() }
        }
    }

    private func fetch() async {
        isFetching = true
        let found = await questioned()
        ring.take(found, now: seconds)
        isFetching = false
        let resumed = waiting
        waiting = []
        for continuation in resumed { continuation.resume() }
    }

    private func questioned() async -> [JSONWebKey]? {
        do throws(FetchError) {
            let document = try await fetcher.get(documentURL)
            // nil says that the document is none.
            guard let root = try? JSONReader.parse(document), root["issuer"]?.text == issuer,
                let place = root["jwks_uri"]?.text, IssuerURL.isValid(place, secure: issuer.hasPrefix("https://"))
            else { return nil }
            return JSONWebKey.set(parsing: try await fetcher.get(place))
        } catch { return nil }
    }
}

/// Addresses of issuers and of what they publish.
package enum IssuerURL {
    /// http or https, a host, nothing that is not printed; `secure` takes https only.
    package static func isValid(_ url: String, secure: Bool) -> Bool {
        let scheme = url.hasPrefix("https://") ? 8 : url.hasPrefix("http://") && !secure ? 7 : 0
        guard scheme > 0, url.utf8.count <= 2048, url.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            return false
        }
        let host = url.utf8.dropFirst(scheme).prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
        return !host.isEmpty && !host.contains(UInt8(ascii: "@"))
    }

    /// OpenID Connect Discovery 1.0, section 4.
    package static func discovery(of issuer: String) -> String {
        (issuer.hasSuffix("/") ? String(issuer.dropLast()) : issuer) + "/.well-known/openid-configuration"
    }

    /// Without scheme and trailing slash: how policies and ARNs name an issuer.
    package static func name(of issuer: String) -> String {
        var name = Substring(issuer)
        if let colon = name.firstRange(of: "://") { name = name[colon.upperBound...] }
        if name.hasSuffix("/") { name.removeLast() }
        return String(name)
    }
}
