package import Base
package import Digests
package import ObjectFormat

/// An ETag condition: `*`, or any of these (without quotes and weak marks).
package enum ETagCondition: Hashable, Sendable {
    case any
    case tags([String])

    func matches(_ etag: String) -> Bool {
        switch self {
        case .any: true
        case .tags(let tags): tags.contains(etag)
        }
    }
}

/// Conditions of a write, judged on the current version under the key's lock.
package struct WriteConditions: Hashable, Sendable {
    package var ifMatch: ETagCondition?
    package var ifNoneMatch: ETagCondition?
    package init(ifMatch: ETagCondition? = nil, ifNoneMatch: ETagCondition? = nil) {
        self.ifMatch = ifMatch
        self.ifNoneMatch = ifNoneMatch
    }
    package var isEmpty: Bool { ifMatch == nil && ifNoneMatch == nil }
}

/// Conditions of a delete. An object that does not exist satisfies a size or a time (nothing is left to delete); an ETag and `*`
/// want it to exist.
package struct DeleteConditions: Hashable, Sendable {
    package var ifMatch: ETagCondition?
    package var ifMatchSize: Int64?
    /// Compared in whole seconds.
    package var ifMatchLastModified: Timestamp?
    package init() {}
}

/// Conditions of a read or of a copy's source, with the precedence of RFC 9110, section 13.2.2. Times compare in whole seconds.
package struct ReadConditions: Hashable, Sendable {
    package var ifMatch: ETagCondition?
    package var ifNoneMatch: ETagCondition?
    package var ifModifiedSince: Timestamp?
    package var ifUnmodifiedSince: Timestamp?
    package init() {}
}

/// What a client says of an object that it writes.
package struct ObjectAttributes: Hashable, Sendable {
    package var headers = ContentHeaders()
    /// Names in lower case, without `x-amz-meta-`.
    package var metadata: [NameValue] = []
    package var tags: [NameValue] = []
    package var storageClass: StorageClass = .standard
    package init() {}
}

package struct PutOptions: Sendable {
    package var attributes = ObjectAttributes()
    package var conditions = WriteConditions()
    /// The additional checksum to compute, to hand to the body's `finish`, and to store; CRC64NVME when nil.
    package var checksum: ChecksumAlgorithm?
    /// Compute SHA-256 for `finish` too (signed payloads). Not stored unless `checksum` asks for it.
    package var wantsSHA256 = false
    /// Who writes: recorded as the owner.
    package var owner = ""
    /// Retention and legal hold of the new version; a bucket's default retention takes the place of a missing one.
    package var lock = VersionLock()
    /// nil: the owner has full control.
    package var grants: [AccessGrant]?
    package init() {}
}

package struct PutResult: Sendable {
    package var etag: String
    /// nil in a bucket that never had versioning.
    package var version: VersionID?
    package var checksum: ObjectChecksum?
    package var size: Int64
    package var lastModified: Timestamp
}

/// One version of an object as clients see it.
package struct ObjectInfo: Sendable {
    package var key: ObjectKey
    package var version: VersionID
    package var isDeleteMarker: Bool
    package var size: Int64
    package var lastModified: Timestamp
    package var etag: String
    package var checksum: ObjectChecksum?
    package var attributes: ObjectAttributes
    package var owner: String
    package var grants: [AccessGrant]?
    /// Parts of an object made by a multipart upload; nil for one made by a single PUT.
    package var partCount: Int?
    package var lock: VersionLock
}

/// Which bytes a read wants.
package enum ReadSelection: Hashable, Sendable {
    case all
    /// `first` to the end, or to `last` (inclusive).
    case from(Int64, to: Int64?)
    case suffix(Int64)
    case part(Int)
}

package struct GetOptions: Sendable {
    /// nil: the current version.
    package var version: VersionID?
    package var selection: ReadSelection = .all
    package var conditions = ReadConditions()
    package init() {}
}

