package import Base
package import Digests
package import ObjectFormat

package struct CreateUploadOptions: Sendable {
    package var attributes = ObjectAttributes()
    /// nil: CRC64NVME of the full object is computed without the client's doing.
    package var checksum: ChecksumAlgorithm?
    /// nil: the algorithm's default (composite, but for CRC64NVME).
    package var checksumType: ChecksumType?
    package var lock = VersionLock()
    package var owner = ""
    package var grants: [AccessGrant]?
    package var initiator = ""
    package init() {}
}

package struct UploadInfo: Sendable {
    package var key: ObjectKey
    package var upload: UniqueID
    package var initiated: Timestamp
    package var owner: String
    package var initiator: String
    package var storageClass: StorageClass
    /// nil when the client did not choose one.
    package var checksum: ChecksumAlgorithm?
    package var checksumType: ChecksumType?
}

package struct PartOptions: Sendable {
    /// The algorithm that the client sends a value of; must be the upload's.
    package var checksum: ChecksumAlgorithm?
    package var wantsSHA256 = false
    package init() {}
}

package struct PartInfo: Sendable {
    package var number: Int
    package var size: Int64
    package var etag: String
    package var lastModified: Timestamp
    package var checksum: ObjectChecksum?
}

/// A part as CompleteMultipartUpload names it.
package struct PartClaim: Hashable, Sendable {
    package var number: Int
    /// Without quotes.
    package var etag: String
    package var checksum: ObjectChecksum?
    package init(number: Int, etag: String, checksum: ObjectChecksum? = nil) {
        self.number = number
        self.etag = etag
        self.checksum = checksum
    }
}

package struct CompleteOptions: Sendable {
    package var conditions = WriteConditions()
    /// The checksum of the whole object that the client expects.
    package var checksum: ObjectChecksum?
    package var checksumType: ChecksumType?
    /// `x-amz-mp-object-size`.
    package var expectedSize: Int64?
    package init() {}
}

package struct ListPartsOptions: Sendable {
    /// Parts with higher numbers are listed.
    package var marker = 0
    package var limit = 1000
    package init() {}
}

package struct ListPartsResult: Sendable {
    package var upload: UploadInfo
    package var parts: [PartInfo]
    /// The next marker; nil when nothing is left.
    package var next: Int?
}

package struct ListUploadsOptions: Sendable {
    package var prefix: ObjectKey = ""
    package var delimiter: ObjectKey = ""
    package var keyMarker: ObjectKey?
    /// Only with `keyMarker`: uploads of that key with a greater id, then those of later keys. Not parsed: any text.
    package var uploadMarker: String?
    package var limit = 1000
    package init() {}
}

package struct ListUploadsResult: Sendable {
    package enum Entry: Sendable {
        case upload(UploadInfo)
        case commonPrefix(ObjectKey)
    }
    package var entries: [Entry]
    /// nil when nothing is left. The upload is nil after a common prefix.
    package var next: (key: ObjectKey, upload: UniqueID?)?
}

// MARK: Buckets

package struct CreateBucketOptions: Sendable {
    package var owner = ""
    package var region = "us-east-1"
    package var objectLockEnabled = false
    /// The value of `x-amz-object-ownership`; nil: BucketOwnerEnforced.
    package var objectOwnership: String?
    /// Stored in the commit that creates the bucket; together at most as large as one document may be.
    package var documents: [NewBucketDocument] = []
    package init() {}
}

package struct BucketInfo: Hashable, Sendable {
    package var name: String
    package var id: BucketID
    package var tenant: TenantID
    package var created: Timestamp
    package var region: String
    package var owner: String
    package var objectLockEnabled: Bool
    package var versioning: Versioning
    package var defaultRetention: DefaultRetention?
    package var objectOwnership: String
    package var documents: BucketDocuments
}

package enum CreateBucketResult: Sendable {
    case created(BucketInfo)
    /// It exists in this tenant and nothing was changed: us-east-1 answers 200, other regions BucketAlreadyOwnedByYou.
    case alreadyOwnedByYou(BucketInfo)
}

package struct ListBucketsOptions: Sendable {
    package var prefix = ""
    /// Buckets after this name.
    package var after: String?
    package var limit = 10_000
    /// Only this owner's buckets; nil: everybody's.
    package var owner: String?
    package init() {}
}

package struct ListBucketsResult: Sendable {
    package var buckets: [BucketInfo]
    /// The last name when more are left.
    package var next: String?
}
