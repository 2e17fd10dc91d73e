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

    func required(_ name: String) throws(IdentityError) -> String {
        guard let value = parameters[name], !value.isEmpty else {
            throw .invalid(
                "1 validation error detected: Value null at '\(name)' failed to satisfy constraint: Member must not be null"
            )
        }
        return value
    }

    func list(_ name: String, _ field: String = "") -> [String] {
        var values: [String] = [], index = 1
        while let value = parameters["\(name).member.\(index)" + (field.isEmpty ? "" : ".\(field)")] {
            values.append(value)
            index += 1
        }
        return values
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

    static func optional(_ name: String, _ value: String?) -> [AnswerElement] { value.map { [.text(name, $0)] } ?? [] }

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
        if !elements.isEmpty { AnswerElement.group("\(action)Result", elements).write(to: &out) }
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
