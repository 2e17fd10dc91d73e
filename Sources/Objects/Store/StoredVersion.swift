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

    /// The version without an id. Newest first, because that is where it nearly always is.
    func null() async throws(ObjectError) -> StoredVersion? {
        let prefix = StoreKeys.versionPrefix(bucket, key)
        let end = IndexKey(StoreKeys.successor(prefix))
        var start = IndexKey(prefix), limit = 1
        while true {
            let rows = try await set.rows(from: start, to: end, limit: limit)
            for row in rows {
                let found = try StoredVersion(row)
                if !found.record.hasVersionID { return found }
            }
            guard rows.count == limit, let last = rows.last else { return nil }
            start = IndexKey(last.key.bytes + [0])
            limit = 100
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
