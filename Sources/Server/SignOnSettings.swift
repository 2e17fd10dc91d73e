import AccessPolicy
import Base
import Drives
import Identity
package import SignOn

/// Identity providers and the directory of the configuration: `MARTLET_OPENID_<NAME>_…`, `MARTLET_LDAP_…`, and the file of
/// `MARTLET_SIGN_ON_FILE`. Docs/operations/sign-on.md.
package struct SignOnSettings: Sendable {
    package private(set) var providers: [OpenIDProvider] = []
    package private(set) var directory: LDAPSettings?
    /// Trusted for providers that accounts made.
    package private(set) var caFile: String?

    func open(time: any TimeSource, acceptsCertificates: Bool) -> SignOn {
        // Pools of their own: a provider that hangs must not hold up the directory, nor either of them a drive.
        let directory = directory.map { LDAPDirectory($0, pool: BlockingPool(threads: 4, name: "ldap"), time: time) }
        return SignOn(
            providers: providers, directory: directory, caFile: caFile, pool: BlockingPool(threads: 4, name: "openid"),
            time: time, acceptsCertificates: acceptsCertificates)
    }

    static func load(_ environment: (String) -> String?) throws(SettingsError) -> SignOnSettings {
        // The environment can be asked for names one by one only; the kernel lists them.
        let names = (SmallFile.read("/proc/self/environ") ?? "").split(separator: "\0").compactMap { entry in
            entry.firstIndex(of: "=").map { String(entry[..<$0]) }
        }
        var file: String?
        if let path = environment("MARTLET_SIGN_ON_FILE"), !path.isEmpty { file = try SettingsFile.privateText(path) }
        return try SignOnSettings(environment, names: names, file: file)
    }

    package init(
        _ environment: (String) -> String?, names: [String], file: String?
    ) throws(SettingsError) {
        var openid: [String: [String: JSONValue]] = [:], ldap: [String: JSONValue] = [:]
        if let file {
            let root: JSONValue
            do { root = try JSONReader.parse(Array(file.utf8)) } catch {
                throw SettingsError("the file of MARTLET_SIGN_ON_FILE is not JSON: \(error)")
            }
            for member in Self.members(root) {
                switch member.name {
                case "openid":
                    for provider in Self.members(member.value) {
                        openid[provider.name.lowercased()] = Self.table(provider.value)
                    }
                case "ldap": ldap = Self.table(member.value)
                default: throw SettingsError("the file of MARTLET_SIGN_ON_FILE has no member \(member.name)")
                }
            }
        }
        caFile = environment("MARTLET_OPENID_CA_FILE")
        for name in names.sorted() {
            if name.hasPrefix("MARTLET_OPENID_"), name != "MARTLET_OPENID_CA_FILE" {
                let rest = String(name.dropFirst("MARTLET_OPENID_".count))
                guard
                    let setting = Self.openidSettings.first(where: {
                        rest.hasSuffix("_" + $0.variable) && rest.utf8.count > $0.variable.utf8.count + 1
                    })
                else { throw SettingsError("\(name) is no setting of a provider") }
                let provider = rest.dropLast(setting.variable.utf8.count + 1).lowercased()
                openid[provider, default: [:]][setting.field] = environment(name).map { .string($0) }
            } else if name.hasPrefix("MARTLET_LDAP_") {
                let rest = name.dropFirst("MARTLET_LDAP_".count)
                guard let setting = Self.ldapSettings.first(where: { $0.variable == rest }) else {
                    throw SettingsError("\(name) is no setting of the directory")
                }
                ldap[setting.field] = environment(name).map { .string($0) }
            }
        }
        for (name, values) in openid.sorted(by: { $0.key < $1.key }) {
            providers.append(
                try Self.provider(name, SettingsTable(values, "the provider \(name)", Self.openidSettings.map(\.field)))
            )
        }
        if !ldap.isEmpty {
            let known = Self.ldapSettings.map(\.field) + ["policies"]
            directory = try Self.directory(SettingsTable(ldap, "the directory (MARTLET_LDAP_…)", known))
        }
    }

    private static let openidSettings: [(variable: String, field: String)] = [
        ("ISSUER", "issuer"), ("CLIENT_IDS", "clientIds"), ("CONFIG_URL", "configUrl"), ("CA_FILE", "caFile"),
        ("CLAIM_NAME", "claimName"), ("GROUPS_CLAIM", "groupsClaim"), ("POLICIES", "policies"),
        ("ROLE_ARN", "roleArn"), ("ACCOUNT", "account"), ("CLOCK_SKEW_SECONDS", "clockSkewSeconds"),
    ]

    private static let ldapSettings: [(variable: String, field: String)] = [
        ("URLS", "urls"), ("START_TLS", "startTls"), ("PLAINTEXT", "plaintext"), ("CA_FILE", "caFile"),
        ("BIND_DN", "bindDn"), ("BIND_PASSWORD", "bindPassword"), ("BIND_PASSWORD_FILE", "bindPasswordFile"),
        ("USER_BASES", "userBases"), ("USER_FILTER", "userFilter"), ("GROUP_BASES", "groupBases"),
        ("GROUP_FILTER", "groupFilter"), ("NESTED_GROUPS", "nestedGroups"), ("TIMEOUT_SECONDS", "timeoutSeconds"),
        ("ACCOUNT", "account"),
    ]

    private static func provider(_ name: String, _ table: SettingsTable) throws(SettingsError) -> OpenIDProvider {
        let issuer = try table.required("issuer"), clients = try table.list("clientIds", separator: ",")
        guard IssuerURL.isValid(issuer, secure: false), !issuer.contains(where: { $0 == "?" || $0 == "#" }) else {
            throw SettingsError("issuer of \(table.place) is \(issuer); it must be a URL without query and fragment")
        }
        guard !clients.isEmpty else { throw SettingsError("\(table.place) needs clientIds") }
        var provider = OpenIDProvider(name: name, issuer: issuer, audiences: clients)
        provider.documentURL = try table.text("configUrl")
        if let url = provider.documentURL, !IssuerURL.isValid(url, secure: issuer.hasPrefix("https://")) {
            throw SettingsError(
                "configUrl of \(table.place) is \(url), which is no URL that is as secure as the issuer's")
        }
        provider.caFile = try table.text("caFile")
        provider.policyClaim = try table.text("claimName") ?? provider.policyClaim
        provider.groupsClaim = try table.text("groupsClaim")
        provider.policies = try table.list("policies", separator: ",")
        provider.roleARN = try table.text("roleArn")
        provider.account = try table.text("account")
        provider.skewSeconds = Int64(try table.number("clockSkewSeconds", in: 0...600) ?? 60)
        return provider
    }

    private static func directory(_ table: SettingsTable) throws(SettingsError) -> LDAPSettings {
        let urls = try table.list("urls", separator: ",")
        guard !urls.isEmpty, urls.allSatisfy({ $0.hasPrefix("ldap://") || $0.hasPrefix("ldaps://") }) else {
            throw SettingsError("\(table.place) needs urls that begin with ldap:// or ldaps://")
        }
        var password = try table.text("bindPassword")
        if let path = try table.text("bindPasswordFile") {
            guard let text = SmallFile.read(path) else {
                throw SettingsError("bindPasswordFile of \(table.place) names \(path), which can't be read")
            }
            password = text.hasSuffix("\n") ? String(text.dropLast()) : text
        }
        guard let password, !password.isEmpty else {
            throw SettingsError("\(table.place) needs bindPassword or bindPasswordFile")
        }
        // Names of entries have commas of their own.
        let bases = try table.list("userBases", separator: ";")
        guard !bases.isEmpty else { throw SettingsError("\(table.place) needs userBases") }
        var settings = LDAPSettings(
            urls: urls, bindName: try table.required("bindDn"), bindPassword: password, userBases: bases)
        settings.startTLS = try table.flag("startTls") ?? false
        let isPlain = !settings.startTLS && urls.contains { $0.hasPrefix("ldap://") }
        if isPlain, try table.flag("plaintext") != true {
            throw SettingsError(
                "\(table.place) would send passwords in the clear: use ldaps:// or startTls, or set plaintext if the network is safe"
            )
        }
        settings.caFile = try table.text("caFile")
        settings.userFilter = try table.text("userFilter") ?? settings.userFilter
        settings.groupBases = try table.list("groupBases", separator: ";")
        settings.groupFilter = try table.text("groupFilter") ?? settings.groupFilter
        settings.nestedGroups = try table.flag("nestedGroups") ?? true
        settings.timeoutMilliseconds = Int32(try table.number("timeoutSeconds", in: 1...60) ?? 5) * 1000
        settings.account = try table.text("account")
        for member in members(table.values["policies"]) {
            guard let name = DistinguishedName.canonical(member.name) else {
                throw SettingsError("policies of \(table.place) has \(member.name), which is no name of an entry")
            }
            settings.policies[name] = try SettingsTable(["policies": member.value], table.place, ["policies"])
                .list("policies", separator: ",")
        }
        return settings
    }

    private static func members(_ value: JSONValue?) -> [JSONValue.Member] {
        if case .object(let members)? = value { members } else { [] }
    }

    private static func table(_ value: JSONValue) -> [String: JSONValue] {
        var table: [String: JSONValue] = [:]
        for member in members(value) { table[member.name] = member.value }
        return table
    }
}
