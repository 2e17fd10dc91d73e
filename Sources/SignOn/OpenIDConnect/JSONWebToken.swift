package import AccessPolicy
import Digests

/// A signed JSON web token (RFC 7519 in the compact form of RFC 7515), taken apart strictly and not yet believed.
package struct JSONWebToken: Sendable {
    /// Those that name a public key. `none` and the HMACs are not among them, so a key that everybody can read is never a secret.
    package enum Algorithm: String, Hashable, Sendable, CaseIterable {
        case rs256 = "RS256"
        case rs384 = "RS384"
        case rs512 = "RS512"
        case ps256 = "PS256"
        case ps384 = "PS384"
        case ps512 = "PS512"
        case es256 = "ES256"
        case es384 = "ES384"
        case es512 = "ES512"
        case edDSA = "EdDSA"
    }

    /// AWS's limit.
    package static let bytesMax = 20_000

    package let algorithm: Algorithm
    package let keyID: String?
    package let claims: JSONValue
    /// What the signature is over.
    package let signed: [UInt8]
    package let signature: [UInt8]

    package init(parsing text: String) throws(SignOnError) {
        guard text.utf8.count <= Self.bytesMax else { throw .invalidToken("The token is too large.") }
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .invalidToken("The token is not a signed JSON web token.") }
        let header = try Self.object(parts[0], "header")
        claims = try Self.object(parts[1], "payload")
        guard let signature = Base64URL.decode(parts[2]) else {
            throw .invalidToken("The token's signature is not base64url.")
        }
        self.signature = signature
        signed = Array(text.utf8[..<parts[1].endIndex])
        guard let name = header["alg"]?.text, let algorithm = Algorithm(rawValue: name) else {
            throw .invalidToken("The token's algorithm is not one of those that are taken.")
        }
        self.algorithm = algorithm
        // An extension that must be understood is not.
        guard header["crit"] == nil else { throw .invalidToken("The token has critical header fields.") }
        guard Self.isIdentity(header["typ"]) else { throw .invalidToken("The token is of another type.") }
        switch header["kid"] {
        case nil: keyID = nil
        case .string(let id)?: keyID = id
        default: throw .invalidToken("The token's key id is not text.")
        }
    }

    /// Providers sign other things with the same keys, notes of a log-out among them.
    private static func isIdentity(_ type: JSONValue?) -> Bool {
        guard let type else { return true }
        guard var name = type.text?.lowercased() else { return false }
        if name.hasPrefix("application/") { name.removeFirst("application/".count) }
        return name == "jwt" || name == "at+jwt"
    }

    private static func object(_ part: Substring.UTF8View, _ name: String) throws(SignOnError) -> JSONValue {
        guard let bytes = Base64URL.decode(part) else { throw .invalidToken("The token's \(name) is not base64url.") }
        let value: JSONValue
        do { value = try JSONReader.parse(bytes, bytesMax: bytesMax) } catch {
            throw .invalidToken("The token's \(name) is not strict JSON.")
        }
        guard case .object = value else { throw .invalidToken("The token's \(name) is not an object.") }
        return value
    }

    // MARK: Claims

    package var issuer: String? { claims["iss"]?.text }
    package var subject: String? { claims["sub"]?.text }
    package var authorizedParty: String? { claims["azp"]?.text }
    package var audiences: [String] { claims["aud"].flatMap(Self.texts) ?? [] }

    /// Seconds since 1970; nil when there is no such claim or it is not a number that can be a time.
    package func seconds(_ name: String) -> Int64? {
        guard case .number(let text)? = claims[name], let value = Double(text), abs(value) < 1e12 else { return nil }
        return Int64(value)
    }

    /// The values of a claim: of that name, or else where a dotted path leads (`realm_access.roles`).
    package func values(at path: String) -> [String]? {
        if let found = claims[path] { return Self.texts(found) }
        var value = claims
        for step in path.split(separator: ".", omittingEmptySubsequences: false) {
            guard let next = value[String(step)] else { return nil }
            value = next
        }
        return Self.texts(value)
    }

    /// All claims at the top that are text, numbers, truth values or lists of them, in their order.
    package var facts: [(name: String, values: [String])] {
        guard case .object(let members) = claims else { return [] }
        return members.compactMap { member in Self.texts(member.value).map { (member.name, $0) } }
    }

    private static func texts(_ value: JSONValue) -> [String]? {
        switch value {
        case .string(let text), .number(let text): return [text]
        case .bool(let value): return [value ? "true" : "false"]
        case .array(let values):
            let found = values.compactMap { value -> String? in
                switch value {
                case .string(let text), .number(let text): text
                default: nil
                }
            }
            return found.count == values.count ? found : nil
        case .object, .null: return nil
        }
    }
}

/// Base64 of RFC 4648, section 5, without padding, as strict as `Base64`.
package enum Base64URL {
    package static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        var plain: [UInt8] = []
        plain.reserveCapacity(text.count + 3)
        for byte in text {
            switch byte {
            case UInt8(ascii: "-"): plain.append(UInt8(ascii: "+"))
            case UInt8(ascii: "_"): plain.append(UInt8(ascii: "/"))
            case UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="): return nil
            default: plain.append(byte)
            }
        }
        while plain.count % 4 != 0 { plain.append(UInt8(ascii: "=")) }
        return Base64.decode(plain)
    }
}
