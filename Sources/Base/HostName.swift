/// The name in a Host field or a setting, as names are compared: lower case, without port and final dot.
package enum HostName {
    package static func normalized(_ authority: some StringProtocol) -> String {
        var name = authority.lowercased()
        if let colon = name.lastIndex(of: ":"), !name.hasSuffix("]") { name = String(name[..<colon]) }
        if name.hasSuffix(".") { name.removeLast() }
        return name
    }
}
