/// How a directory is asked. Docs/operations/sign-on.md has each setting.
package struct LDAPSettings: Hashable, Sendable {
    /// `ldap://host:port` or `ldaps://host:port`, in the order in which they are tried.
    package var urls: [String]
    package var startTLS = false
    package var caFile: String?
    /// Who looks users and groups up.
    package var bindName: String
    package var bindPassword: String
    package var userBases: [String]
    /// `%s` is the name that was given.
    package var userFilter = "(uid=%s)"
    package var groupBases: [String] = []
    /// `%d` is the entry whose groups are wanted, `%s` the name that was given.
    package var groupFilter = "(&(objectClass=groupOfNames)(member=%d))"
    /// Groups of groups count.
    package var nestedGroups = true
    package var timeoutMilliseconds: Int32 = 5_000
    /// Policies by name of user or group, as written in the configuration.
    package var policies: [String: [String]] = [:]
    /// Number of the account that sessions belong to; nil for the operator's own.
    package var account: String?

    package init(urls: [String], bindName: String, bindPassword: String, userBases: [String]) {
        (self.urls, self.bindName, self.bindPassword, self.userBases) = (urls, bindName, bindPassword, userBases)
    }

    /// The attribute that the given name is looked for in: the first that the filter compares with it.
    package var nameAttribute: String? {
        guard let end = userFilter.firstRange(of: "=%s")?.lowerBound,
            let start = userFilter[..<end].lastIndex(of: "(")
        else { return nil }
        let name = userFilter[userFilter.index(after: start)..<end]
        return !name.isEmpty && name.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "-" || $0 == "." })
            ? String(name) : nil
    }
}

/// Filters of RFC 4515 with values put in.
package enum LDAPFilter {
    /// Replaces `%s` and `%d`. What is put in can't end the value that it stands in.
    package static func fill(_ filter: String, name: String, entry: String) -> String {
        var out: [UInt8] = [], isMarked = false
        for byte in filter.utf8 {
            switch (isMarked, byte) {
            case (true, UInt8(ascii: "s")): out += escape(name)
            case (true, UInt8(ascii: "d")): out += escape(entry)
            case (true, _): out += [UInt8(ascii: "%"), byte]
            case (false, UInt8(ascii: "%")):
                isMarked = true
                continue
            case (false, _): out.append(byte)
            }
            isMarked = false
        }
        if isMarked { out.append(UInt8(ascii: "%")) }
        return String(decoding: out, as: UTF8.self)
    }

    private static func escape(_ text: String) -> [UInt8] {
        let hex = Array("0123456789abcdef".utf8)
        var out: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 0..<0x20, UInt8(ascii: "*"), UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "\\"), 0x7F...:
                out += [UInt8(ascii: "\\"), hex[Int(byte >> 4)], hex[Int(byte & 15)]]
            default: out.append(byte)
            }
        }
        return out
    }
}
