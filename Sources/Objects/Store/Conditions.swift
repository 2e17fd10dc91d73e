import Base
import ObjectFormat

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
            if ifMatch == .any { throw .preconditionFailed(.ifMatch) }
            return
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
            if ifNoneMatch.matches(etag) { throw .notModified(etag: etag, lastModified: lastModified) }
        } else if let ifModifiedSince, lastModified.seconds <= ifModifiedSince.seconds {
            throw .notModified(etag: etag, lastModified: lastModified)
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
