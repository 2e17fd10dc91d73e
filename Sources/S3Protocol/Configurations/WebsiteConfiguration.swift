/// How a bucket is served as a web site.
package struct WebsiteConfiguration: Hashable, Sendable {
    package enum Scheme: String, Hashable, Sendable { case http, https }

    package struct RedirectAll: Hashable, Sendable {
        package var host: String
        package var scheme: Scheme?
    }

    package struct RoutingRule: Hashable, Sendable {
        package var keyPrefix: String?
        package var errorCode: Int?
        package var hasCondition: Bool
        package var scheme: Scheme?
        package var host: String?
        package var replaceKeyPrefix: String?
        package var replaceKey: String?
        package var redirectCode: Int?
    }

    package static let rulesMax = 50

    package private(set) var redirectAll: RedirectAll?
    package private(set) var indexSuffix: String?
    package private(set) var errorKey: String?
    package private(set) var rules: [RoutingRule] = []

    /// The body of PutBucketWebsite.
    package init(parsing body: [UInt8]) throws(S3Error) {
        let root = try XMLReader.parse(body)
        try root.expect(
            "WebsiteConfiguration",
            children: ["RedirectAllRequestsTo", "IndexDocument", "ErrorDocument", "RoutingRules"])
        if let element = try root.child("RedirectAllRequestsTo") {
            guard root.children.count == 1 else {
                throw .invalidArgument(
                    "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.",
                    name: "RedirectAllRequestsTo", value: "not null")
            }
            try element.expect("RedirectAllRequestsTo", children: ["HostName", "Protocol"])
            guard let host = try element.trimmed("HostName"), !host.isEmpty else { throw S3Error(.malformedXML) }
            redirectAll = RedirectAll(host: host, scheme: try Self.scheme(element))
            return
        }
        guard let index = try root.child("IndexDocument") else {
            throw .invalidArgument(
                "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty",
                name: "IndexDocument", value: "null")
        }
        try index.expect("IndexDocument", children: ["Suffix"])
        guard let suffix = try index.string("Suffix") else { throw S3Error(.malformedXML) }
        guard !suffix.isEmpty, !suffix.utf8.contains(UInt8(ascii: "/")) else {
            throw .invalidArgument("The IndexDocument Suffix is not well formed", name: "IndexDocument", value: suffix)
        }
        indexSuffix = suffix
        if let error = try root.child("ErrorDocument") {
            try error.expect("ErrorDocument", children: ["Key"])
            guard let key = try error.string("Key"), !key.isEmpty else { throw S3Error(.malformedXML) }
            try ObjectKeyRule.validate(Array(key.utf8))
            errorKey = key
        }
        if let list = try root.child("RoutingRules") { try parse(list) }
    }

    private mutating func parse(_ list: XMLElement) throws(S3Error) {
        try list.expect("RoutingRules", children: ["RoutingRule"])
        guard list.children.count <= Self.rulesMax else {
            throw S3Error(
                .invalidRequest,
                "\(list.children.count) routing rules provided, the number of routing rules in a website configuration "
                    + "is limited to \(Self.rulesMax).")
        }
        for element in list.children { rules.append(try Self.rule(element)) }
    }

    private static func rule(_ element: XMLElement) throws(S3Error) -> RoutingRule {
        try element.expect("RoutingRule", children: ["Condition", "Redirect"])
        guard let redirect = try element.child("Redirect") else { throw S3Error(.malformedXML) }
        try redirect.expect(
            "Redirect",
            children: ["Protocol", "HostName", "ReplaceKeyPrefixWith", "ReplaceKeyWith", "HttpRedirectCode"])
        guard !redirect.children.isEmpty else { throw S3Error(.malformedXML) }
        var rule = RoutingRule(
            hasCondition: false, scheme: try scheme(redirect), host: try redirect.trimmed("HostName"),
            replaceKeyPrefix: try redirect.string("ReplaceKeyPrefixWith"),
            replaceKey: try redirect.string("ReplaceKeyWith"))
        if rule.replaceKey != nil, rule.replaceKeyPrefix != nil {
            throw S3Error(.invalidRequest, "You can only define ReplaceKeyPrefix or ReplaceKey but not both.")
        }
        if let text = try redirect.trimmed("HttpRedirectCode") {
            guard let code = Int(text), (301...399).contains(code) else {
                throw S3Error(
                    .invalidRequest,
                    "The provided HTTP redirect code (\(text)) is not valid. Valid codes are 3XX except 300.")
            }
            rule.redirectCode = code
        }
        guard let condition = try element.child("Condition") else { return rule }
        try condition.expect("Condition", children: ["KeyPrefixEquals", "HttpErrorCodeReturnedEquals"])
        guard !condition.children.isEmpty else {
            throw S3Error(
                .invalidRequest,
                "Condition cannot be empty. To redirect all requests without a condition, "
                    + "the condition element shouldn't be present.")
        }
        rule.hasCondition = true
        rule.keyPrefix = try condition.string("KeyPrefixEquals")
        if let text = try condition.trimmed("HttpErrorCodeReturnedEquals") {
            guard let code = Int(text), (400...599).contains(code) else {
                throw S3Error(
                    .invalidRequest,
                    "The provided HTTP error code (\(text)) is not valid. Valid codes are 4XX or 5XX.")
            }
            rule.errorCode = code
        }
        return rule
    }

    private static func scheme(_ element: XMLElement) throws(S3Error) -> Scheme? {
        guard let text = try element.trimmed("Protocol") else { return nil }
        guard let scheme = Scheme(rawValue: text) else {
            throw S3Error(
                .invalidRequest,
                "Invalid protocol, protocol can be http or https. If not defined the protocol will be selected automatically."
            )
        }
        return scheme
    }

    /// The stored form, and the answer of GetBucketWebsite.
    package func document() -> [UInt8] {
        var writer = XMLWriter(capacity: 512 + rules.count * 256)
        writer.openRoot("WebsiteConfiguration")
        if let redirectAll {
            writer.open("RedirectAllRequestsTo")
            writer.element("HostName", redirectAll.host)
            writer.element(ifPresent: "Protocol", redirectAll.scheme?.rawValue)
            writer.close("RedirectAllRequestsTo")
        }
        if let indexSuffix {
            writer.open("IndexDocument")
            writer.element("Suffix", indexSuffix)
            writer.close("IndexDocument")
        }
        if let errorKey {
            writer.open("ErrorDocument")
            writer.element("Key", errorKey)
            writer.close("ErrorDocument")
        }
        if !rules.isEmpty {
            writer.open("RoutingRules")
            for rule in rules { writer.routingRule(rule) }
            writer.close("RoutingRules")
        }
        writer.close("WebsiteConfiguration")
        return writer.bytes
    }
}

extension XMLWriter {
    fileprivate mutating func routingRule(_ rule: WebsiteConfiguration.RoutingRule) {
        open("RoutingRule")
        if rule.hasCondition {
            open("Condition")
            element(ifPresent: "KeyPrefixEquals", rule.keyPrefix)
            element(ifPresent: "HttpErrorCodeReturnedEquals", rule.errorCode.map(String.init))
            close("Condition")
        }
        open("Redirect")
        element(ifPresent: "Protocol", rule.scheme?.rawValue)
        element(ifPresent: "HostName", rule.host)
        element(ifPresent: "ReplaceKeyPrefixWith", rule.replaceKeyPrefix)
        element(ifPresent: "ReplaceKeyWith", rule.replaceKey)
        element(ifPresent: "HttpRedirectCode", rule.redirectCode.map(String.init))
        close("Redirect")
        close("RoutingRule")
    }
}
