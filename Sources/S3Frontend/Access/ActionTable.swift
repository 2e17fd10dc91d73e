import ObjectFormat
import S3Protocol

/// What an operation needs before it may run: an action of IAM's, on the bucket or on the object, and the permission of an access
/// control list that stands for it, if one does.
struct AccessNeed: Hashable, Sendable {
    enum Target: Hashable, Sendable { case service, bucket, object }
    /// Where a list can grant it: WRITE on a bucket lets objects be written.
    enum ListGrant: Hashable, Sendable {
        case onBucket(AccessGrant.Permission)
        case onObject(AccessGrant.Permission)
    }
    var action: String
    var target: Target
    var list: ListGrant?

    static func bucket(_ action: String, _ permission: AccessGrant.Permission? = nil) -> AccessNeed {
        AccessNeed(action: "s3:" + action, target: .bucket, list: permission.map { .onBucket($0) })
    }

    static func object(_ action: String, _ list: ListGrant? = nil) -> AccessNeed {
        AccessNeed(action: "s3:" + action, target: .object, list: list)
    }

    static let listBucket = AccessNeed.bucket("ListBucket", .read)
    static let putObject = AccessNeed.object("PutObject", .onBucket(.write))
}

/// The map from operations to actions, in one place. A request that names a version needs the action for versions.
enum ActionTable {
    static func needs(_ operation: S3Operation, namesVersion: Bool) -> [AccessNeed] {
        func versioned(
            _ plain: String, _ named: String, _ list: AccessNeed.ListGrant? = nil
        ) -> [AccessNeed] { [.object(namesVersion ? named : plain, list)] }

        switch operation {
        case .listBuckets, .listDirectoryBuckets:
            return [AccessNeed(action: "s3:ListAllMyBuckets", target: .service, list: nil)]
        case .createBucket: return [.bucket("CreateBucket")]
        case .deleteBucket: return [.bucket("DeleteBucket")]
        case .headBucket, .listObjects, .listObjectsV2: return [.listBucket]
        case .listObjectVersions: return [.bucket("ListBucketVersions", .read)]
        case .listMultipartUploads: return [.bucket("ListBucketMultipartUploads", .read)]
        case .getBucketAcl: return [.bucket("GetBucketAcl", .readACP)]
        case .putBucketAcl: return [.bucket("PutBucketAcl", .writeACP)]
        case .getBucketLocation: return [.bucket("GetBucketLocation")]

        case .getObject, .headObject, .selectObjectContent:
            return versioned("GetObject", "GetObjectVersion", .onObject(.read))
        case .getObjectAttributes:
            return versioned("GetObject", "GetObjectVersion", .onObject(.read))
                + versioned("GetObjectAttributes", "GetObjectVersionAttributes", .onObject(.read))
        case .getObjectTorrent: return versioned("GetObjectTorrent", "GetObjectVersionTorrent", .onObject(.read))
        case .getObjectAcl: return versioned("GetObjectAcl", "GetObjectVersionAcl", .onObject(.readACP))
        case .putObjectAcl: return versioned("PutObjectAcl", "PutObjectVersionAcl", .onObject(.writeACP))
        case .getObjectTagging: return versioned("GetObjectTagging", "GetObjectVersionTagging")
        case .putObjectTagging: return versioned("PutObjectTagging", "PutObjectVersionTagging")
        case .deleteObjectTagging: return versioned("DeleteObjectTagging", "DeleteObjectVersionTagging")
        case .getObjectRetention: return [.object("GetObjectRetention")]
        case .putObjectRetention: return [.object("PutObjectRetention")]
        case .getObjectLegalHold: return [.object("GetObjectLegalHold")]
        case .putObjectLegalHold: return [.object("PutObjectLegalHold")]
        case .deleteObject: return versioned("DeleteObject", "DeleteObjectVersion", .onBucket(.write))
        case .putObject, .copyObject, .createMultipartUpload, .uploadPart, .uploadPartCopy, .completeMultipartUpload,
            .postObject:
            return [.putObject]
        case .renameObject: return [.putObject]
        case .abortMultipartUpload: return [.object("AbortMultipartUpload", .onBucket(.write))]
        case .listParts: return [.object("ListMultipartUploadParts", .onBucket(.write))]
        case .restoreObject: return [.object("RestoreObject")]
        case .updateObjectEncryption: return [.object("UpdateObjectEncryption")]
        // Each key is judged when the body has been read.
        case .deleteObjects: return []
        case .preflight, .writeGetObjectResponse: return []
        default: return [.bucket(configurationAction(operation))]
        }
    }

