import Base
import Digests

/// Signs the chunks of a body and its trailer, each signature on top of the one before, from the request's own.
package struct ChunkSigner: Sendable {
    private let key: SigningKey
    private let timeText: String
    private let scopeText: String
    /// Hex digits of the signature before.
    private var previous: [UInt8]

    init(key: SigningKey, claim: AuthorizationClaim) {
        self.init(key: key, timeText: claim.timeText, scope: claim.scope, seed: claim.signature)
    }

    /// `seed` is the signature of the request's head, in hex.
    package init(key: SigningKey, timeText: String, scope: CredentialScope, seed: [UInt8]) {
        self.key = key
        self.timeText = timeText
        scopeText = scope.text
        previous = seed
    }

    /// The signature of the next chunk, whose bytes have this SHA-256; the chunk after it builds on it.
    package mutating func signChunk(sha256: [UInt8]) -> [UInt8] {
        sign("AWS4-HMAC-SHA256-PAYLOAD", hashes: [PayloadDeclaration.emptySHA256, Hex.encode(sha256)])
    }

    /// The signature of the trailer, given as lines of `name:value\n`.
    package mutating func signTrailer(_ lines: [UInt8]) -> [UInt8] {
        sign("AWS4-HMAC-SHA256-TRAILER", hashes: [Hex.encode(SHA256.of(lines))])
    }

    private mutating func sign(_ algorithm: String, hashes: [String]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(320)
        text.append(contentsOf: algorithm.utf8)
        text.append("\n")
        text.append(contentsOf: timeText.utf8)
        text.append("\n")
        text.append(contentsOf: scopeText.utf8)
        text.append("\n")
        text.append(contentsOf: previous)
        for hash in hashes {
            text.append("\n")
            text.append(contentsOf: hash.utf8)
        }
        previous = key.sign(text)
        return previous
    }
}
