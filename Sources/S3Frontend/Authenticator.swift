package import Base
package import S3Protocol
import Synchronization

/// Verifies who a request is from. Signing keys, which cost four HMACs, are kept for the day that they are good for.
package final class Authenticator: Sendable {
    private let directory: any CredentialDirectory
    private let region: String
    private let keys: Mutex<SigningKeyCache>

    package init(directory: any CredentialDirectory, region: String) {
        self.directory = directory
        self.region = region
        keys = Mutex(SigningKeyCache())
    }

    /// The signer, and how the body is to be read; throws what AWS answers when the request can't be trusted.
    package func authenticate(
        _ head: RequestHead, target: RequestTarget, now: Timestamp
    ) throws(S3Error) -> (SignerIdentity, PayloadMode) {
        switch try parseCredentials(head, target: target) {
        case .anonymous: throw S3Error(.accessDenied)
        case .signed(let claim):
            guard let identity = directory.secret(of: claim.accessKey) else {
                throw S3Error(.invalidAccessKeyId).with("AWSAccessKeyId", claim.accessKey)
            }
            if claim.sessionToken != nil { throw S3Error(.invalidToken) }
            let key = keys.withLock { keys in
                keys.key(accessKey: claim.accessKey, secretKey: identity.secretKey, scope: claim.scope)
            }
            return (identity, try claim.verify(head, target: target, key: key, now: now, region: region))
        }
    }
}
