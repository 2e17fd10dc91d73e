/// Text of an HTML page that is well-formed XML too, so that any reader can check it.
struct Markup {
    private(set) var text = ""

    /// An element around what `inside` writes; `<name …/>` when that is nothing.
    mutating func element(
        _ name: String, _ attributes: [(String, String)] = [], _ inside: (inout Markup) -> Void = { _ in }
    ) {
        text += "<" + name
        for (name, value) in attributes { text += " \(name)=\"\(Self.escaped(value))\"" }
        var content = Markup()
        inside(&content)
        text += content.text.isEmpty ? "/>" : ">\(content.text)</\(name)>"
    }

    mutating func element(_ name: String, _ attributes: [(String, String)] = [], text content: String) {
        element(name, attributes) { $0.write(content) }
    }

    mutating func write(_ content: String) { text += Self.escaped(content) }

    /// What is markup already.
    mutating func raw(_ markup: String) { text += markup }

    mutating func table(_ head: [String], _ rows: [[String]]) {
        element("table") { table in
            table.element("tr") { row in for cell in head { row.element("th", text: cell) } }
            for cells in rows {
                table.element("tr") { row in for cell in cells { row.element("td", text: cell) } }
            }
        }
        text += "\n"
    }

    private static func escaped(_ content: String) -> String {
        var result = ""
        result.reserveCapacity(content.utf8.count)
        for scalar in content.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            // No XML holds most of these, not even as references.
            case _ where scalar.value < 0x20 && scalar != "\n" && scalar != "\t": result += "\u{FFFD}"
            case "\u{FFFE}", "\u{FFFF}": result += "\u{FFFD}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
