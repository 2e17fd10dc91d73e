import AccessPolicy
import Glibc
import S3Frontend

/// Accounts that the operator writes down in a file instead of having them made (`MARTLET_ACCOUNTS_FILE`): read once at the start.
///
/// `{"accounts": [{"id": …, "number": …, "displayName": …, "email": …, "accessKey": …, "secretKey": …}]}`. Docs/operations/configuration.md.
struct AccountsFile {
    struct Account {
        var info: AccountInfo
        var accessKey: String
        var secretKey: String
    }
    private(set) var accounts: [Account] = []

    init() {}

    init(path: String) throws(SettingsError) {
        var status = stat()
        guard stat(path, &status) == 0, let text = SmallFile.read(path) else {
            throw SettingsError("MARTLET_ACCOUNTS_FILE names \(path), which can't be read")
        }
        guard status.st_mode & 0o077 == 0 else {
            throw SettingsError("\(path) holds secrets and others may read it: chmod 600 \(path)")
        }
        try self.init(text: text, path: path)
    }

    init(text: String, path: String) throws(SettingsError) {
        let root: JSONValue
        do { root = try JSONReader.parse(Array(text.utf8)) } catch {
            throw SettingsError("\(path) is not JSON: \(error)")
        }
        guard case .array(let values)? = root["accounts"] else {
            throw SettingsError("\(path) has no list named accounts")
        }
        var ids: Set<String> = [], numbers: Set<String> = [], keys: Set<String> = []
        for (index, value) in values.enumerated() {
            let account = try Self.account(value, "account \(index + 1) of \(path)")
            guard ids.insert(account.info.canonicalID).inserted, numbers.insert(account.info.number).inserted,
                keys.insert(account.accessKey).inserted
            else { throw SettingsError("account \(index + 1) of \(path) has the id, number or access key of another") }
            accounts.append(account)
        }
    }

    private static let fields = ["id", "number", "displayName", "email", "accessKey", "secretKey"]

    private static func account(_ value: JSONValue, _ place: String) throws(SettingsError) -> Account {
        guard case .object(let members) = value else { throw SettingsError("\(place) is not an object") }
        for member in members where !fields.contains(member.name) {
            throw SettingsError("\(place) has a field \(member.name); known are \(fields.joined(separator: ", "))")
        }
        func text(_ name: String, in range: ClosedRange<Int>) throws(SettingsError) -> String? {
            guard let found = value[name] else { return nil }
            guard let text = found.text, range.contains(text.utf8.count) else {
                throw SettingsError(
                    "\(name) of \(place) must be text of \(range.lowerBound) to \(range.upperBound) characters")
            }
            return text
        }
        guard let id = try text("id", in: 1...128), let accessKey = try text("accessKey", in: 3...128),
            let secretKey = try text("secretKey", in: 8...128)
        else { throw SettingsError("\(place) needs id, accessKey and secretKey") }
        guard !accessKey.contains(where: { $0 == "/" || $0 == "," || $0 == "=" || $0 == " " }) else {
            throw SettingsError("accessKey of \(place) must not contain '/', ',', '=' or a space")
        }
        let number = try text("number", in: 12...12) ?? AccountInfo.number(of: id)
        guard number.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            throw SettingsError("number of \(place) must be twelve digits")
        }
        let info = AccountInfo(
            number: number, canonicalID: id, displayName: try text("displayName", in: 1...256) ?? id,
            email: try text("email", in: 3...256))
        return Account(info: info, accessKey: accessKey, secretKey: secretKey)
    }
}
