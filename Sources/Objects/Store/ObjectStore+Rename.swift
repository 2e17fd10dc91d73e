package import Base
import Drives
package import ObjectFormat

extension ObjectStore {
    /// Gives an object another key, atomically and without moving large data: one commit takes the version from one key and puts it
    /// under the other. Everything about the object stays, its time too.
    ///
    /// A bucket that keeps versions would have to keep the old one, whose data can't belong to two; and the two keys must lie on
    /// one set, because a commit does.
    package func rename(
        _ bucket: String, from source: ObjectKey, to key: ObjectKey, tenant: TenantID, options: RenameOptions
    ) async throws(ObjectError) {
        let bucket = try self.tenant(tenant).bucket(bucket)
        try check(key, ObjectAttributes())
        let set = placement.set(bucket: bucket.id, key: key)
        let locks = (source == key ? [key] : [source, key]).map { LockName(StoreKeys.versionPrefix(bucket.id, $0)) }
        guard placement.set(bucket: bucket.id, key: source).index == set.index else {
            throw .notBuilt(detail: "Renaming an object to a key that lies on another erasure set is not implemented.")
        }
        try await set.run { () async throws(ObjectError) in
            try await bucket.gate.pass { () async throws(ObjectError) in
                try await set.locked(locks) { () async throws(ObjectError) in
                    guard bucket.info.versioning == .unversioned else {
                        throw .notBuilt(detail: "Renaming in a bucket with versioning is not implemented.")
                    }
                    let from = VersionLookup(set: set, bucket: bucket.id, key: source)
                    let found = try await from.readable(nil)
                    try options.source.checkCopySource(
                        etag: found.record.etag, lastModified: found.record.lastModified)
                    let to = VersionLookup(set: set, bucket: bucket.id, key: key)
                    var added = try await to.adding(found.record, to: bucket.info, now: time.now())
                    added.added?.lastModified = found.record.lastModified
                    try options.check(target: added.newest)
                    guard source != key else { return }
                    let staged = try await restageAttached(found, on: set)
                    if let staged { added.added?.layout = .data(staged.layout) }
                    let taken = VersionChange(
                        bucket: bucket.id, key: source, newest: found, removed: found, newestLeft: nil, added: nil,
                        keepsData: true)
                    let change = added, data = staged?.data
                    do throws(ObjectError) {
                        try await set.commit { VersionChange.changes([taken, change], data: data, at: $0) }
                    } catch {
                        await staged?.abandon(after: error)
                        throw error
                    }
                    if change.leavesParts { sweepRequests.ask() }
                }
            }
        }
    }
}

package struct RenameOptions: Sendable {
    package var source = ReadConditions()
    /// Of the object that stands at the new key.
    package var target = ReadConditions()
    package init() {}

    func check(target existing: StoredVersion?) throws(ObjectError) {
        guard let existing else {
            if target.ifMatch != nil { throw .preconditionFailed(.ifMatch) }
            if target.ifModifiedSince != nil { throw .preconditionFailed(.ifModifiedSince) }
            return
        }
        try target.checkCopySource(etag: existing.record.etag, lastModified: existing.record.lastModified)
    }
}
