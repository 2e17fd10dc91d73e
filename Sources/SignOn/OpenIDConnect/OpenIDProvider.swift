/// A provider of the configuration: whose tokens are taken, and what those who come with them may do.
package struct OpenIDProvider: Hashable, Sendable {
    /// How the configuration calls it.
    package var name: String
    package var issuer: String
    package var audiences: [String]
    /// Of the discovery document, when it is not below the issuer.
    package var documentURL: String?
    package var caFile: String?
    /// The claim that names policies.
    package var policyClaim = "policy"
    /// The claim whose values name groups of the account.
    package var groupsClaim: String?
    /// Policies for everybody who comes with a token of this provider.
    package var policies: [String] = []
    /// The role that sessions take which ask for none.
    package var roleARN: String?
    /// Number of the account that sessions belong to; nil for the operator's own.
    package var account: String?
    package var skewSeconds: Int64 = 60
    /// Not of the configuration: an account made it, and may make many.
    package var isMadeByAccount = false

    package init(name: String, issuer: String, audiences: [String]) {
        (self.name, self.issuer, self.audiences) = (name, issuer, audiences)
    }
}
