package import Base
import Digests
package import S3Frontend

/// The accounts that exist without having been made: the operator's own, and those of the accounts file.
package struct RootDirectory: CredentialDirectory, AccountDirectory {
    private var byKey: [String: SignerIdentity] = [:]
    private var byID: [String: AccountInfo] = [:]
    private var byNumber: [String: AccountInfo] = [:]

    package init(_ credentials: RootCredentials, deployment: UniqueID) {
        self.init(credentials, deployment: deployment, file: AccountsFile())
    }

    init(_ credentials: RootCredentials, deployment: UniqueID, file: AccountsFile) {
        // A canonical id is 64 hex digits that say nothing; it stays the same as long as the deployment does.
        let id = Hex.encode(SHA256.of(Array("martlet root \(deployment)".utf8)))
        let root = AccountInfo(number: AccountInfo.number(of: id), canonicalID: id, displayName: "root")
        insert(root, credentials.user, credentials.password)
        for account in file.accounts where account.accessKey != credentials.user {
            insert(account.info, account.accessKey, account.secretKey)
        }
    }

    private mutating func insert(_ info: AccountInfo, _ accessKey: String, _ secretKey: String) {
        byID[info.canonicalID] = info
        byNumber[info.number] = info
        byKey[accessKey] = SignerIdentity(
            accessKey: accessKey, secretKey: secretKey, tenant: .default, canonicalID: info.canonicalID,
            displayName: info.displayName, number: info.number)
    }

    package func secret(of accessKey: String) -> SignerIdentity? { byKey[accessKey] }
    package func account(canonicalID: String) -> AccountInfo? { byID[canonicalID] }
    package func account(number: String) -> AccountInfo? { byNumber[number] }

    package func accounts(email: String) -> [AccountInfo] {
        byID.values.filter { $0.email == email }.sorted { $0.canonicalID < $1.canonicalID }
    }

    /// These accounts have no users.
    package func mayExist(principal arn: String) -> Bool {
        let parts = arn.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
        guard parts.count == 6, let account = byNumber[String(parts[4])] else { return true }
        return parts[5] == "root" && account.number == parts[4]
    }
}
