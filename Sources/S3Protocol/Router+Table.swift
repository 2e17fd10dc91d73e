import Base

/// One line of the routing table.
struct Route: Sendable {
    enum Scope: Sendable {
        case service, bucket, object

        var resourceType: String {
            switch self {
            case .service: "SERVICE"
            case .bucket: "BUCKET"
            case .object: "OBJECT"
            }
        }
    }

    enum Method: Sendable {
        case get, head, put, post, delete, options

        /// Methods are case-sensitive.
        init?(_ head: RequestHead) {
            switch head.string(head.method) {
            case "GET": self = .get
            case "HEAD": self = .head
            case "PUT": self = .put
            case "POST": self = .post
            case "DELETE": self = .delete
            case "OPTIONS": self = .options
            default: return nil
            }
        }
    }

    /// What tells operations of the same scope, method and sub-resource apart; the first line that holds wins.
    enum Condition: Sendable {
        case always
        case parameter(StaticString)
        case parameterIs(StaticString, String)
        case header(StaticString)
        case parameterAndHeader(StaticString, StaticString)
        case formData

        func holds(_ head: RequestHead, _ target: RequestTarget) -> Bool {
            switch self {
            case .always: true
            case .parameter(let name): target.contains(name)
            case .parameterIs(let name, let value): target.string(name) == value
            case .header(let name): head.first(name) != nil
            case .parameterAndHeader(let parameter, let header):
                target.contains(parameter) && head.first(header) != nil
            case .formData: head.value("content-type")?.lowercased().hasPrefix("multipart/form-data") ?? false
            }
        }
    }

    let scope: Scope
    let method: Method
    /// An index into `subresources`.
    let subresource: Int?
    let condition: Condition
    let operation: S3Operation

    private init(
        _ scope: Scope, _ method: Method, _ name: String?, _ operation: S3Operation, _ condition: Condition = .always
    ) {
        self.scope = scope
        self.method = method
        subresource = name.flatMap { name in Self.subresources.firstIndex { $0.description == name } }
        precondition(name == nil || subresource != nil, "a route's sub-resource is in the list of sub-resources")
        self.condition = condition
        self.operation = operation
    }

    /// The query parameters that choose the operation.
    static let subresources: [StaticString] = [
        "uploadId", "uploads", "tagging", "acl", "versions", "delete", "location", "versioning", "policy", "lifecycle",
        "cors", "encryption", "attributes", "retention", "legal-hold", "object-lock", "abac", "accelerate", "analytics",
        "intelligent-tiering", "inventory", "logging", "metadataConfiguration", "metadataInventoryTable",
        "metadataJournalTable", "metadataTable", "metrics", "notification", "ownershipControls", "policyStatus",
        "publicAccessBlock", "renameObject", "replication", "requestPayment", "restore", "select", "session", "torrent",
        "website",
    ]

