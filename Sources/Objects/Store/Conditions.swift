package import Base
package import ObjectFormat

extension WriteConditions {
    /// Judges the current version; nil or a delete marker: the object does not exist.
    func check(_ current: StoredVersion?) throws(ObjectError) {
        let existing = current.flatMap { $0.isDeleteMarker ? nil : $0 }
        if let ifMatch {
            guard let existing else { throw .noSuchKey(deleteMarker: current?.version) }
            guard ifMatch.matches(existing.record.etag) else { throw .preconditionFailed(.ifMatch) }
        }
        if let ifNoneMatch, let existing, ifNoneMatch.matches(existing.record.etag) {
            throw .preconditionFailed(.ifNoneMatch)
        }
    }
}

extension DeleteConditions {
    var isEmpty: Bool { ifMatch == nil && ifMatchSize == nil && ifMatchLastModified == nil }

    func check(_ current: StoredVersion?) throws(ObjectError) {
        guard let existing = current.flatMap({ $0.isDeleteMarker ? nil : $0 }) else {
            switch ifMatch {
            // Size and time say what is to go: when there is nothing, that is done.
            case nil: return
            case .any: throw .preconditionFailed(.ifMatch)
            case .tags: throw .noSuchKey(deleteMarker: nil)
            }
        }
        if let ifMatch, !ifMatch.matches(existing.record.etag) { throw .preconditionFailed(.ifMatch) }
        if let ifMatchSize, ifMatchSize != existing.record.size { throw .preconditionFailed(.ifMatchSize) }
        if let ifMatchLastModified, ifMatchLastModified.seconds != existing.record.lastModified.seconds {
            throw .preconditionFailed(.ifMatchTime)
        }
    }
}

extension ReadConditions {
    /// RFC 9110, section 13.2.2: the ETag conditions make the time conditions beside them moot.
    func check(etag: String, lastModified: Timestamp) throws(ObjectError) {
        if let ifMatch {
            guard ifMatch.matches(etag) else { throw .preconditionFailed(.ifMatch) }
        } else if let ifUnmodifiedSince, lastModified.seconds > ifUnmodifiedSince.seconds {
            throw .preconditionFailed(.ifUnmodifiedSince)
        }
        if let ifNoneMatch {
            if ifNoneMatch.matches(etag) {
                throw .notModified(UnmodifiedObject(etag: etag, lastModified: lastModified))
            }
        } else if let ifModifiedSince, lastModified.seconds <= ifModifiedSince.seconds {
            throw .notModified(UnmodifiedObject(etag: etag, lastModified: lastModified))
        }
    }

    /// The same for a version that was found, of which a cache is told what else it keeps.
    func check(_ found: StoredVersion) throws(ObjectError) {
        do {
            try check(etag: found.record.etag, lastModified: found.record.lastModified)
        } catch {
            guard case .notModified(var object) = error else { throw error }
            object.version = found.version
            object.cacheControl = found.record.headers.cacheControl
            object.expires = found.record.headers.expires
            throw .notModified(object)
        }
    }

    /// The same for a copy's source, where "not modified" is a failed condition like the others.
    func checkCopySource(etag: String, lastModified: Timestamp) throws(ObjectError) {
        do {
            try check(etag: etag, lastModified: lastModified)
        } catch {
            guard case .notModified = error else { throw error }
            throw .preconditionFailed(ifNoneMatch == nil ? .ifModifiedSince : .ifNoneMatch)
        }
    }
}

/// What a client is told again of an object that it has already.
package struct UnmodifiedObject: Hashable, Sendable {
    package var etag: String
    package var lastModified: Timestamp
    package var version: VersionID?
    package var cacheControl: String?
    package var expires: String?

    init(etag: String, lastModified: Timestamp) {
        self.etag = etag
        self.lastModified = lastModified
    }
}
