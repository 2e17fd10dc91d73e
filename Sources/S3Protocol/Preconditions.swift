package import Base

/// The conditions of a read, or of the source of a copy, with the precedence of RFC 9110, 13.2.2.
package struct ReadConditions: Hashable, Sendable {
    package var ifMatch: ETagList?
    package var ifNoneMatch: ETagList?
    package var ifModifiedSince: Timestamp?
    package var ifUnmodifiedSince: Timestamp?

    package enum Outcome: Hashable, Sendable {
        case proceed
        case notModified
        /// The name of the field that did not hold: the error's Condition.
        case preconditionFailed(String)
    }

    package init() {}

    /// From If-Match and its kind. A date that cannot be read is as if it were not there.
    package init(_ head: RequestHead) {
        ifMatch = head.value("if-match").map(ETagList.init(parsing:))
        ifNoneMatch = head.value("if-none-match").map(ETagList.init(parsing:))
        ifModifiedSince = head.value("if-modified-since").flatMap(HTTPDate.parse)
        ifUnmodifiedSince = head.value("if-unmodified-since").flatMap(HTTPDate.parse)
    }

    /// From x-amz-copy-source-if-match and its kind.
    package init(copySource head: RequestHead) {
        ifMatch = head.value("x-amz-copy-source-if-match").map(ETagList.init(parsing:))
        ifNoneMatch = head.value("x-amz-copy-source-if-none-match").map(ETagList.init(parsing:))
        ifModifiedSince = head.value("x-amz-copy-source-if-modified-since").flatMap(HTTPDate.parse)
        ifUnmodifiedSince = head.value("x-amz-copy-source-if-unmodified-since").flatMap(HTTPDate.parse)
    }

    /// From x-amz-rename-source-if-match and its kind.
    package init(renameSource head: RequestHead) {
        ifMatch = head.value("x-amz-rename-source-if-match").map(ETagList.init(parsing:))
        ifNoneMatch = head.value("x-amz-rename-source-if-none-match").map(ETagList.init(parsing:))
        ifModifiedSince = head.value("x-amz-rename-source-if-modified-since").flatMap(HTTPDate.parse)
        ifUnmodifiedSince = head.value("x-amz-rename-source-if-unmodified-since").flatMap(HTTPDate.parse)
    }

    package var isEmpty: Bool {
        ifMatch == nil && ifNoneMatch == nil && ifModifiedSince == nil && ifUnmodifiedSince == nil
    }

    /// `etag` comes without quotes. Times are compared in whole seconds, which is all that a client is shown in
    /// Last-Modified.
    package func evaluate(etag: String, lastModified: Timestamp) -> Outcome {
        if let ifMatch {
            guard ifMatch.matches(etag, strongly: true) else { return .preconditionFailed("If-Match") }
        } else if let ifUnmodifiedSince, lastModified.seconds > ifUnmodifiedSince.seconds {
            return .preconditionFailed("If-Unmodified-Since")
        }
        if let ifNoneMatch {
            if ifNoneMatch.matches(etag, strongly: false) { return .notModified }
        } else if let ifModifiedSince, lastModified.seconds <= ifModifiedSince.seconds {
            return .notModified
        }
        return .proceed
    }

    /// For the source of a copy, where what a read answers with 304 is a failed condition too.
    package func requireForCopy(etag: String, lastModified: Timestamp) throws(S3Error) {
        switch evaluate(etag: etag, lastModified: lastModified) {
        case .proceed: return
        case .notModified:
            throw .preconditionFailed(
                ifNoneMatch == nil ? "x-amz-copy-source-If-Modified-Since" : "x-amz-copy-source-If-None-Match")
        case .preconditionFailed(let name): throw .preconditionFailed("x-amz-copy-source-" + name)
        }
    }
}

/// The conditions of a write: PutObject, CopyObject, CompleteMultipartUpload.
package struct WriteConditions: Hashable, Sendable {
    package var ifMatch: ETagList?
    /// If-None-Match: `*`, the only value that S3 has for a write.
    package var ifNoneMatchAny: Bool

    package init(ifMatch: ETagList? = nil, ifNoneMatchAny: Bool = false) {
        self.ifMatch = ifMatch
        self.ifNoneMatchAny = ifNoneMatchAny
    }

    package init(_ head: RequestHead) throws(S3Error) {
        ifMatch = head.value("if-match").map(ETagList.init(parsing:))
        let none = head.value("if-none-match").map(ETagList.init(parsing:))
        guard none == nil || none == .any else { throw .notImplemented(header: "If-None-Match") }
        ifNoneMatchAny = none != nil
    }

    package var isEmpty: Bool { ifMatch == nil && !ifNoneMatchAny }

    /// `etag` is the current object's, without quotes; nil when there is none (a delete marker is none).
    package func evaluate(currentETag etag: String?, key: [UInt8]) throws(S3Error) {
        if ifNoneMatchAny, etag != nil { throw .preconditionFailed("If-None-Match") }
        guard let ifMatch else { return }
        guard let etag else { throw .noSuchKey(key) }
        guard ifMatch.matches(etag, strongly: true) else { throw .preconditionFailed("If-Match") }
    }
}

/// The conditions of a delete, of one object or of one entry of DeleteObjects.
package struct DeleteConditions: Hashable, Sendable {
    package var ifMatch: ETagList?
    package var lastModified: Timestamp?
    package var size: Int64?

    package init(ifMatch: ETagList? = nil, lastModified: Timestamp? = nil, size: Int64? = nil) {
        self.ifMatch = ifMatch
        self.lastModified = lastModified
        self.size = size
    }

    package init(_ head: RequestHead) throws(S3Error) {
        ifMatch = head.value("if-match").map(ETagList.init(parsing:))
        if let text = head.value("x-amz-if-match-last-modified-time") {
            guard let time = HTTPDate.parse(text) ?? ISO8601.parse(text) else {
                throw .invalidArgument("Invalid date", name: "x-amz-if-match-last-modified-time", value: text)
            }
            lastModified = time
        }
        if let text = head.value("x-amz-if-match-size") {
            guard let count = Int64(text), count >= 0 else {
                throw .invalidArgument("Invalid size", name: "x-amz-if-match-size", value: text)
            }
            size = count
        }
    }

    package var isEmpty: Bool { ifMatch == nil && lastModified == nil && size == nil }

    /// For an object that is not there (a delete marker counts as none). Size and time hold then, as AWS has it;
    /// If-Match does not.
    package func evaluateMissing(key: [UInt8]) throws(S3Error) {
        switch ifMatch {
        case nil: return
        case .any: throw .preconditionFailed("If-Match")
        case .tags: throw .noSuchKey(key)
        }
    }

    package func evaluate(etag: String, lastModified: Timestamp, size: Int64) throws(S3Error) {
        if let ifMatch, !ifMatch.matches(etag, strongly: true) { throw .preconditionFailed("If-Match") }
        if let wanted = self.lastModified, wanted.seconds != lastModified.seconds {
            throw .preconditionFailed("x-amz-if-match-last-modified-time")
        }
        if let wanted = self.size, wanted != size { throw .preconditionFailed("x-amz-if-match-size") }
    }
}