    static let table: [Route] = [
        // Objects, the plain ones first: they are most requests.
        Route(.object, .get, nil, .getObject),
        Route(.object, .head, nil, .headObject),
        Route(.object, .put, nil, .copyObject, .header("x-amz-copy-source")),
        Route(.object, .put, nil, .putObject),
        Route(.object, .delete, nil, .deleteObject),
        Route(.object, .put, "uploadId", .uploadPartCopy, .parameterAndHeader("partNumber", "x-amz-copy-source")),
        Route(.object, .put, "uploadId", .uploadPart, .parameter("partNumber")),
        Route(.object, .post, "uploads", .createMultipartUpload),
        Route(.object, .post, "uploadId", .completeMultipartUpload),
        Route(.object, .delete, "uploadId", .abortMultipartUpload),
        Route(.object, .get, "uploadId", .listParts),
        Route(.object, .get, "acl", .getObjectAcl),
        Route(.object, .put, "acl", .putObjectAcl),
        Route(.object, .get, "attributes", .getObjectAttributes),
        Route(.object, .get, "legal-hold", .getObjectLegalHold),
        Route(.object, .put, "legal-hold", .putObjectLegalHold),
        Route(.object, .get, "retention", .getObjectRetention),
        Route(.object, .put, "retention", .putObjectRetention),
        Route(.object, .get, "tagging", .getObjectTagging),
        Route(.object, .put, "tagging", .putObjectTagging),
        Route(.object, .delete, "tagging", .deleteObjectTagging),
        Route(.object, .get, "torrent", .getObjectTorrent),
        Route(.object, .put, "renameObject", .renameObject),
        Route(.object, .post, "restore", .restoreObject),
        Route(.object, .post, "select", .selectObjectContent),
        Route(.object, .put, "encryption", .updateObjectEncryption),
        // The service.
        Route(.service, .get, nil, .listDirectoryBuckets, .parameter("max-directory-buckets")),
        Route(.service, .get, nil, .listBuckets),
        // Buckets.
        Route(.bucket, .get, nil, .listObjectsV2, .parameterIs("list-type", "2")),
        Route(.bucket, .get, nil, .listObjects),
        Route(.bucket, .head, nil, .headBucket),
        Route(.bucket, .put, nil, .createBucket),
        Route(.bucket, .delete, nil, .deleteBucket),
        Route(.bucket, .post, nil, .postObject, .formData),
        Route(.bucket, .post, "delete", .deleteObjects),
        Route(.bucket, .get, "versions", .listObjectVersions),
        Route(.bucket, .get, "uploads", .listMultipartUploads),
        Route(.bucket, .get, "location", .getBucketLocation),
        // Their configurations.
        Route(.bucket, .get, "abac", .getBucketAbac),
        Route(.bucket, .put, "abac", .putBucketAbac),
        Route(.bucket, .get, "accelerate", .getBucketAccelerateConfiguration),
        Route(.bucket, .put, "accelerate", .putBucketAccelerateConfiguration),
        Route(.bucket, .get, "acl", .getBucketAcl),
        Route(.bucket, .put, "acl", .putBucketAcl),
        Route(.bucket, .get, "analytics", .getBucketAnalyticsConfiguration, .parameter("id")),
        Route(.bucket, .get, "analytics", .listBucketAnalyticsConfigurations),
        Route(.bucket, .put, "analytics", .putBucketAnalyticsConfiguration),
        Route(.bucket, .delete, "analytics", .deleteBucketAnalyticsConfiguration),
        Route(.bucket, .get, "cors", .getBucketCors),
        Route(.bucket, .put, "cors", .putBucketCors),
        Route(.bucket, .delete, "cors", .deleteBucketCors),
        Route(.bucket, .get, "encryption", .getBucketEncryption),
        Route(.bucket, .put, "encryption", .putBucketEncryption),
        Route(.bucket, .delete, "encryption", .deleteBucketEncryption),
        Route(.bucket, .get, "intelligent-tiering", .getBucketIntelligentTieringConfiguration, .parameter("id")),
        Route(.bucket, .get, "intelligent-tiering", .listBucketIntelligentTieringConfigurations),
        Route(.bucket, .put, "intelligent-tiering", .putBucketIntelligentTieringConfiguration),
        Route(.bucket, .delete, "intelligent-tiering", .deleteBucketIntelligentTieringConfiguration),
        Route(.bucket, .get, "inventory", .getBucketInventoryConfiguration, .parameter("id")),
        Route(.bucket, .get, "inventory", .listBucketInventoryConfigurations),
        Route(.bucket, .put, "inventory", .putBucketInventoryConfiguration),
        Route(.bucket, .delete, "inventory", .deleteBucketInventoryConfiguration),
        Route(.bucket, .get, "lifecycle", .getBucketLifecycleConfiguration),
        Route(.bucket, .put, "lifecycle", .putBucketLifecycleConfiguration),
        Route(.bucket, .delete, "lifecycle", .deleteBucketLifecycle),
        Route(.bucket, .get, "logging", .getBucketLogging),
        Route(.bucket, .put, "logging", .putBucketLogging),
        Route(.bucket, .get, "metadataConfiguration", .getBucketMetadataConfiguration),
        Route(.bucket, .post, "metadataConfiguration", .createBucketMetadataConfiguration),
        Route(.bucket, .delete, "metadataConfiguration", .deleteBucketMetadataConfiguration),
        Route(.bucket, .put, "metadataInventoryTable", .updateBucketMetadataInventoryTableConfiguration),
        Route(.bucket, .put, "metadataJournalTable", .updateBucketMetadataJournalTableConfiguration),
        Route(.bucket, .get, "metadataTable", .getBucketMetadataTableConfiguration),
        Route(.bucket, .post, "metadataTable", .createBucketMetadataTableConfiguration),
        Route(.bucket, .delete, "metadataTable", .deleteBucketMetadataTableConfiguration),
        Route(.bucket, .get, "metrics", .getBucketMetricsConfiguration, .parameter("id")),
        Route(.bucket, .get, "metrics", .listBucketMetricsConfigurations),
        Route(.bucket, .put, "metrics", .putBucketMetricsConfiguration),
        Route(.bucket, .delete, "metrics", .deleteBucketMetricsConfiguration),
        Route(.bucket, .get, "notification", .getBucketNotificationConfiguration),
        Route(.bucket, .put, "notification", .putBucketNotificationConfiguration),
        Route(.bucket, .get, "object-lock", .getObjectLockConfiguration),
        Route(.bucket, .put, "object-lock", .putObjectLockConfiguration),
        Route(.bucket, .get, "ownershipControls", .getBucketOwnershipControls),
        Route(.bucket, .put, "ownershipControls", .putBucketOwnershipControls),
        Route(.bucket, .delete, "ownershipControls", .deleteBucketOwnershipControls),
        Route(.bucket, .get, "policy", .getBucketPolicy),
        Route(.bucket, .put, "policy", .putBucketPolicy),
        Route(.bucket, .delete, "policy", .deleteBucketPolicy),
        Route(.bucket, .get, "policyStatus", .getBucketPolicyStatus),
        Route(.bucket, .get, "publicAccessBlock", .getPublicAccessBlock),
        Route(.bucket, .put, "publicAccessBlock", .putPublicAccessBlock),
        Route(.bucket, .delete, "publicAccessBlock", .deletePublicAccessBlock),
        Route(.bucket, .get, "replication", .getBucketReplication),
        Route(.bucket, .put, "replication", .putBucketReplication),
        Route(.bucket, .delete, "replication", .deleteBucketReplication),
        Route(.bucket, .get, "requestPayment", .getBucketRequestPayment),
        Route(.bucket, .put, "requestPayment", .putBucketRequestPayment),
        Route(.bucket, .get, "session", .createSession),
        Route(.bucket, .get, "tagging", .getBucketTagging),
        Route(.bucket, .put, "tagging", .putBucketTagging),
        Route(.bucket, .delete, "tagging", .deleteBucketTagging),
        Route(.bucket, .get, "versioning", .getBucketVersioning),
        Route(.bucket, .put, "versioning", .putBucketVersioning),
        Route(.bucket, .get, "website", .getBucketWebsite),
        Route(.bucket, .put, "website", .putBucketWebsite),
        Route(.bucket, .delete, "website", .deleteBucketWebsite),
    ]
}
