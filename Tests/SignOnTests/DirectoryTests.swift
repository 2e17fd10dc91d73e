import Identity
import SignOn
import Testing

@Suite struct DirectoryTests {
    @Test func `what is put into a filter can't end its value`() {
        #expect(LDAPFilter.fill("(uid=%s)", name: "ada", entry: "") == "(uid=ada)")
        #expect(LDAPFilter.fill("(uid=%s)", name: "*)(uid=*", entry: "") == #"(uid=\2a\29\28uid=\2a)"#)
        #expect(LDAPFilter.fill("(uid=%s)", name: #"a\2a"#, entry: "") == #"(uid=a\5c2a)"#)
        #expect(LDAPFilter.fill("(uid=%s)", name: "é\u{0}%s", entry: "") == #"(uid=\c3\a9\00%s)"#)
        #expect(
            LDAPFilter.fill("(&(member=%d)(x=%%)(y=%", name: "n", entry: "cn=a*,dc=b")
                == #"(&(member=cn=a\2a,dc=b)(x=%%)(y=%"#)
    }

    @Test func `the attribute with the name is the first that the filter compares`() {
        var settings = LDAPSettings(urls: [], bindName: "", bindPassword: "", userBases: [])
        #expect(settings.nameAttribute == "uid")
        for (filter, name) in [
            ("(&(objectClass=user)(sAMAccountName=%s))", "sAMAccountName"), ("(|(uid=%s)(mail=%s))", "uid"),
            ("(uid=*%s)", nil),
            ("uid=%s", nil), ("(uid:caseExactMatch:=%s)", nil),
        ] {
            settings.userFilter = filter
            #expect(settings.nameAttribute == name, "\(filter)")
        }
    }

    @Test func `equal names of entries have one spelling`() {
        let wanted = "cn=ada lovelace,ou=people,dc=example,dc=com"
        for name in [
            "cn=Ada Lovelace,ou=People,dc=example,dc=com", "CN=ada lovelace, OU=people , DC = example,dc=COM",
            #"cn=\41da Lovelace,ou=people,dc=example,dc=com"#,
        ] { #expect(DistinguishedName.canonical(name) == wanted, "\(name)") }
        #expect(DistinguishedName.canonical(#"cn=Doe\, Jane,dc=x"#) == #"cn=doe\, jane,dc=x"#)
        #expect(DistinguishedName.canonical(#"cn=Doe\2c Jane,dc=x"#) == #"cn=doe\, jane,dc=x"#)
        #expect(DistinguishedName.canonical("uid=b+cn=a,dc=x") == DistinguishedName.canonical("cn=a+uid=b,dc=x"))
        #expect(DistinguishedName.canonical(#"cn=a\,dc=y,dc=x"#) != DistinguishedName.canonical("cn=a,dc=y,dc=x"))
    }

    @Test(arguments: [
        "", "ada", "cn=", "=x", "cn=a,", ",cn=a", #"cn=a\"#, "c n=a", String(repeating: "cn=a,", count: 400),
    ])
    func `what is no name of an entry`(text: String) { #expect(DistinguishedName.canonical(text) == nil) }

    @Test func `parts of names of sessions hold nothing that separates`() {
        #expect(ExternalIdentity.part("a/b:c*é") == "a%2Fb%3Ac%2A%C3%A9")
    }
}
