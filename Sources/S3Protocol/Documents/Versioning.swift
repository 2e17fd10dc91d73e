/// The document of PutBucketVersioning and GetBucketVersioning.
package struct VersioningConfiguration: Hashable, Sendable {
    package enum Status: String, Hashable, Sendable {
        case enabled = "Enabled"
        case suspended = "Suspended"
    }

    /// Nil in the answer for a bucket that never had versioning.
    package var status: Status?
    /// Whether deleting versions for good is to need a second factor.
    package var wantsMFADelete = false

    package init(status: Status?) { self.status = status }

    package init(parsing body: [UInt8]) throws(S3Error) {
        let root = try XMLReader.parse(body)
        try root.expect("VersioningConfiguration", children: ["Status", "MfaDelete"])
        guard let text = try root.trimmed("Status") else {
            throw S3Error(.illegalVersioningConfigurationException, "The Versioning element must be specified")
        }
        guard let status = Status(rawValue: text) else { throw S3Error(.malformedXML) }
        self.status = status
        switch try root.trimmed("MfaDelete") {
        case nil, "Disabled": break
        case "Enabled": wantsMFADelete = true
        default: throw S3Error(.malformedXML)
        }
    }

    package func document() -> [UInt8] {
        var writer = XMLWriter(capacity: 256)
        writer.openRoot("VersioningConfiguration")
        writer.element(ifPresent: "Status", status?.rawValue)
        writer.close("VersioningConfiguration")
        return writer.bytes
    }
}
