package import Base

/// Typed, strict reading: what is missing, doubled, unknown or of the wrong form is MalformedXML.
extension XMLElement {
    /// Checks the element's name, and that it has no children but these. An element that nobody reads could be a
    /// condition that nobody keeps.
    package func expect(_ name: String, children allowed: [String]) throws(S3Error) {
        guard self.name == name, children.allSatisfy({ allowed.contains($0.name) }) else {
            throw S3Error(.malformedXML)
        }
    }

    package func children(named name: String) -> [XMLElement] { children.filter { $0.name == name } }

    /// The only child of that name; nil when there is none.
    package func child(_ name: String) throws(S3Error) -> XMLElement? {
        let found = children(named: name)
        guard found.count <= 1 else { throw S3Error(.malformedXML) }
        return found.first
    }

    package func string(_ name: String) throws(S3Error) -> String? {
        guard let child = try child(name) else { return nil }
        guard child.children.isEmpty else { throw S3Error(.malformedXML) }
        return child.text
    }

    package func required(_ name: String) throws(S3Error) -> String {
        guard let text = try string(name) else { throw S3Error(.malformedXML) }
        return text
    }

    package func integer(_ name: String) throws(S3Error) -> Int64? {
        guard let text = try trimmed(name) else { return nil }
        guard let value = Int64(text) else { throw S3Error(.malformedXML) }
        return value
    }

    package func boolean(_ name: String) throws(S3Error) -> Bool? {
        switch try trimmed(name)?.lowercased() {
        case nil: return nil
        case "true", "1": return true
        case "false", "0": return false
        default: throw S3Error(.malformedXML)
        }
    }

    package func timestamp(_ name: String) throws(S3Error) -> Timestamp? {
        guard let text = try trimmed(name) else { return nil }
        guard let time = ISO8601.parse(text) ?? HTTPDate.parse(text) else { throw S3Error(.malformedXML) }
        return time
    }

    /// The text without the white space of the document's lay-out: for values in which white space means nothing. Keys
    /// are not among them.
    package func trimmed(_ name: String) throws(S3Error) -> String? {
        guard let text = try string(name) else { return nil }
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\n" || $0 == "\t" || $0 == "\r" || $0 == "\r\n" }
        guard let first = text.firstIndex(where: { !isSpace($0) }), let last = text.lastIndex(where: { !isSpace($0) })
        else { return "" }
        return String(text[first...last])
    }
}
