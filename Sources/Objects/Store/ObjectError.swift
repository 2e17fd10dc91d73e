package import Base
package import Digests
package import ObjectFormat

/// What can go wrong with a bucket, object or upload. No HTTP here: the front end chooses codes in one file.
package enum ObjectError: Error, Sendable {
    // The request is wrong or the state forbids it.
    case noSuchBucket
    case noSuchKey(deleteMarker: VersionID?)
    case noSuchVersion
    case noSuchUpload
    /// The version named is a delete marker, which has no data.
    case methodNotAllowedOnDeleteMarker(VersionID, lastModified: Timestamp)
    case copySourceIsDeleteMarker
    /// Retention or a legal hold keeps the version.
    case objectLocked
    /// The bucket has no object lock.
    case noObjectLock
    case invalidBucketState(detail: String)
    /// The bucket name is taken by another owner.
    case bucketAlreadyExists
    case bucketNotEmpty(hasVersions: Bool)
    /// The bucket is being deleted by another request.
    case bucketIsClosing
    case keyTooLong
    case preconditionFailed(Condition)
    case notModified(UnmodifiedObject)
    case invalidRange(size: Int64)
    /// GET or HEAD of a part number that the object does not have.
    case noSuchPart(partCount: Int)
    case entityTooLarge(size: Int64, limit: Int64)
    case metadataTooLarge(limit: Int)
    case badDigest(ChecksumAlgorithm)
    /// Checksum type that does not go with the algorithm, or a part's algorithm that is not the upload's.
    case checksumMismatch(detail: String)
    case selfCopyWithoutChange
    case copySourceTooLarge(limit: Int64)
    case invalidPart(number: Int)
    case invalidPartNumber(Int)
    case invalidPartOrder
    case entityTooSmall(number: Int, size: Int64, minimum: Int64, etag: String)
    case sizeMismatch(expected: Int64, found: Int64)
    case tooManyBuckets
    /// The bucket would become larger than its quota.
    case quotaExceeded(detail: String)
    /// A bucket document, or all of a bucket's together, over the limit.
    case documentTooLarge(limit: Int)
    /// The offset of an append is not the object's size.
    case invalidWriteOffset(size: Int64)
    case tooManyParts
    /// Changed between the look at it and the commit by another request, when this one can't start again.
    case conflict
    case notBuilt(detail: String)
    case body(BodyError)

    // The store can't do it now.
    /// Fewer drives than a write needs, or too much queued: try later.
    case slowDown(detail: String)
    /// Fewer drives than a read needs, or the key's last commit is undecided: try later.
    case readUnavailable(detail: String)
    case writeUnavailable(detail: String)
    case noSpace
    /// The write may or may not have happened; a read will tell.
    case outcomeUnknown
    case shuttingDown

    // Something is broken.
    case dataLost(detail: String)
    /// A stored record does not parse.
    case damaged(detail: String)

    package enum Condition: Sendable {
        case ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince, ifMatchSize, ifMatchTime, ifMatchInitiatedTime
    }
}

extension ObjectError {
    /// The only place that turns a set's errors into this layer's. `writing` tells an unavailable read from a write.
    init(_ error: SetError) {
        switch error {
        case .readQuorumLost(let detail): self = .readUnavailable(detail: detail)
        case .writeQuorumLost(let detail): self = .writeUnavailable(detail: detail)
        case .noSpace: self = .noSpace
        case .dataLost(let detail): self = .dataLost(detail: detail)
        case .outcomeUnknown: self = .outcomeUnknown
        case .superseded: self = .slowDown(detail: "the object is being replaced too fast to be read")
        case .overloaded: self = .slowDown(detail: "the set's queue is full")
        case .shutDown: self = .shuttingDown
        }
    }
}
