import Base
import Digests

/// The key that a secret, a day, a region and a service give: what signatures of that scope are made with.
package struct SigningKey: Sendable {
    let code: HMACSHA256

    package init(secretKey: String, scope: CredentialScope) {
        let date = HMACSHA256.authenticate(Array(scope.date.utf8), key: Array(("AWS4" + secretKey).utf8))
        let region = HMACSHA256.authenticate(Array(scope.region.utf8), key: date)
        let service = HMACSHA256.authenticate(Array(scope.service.utf8), key: region)
        code = HMACSHA256(key: HMACSHA256.authenticate(Array("aws4_request".utf8), key: service))
    }

    /// The signature of a string to sign: 64 lower-case hex digits.
    package func sign(_ stringToSign: [UInt8]) -> [UInt8] { Hex.encodeBytes(code.authenticate(stringToSign)) }
}

/// Signing keys of late, so that most requests skip the four steps that make one. Bounded: it keeps two generations,
/// each of at most half the capacity, and forgets the older one when the younger is full.
package struct SigningKeyCache: Sendable {
    private struct Name: Hashable, Sendable {
        var accessKey: String
        var scope: CredentialScope
    }
    private struct Entry: Sendable {
        /// A key whose secret has changed must not go on signing.
        var secretKey: String
        var key: SigningKey
    }

    private var young: [Name: Entry] = [:]
    private var old: [Name: Entry] = [:]
    private let generationMax: Int

    package init(capacity: Int = 4096) { generationMax = max(1, capacity / 2) }

    package var count: Int { young.count + old.count }

    /// The key for a claim, from the cache or made now. Only for access keys that exist: otherwise strangers would fill
    /// the cache.
    package mutating func key(for claim: AuthorizationClaim, secretKey: String) -> SigningKey {
        key(accessKey: claim.accessKey, secretKey: secretKey, scope: claim.scope)
    }

    package mutating func key(accessKey: String, secretKey: String, scope: CredentialScope) -> SigningKey {
        let name = Name(accessKey: accessKey, scope: scope)
        if let entry = young[name], entry.secretKey == secretKey { return entry.key }
        let kept = old.removeValue(forKey: name)
        let entry: Entry
        if let kept, kept.secretKey == secretKey {
            entry = kept
        } else {
            entry = Entry(secretKey: secretKey, key: SigningKey(secretKey: secretKey, scope: scope))
        }
        if young.count >= generationMax, young[name] == nil {
            old = young
            young.removeAll(keepingCapacity: true)
        }
        young[name] = entry
        return entry.key
    }
}
