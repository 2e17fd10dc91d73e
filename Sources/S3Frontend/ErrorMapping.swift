import Base
import Digests
import ObjectFormat
import Objects
import S3Protocol

/// What an error of the object layer means to an S3 client. The only place that chooses S3 codes for them: no default, so a new
/// case does not compile until it has a code.
extension S3Error {
    init(_ error: ObjectError, _ request: RequestContext) {
        let key = request.key
        switch error {
        case .noSuchBucket: self = .noSuchBucket(request.bucketOrEmpty)
        case .noSuchKey: self = .noSuchKey(key)
        case .noSuchVersion:
            self = .noSuchVersion(key: key, version: request.target.string("versionId") ?? "")
        case .noSuchUpload: self = .noSuchUpload(request.target.string("uploadId") ?? "")
        case .methodNotAllowedOnDeleteMarker(let version, let lastModified):
            self = .methodNotAllowed(method: request.head.string(request.head.method), resourceType: "DeleteMarker")
                .with("Allow", "DELETE").with("x-amz-delete-marker", "true")
                .with("x-amz-version-id", version.description).with("Last-Modified", HTTPDate.format(lastModified))
        case .copySourceIsDeleteMarker:
            self = S3Error(
                .invalidRequest,
                "The source of a copy request may not specifically refer to a delete marker by version id.")
        case .objectLocked:
            self = S3Error(.accessDenied, "Access Denied because object protected by object lock.")
        case .noObjectLock: self = S3Error(.invalidRequest, "Bucket is missing Object Lock Configuration")
        case .invalidBucketState(let detail): self = S3Error(.invalidBucketState, detail)
        case .bucketAlreadyExists: self = S3Error(.bucketAlreadyExists).with("BucketName", request.bucketOrEmpty)
        case .bucketNotEmpty(let hasVersions):
            self = S3Error(
                .bucketNotEmpty,
                hasVersions
                    ? "The bucket you tried to delete is not empty. You must delete all versions in the bucket." : nil
            ).with("BucketName", request.bucketOrEmpty)
        case .bucketIsClosing:
            self = S3Error(
                .operationAborted,
                "A conflicting conditional operation is currently in progress against this resource. Try again.")
        case .keyTooLong:
            self = S3Error(.keyTooLongError).with("Size", String(key.count)).with(
                "MaxSizeAllowed", String(ObjectKey.byteCountMax))
        case .preconditionFailed(let condition): self = .preconditionFailed(Self.name(of: condition))
        case .notModified: self = S3Error(.notModified)
        case .invalidRange(let size):
            self = .invalidRange(requested: request.head.value("range") ?? "", size: size)
        case .noSuchPart(let partCount):
            self = S3Error(.invalidPartNumber).with("ActualPartCount", String(partCount)).with(
                "PartNumberRequested", request.target.string("partNumber") ?? "")
        case .entityTooLarge(let size, let limit): self = .entityTooLarge(proposed: size, limit: limit)
        case .metadataTooLarge(let limit):
            self = S3Error(.metadataTooLarge).with("MaxSizeAllowed", String(limit))
        case .badDigest(let algorithm):
            self = S3Error(.badDigest, "The \(algorithm.name) you specified did not match the calculated checksum.")
        case .checksumMismatch(let detail): self = S3Error(.invalidRequest, detail)
        case .selfCopyWithoutChange:
            self = S3Error(
                .invalidRequest,
                "This copy request is illegal because it is trying to copy an object to itself without changing the object's "
                    + "metadata, storage class, website redirect location or encryption attributes.")
        case .copySourceTooLarge(let limit):
            self = S3Error(
                .invalidRequest,
                "The specified copy source is larger than the maximum allowable size for a copy source: \(limit)")
        case .invalidPart(let number):
            self = S3Error(.invalidPart).with("PartNumber", String(number)).with(
                "UploadId", request.target.string("uploadId") ?? "")
        case .invalidPartNumber(let number):
            self = .invalidArgument(
                "Part number must be an integer between 1 and 10000, inclusive", name: "partNumber",
                value: String(number))
        case .invalidPartOrder:
            self = S3Error(.invalidPartOrder).with("UploadId", request.target.string("uploadId") ?? "")
        case .entityTooSmall(let number, let size, let minimum, let etag):
            self = S3Error(.entityTooSmall).with("ProposedSize", String(size)).with("MinSizeAllowed", String(minimum))
                .with("PartNumber", String(number)).with("ETag", etag)
        case .sizeMismatch(let expected, let found):
            self = S3Error(
                .invalidRequest,
                "The provided 'x-amz-mp-object-size' header value \(expected) does not match what was computed: \(found)"
            )
        case .tooManyBuckets: self = S3Error(.tooManyBuckets)
        case .quotaExceeded(let detail):
            self = S3Error(.quotaExceeded, detail).with("BucketName", request.bucketOrEmpty)
        case .documentTooLarge(let limit):
            self = S3Error(.maxMessageLengthExceeded).with("MaxMessageLengthBytes", String(limit))
        case .invalidWriteOffset(let size):
            self = S3Error(.invalidWriteOffset).with("ActualObjectSize", String(size))
        case .tooManyParts: self = S3Error(.tooManyParts)
        case .conflict:
            self = S3Error(.conditionalRequestConflict)
            if request.head.first("if-match") != nil { self = with("Condition", "If-Match") }
            self = with("Key", String(decoding: key, as: UTF8.self))
        case .notBuilt(let detail): self = S3Error(.notImplemented, detail)
        case .body(let body):
            // A body that the server reads from itself, of a copy or an append, fails as reads do.
            if let inner = body.reason as? ObjectError {
                self = S3Error(inner, request)
            } else {
                self = Self.ofBody(body.reason)
            }
        case .slowDown: self = S3Error(.slowDown)
        case .readUnavailable(let detail), .writeUnavailable(let detail):
            self = S3Error(.serviceUnavailable, "The store can't serve this now: \(detail). Please retry.")
        case .noSpace:
            self = S3Error(.serviceUnavailable, "The drives are full. Delete objects or add space, then retry.")
        case .outcomeUnknown:
            self = S3Error(
                .internalError,
                "It is not known whether the write took effect: read the object to find out, or send it again.")
        case .shuttingDown: self = S3Error(.serviceUnavailable, "The server is shutting down. Please retry.")
        case .dataLost:
            self = S3Error(
                .internalError,
                "More of this object is damaged or gone than its parity covers. The operator has been told.")
        case .damaged: self = S3Error(.internalError, "A stored record does not parse. The operator has been told.")
        }
    }

    /// What the body source refused with is this layer's own error; anything else is the connection's end.
    private static func ofBody(_ reason: any Error) -> S3Error {
        if let error = reason as? S3Error { return error }
        return S3Error(.incompleteBody)
    }

    private static func name(of condition: ObjectError.Condition) -> String {
        switch condition {
        case .ifMatch: "If-Match"
        case .ifNoneMatch: "If-None-Match"
        case .ifModifiedSince: "If-Modified-Since"
        case .ifUnmodifiedSince: "If-Unmodified-Since"
        case .ifMatchSize: "x-amz-if-match-size"
        case .ifMatchTime: "x-amz-if-match-last-modified-time"
        case .ifMatchInitiatedTime: "x-amz-if-match-initiated-time"
        }
    }
}
