/// Which web pages of other origins may use a bucket, and how.
package struct CORSConfiguration: Hashable, Sendable {
    package struct Rule: Hashable, Sendable {
        package var id: String?
        package var methods: [String]
        package var origins: [String]
        package var allowedHeaders: [String]
        package var exposedHeaders: [String]
        package var maxAgeSeconds: Int64?
    }

    package static let rulesMax = 100
    package static let idCharactersMax = 255

    package private(set) var rules: [Rule] = []

    /// The body of PutBucketCors.
    package init(parsing body: [UInt8]) throws(S3Error) {
        let root = try XMLReader.parse(body)
        try root.expect("CORSConfiguration", children: ["CORSRule"])
        guard !root.children.isEmpty else { throw S3Error(.malformedXML) }
        guard root.children.count <= Self.rulesMax else {
            throw S3Error(
                .invalidRequest, "The number of CORS rules should not exceed allowed limit of \(Self.rulesMax) rules.")
        }
        for element in root.children {
            let rule = try Self.rule(element)
            if let id = rule.id, !id.isEmpty, rules.contains(where: { $0.id == id }) {
                throw S3Error(
                    .invalidRequest, "Rule Id must be unique. Found same Id for more than one rule: \(id)")
            }
            rules.append(rule)
        }
    }

    private static func rule(_ element: XMLElement) throws(S3Error) -> Rule {
        try element.expect(
            "CORSRule",
            children: ["ID", "AllowedMethod", "AllowedOrigin", "AllowedHeader", "ExposeHeader", "MaxAgeSeconds"])
        let rule = Rule(
            id: try element.string("ID"), methods: try element.trimmedList("AllowedMethod"),
            origins: try element.trimmedList("AllowedOrigin"), allowedHeaders: try element.trimmedList("AllowedHeader"),
            exposedHeaders: try element.trimmedList("ExposeHeader"),
            maxAgeSeconds: try element.integer("MaxAgeSeconds"))
        guard !rule.methods.isEmpty, !rule.origins.isEmpty, rule.maxAgeSeconds ?? 0 >= 0 else {
            throw S3Error(.malformedXML)
        }
        guard rule.id?.utf16.count ?? 0 <= idCharactersMax else {
            throw .invalidArgument(
                "ID length should not exceed allowed limit of \(idCharactersMax)", name: "ID", value: rule.id ?? "")
        }
        for method in rule.methods where !["GET", "PUT", "POST", "DELETE", "HEAD"].contains(method) {
            throw S3Error(
                .invalidRequest, "Found unsupported HTTP method in CORS config. Unsupported method is \(method)")
        }
        for (name, values) in [("AllowedOrigin", rule.origins), ("AllowedHeader", rule.allowedHeaders)] {
            for value in values where value.utf8.count(where: { $0 == UInt8(ascii: "*") }) > 1 {
                throw S3Error(.invalidRequest, "\(name) \"\(value)\" can not have more than one wildcard.")
            }
        }
        for value in rule.exposedHeaders where value.utf8.contains(UInt8(ascii: "*")) {
            throw S3Error(
                .invalidRequest,
                "ExposeHeader \"\(value)\" contains wildcard. We currently do not support wildcard for ExposeHeader.")
        }
        return rule
    }

    /// The stored form, and the answer of GetBucketCors.
    package func document() -> [UInt8] {
        var writer = XMLWriter(capacity: 256 + rules.count * 256)
        writer.openRoot("CORSConfiguration")
        for rule in rules {
            writer.open("CORSRule")
            writer.element(ifPresent: "ID", rule.id)
            for method in rule.methods { writer.element("AllowedMethod", method) }
            for origin in rule.origins { writer.element("AllowedOrigin", origin) }
            for header in rule.allowedHeaders { writer.element("AllowedHeader", header) }
            for header in rule.exposedHeaders { writer.element("ExposeHeader", header) }
            if let seconds = rule.maxAgeSeconds { writer.element("MaxAgeSeconds", seconds) }
            writer.close("CORSRule")
        }
        writer.close("CORSConfiguration")
        return writer.bytes
    }
}

// MARK: - Matching

extension CORSConfiguration {
    /// What the first rule that allows a request says to the browser.
    package struct Grant: Sendable {
        /// Fields of the answer, in AWS's order.
        package var fields: [(name: String, value: String)]
    }

    /// `requestedHeaders` are those of Access-Control-Request-Headers; none for an actual request.
    package func grant(origin: String, method: String, requestedHeaders: [String] = []) -> Grant? {
        for rule in rules {
            guard rule.methods.contains(method),
                let allowed = rule.origins.first(where: { Self.matches($0, origin) }),
                requestedHeaders.allSatisfy({ rule.allows(header: $0) })
            else { continue }
            var fields: [(name: String, value: String)] = [
                ("Access-Control-Allow-Origin", allowed == "*" ? "*" : origin),
                ("Access-Control-Allow-Methods", rule.methods.joined(separator: ", ")),
            ]
            if !requestedHeaders.isEmpty {
                fields.append(("Access-Control-Allow-Headers", requestedHeaders.joined(separator: ", ")))
            }
            if !rule.exposedHeaders.isEmpty {
                fields.append(("Access-Control-Expose-Headers", rule.exposedHeaders.joined(separator: ", ")))
            }
            if let seconds = rule.maxAgeSeconds { fields.append(("Access-Control-Max-Age", String(seconds))) }
            // A browser takes credentials only where the origin is named.
            if allowed != "*" { fields.append(("Access-Control-Allow-Credentials", "true")) }
            fields.append(("Vary", Self.vary))
            return Grant(fields: fields)
        }
        return nil
    }

    package static let vary = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"

    /// The names in Access-Control-Request-Headers, in lower case.
    package static func headerNames(_ value: String) -> [String] {
        value.split(separator: ",").map { $0.trimmingSpaces().lowercased() }.filter { !$0.isEmpty }
    }

    /// A pattern has at most one wildcard, which stands for any characters.
    static func matches(_ pattern: String, _ text: String) -> Bool {
        guard let star = pattern.utf8.firstIndex(of: UInt8(ascii: "*")) else { return pattern == text }
        let before = pattern[..<star], after = pattern[pattern.utf8.index(after: star)...]
        return text.utf8.count >= before.utf8.count + after.utf8.count && text.utf8.starts(with: before.utf8)
            && text.utf8.reversed().starts(with: after.utf8.reversed())
    }
}

extension CORSConfiguration.Rule {
    fileprivate func allows(header: String) -> Bool {
        allowedHeaders.contains { CORSConfiguration.matches($0.lowercased(), header) }
    }
}

extension XMLElement {
    /// The texts of all children of that name, without the white space around them; none may be empty.
    package func trimmedList(_ name: String) throws(S3Error) -> [String] {
        var texts: [String] = []
        for child in children(named: name) {
            guard let text = try XMLElement(name: "", children: [child]).trimmed(name), !text.isEmpty else {
                throw S3Error(.malformedXML)
            }
            texts.append(text)
        }
        return texts
    }
}
