/// Every operation of the S3 API as its model names them, and two that the model leaves out.
///
/// The deprecated getBucketLifecycle, putBucketLifecycle, getBucketNotification and putBucketNotification share method
/// and URL with their successors: the router never answers with them, and the successors accept the old documents.
package enum S3Operation: Hashable, Sendable, CaseIterable {
    case abortMultipartUpload
    case completeMultipartUpload
    case copyObject
    case createBucket
    case createBucketMetadataConfiguration
    case createBucketMetadataTableConfiguration
    case createMultipartUpload
    case createSession
    case deleteBucket
    case deleteBucketAnalyticsConfiguration
    case deleteBucketCors
    case deleteBucketEncryption
    case deleteBucketIntelligentTieringConfiguration
    case deleteBucketInventoryConfiguration
    case deleteBucketLifecycle
    case deleteBucketMetadataConfiguration
    case deleteBucketMetadataTableConfiguration
    case deleteBucketMetricsConfiguration
    case deleteBucketOwnershipControls
    case deleteBucketPolicy
    case deleteBucketReplication
    case deleteBucketTagging
    case deleteBucketWebsite
    case deleteObject
    case deleteObjectTagging
    case deleteObjects
    case deletePublicAccessBlock
    case getBucketAbac
    case getBucketAccelerateConfiguration
    case getBucketAcl
    case getBucketAnalyticsConfiguration
    case getBucketCors
    case getBucketEncryption
    case getBucketIntelligentTieringConfiguration
    case getBucketInventoryConfiguration
    case getBucketLifecycle
    case getBucketLifecycleConfiguration
    case getBucketLocation
    case getBucketLogging
    case getBucketMetadataConfiguration
    case getBucketMetadataTableConfiguration
    case getBucketMetricsConfiguration
    case getBucketNotification
    case getBucketNotificationConfiguration
    case getBucketOwnershipControls
    case getBucketPolicy
    case getBucketPolicyStatus
    case getBucketReplication
    case getBucketRequestPayment
    case getBucketTagging
    case getBucketVersioning
    case getBucketWebsite
    case getObject
    case getObjectAcl
    case getObjectAttributes
    case getObjectLegalHold
    case getObjectLockConfiguration
    case getObjectRetention
    case getObjectTagging
    case getObjectTorrent
    case getPublicAccessBlock
    case headBucket
    case headObject
    case listBucketAnalyticsConfigurations
    case listBucketIntelligentTieringConfigurations
    case listBucketInventoryConfigurations
    case listBucketMetricsConfigurations
    case listBuckets
    case listDirectoryBuckets
    case listMultipartUploads
    case listObjectVersions
    case listObjects
    case listObjectsV2
    case listParts
    case putBucketAbac
    case putBucketAccelerateConfiguration
    case putBucketAcl
    case putBucketAnalyticsConfiguration
    case putBucketCors
    case putBucketEncryption
    case putBucketIntelligentTieringConfiguration
    case putBucketInventoryConfiguration
    case putBucketLifecycle
    case putBucketLifecycleConfiguration
    case putBucketLogging
    case putBucketMetricsConfiguration
    case putBucketNotification
    case putBucketNotificationConfiguration
    case putBucketOwnershipControls
    case putBucketPolicy
    case putBucketReplication
    case putBucketRequestPayment
    case putBucketTagging
    case putBucketVersioning
    case putBucketWebsite
    case putObject
    case putObjectAcl
    case putObjectLegalHold
    case putObjectLockConfiguration
    case putObjectRetention
    case putObjectTagging
    case putPublicAccessBlock
    case renameObject
    case restoreObject
    case selectObjectContent
    case updateBucketMetadataInventoryTableConfiguration
    case updateBucketMetadataJournalTableConfiguration
    case updateObjectEncryption
    case uploadPart
    case uploadPartCopy
    case writeGetObjectResponse

    /// An upload by an HTML form.
    case postObject
    /// A browser's CORS question: OPTIONS on anything.
    case preflight

    /// The operation's name as AWS writes it: in policies, logs and metrics.
    package var name: String { Self.names[self] ?? "" }

    /// Made once: asking a case for its name costs microseconds.
    private static let names = Dictionary(
        uniqueKeysWithValues: allCases.map { operation in
            let name = String(describing: operation)
            return (operation, name.prefix(1).uppercased() + name.dropFirst())
        })
}
