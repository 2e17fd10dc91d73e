package import Base

/// The query of ListBuckets.
package struct ListBucketsQuery: Hashable, Sendable {
    package static let pageMax = 10_000

    package var maxBuckets: Int
    package var prefix: [UInt8]
    package var continuationToken: String?
    package var region: String?

    package init(_ target: RequestTarget) throws(S3Error) {
        maxBuckets = Self.pageMax
        if let text = target.string("max-buckets"), !text.isEmpty {
            guard let value = Int(text), (1...Self.pageMax).contains(value) else {
                throw .invalidArgument(
                    "Argument max-buckets must be an integer between 1 and 10000", name: "max-buckets", value: text)
            }
            maxBuckets = value
        }
        prefix = target.bytes("prefix") ?? []
        continuationToken = target.string("continuation-token")
        region = target.string("bucket-region")
    }

    /// The name after which the page begins; nil at the beginning.
    package func position() throws(S3Error) -> String? {
        guard let continuationToken else { return nil }
        let token = try ContinuationToken(parsing: continuationToken)
        guard token.kind == .afterBucket else { throw ContinuationToken.incorrect(continuationToken) }
        return String(decoding: token.position, as: UTF8.self)
    }
}

package struct ListBucketsResult: Sendable {
    package struct Bucket: Hashable, Sendable {
        package var name: String
        package var created: Timestamp
        package var region: String?
        package init(name: String, created: Timestamp, region: String? = nil) {
            self.name = name
            self.created = created
            self.region = region
        }
    }

    package var owner: OwnerElement
    package var buckets: [Bucket]
    package var continuationToken: String?
    /// Shown when the request had one.
    package var prefix: [UInt8]?

    package init(owner: OwnerElement, buckets: [Bucket], continuationToken: String? = nil, prefix: [UInt8]? = nil) {
        self.owner = owner
        self.buckets = buckets
        self.continuationToken = continuationToken
        self.prefix = prefix
    }

    package func document() -> [UInt8] {
        var writer = XMLWriter(capacity: 512 + buckets.count * 160)
        writer.openRoot("ListAllMyBucketsResult")
        writer.owner("Owner", owner)
        writer.open("Buckets")
        for bucket in buckets {
            writer.open("Bucket")
            writer.element("Name", bucket.name)
            writer.timestamp("CreationDate", bucket.created)
            writer.element(ifPresent: "BucketRegion", bucket.region)
            writer.close("Bucket")
        }
        writer.close("Buckets")
        writer.key(ifPresent: "Prefix", prefix, urlEncoded: false)
        writer.element(ifPresent: "ContinuationToken", continuationToken)
        writer.close("ListAllMyBucketsResult")
        return writer.bytes
    }
}

/// The body of CreateBucket.
package struct CreateBucketConfiguration: Hashable, Sendable {
    package var locationConstraint: String?
    package var tags: [BucketTag]

    package struct BucketTag: Hashable, Sendable {
        package var key: String
        package var value: String
        package init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }

    /// An empty body is the configuration that says nothing.
    package init(parsing body: [UInt8]) throws(S3Error) {
        tags = []
        guard !body.isEmpty else { return }
        let root = try XMLReader.parse(body)
        try root.expect("CreateBucketConfiguration", children: ["LocationConstraint", "Location", "Bucket", "Tags"])
        locationConstraint = try root.trimmed("LocationConstraint").flatMap { $0.isEmpty ? nil : $0 }
        // Directory buckets are another service of AWS's.
        guard root.children.allSatisfy({ $0.name != "Location" && $0.name != "Bucket" }) else {
            throw S3Error(.notImplemented, "Directory buckets are not implemented")
        }
        if let list = try root.child("Tags") {
            for tag in list.children {
                try tag.expect("Tag", children: ["Key", "Value"])
                tags.append(BucketTag(key: try tag.required("Key"), value: try tag.required("Value")))
            }
        }
    }

    /// Refuses a constraint that is not this region. `EU` is the old name of eu-west-1.
    package func validate(region: String) throws(S3Error) {
        guard let locationConstraint else { return }
        guard locationConstraint == region || (locationConstraint == "EU" && region == "eu-west-1") else {
            throw S3Error(.invalidLocationConstraint).with("LocationConstraint", locationConstraint)
        }
    }
}

/// The answer of GetBucketLocation. The first region of all has no name in it.
package func locationConstraintDocument(region: String) -> [UInt8] {
    var writer = XMLWriter(capacity: 256)
    writer.openRoot("LocationConstraint")
    if region != "us-east-1" { writer.escape(region) }
    writer.close("LocationConstraint")
    return writer.bytes
}
