extension PolicyDocument {
    func validate(_ use: PolicyUse) throws(PolicyError) {
        for statement in statements {
            switch use {
            case .bucket(let bucket): try statement.validate(bucket: bucket)
            case .identity: try statement.validateForIdentity()
            case .trust: try statement.validateForTrust()
            }
        }
    }
}

extension PolicyDocument.Statement {
    func validate(bucket: String) throws(PolicyError) {
        for pattern in actions.patterns {
            guard S3Action.matching(pattern).isEmpty == false else { throw .invalidAction }
        }
        guard let resources else { throw .missingField("Resource") }
        for pattern in resources.patterns {
            guard BucketResource(pattern, bucket: bucket) != nil else { throw .invalidResource }
        }
        guard !actions.isNegated, !resources.isNegated else { return }
        let kinds = resources.patterns.compactMap { BucketResource($0, bucket: bucket) }
        for pattern in actions.patterns {
            let applies = S3Action.matching(pattern).contains { action in
                kinds.contains { action.isOfObject ? $0.coversObjects : $0.coversBucket }
            }
            guard applies else { throw .actionWithoutResource }
        }
    }

    func validateForIdentity() throws(PolicyError) {
        for pattern in actions.patterns {
            let text = pattern.source
            guard text == "*" || Self.hasVendor(text) else { throw .invalidAction }
        }
        for pattern in resources?.patterns ?? [] {
            let text = pattern.source
            guard text == "*" || text.hasPrefix("arn:") || text.hasPrefix("*") else { throw .invalidResource }
        }
    }

    func validateForTrust() throws(PolicyError) {
        for pattern in actions.patterns {
            let text = pattern.source.lowercased()
            guard text == "*" || text.hasPrefix("sts:") else { throw .invalidAction }
        }
    }

    /// `vendor:Action`, the vendor without wildcards.
    private static func hasVendor(_ text: String) -> Bool {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return false }
        return parts[0].utf8.allSatisfy { byte in
            (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte) || byte == UInt8(ascii: "-")
        }
    }
}

/// A resource of a bucket policy: which of the bucket and its objects it covers.
struct BucketResource {
    let coversBucket: Bool
    let coversObjects: Bool

    init?(_ pattern: Pattern, bucket: String) {
        if pattern.source == "*" {
            (coversBucket, coversObjects) = (true, true)
            return
        }
        let parts = pattern.source.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
        guard parts.count == 6, parts[0] == "arn", parts[1].hasPrefix("aws"), parts[2] == "s3", parts[3].isEmpty,
            parts[4].isEmpty, !parts[5].isEmpty
        else { return nil }
        let name = parts[5].prefix { $0 != "/" }
        let isOfObject = name.endIndex < parts[5].endIndex
        let bucketPattern = Pattern(String(name), variables: false)
        guard bucketPattern.matches(bucket) else { return nil }
        coversBucket = !isOfObject
        // A star at the end of the bucket's name takes the slash and the key too.
        coversObjects = isOfObject || bucketPattern.matches(bucket + "/key")
    }
}
