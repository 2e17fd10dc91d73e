package import Base

/// The tags of an object: at most ten, keys unlike each other, in order of key.
package struct ObjectTagSet: Hashable, Sendable {
    package struct Tag: Hashable, Sendable {
        package var key: String
        package var value: String
        package init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }

    package static let tagsMax = 10
    /// In characters as AWS counts them: UTF-16 code units.
    package static let keyCharactersMax = 128
    package static let valueCharactersMax = 256

    package private(set) var tags: [Tag] = []

    /// Tags that have been checked before.
    package init(stored tags: [Tag]) { self.tags = tags }

    /// The body of PutObjectTagging.
    package init(parsing body: [UInt8]) throws(S3Error) {
        let root = try XMLReader.parse(body)
        try root.expect("Tagging", children: ["TagSet"])
        guard let set = try root.child("TagSet") else { throw S3Error(.malformedXML) }
        try set.expect("TagSet", children: ["Tag"])
        for element in set.children {
            try element.expect("Tag", children: ["Key", "Value"])
            let tag = Tag(key: try element.required("Key"), value: try element.required("Value"))
            if tags.contains(where: { $0.key == tag.key }) {
                throw S3Error(.invalidTag, "Cannot provide multiple Tags with the same key").with("TagKey", tag.key)
            }
            tags.append(tag)
        }
        try check()
    }

    /// The x-amz-tagging field, written like a query: `key=value&key=value`. Nil when there is none.
    package static func parse(_ head: RequestHead) throws(S3Error) -> ObjectTagSet? {
        guard let text = head.value("x-amz-tagging") else { return nil }
        return try ObjectTagSet(query: text)
    }

    package init(query text: String) throws(S3Error) {
        for pair in text.split(separator: "&", omittingEmptySubsequences: true) {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let key = Self.decoded(parts[0]), !key.isEmpty, !parts.dropFirst().joined().contains("="),
                let value = parts.count > 1 ? Self.decoded(parts[1]) : "",
                !tags.contains(where: { $0.key == key })
            else {
                throw .invalidArgument(
                    "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
                    name: "x-amz-tagging", value: text)
            }
            tags.append(Tag(key: key, value: value))
        }
        try check()
    }

    private static func decoded(_ text: Substring) -> String? {
        PercentEncoding.decode(Array(text.utf8), plusIsSpace: true).flatMap { String(validating: $0, as: UTF8.self) }
    }

    /// Also puts the tags in order of key, which is how they are shown whatever order they came in.
    private mutating func check() throws(S3Error) {
        tags.sort { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        guard tags.count <= Self.tagsMax else {
            throw S3Error(.badRequest, "Object tags cannot be greater than \(Self.tagsMax)")
        }
        for tag in tags {
            if tag.key.lowercased().hasPrefix("aws:") {
                throw S3Error(.invalidTag, "Your TagKey cannot be prefixed with aws:").with("TagKey", tag.key)
            }
            guard (1...Self.keyCharactersMax).contains(tag.key.utf16.count), Self.isAllowed(tag.key) else {
                throw S3Error(.invalidTag, "The TagKey you have provided is invalid").with("TagKey", tag.key)
            }
            guard tag.value.utf16.count <= Self.valueCharactersMax, Self.isAllowed(tag.value) else {
                throw S3Error(.invalidTag, "The TagValue you have provided is invalid")
                    .with("TagKey", tag.key).with("TagValue", tag.value)
            }
        }
    }

    /// Letters, digits and white space of any script, and `+ - = . _ : / @`.
    private static func isAllowed(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { scalar in
            if scalar.isASCII {
                switch scalar {
                case "a"..."z", "A"..."Z", "0"..."9", " ", "+", "-", "=", ".", "_", ":", "/", "@": return true
                default: return false
                }
            }
            switch scalar.properties.generalCategory {
            case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber,
                .letterNumber, .otherNumber, .spaceSeparator, .nonspacingMark, .spacingMark, .enclosingMark:
                return true
            default: return false
            }
        }
    }

    /// The answer of GetObjectTagging.
    package func document() -> [UInt8] {
        var writer = XMLWriter(capacity: 256 + tags.count * 96)
        writer.openRoot("Tagging")
        writer.open("TagSet")
        for tag in tags {
            writer.open("Tag")
            writer.element("Key", tag.key)
            writer.element("Value", tag.value)
            writer.close("Tag")
        }
        writer.close("TagSet")
        writer.close("Tagging")
        return writer.bytes
    }
}
