package import Base

/// Who signs requests, by access key. Until identities are built this is the root account alone.
package protocol CredentialDirectory: Sendable {
    func secret(of accessKey: String) -> SignerIdentity?
}

package struct SignerIdentity: Sendable {
    package var accessKey: String
    package var secretKey: String
    package var tenant: TenantID
    /// Canonical id: 64 hex digits, shown as the owner of buckets and objects.
    package var canonicalID: String
    package var displayName: String

    package init(accessKey: String, secretKey: String, tenant: TenantID, canonicalID: String, displayName: String) {
        self.accessKey = accessKey
        self.secretKey = secretKey
        self.tenant = tenant
        self.canonicalID = canonicalID
        self.displayName = displayName
    }
}
