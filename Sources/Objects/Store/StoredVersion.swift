import Base
import Drives
import ObjectFormat

/// A version as it was found: its row, its record, and the key and position that the row's key says.
struct StoredVersion: Sendable {
    let row: SetRow
    let record: VersionRecord
    let key: ObjectKey
    let created: Position

    init(_ row: SetRow) throws(ObjectError) {
        guard let parsed = StoreKeys.parse(row.key), let created = StoreKeys.created(row.key) else {
            throw .damaged(detail: "a version's key has the wrong shape")
        }
        self.row = row
        self.created = created
        key = parsed.key
        do { record = try VersionRecord(decoding: row.payload) } catch { throw ObjectError(error, in: row) }
    }

    var isDeleteMarker: Bool { record.kind == .deleteMarker }
    var version: VersionID { record.hasVersionID ? .id(created) : .null }

    var info: ObjectInfo {
        var attributes = ObjectAttributes()
        attributes.headers = record.headers
        attributes.metadata = record.metadata
        attributes.tags = record.tags
        attributes.storageClass = record.storageClass
        var partCount: Int?
        if case .parts(let map) = record.layout { partCount = map.partCount }
        return ObjectInfo(
            key: key, version: version, isDeleteMarker: isDeleteMarker, size: record.size,
            lastModified: record.lastModified, etag: record.etag, checksum: record.checksum, attributes: attributes,
            owner: record.owner, grants: record.grants, partCount: partCount, lock: record.lock)
    }
}

/// Finds versions of one key on its set.
struct VersionLookup {
    let set: SetHandle
    let bucket: BucketID
    let key: ObjectKey

    /// The newest version, a delete marker too.
    func newest() async throws(ObjectError) -> StoredVersion? {
        guard let row = try await set.firstRow(prefix: StoreKeys.versionPrefix(bucket, key)) else { return nil }
        return try StoredVersion(row)
    }

    /// The version without an id: the newest, where it nearly always is, or the one that a row of its own names.
    ///
    /// A reader holds no lock, so a writer may replace the version between two look-ups: what was not found counts as gone only when
    /// the newest version is still the same.
    func null() async throws(ObjectError) -> StoredVersion? {
        var newest = try await newest()
        while let top = newest {
            if top.version == .null { return top }
            if let pointer = try await set.row(StoreKeys.nullVersion(bucket, key)),
                let row = try await set.row(StoreKeys.version(bucket, key, try pointer.nullVersion().created))
            {
                let found = try StoredVersion(row)
                if !found.record.hasVersionID { return found }
            }
            newest = try await self.newest()
            if newest?.created == top.created { return nil }
        }
        return nil
    }

    /// Where a listing goes on after `version`, and the newest version of the key as it is now. A version with an id that was
    /// deleted meanwhile still says where it stood; a null version does not, and the key is then done.
    func place(of version: VersionID) async throws(ObjectError) -> (after: IndexKey, newest: StoredVersion?) {
        let newest = try await newest()
        switch version {
        case .id(let created): return (IndexKey(StoreKeys.version(bucket, key, created).bytes + [0]), newest)
        case .null:
            if let found = try await null() { return (IndexKey(found.row.key.bytes + [0]), newest) }
            return (IndexKey(StoreKeys.versionStart(bucket, prefix: key) + [0, 1]), newest)
        }
    }

    func find(_ version: VersionID) async throws(ObjectError) -> StoredVersion? {
        switch version {
        case .null: return try await null()
        case .id(let position):
            guard let row = try await set.row(StoreKeys.version(bucket, key, position)) else { return nil }
            let found = try StoredVersion(row)
            return found.record.hasVersionID ? found : nil
        }
    }

    /// What a read of `version` (nil: the current one) reads, or the error that says why not.
    func readable(_ version: VersionID?) async throws(ObjectError) -> StoredVersion {
        guard let version else {
            guard let found = try await newest() else { throw .noSuchKey(deleteMarker: nil) }
            guard !found.isDeleteMarker else { throw .noSuchKey(deleteMarker: found.version) }
            return found
        }
        guard let found = try await find(version) else { throw .noSuchVersion }
        guard !found.isDeleteMarker else { throw .markerIsNoObject(found) }
        return found
    }
}

extension ObjectError {
    static func markerIsNoObject(_ marker: StoredVersion) -> ObjectError {
        .methodNotAllowedOnDeleteMarker(marker.version, lastModified: marker.record.lastModified)
    }
}
