/// A call of the AWS query protocol: an action and its parameters, lists flattened as `Name.member.1`.
package struct QueryCall: Sendable {
    package var action: String
    package var version: String
    private var parameters: [String: String]

    /// `parameters` are decoded; the first of a name counts.
    package init(_ pairs: [(name: String, value: String)]) {
        parameters = [:]
        for pair in pairs where parameters[pair.name] == nil { parameters[pair.name] = pair.value }
        action = parameters["Action"] ?? ""
        version = parameters["Version"] ?? ""
    }

    package subscript(name: String) -> String? { parameters[name] }

    package func required(_ name: String) throws(IdentityError) -> String {
        guard let value = parameters[name], !value.isEmpty else {
            throw .invalid(
                "1 validation error detected: Value null at '\(name)' failed to satisfy constraint: Member must not be null"
            )
        }
        return value
    }

    /// Names begin so of any parameters.
    func contains(prefix: String) -> Bool { parameters.keys.contains { $0.hasPrefix(prefix) } }

    package func list(_ name: String, _ field: String = "") -> [String] {
        var values: [String] = [], index = 1
        while let value = parameters["\(name).member.\(index)" + (field.isEmpty ? "" : ".\(field)")] {
            values.append(value)
            index += 1
        }
        return values
    }

    /// `Tags.member.1.Key`, `Tags.member.1.Value`, …
    package func tags(_ name: String = "Tags") throws(IdentityError) -> [IdentityTag] {
        var tags: [IdentityTag] = [], index = 1
        while let key = parameters["\(name).member.\(index).Key"] {
            let value = parameters["\(name).member.\(index).Value"] ?? ""
            guard (1...128).contains(key.utf16.count), value.utf16.count <= 256 else {
                throw .invalid("A tag's key has 1 to 128 characters and its value at most 256.")
            }
            // Keys differ in more than case, as in AWS.
            guard !tags.contains(where: { $0.key.lowercased() == key.lowercased() }) else {
                throw .invalidInput("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
            }
            tags.append(IdentityTag(key, value))
            index += 1
        }
        guard tags.count <= IdentityTag.countMax else { throw .tooManyTags }
        return tags
    }

    func flag(_ name: String) -> Bool { parameters[name]?.lowercased() == "true" }

    /// One page of things in order: those after Marker, MaxItems of them, and what says whether more follow.
    func page<Item>(
        _ items: [Item], by name: (Item) -> String
    ) throws(IdentityError) -> (items: [Item], end: [AnswerElement]) {
        let limit = try number("MaxItems", in: 1...1000) ?? 1000
        var rest = items[...]
        if let marker = parameters["Marker"], !marker.isEmpty {
            guard let index = items.firstIndex(where: { name($0) == marker }) else {
                throw .invalid("Invalid Marker.")
            }
            rest = items[(index + 1)...]
        }
        let page = Array(rest.prefix(limit))
        guard rest.count > limit, let last = page.last else {
            return (page, [.text("IsTruncated", "false")])
        }
        return (page, [.text("IsTruncated", "true"), .text("Marker", name(last))])
    }

    func number(_ name: String, in range: ClosedRange<Int>) throws(IdentityError) -> Int? {
        guard let text = parameters[name] else { return nil }
        guard let value = Int(text), range.contains(value) else {
            throw .invalid("\(name) must be between \(range.lowerBound) and \(range.upperBound)")
        }
        return value
    }
}

/// An element of an answer.
package indirect enum AnswerElement: Sendable {
    case text(String, String)
    case group(String, [AnswerElement])
    /// `<name><member>…</member>…</name>`
    case list(String, [[AnswerElement]])
    case texts(String, [String])

    package static func optional(_ name: String, _ value: String?) -> [AnswerElement] {
        value.map { [.text(name, $0)] } ?? []
    }

    fileprivate func write(to out: inout String) {
        switch self {
        case .text(let name, let value): out += "<\(name)>\(Self.escaped(value))</\(name)>"
        case .group(let name, let elements):
            out += "<\(name)>"
            for element in elements { element.write(to: &out) }
            out += "</\(name)>"
        case .list(let name, let members):
            out += "<\(name)>"
            for member in members { AnswerElement.group("member", member).write(to: &out) }
            out += "</\(name)>"
        case .texts(let name, let values):
            out += "<\(name)>"
            for value in values { AnswerElement.text("member", value).write(to: &out) }
            out += "</\(name)>"
        }
    }

    fileprivate static func escaped(_ text: String) -> String {
        var out = ""
        for character in text {
            switch character {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            default: out.append(character)
            }
        }
        return out
    }
}

/// IAM or STS: what the answers of each look like.
package enum QueryService: String, Sendable {
    case iam
    case sts

    private var namespace: String {
        switch self {
        case .iam: "https://iam.amazonaws.com/doc/2010-05-08/"
        case .sts: "https://sts.amazonaws.com/doc/2011-06-15/"
        }
    }

    package func document(_ action: String, _ elements: [AnswerElement], requestID: String) -> [UInt8] {
        var out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<\(action)Response xmlns=\"\(namespace)\">"
        // One answer has a result with nothing in it, which clients look for.
        if !elements.isEmpty || action == "UpdateRole" {
            AnswerElement.group("\(action)Result", elements).write(to: &out)
        }
        AnswerElement.group("ResponseMetadata", [.text("RequestId", requestID)]).write(to: &out)
        out += "</\(action)Response>"
        return Array(out.utf8)
    }

    package func document(_ error: IdentityError, requestID: String) -> [UInt8] {
        var out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ErrorResponse xmlns=\"\(namespace)\">"
        AnswerElement.group(
            "Error",
            [
                .text("Type", error.status < 500 ? "Sender" : "Receiver"), .text("Code", error.code),
                .text("Message", error.message),
            ]
        ).write(to: &out)
        AnswerElement.text("RequestId", requestID).write(to: &out)
        out += "</ErrorResponse>"
        return Array(out.utf8)
    }
}
