/// What a regular report of a bucket's objects holds and where it goes.
package struct InventoryConfiguration: Hashable, Sendable {
    package enum Frequency: String, Hashable, Sendable {
        case daily = "Daily"
        case weekly = "Weekly"
    }
    package enum Field: String, CaseIterable, Hashable, Sendable {
        case size = "Size"
        case lastModified = "LastModifiedDate"
        case storageClass = "StorageClass"
        case etag = "ETag"
        case isMultipart = "IsMultipartUploaded"
        case replication = "ReplicationStatus"
        case encryption = "EncryptionStatus"
        case retainUntil = "ObjectLockRetainUntilDate"
        case lockMode = "ObjectLockMode"
        case legalHold = "ObjectLockLegalHoldStatus"
        case tier = "IntelligentTieringAccessTier"
        case bucketKey = "BucketKeyStatus"
        case checksumAlgorithm = "ChecksumAlgorithm"
        case accessControlList = "ObjectAccessControlList"
        case owner = "ObjectOwner"
        case expiration = "LifecycleExpirationDate"
    }

    package var id: String
    package var isEnabled: Bool
    package var allVersions: Bool
    package var frequency: Frequency
    /// Of the objects reported on.
    package var filterPrefix: String?
    /// The bucket that the report goes to, as an ARN, and the account that owns it when that is checked.
    package var destinationARN: String
    package var destinationAccount: String?
    package var prefix: String?
    package var fields: [Field]

    private static let arnPrefix = "arn:aws:s3:::"

    package var destinationBucket: String { String(destinationARN.dropFirst(Self.arnPrefix.count)) }

    package init(parsing body: [UInt8]) throws(S3Error) {
        let root = try XMLReader.parse(body)
        try root.expect(
            "InventoryConfiguration",
            children: [
                "Destination", "IsEnabled", "Filter", "Id", "IncludedObjectVersions", "OptionalFields", "Schedule",
            ])
        guard let id = try root.trimmed("Id"), Self.isID(id), let isEnabled = try root.boolean("IsEnabled"),
            let destination = try root.child("Destination"), let schedule = try root.child("Schedule")
        else { throw S3Error(.malformedXML) }
        self.id = id
        self.isEnabled = isEnabled
        switch try root.trimmed("IncludedObjectVersions") {
        case "All": allVersions = true
        case "Current": allVersions = false
        default: throw S3Error(.malformedXML)
        }
        try schedule.expect("Schedule", children: ["Frequency"])
        guard let frequency = Frequency(rawValue: try schedule.trimmed("Frequency") ?? "") else {
            throw S3Error(.malformedXML)
        }
        self.frequency = frequency
        if let filter = try root.child("Filter") {
            try filter.expect("Filter", children: ["Prefix"])
            filterPrefix = try filter.string("Prefix")
        }
        fields = []
        if let optional = try root.child("OptionalFields") {
            try optional.expect("OptionalFields", children: ["Field"])
            for child in optional.children {
                guard let field = Field(rawValue: child.text), !fields.contains(field) else {
                    throw S3Error(.malformedXML)
                }
                fields.append(field)
            }
        }
        try destination.expect("Destination", children: ["S3BucketDestination"])
        guard let target = try destination.child("S3BucketDestination") else { throw S3Error(.malformedXML) }
        try target.expect(
            "S3BucketDestination", children: ["AccountId", "Bucket", "Encryption", "Format", "Prefix"])
        destinationAccount = try target.trimmed("AccountId")
        prefix = try target.string("Prefix")
        destinationARN = try target.trimmed("Bucket") ?? ""
        guard destinationARN.hasPrefix(Self.arnPrefix), destinationARN.utf8.count > Self.arnPrefix.utf8.count else {
            throw S3Error(.invalidS3DestinationBucket)
        }
        switch try target.trimmed("Format") {
        case "CSV": break
        case "ORC", "Parquet":
            throw S3Error(.notImplemented, "Inventory reports are written as CSV; ORC and Parquet are not implemented.")
        default: throw S3Error(.malformedXML)
        }
        if try target.child("Encryption") != nil {
            throw S3Error(.notImplemented, "Encryption of inventory reports is not implemented.")
        }
    }

    /// 1 to 64 letters, digits, `.`, `_` and `-`.
    package static func isID(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
                    || $0 == 0x2E || $0 == 0x5F || $0 == 0x2D
            }
    }

    package func document() -> [UInt8] {
        var writer = XMLWriter(capacity: 1024)
        writer.openRoot("InventoryConfiguration")
        write(to: &writer)
        writer.close("InventoryConfiguration")
        return writer.bytes
    }

    /// What stands inside the element.
    package func write(to writer: inout XMLWriter) {
        writer.open("Destination")
        writer.open("S3BucketDestination")
        writer.element(ifPresent: "AccountId", destinationAccount)
        writer.element("Bucket", destinationARN)
        writer.element("Format", "CSV")
        writer.element(ifPresent: "Prefix", prefix)
        writer.close("S3BucketDestination")
        writer.close("Destination")
        writer.element("IsEnabled", isEnabled)
        if let filterPrefix {
            writer.open("Filter")
            writer.element("Prefix", filterPrefix)
            writer.close("Filter")
        }
        writer.element("Id", id)
        writer.element("IncludedObjectVersions", allVersions ? "All" : "Current")
        if !fields.isEmpty {
            writer.open("OptionalFields")
            for field in fields { writer.element("Field", field.rawValue) }
            writer.close("OptionalFields")
        }
        writer.open("Schedule")
        writer.element("Frequency", frequency.rawValue)
        writer.close("Schedule")
    }
}