/// What HEAD answers, and GET before its bytes.
package struct HeadResult: Sendable {
    package var object: ObjectInfo
    /// The bytes selected; nil when they are none (an empty object, or an empty part).
    package var range: ByteRange?
    /// True when only a part of the object was selected (206).
    package var isPartial: Bool
    /// The checksum of the part, when a part was selected of an object that has parts.
    package var partChecksum: ObjectChecksum?
}

package struct GetResult {
    package var head: HeadResult
    /// Must be closed on every path.
    package var reader: ObjectReader
}

package struct DeleteOptions: Sendable {
    /// nil: the current version.
    package var version: VersionID?
    package var conditions = DeleteConditions()
    /// Whoever asks may remove versions that are kept in governance mode.
    package var bypassesGovernance = false
    package init() {}
}

package struct DeleteResult: Sendable {
    /// The version deleted, when one was named.
    package var version: VersionID?
    /// The delete marker that was made or deleted.
    package var deleteMarker: VersionID?
}

package struct DeleteRequest: Sendable {
    package var key: ObjectKey
    package var options: DeleteOptions
    package init(key: ObjectKey, options: DeleteOptions = DeleteOptions()) {
        self.key = key
        self.options = options
    }
}

package struct CopySource: Sendable {
    package var bucket: String
    package var key: ObjectKey
    package var version: VersionID?
    package var conditions = ReadConditions()
    package init(bucket: String, key: ObjectKey, version: VersionID? = nil) {
        self.bucket = bucket
        self.key = key
        self.version = version
    }
}

package struct CopyOptions: Sendable {
    /// nil: headers and metadata of the source (directive COPY). Storage class, which the directive does not cover, is below.
    package var replacement: ObjectAttributes?
    /// nil: tags of the source.
    package var tags: [NameValue]?
    package var websiteRedirect: String?
    package var storageClass: StorageClass = .standard
    /// The class was asked for, were it the same as before: that makes a copy onto itself no idle one.
    package var namesStorageClass = false
    package var conditions = WriteConditions()
    /// nil: the source's algorithm, CRC64NVME if it has none.
    package var checksum: ChecksumAlgorithm?
    package var owner = ""
    /// Never the source's.
    package var lock = VersionLock()
    package var grants: [AccessGrant]?
    package init() {}
}

package struct CopyResult: Sendable {
    package var put: PutResult
    /// The version copied, when the source bucket has versions.
    package var sourceVersion: VersionID?
}

// MARK: Listing

/// Where a listing begins.
package enum ListStart: Hashable, Sendable {
    case beginning
    /// After this key (`start-after`, or a token after a key).
    case after(ObjectKey)
    /// After this key, and after the common prefix that contains it (`marker`, `key-marker`).
    case marker(ObjectKey)
    /// After every key with this prefix (a token after a common prefix).
    case past(ObjectKey)
}

package struct ListOptions: Sendable {
    package var prefix: ObjectKey = ""
    /// Empty: none.
    package var delimiter: ObjectKey = ""
    package var start: ListStart = .beginning
    package var limit = 1000
    package init() {}
}

package struct ListResult: Sendable {
    package enum Entry: Sendable {
        case object(PagedObject)
        case commonPrefix(ObjectKey)
    }
    /// In key order, common prefixes among them.
    package var entries: [Entry]
    /// Where to go on; nil when nothing is left. For `marker` protocols its key is the last entry.
    package var next: ListStart?
}

package struct ListVersionsOptions: Sendable {
    package var prefix: ObjectKey = ""
    package var delimiter: ObjectKey = ""
    package var keyMarker: ObjectKey?
    /// Only with `keyMarker`: go on after this version of that key.
    package var versionMarker: VersionID?
    package var limit = 1000
    package init() {}
}

package struct ListVersionsResult: Sendable {
    package enum Entry: Sendable {
        case version(ObjectInfo, isLatest: Bool)
        case commonPrefix(ObjectKey)
    }
    package var entries: [Entry]
    /// nil when nothing is left. The version is nil after a common prefix.
    package var next: (key: ObjectKey, version: VersionID?)?
}
