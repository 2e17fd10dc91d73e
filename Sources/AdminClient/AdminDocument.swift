import AccessPolicy
package import S3Protocol

/// Answers as people read them, and as programs do.
package enum AdminDocument {
    /// Elements that are lists even when nothing is in them.
    private static let lists: Set<String> = [
        "Tenants", "Hosts", "Usage", "Accounts", "AccessKeys", "Users", "Groups", "Roles", "Policies",
        "AccessKeyMetadata", "AttachedPolicies",
        "PolicyNames", "Tags", "Versions", "PolicyGroups", "PolicyUsers", "PolicyRoles", "Statements", "Notes",
        "Limits",
    ]

    package static func json(_ element: XMLElement) -> String { value(element).encoded }

    private static func value(_ element: XMLElement) -> JSONValue {
        let isList =
            lists.contains(element.name)
            || (!element.children.isEmpty && element.children.allSatisfy { $0.name == "member" })
        if isList, element.children.allSatisfy({ $0.name == "member" }), !isCount(element) {
            return .array(element.children.map(value))
        }
        guard !element.children.isEmpty else { return .string(element.text) }
        return .object(element.children.map { JSONValue.Member($0.name, value($0)) })
    }

    /// The counts of an account carry the names of lists.
    private static func isCount(_ element: XMLElement) -> Bool { element.children.isEmpty && !element.text.isEmpty }

    /// `Name: value` lines, lists and groups indented below their name.
    package static func lines(_ element: XMLElement, indent: String = "") -> [String] {
        var lines: [String] = []
        let width = element.children.filter { $0.children.isEmpty }.map(\.name.utf8.count).max() ?? 0
        for child in element.children {
            if child.children.isEmpty {
                let name = child.name == "member" ? "-" : child.name + ":"
                let pad = child.name == "member" ? 0 : max(0, width - child.name.utf8.count)
                if child.text.isEmpty, lists.contains(child.name) { continue }
                lines.append(indent + name + String(repeating: " ", count: pad) + " " + child.text)
            } else if child.children.allSatisfy({ $0.name == "member" && $0.children.isEmpty }) {
                lines.append(
                    indent + child.name + ":" + String(repeating: " ", count: max(1, width - child.name.utf8.count + 1))
                        + child.children.map(\.text).joined(separator: ", "))
            } else {
                lines.append(indent + (child.name == "member" ? "-" : child.name + ":"))
                lines += self.lines(child, indent: indent + "  ")
            }
        }
        return lines
    }

    /// A table with the columns of those names.
    package static func table(_ members: [XMLElement], columns: [String]) -> [String] {
        var rows = [columns]
        for member in members {
            rows.append(
                columns.map { column in
                    guard let child = member.children.first(where: { $0.name == column }) else { return "" }
                    return child.children.isEmpty ? child.text : child.children.map(\.text).joined(separator: ",")
                })
        }
        let widths = columns.indices.map { index in rows.map { $0[index].count }.max() ?? 0 }
        return rows.map { row in
            var line = ""
            for (index, cell) in row.enumerated() {
                line += cell + String(repeating: " ", count: widths[index] - cell.count + 2)
            }
            while line.last == " " { line.removeLast() }
            return line
        }
    }
}
