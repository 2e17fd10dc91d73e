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

    /// The signer, and how the body is to be read; throws what AWS answers when the request can't be trusted. A request without a
    /// signature is from nobody in particular: whether that is enough is decided where everything else is. `tenant` is the one whose
    /// host was asked: no other's keys are known there.
    package func authenticate(
        _ head: RequestHead, _ request: S3Request, tenant: TenantID? = nil, now: Timestamp
    ) throws(S3Error) -> (SignerIdentity, PayloadMode) {
        let target = request.target
        switch try parseCredentials(head, target: target) {
        case .anonymous(let declaration):
            return (.anonymous(in: tenant ?? .default), try Authorization.anonymousPayload(declaration, head: head))
        case .signed(let claim):
            let identity = try identity(of: claim.accessKey, token: claim.sessionToken, tenant, now: now)
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
            let identity = try identity(of: claim.accessKey, token: claim.sessionToken, tenant, now: now)
            let bucket = request.address.isVirtualHosted ? request.address.bucket : nil
            return (
                identity,
                try claim.verify(head, target: target, virtualBucket: bucket, secretKey: identity.secretKey, now: now)
            )
        }
    }

    /// Who signed an upload form; nobody in particular when nobody did.
    func authenticate(
        _ signature: PostSignature, token: String?, tenant: TenantID?, now: Timestamp
    ) throws(S3Error) -> SignerIdentity {
        guard let accessKey = signature.accessKey else { return .anonymous(in: tenant ?? .default) }
        let identity = try identity(of: accessKey, token: token, tenant, now: now)
        try signature.verify(secretKey: identity.secretKey, region: region)
        return identity
    }

    private func identity(
        of accessKey: String, token: String?, _ tenant: TenantID?, now: Timestamp
    ) throws(S3Error) -> SignerIdentity {
        let unknown = S3Error(.invalidAccessKeyId).with("AWSAccessKeyId", accessKey)
        if let token {
            let identity = try directory.session(token, accessKey: accessKey, now: now)
            guard tenant == nil || identity.tenant == tenant else { throw unknown }
            return identity
        }
        guard let identity = directory.secret(of: accessKey), tenant == nil || identity.tenant == tenant else {
            throw unknown
        }
        return identity
    }
}
