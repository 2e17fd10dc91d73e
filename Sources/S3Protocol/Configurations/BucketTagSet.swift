/// The tags of a bucket: at most fifty, keys unlike each other, in the order given.
package struct BucketTagSet: Hashable, Sendable {
    package typealias Tag = CreateBucketConfiguration.BucketTag

    package static let tagsMax = 50
    /// In characters as AWS counts them: UTF-16 code units.
    package static let keyCharactersMax = 128
    package static let valueCharactersMax = 256

    package private(set) var tags: [Tag] = []

    package init(_ tags: [Tag]) throws(S3Error) {
        for tag in tags { try append(tag) }
        try checkCount()
    }

    /// The body of PutBucketTagging.
    package init(parsing body: [UInt8]) throws(S3Error) {
        let root = try XMLReader.parse(body)
        try root.expect("Tagging", children: ["TagSet"])
        guard let set = try root.child("TagSet") else { throw S3Error(.malformedXML) }
        try set.expect("TagSet", children: ["Tag"])
        for element in set.children {
            try element.expect("Tag", children: ["Key", "Value"])
            try append(Tag(key: try element.required("Key"), value: try element.required("Value")))
        }
        try checkCount()
    }

    private func checkCount() throws(S3Error) {
        guard tags.count <= Self.tagsMax else {
            throw S3Error(.badRequest, "Bucket tag count cannot be greater than \(Self.tagsMax)")
        }
    }

    private mutating func append(_ tag: Tag) throws(S3Error) {
        guard !tags.contains(where: { $0.key == tag.key }) else {
            throw S3Error(.invalidTag, "Cannot provide multiple Tags with the same key").with("TagKey", tag.key)
        }
        guard !tag.key.lowercased().hasPrefix("aws:") else {
            throw S3Error(.invalidTag, "System tags cannot be added/updated by requester").with("TagKey", tag.key)
        }
        guard (1...Self.keyCharactersMax).contains(tag.key.utf16.count), Self.isAllowed(tag.key) else {
            throw S3Error(.invalidTag, "The TagKey you have provided is invalid").with("TagKey", tag.key)
        }
        guard tag.value.utf16.count <= Self.valueCharactersMax, Self.isAllowed(tag.value) else {
            throw S3Error(.invalidTag, "The TagValue you have provided is invalid").with("TagKey", tag.key)
                .with("TagValue", tag.value)
        }
        tags.append(tag)
    }

    /// Letters, digits and white space of any script, and `+ - = . _ : / @`.
    private static func isAllowed(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { scalar in
            switch scalar.properties.generalCategory {
            case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber,
                .letterNumber, .otherNumber, .spaceSeparator, .nonspacingMark, .spacingMark, .enclosingMark:
                true
            default: "+-=._:/@".unicodeScalars.contains(scalar)
            }
        }
    }

    /// The stored form, and the answer of GetBucketTagging.
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
