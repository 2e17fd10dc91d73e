package import Base
package import Drives
import Synchronization

/// Everything by which people sign on with identities that are kept elsewhere.
package final class SignOn: Sendable {
    /// Of the configuration.
    package let providers: [OpenIDProvider]
    package let directory: LDAPDirectory?
    /// Clients' certificates, which TLS has verified, may be exchanged for sessions.
    package let acceptsCertificates: Bool
    private let caFile: String?
    private let pool: BlockingPool
    private let time: any TimeSource
    private let configured = Mutex<[IssuerKey: OpenIDIssuer]>([:])
    /// Of providers that accounts made: forgotten when they become too many, and asked on threads of their own, so that what one account
    /// makes costs the configured ones nothing.
    private let made = Mutex<[IssuerKey: OpenIDIssuer]>([:])
    private let madePool: BlockingPool
    private static let madeMax = 256

    private struct IssuerKey: Hashable {
        var issuer: String
        var documentURL: String?
        var caFile: String?
    }

    /// `caFile` is for providers that accounts made.
    package init(
        providers: [OpenIDProvider], directory: LDAPDirectory?, caFile: String?, pool: BlockingPool,
        time: any TimeSource, acceptsCertificates: Bool = false
    ) {
        self.acceptsCertificates = acceptsCertificates
        self.providers = providers
        self.directory = directory
        self.caFile = caFile
        self.pool = pool
        madePool = BlockingPool(threads: 4, name: "openid accounts")
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
        let pool = provider.isMadeByAccount ? madePool : pool
        func found(_ issuers: inout [IssuerKey: OpenIDIssuer]) -> OpenIDIssuer {
            if let known = issuers[key] { return known }
            if provider.isMadeByAccount, issuers.count >= Self.madeMax { issuers = [:] }
            let issuer = OpenIDIssuer(
                issuer: key.issuer, documentURL: key.documentURL, fetcher: HTTPFetcher(pool: pool, caFile: key.caFile),
                time: time)
            issuers[key] = issuer
            return issuer
        }
        return provider.isMadeByAccount ? made.withLock { found(&$0) } : configured.withLock { found(&$0) }
    }
}
