import Server
import SignOn
import Testing

@Suite struct SignOnSettingsTests {
    private func load(_ variables: [String: String], file: String? = nil) throws -> SignOnSettings {
        try SignOnSettings({ variables[$0] }, names: Array(variables.keys), file: file)
    }

    private let ldap = [
        "MARTLET_LDAP_URLS": "ldaps://a,ldaps://b:1636", "MARTLET_LDAP_BIND_DN": "cn=admin,dc=x",
        "MARTLET_LDAP_BIND_PASSWORD": "secret", "MARTLET_LDAP_USER_BASES": "ou=a,dc=x;ou=b,dc=x",
    ]

    @Test func `nothing is configured by default`() throws {
        let settings = try load(["PATH": "/bin", "MARTLET_ADDRESS": "x"])
        #expect(settings.providers.isEmpty && settings.directory == nil)
    }

    @Test func `providers come from variables and from a file`() throws {
        let settings = try load(
            [
                "MARTLET_OPENID_KEY_CLOAK_ISSUER": "https://id/realms/x", "MARTLET_OPENID_KEY_CLOAK_CLIENT_IDS": "a, b",
                "MARTLET_OPENID_KEY_CLOAK_GROUPS_CLAIM": "realm_access.roles", "MARTLET_OPENID_CA_FILE": "/ca.pem",
            ],
            file:
                #"{"openid": {"google": {"issuer": "https://accounts.google.com", "clientIds": ["c"], "policies": ["readonly"], "clockSkewSeconds": 5}}}"#
        )
        #expect(settings.providers.map(\.name) == ["google", "key_cloak"])
        #expect(settings.providers[0].policies == ["readonly"] && settings.providers[0].skewSeconds == 5)
        #expect(settings.providers[1].audiences == ["a", "b"])
        #expect(settings.providers[1].groupsClaim == "realm_access.roles")
        #expect(settings.caFile == "/ca.pem")
    }

    @Test func `a directory`() throws {
        let settings = try load(ldap, file: #"{"ldap": {"policies": {"CN=Devs, dc=x": ["readwrite"]}}}"#)
        let directory = try #require(settings.directory)
        #expect(directory.urls == ["ldaps://a", "ldaps://b:1636"])
        #expect(directory.userBases == ["ou=a,dc=x", "ou=b,dc=x"])
        #expect(directory.policies == ["cn=devs,dc=x": ["readwrite"]])
    }

    @Test func `what can't be meant is refused`() {
        let provider = ["MARTLET_OPENID_X_ISSUER": "https://id", "MARTLET_OPENID_X_CLIENT_IDS": "a"]
        #expect(throws: Never.self) { try load(provider) }
        for (name, value) in [
            ("MARTLET_OPENID_X_COLOR", "red"), ("MARTLET_OPENID_ISSUER", "https://id"), ("MARTLET_LDAP_COLOR", "red"),
            ("MARTLET_OPENID_X_CLIENT_IDS", ""), ("MARTLET_OPENID_X_ISSUER", "ftp://id"),
            ("MARTLET_OPENID_X_CLOCK_SKEW_SECONDS", "x"), ("MARTLET_OPENID_X_CONFIG_URL", "http://id/x"),
        ] {
            #expect(throws: SettingsError.self, "\(name)") { try load(provider.merging([name: value]) { $1 }) }
        }
        for (name, value) in [
            ("MARTLET_LDAP_URLS", "ldap://a"), ("MARTLET_LDAP_URLS", "http://a"), ("MARTLET_LDAP_BIND_PASSWORD", ""),
            ("MARTLET_LDAP_START_TLS", "perhaps"), ("MARTLET_LDAP_TIMEOUT_SECONDS", "0"),
            ("MARTLET_LDAP_USER_BASES", ""),
        ] {
            #expect(throws: SettingsError.self, "\(name)") { try load(ldap.merging([name: value]) { $1 }) }
        }
        for file in [
            "", "[]]", #"{"x": {}}"#, #"{"openid": {"a": {"issuer": "https://id", "clientIds": "a", "color": 1}}}"#,
        ] {
            #expect(throws: SettingsError.self, "\(file)") { try load([:], file: file) }
        }
    }
}
