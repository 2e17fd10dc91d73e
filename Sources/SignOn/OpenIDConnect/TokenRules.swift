import AccessPolicy

/// What the claims of a token must say before it counts, its signature aside.
package struct TokenRules: Hashable, Sendable {
    package var issuer: String
    /// Client ids: one must be an audience of the token or the party that it was issued to.
    package var audiences: [String]
    /// Clocks of the provider and of this machine may differ by so much.
    package var skewSeconds: Int64

    package init(issuer: String, audiences: [String], skewSeconds: Int64 = 60) {
        (self.issuer, self.audiences, self.skewSeconds) = (issuer, audiences, skewSeconds)
    }

    /// `now` is seconds since 1970.
    package func check(_ token: JSONWebToken, now: Int64) throws(SignOnError) {
        guard token.issuer == issuer else { throw .invalidToken("The token's issuer is not the provider's.") }
        guard let subject = token.subject, !subject.isEmpty, subject.utf8.count <= 255 else {
            throw .rejected("The token has no subject, or one of more than 255 bytes.")
        }
        let isMeant = audiences.contains { token.audiences.contains($0) || token.authorizedParty == $0 }
        guard isMeant else { throw .invalidToken("Incorrect token audience") }
        guard let expires = token.seconds("exp") else { throw .invalidToken("The token has no time of expiry.") }
        guard now < expires + skewSeconds else { throw .expired }
        for name in ["nbf", "iat"] where token.claims[name] != nil {
            guard let time = token.seconds(name), time <= now + skewSeconds else {
                throw .invalidToken("The token is not valid yet.")
            }
        }
    }
}