    /// Operations on a bucket's configuration. Where AWS has no action of its own for a DELETE, that of the PUT is needed.
    private static func configurationAction(_ operation: S3Operation) -> String {
        switch operation {
        case .getBucketAbac: "GetBucketAbac"
        case .putBucketAbac: "PutBucketAbac"
        case .getBucketAccelerateConfiguration: "GetAccelerateConfiguration"
        case .putBucketAccelerateConfiguration: "PutAccelerateConfiguration"
        case .getBucketAnalyticsConfiguration, .listBucketAnalyticsConfigurations: "GetAnalyticsConfiguration"
        case .putBucketAnalyticsConfiguration, .deleteBucketAnalyticsConfiguration: "PutAnalyticsConfiguration"
        case .getBucketCors: "GetBucketCORS"
        case .putBucketCors, .deleteBucketCors: "PutBucketCORS"
        case .getBucketEncryption: "GetEncryptionConfiguration"
        case .putBucketEncryption, .deleteBucketEncryption: "PutEncryptionConfiguration"
        case .getBucketIntelligentTieringConfiguration, .listBucketIntelligentTieringConfigurations:
            "GetIntelligentTieringConfiguration"
        case .putBucketIntelligentTieringConfiguration, .deleteBucketIntelligentTieringConfiguration:
            "PutIntelligentTieringConfiguration"
        case .getBucketInventoryConfiguration, .listBucketInventoryConfigurations: "GetInventoryConfiguration"
        case .putBucketInventoryConfiguration, .deleteBucketInventoryConfiguration: "PutInventoryConfiguration"
        case .getBucketLifecycle, .getBucketLifecycleConfiguration: "GetLifecycleConfiguration"
        case .putBucketLifecycle, .putBucketLifecycleConfiguration, .deleteBucketLifecycle: "PutLifecycleConfiguration"
        case .getBucketLogging: "GetBucketLogging"
        case .putBucketLogging: "PutBucketLogging"
        case .getBucketMetricsConfiguration, .listBucketMetricsConfigurations: "GetMetricsConfiguration"
        case .putBucketMetricsConfiguration, .deleteBucketMetricsConfiguration: "PutMetricsConfiguration"
        case .getBucketNotification, .getBucketNotificationConfiguration: "GetBucketNotification"
        case .putBucketNotification, .putBucketNotificationConfiguration: "PutBucketNotification"
        case .getBucketOwnershipControls: "GetBucketOwnershipControls"
        case .putBucketOwnershipControls, .deleteBucketOwnershipControls: "PutBucketOwnershipControls"
        case .getBucketPolicy: "GetBucketPolicy"
        case .putBucketPolicy: "PutBucketPolicy"
        case .deleteBucketPolicy: "DeleteBucketPolicy"
        case .getBucketPolicyStatus: "GetBucketPolicyStatus"
        case .getBucketReplication: "GetReplicationConfiguration"
        case .putBucketReplication, .deleteBucketReplication: "PutReplicationConfiguration"
        case .getBucketRequestPayment: "GetBucketRequestPayment"
        case .putBucketRequestPayment: "PutBucketRequestPayment"
        case .getBucketTagging: "GetBucketTagging"
        case .putBucketTagging, .deleteBucketTagging: "PutBucketTagging"
        case .getBucketVersioning: "GetBucketVersioning"
        case .putBucketVersioning: "PutBucketVersioning"
        case .getBucketWebsite: "GetBucketWebsite"
        case .putBucketWebsite: "PutBucketWebsite"
        case .deleteBucketWebsite: "DeleteBucketWebsite"
        case .getObjectLockConfiguration: "GetBucketObjectLockConfiguration"
        case .putObjectLockConfiguration: "PutBucketObjectLockConfiguration"
        case .getPublicAccessBlock: "GetBucketPublicAccessBlock"
        case .putPublicAccessBlock, .deletePublicAccessBlock: "PutBucketPublicAccessBlock"
        // Whatever is left is not built and answers so; its own name is its action.
        default: operation.name
        }
    }
}
