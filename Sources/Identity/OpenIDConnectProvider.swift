package import Base

/// A provider of identities that an account made with IAM.
package struct OpenIDConnectProvider: Hashable, Sendable {
    /// The issuer.
    package var url: String
    package var clients: [String]
    /// Recorded for clients that want them; certificates are checked against the trusted authorities.
    package var thumbprints: [String] = []
    package var created: Timestamp
    package var tags: [String: String] = [:]

    package init(url: String, clients: [String], created: Timestamp) {
        (self.url, self.clients, self.created) = (url, clients, created)
    }

    /// The address without scheme and trailing slash: what ARNs and condition keys begin with.
    package var name: String { Self.name(url) }

    package static func name(_ url: String) -> String {
        var name = url.hasPrefix("https://") ? url.dropFirst(8) : Substring(url)
        if name.hasSuffix("/") { name.removeLast() }
        return String(name)
    }
}

extension Account {
    package func arn(of provider: OpenIDConnectProvider) -> String {
        "arn:aws:iam::\(number):oidc-provider/\(provider.name)"
    }
}
