package import Base
package import Drives
import Synchronization

/// Everything by which people sign on with identities that are kept elsewhere.
package final class SignOn: Sendable {
    /// Of the configuration.
    package let providers: [OpenIDProvider]
    package let directory: LDAPDirectory?
    private let caFile: String?
    private let pool: BlockingPool
    private let time: any TimeSource
    private let issuers = Mutex<[IssuerKey: OpenIDIssuer]>([:])
    /// Issuers that are known because accounts made providers of them: bounded, since whoever may make one may make many.
    private static let issuersMax = 256

    private struct IssuerKey: Hashable {
        var issuer: String
        var documentURL: String?
        var caFile: String?
    }

    /// `caFile` is for providers that accounts made.
    package init(
        providers: [OpenIDProvider], directory: LDAPDirectory?, caFile: String?, pool: BlockingPool,
        time: any TimeSource
    ) {
        self.providers = providers
        self.directory = directory
        self.caFile = caFile
        self.pool = pool
        self.time = time
    }

    /// Throws unless the token is the provider's, is meant for one of its clients and is good now.
    package func check(_ token: JSONWebToken, by provider: OpenIDProvider) async throws(SignOnError) {
        // Claims first: they cost nothing and ask nobody.
        try TokenRules(issuer: provider.issuer, audiences: provider.audiences, skewSeconds: provider.skewSeconds)
            .check(token, now: time.now().seconds)
        try await issuer(of: provider).checkSignature(token)
    }

    private func issuer(of provider: OpenIDProvider) -> OpenIDIssuer {
        let key = IssuerKey(
            issuer: provider.issuer, documentURL: provider.documentURL, caFile: provider.caFile ?? caFile)
        return issuers.withLock { issuers in
            if let known = issuers[key] { return known }
            if issuers.count >= Self.issuersMax { issuers = [:] }
            let made = OpenIDIssuer(
                issuer: key.issuer, documentURL: key.documentURL, fetcher: HTTPFetcher(pool: pool, caFile: key.caFile),
                time: time)
            issuers[key] = made
            return made
        }
    }
}
