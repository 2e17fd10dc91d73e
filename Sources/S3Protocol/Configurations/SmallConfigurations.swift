/// Who pays for requests and transfer.
package enum RequestPayment: String, Hashable, Sendable {
    case bucketOwner = "BucketOwner"
    case requester = "Requester"

    package init(parsing body: [UInt8]) throws(S3Error) {
        let root = try XMLReader.parse(body)
        try root.expect("RequestPaymentConfiguration", children: ["Payer"])
        guard let payer = RequestPayment(rawValue: try root.trimmed("Payer") ?? "") else {
            throw S3Error(.malformedXML)
        }
        self = payer
    }

    package func document() -> [UInt8] {
        var writer = XMLWriter(capacity: 256)
        writer.openRoot("RequestPaymentConfiguration")
        writer.element("Payer", rawValue)
        writer.close("RequestPaymentConfiguration")
        return writer.bytes
    }
}

/// Transfer acceleration: AWS's edge network, which nobody else has. That it is off can be said.
package enum TransferAcceleration: String, Hashable, Sendable {
    case enabled = "Enabled"
    case suspended = "Suspended"

    package init(parsing body: [UInt8]) throws(S3Error) {
        let root = try XMLReader.parse(body)
        try root.expect("AccelerateConfiguration", children: ["Status"])
        guard let status = TransferAcceleration(rawValue: try root.trimmed("Status") ?? "") else {
            throw S3Error(.malformedXML)
        }
        self = status
    }

    package func document() -> [UInt8] {
        var writer = XMLWriter(capacity: 256)
        writer.openRoot("AccelerateConfiguration")
        writer.element("Status", rawValue)
        writer.close("AccelerateConfiguration")
        return writer.bytes
    }
}

/// Where a bucket's access log goes.
package struct BucketLogging: Hashable, Sendable {
    package enum KeyFormat: Hashable, Sendable {
        case simple
        /// By account, region, bucket and day; the day is that of the events, or of the delivery.
        case partitioned(byEventTime: Bool)
    }

    package struct Target: Hashable, Sendable {
        package var bucket: String
        package var prefix: String
        package var format: KeyFormat
        package var hasFormat: Bool
    }

    /// Nil: no logging.
    package var target: Target?

    package init(parsing body: [UInt8]) throws(S3Error) {
        let root = try XMLReader.parse(body)
        try root.expect("BucketLoggingStatus", children: ["LoggingEnabled"])
        guard let enabled = try root.child("LoggingEnabled") else { return }
        try enabled.expect(
            "LoggingEnabled", children: ["TargetBucket", "TargetPrefix", "TargetGrants", "TargetObjectKeyFormat"])
        guard let bucket = try enabled.trimmed("TargetBucket"), !bucket.isEmpty,
            let prefix = try enabled.string("TargetPrefix")
        else { throw S3Error(.malformedXML) }
        if let grants = try enabled.child("TargetGrants"), !grants.children.isEmpty {
            throw S3Error(.notImplemented, "Target grants are not implemented: grant access by a bucket policy.")
        }
        let format = try enabled.child("TargetObjectKeyFormat")
        target = Target(
            bucket: bucket, prefix: prefix, format: try format.map(Self.format) ?? .simple, hasFormat: format != nil)
    }

    private static func format(_ element: XMLElement) throws(S3Error) -> KeyFormat {
        try element.expect("TargetObjectKeyFormat", children: ["SimplePrefix", "PartitionedPrefix"])
        guard element.children.count == 1 else { throw S3Error(.malformedXML) }
        guard let partitioned = try element.child("PartitionedPrefix") else { return .simple }
        try partitioned.expect("PartitionedPrefix", children: ["PartitionDateSource"])
        switch try partitioned.trimmed("PartitionDateSource") {
        case "EventTime": return .partitioned(byEventTime: true)
        case nil, "DeliveryTime": return .partitioned(byEventTime: false)
        default: throw S3Error(.malformedXML)
        }
    }

    package func document() -> [UInt8] {
        var writer = XMLWriter(capacity: 512)
        writer.openRoot("BucketLoggingStatus")
        if let target {
            writer.open("LoggingEnabled")
            writer.element("TargetBucket", target.bucket)
            writer.element("TargetPrefix", target.prefix)
            if target.hasFormat {
                writer.open("TargetObjectKeyFormat")
                switch target.format {
                case .simple: writer.empty("SimplePrefix")
                case .partitioned(let byEventTime):
                    writer.open("PartitionedPrefix")
                    writer.element("PartitionDateSource", byEventTime ? "EventTime" : "DeliveryTime")
                    writer.close("PartitionedPrefix")
                }
                writer.close("TargetObjectKeyFormat")
            }
            writer.close("LoggingEnabled")
        }
        writer.close("BucketLoggingStatus")
        return writer.bytes
    }
}
