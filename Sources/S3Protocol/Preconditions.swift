package import Base

/// The conditions of a read, or of the source of a copy, as they were sent; the object layer judges them.
package struct ReadConditions: Hashable, Sendable {
    package var ifMatch: ETagList?
    package var ifNoneMatch: ETagList?
    package var ifModifiedSince: Timestamp?
    package var ifUnmodifiedSince: Timestamp?

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
        guard none == nil || none == .any else {
            throw .notImplemented(header: "If-None-Match")
                .with("additionalMessage", "We don't accept the provided value of If-None-Match header for this API")
        }
        guard none == nil || ifMatch == nil else {
            throw .notImplemented(header: "If-Match,If-None-Match")
                .with("additionalMessage", "Multiple conditional request headers present in the request")
        }
        ifNoneMatchAny = none != nil
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
}
