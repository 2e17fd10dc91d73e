import AccessPolicy
package import Base
import Digests

/// What a session token says, sealed under the root key and bound to its access key: nothing of a session is stored.
package struct SessionClaims: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable { case account, user, role, federated, external }

    var kind: Kind
    /// Number of the account.
    var account: String
    /// Of the user or role; empty for the account itself.
    var name: String
    /// Id of that user or role, or the account's canonical id: who is made anew under an old name has none of its sessions.
    var holderID: String
    var sessionName = ""
    var secret: String
    /// Seconds since 1970.
    var issued: Int64
    var expires: Int64
    /// Documents that bound the session.
    package var policies: [String] = []
    /// Tags of the session, beside those of its user or role.
    package var tags: [IdentityTag] = []
    /// Of identities that are kept elsewhere: what they may do, and what their provider says of them.
    var external = ExternalGrants()

    package func token(accessKey: String, key: IdentityKeys, random: any RandomSource) -> String? {
        let json = JSONValue.object([
            .init("k", .string(kind.rawValue)), .init("a", .string(account)), .init("n", .string(name)),
            .init("x", .string(sessionName)), .init("s", .string(secret)), .init("i", .number(String(issued))),
            .init("e", .number(String(expires))), .init("p", .array(policies.map { .string($0) })),
            .init("h", .string(holderID)),
            .init("t", .array(tags.map { .array([.string($0.key), .string($0.value)]) })),
            .init("w", external.json),
        ])
        return key.seal(token: Array(json.encoded.utf8), accessKey: accessKey, random: random).map { Base64.encode($0) }
    }

    /// nil when the token was not made here for this key.
    package init?(token: String, accessKey: String, key: IdentityKeys) {
        guard token.utf8.count <= 16_384, let sealed = Base64.decode(token),
            let plain = key.open(token: sealed, accessKey: accessKey),
            let root = try? JSONReader.parse(plain),  // Sealed here, so it parses; nil refuses what does not.
            let kind = root["k"]?.text.flatMap(Kind.init(rawValue:)), let account = root["a"]?.text,
            let name = root["n"]?.text, let sessionName = root["x"]?.text, let secret = root["s"]?.text,
            case .number(let issuedText)? = root["i"], case .number(let expiresText)? = root["e"],
            let issued = Int64(issuedText), let expires = Int64(expiresText), case .array(let policies)? = root["p"],
            let holderID = root["h"]?.text, case .array(let tags)? = root["t"]
        else { return nil }
        self.init(
            kind: kind, account: account, name: name, holderID: holderID, secret: secret, issued: issued,
            expires: expires)
        self.sessionName = sessionName
        self.policies = policies.compactMap(\.text)
        for case .array(let pair) in tags where pair.count == 2 {
            self.tags.append(IdentityTag(pair[0].text ?? "", pair[1].text ?? ""))
        }
        guard let external = ExternalGrants(root["w"]) else { return nil }
        self.external = external
    }

    package init(
        kind: Kind, account: String, name: String, holderID: String, secret: String, issued: Int64, expires: Int64
    ) {
        (self.kind, self.account, self.name, self.secret) = (kind, account, name, secret)
        self.holderID = holderID
        (self.issued, self.expires) = (issued, expires)
    }
}
