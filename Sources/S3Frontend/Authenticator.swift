package import Base
package import S3Protocol
import Synchronization

/// Verifies who a request is from. Signing keys, which cost four HMACs, are kept for the day that they are good for.
package final class Authenticator: Sendable {
    private let directory: any CredentialDirectory
    private let region: String
    private let acceptsVersionTwo: Bool
    private let keys: Mutex<SigningKeyCache>

    package init(directory: any CredentialDirectory, region: String, acceptsVersionTwo: Bool = true) {
        self.directory = directory
        self.region = region
        self.acceptsVersionTwo = acceptsVersionTwo
        keys = Mutex(SigningKeyCache())
    }

    /// The signer, and how the body is to be read; throws what AWS answers when the request can't be trusted.
    package func authenticate(
        _ head: RequestHead, _ request: S3Request, now: Timestamp
    ) throws(S3Error) -> (SignerIdentity, PayloadMode) {
        let target = request.target
        switch try parseCredentials(head, target: target) {
        case .anonymous: throw S3Error(.accessDenied)
        case .signed(let claim):
            let identity = try identity(claim.accessKey, sessionToken: claim.sessionToken)
            let key = keys.withLock { keys in
                keys.key(accessKey: claim.accessKey, secretKey: identity.secretKey, scope: claim.scope)
            }
            return (identity, try claim.verify(head, target: target, key: key, now: now, region: region))
        case .signedVersionTwo(let claim):
            guard acceptsVersionTwo else {
                throw S3Error(
                    .invalidRequest,
                    "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.")
            }
            let identity = try identity(claim.accessKey, sessionToken: claim.sessionToken)
            let bucket = request.address.isVirtualHosted ? request.address.bucket : nil
            return (
                identity,
                try claim.verify(head, target: target, virtualBucket: bucket, secretKey: identity.secretKey, now: now)
            )
        }
    }

    /// Who signed an upload form.
    func authenticate(_ signature: PostSignature, now: Timestamp) throws(S3Error) -> SignerIdentity {
        guard let accessKey = signature.accessKey else { throw S3Error(.accessDenied) }
        let identity = try identity(accessKey, sessionToken: nil)
        try signature.verify(secretKey: identity.secretKey, region: region)
        return identity
    }

    var anonymous: SignerIdentity {
        SignerIdentity(accessKey: "", secretKey: "", tenant: .default, canonicalID: "", displayName: "")
    }

    private func identity(_ accessKey: String, sessionToken: String?) throws(S3Error) -> SignerIdentity {
        guard let identity = directory.secret(of: accessKey) else {
            throw S3Error(.invalidAccessKeyId).with("AWSAccessKeyId", accessKey)
        }
        if sessionToken != nil { throw S3Error(.invalidToken) }
        return identity
    }
}
