package import Base
import Digests
package import S3Frontend

/// The credential directory until identities are built: the root account alone.
package struct RootDirectory: CredentialDirectory {
    private let identity: SignerIdentity

    package init(_ credentials: RootCredentials, deployment: UniqueID) {
        // A canonical id is 64 hex digits that say nothing; it stays the same as long as the deployment does.
        let id = Hex.encode(SHA256.of(Array("martlet root \(deployment)".utf8)))
        identity = SignerIdentity(
            accessKey: credentials.user, secretKey: credentials.password, tenant: .default, canonicalID: id,
            displayName: "root")
    }

    package func secret(of accessKey: String) -> SignerIdentity? { accessKey == identity.accessKey ? identity : nil }
}
