import Base
import Digests
import Identity
import S3Frontend

/// The accounts that exist without having been made: the operator's own, and those of the accounts file.
struct ConfiguredAccounts {
    private(set) var accounts: [Account]
    let operatorAccount: Account

    init(_ credentials: RootCredentials, deployment: UniqueID, file: AccountsFile) {
        // A canonical id is 64 hex digits that say nothing; it stays the same as long as the deployment does.
        let id = Hex.encode(SHA256.of(Array("martlet root \(deployment)".utf8)))
        let root = AccountInfo(number: AccountInfo.number(of: id), canonicalID: id, displayName: "root")
        operatorAccount = Self.account(root, credentials.user, credentials.password)
        accounts = [operatorAccount]
        for found in file.accounts where found.accessKey != credentials.user && found.info.canonicalID != id {
            accounts.append(Self.account(found.info, found.accessKey, found.secretKey))
        }
    }

    private static func account(_ info: AccountInfo, _ accessKey: String, _ secretKey: String) -> Account {
        var account = Account(
            number: info.number, canonicalID: info.canonicalID, displayName: info.displayName, email: info.email)
        var key = AccessKey(id: accessKey, secret: secretKey, created: Timestamp(seconds: 0))
        key.isConfigured = true
        account.keys = [key]
        account.isConfigured = true
        return account
    }
}
