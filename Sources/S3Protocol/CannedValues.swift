package import Base

/// The storage classes that exist here. Other names of AWS's are refused until there are tiers behind them.
package enum StorageClass: String, Hashable, Sendable, CaseIterable {
    case standard = "STANDARD"
    case reducedRedundancy = "REDUCED_REDUNDANCY"

    /// From x-amz-storage-class; STANDARD when there is none.
    package static func parse(_ head: RequestHead) throws(S3Error) -> StorageClass {
        guard let text = head.value("x-amz-storage-class") else { return .standard }
        guard let known = StorageClass(rawValue: text) else {
            throw S3Error(.invalidStorageClass).with("StorageClassRequested", text)
        }
        return known
    }
}

/// The canned access control lists of x-amz-acl.
package enum CannedACL: String, Hashable, Sendable, CaseIterable {
    case `private`
    case publicRead = "public-read"
    case publicReadWrite = "public-read-write"
    case authenticatedRead = "authenticated-read"
    case awsExecRead = "aws-exec-read"
    case bucketOwnerRead = "bucket-owner-read"
    case bucketOwnerFullControl = "bucket-owner-full-control"
    case logDeliveryWrite = "log-delivery-write"

    /// Nil when the request names none.
    package static func parse(_ head: RequestHead) throws(S3Error) -> CannedACL? {
        guard let text = head.value("x-amz-acl") else { return nil }
        guard let known = CannedACL(rawValue: text) else {
            throw .invalidArgument("", name: "x-amz-acl", value: text)
        }
        return known
    }
}

/// COPY or REPLACE: x-amz-metadata-directive and x-amz-tagging-directive.
package enum CopyDirective: String, Hashable, Sendable {
    case copy = "COPY"
    case replace = "REPLACE"

    package static func metadata(_ head: RequestHead) throws(S3Error) -> CopyDirective {
        try parse(head.value("x-amz-metadata-directive"), "x-amz-metadata-directive", "Unknown metadata directive.")
    }

    package static func tagging(_ head: RequestHead) throws(S3Error) -> CopyDirective {
        try parse(head.value("x-amz-tagging-directive"), "x-amz-tagging-directive", "Unknown tagging directive.")
    }

    private static func parse(_ text: String?, _ name: String, _ message: String) throws(S3Error) -> CopyDirective {
        guard let text else { return .copy }
        guard let known = CopyDirective(rawValue: text) else {
            throw .invalidArgument(message, name: name, value: text)
        }
        return known
    }
}
