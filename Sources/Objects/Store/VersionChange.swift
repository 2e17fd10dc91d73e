import Base
import Drives
import ObjectFormat

/// What one commit does to the versions of one key: decided under the key's lock, here and nowhere else, so that what may be
/// removed, what counts, and what is freed can't differ from operation to operation.
struct VersionChange: Sendable {
    let bucket: BucketID
    let key: ObjectKey
    /// The newest version before the change, a delete marker too: what conditions judge.
    let newest: StoredVersion?
    /// Leaves the namespace.
    var removed: StoredVersion?
    /// The newest of the versions that stay; matters when nothing is added.
    var newestLeft: StoredVersion?
    /// Becomes the newest version.
    var added: VersionRecord?
    /// What becomes of the row that says where the null version is: there is one exactly while that is not the newest version.
    var nullRow = NullRow.stays
    enum NullRow: Hashable, Sendable {
        case stays, goes
        case names(Position)
    }
    /// What is removed leaves its large data and parts to what is added elsewhere in the commit.
    var keepsData = false

    /// The changes of one commit, which carries `data` when it adds one version. The keys differ from each other.
    static func changes(
        _ versions: [VersionChange], data: (any StagedData)?, at position: Position
    ) -> [SetChange] {
        var changes: [SetChange] = [], count = Counter()
        for version in versions {
            if let added = version.added {
                changes.append(
                    .put(
                        key: StoreKeys.version(version.bucket, version.key, position), payload: added.encoded(),
                        data: data))
            }
            if let removed = version.removed {
                changes +=
                    version.keepsData
                    ? [.delete(key: removed.row.key)] : removal(of: removed, bucket: version.bucket)
            }
            let nullKey = StoreKeys.nullVersion(version.bucket, version.key)
            switch version.nullRow {
            case .stays: break
            case .goes: changes.append(.delete(key: nullKey))
            case .names(let created):
                changes.append(.put(key: nullKey, payload: NullVersionRecord(created).encoded(), data: nil))
            }
            version.count(into: &count)
        }
        if count != Counter(), let bucket = versions.first?.bucket {
            changes.append(
                .count(
                    CounterKey(bucket: bucket), objects: count.objects, versions: count.versions, bytes: count.bytes))
        }
        return changes
    }

    /// What the change adds to the bucket's counters.
    var growth: Counter {
        var count = Counter()
        self.count(into: &count)
        return count
    }

    private func count(into count: inout Counter) {
        let wasObject = newest.map { !$0.isDeleteMarker } ?? false
        let isObject = added.map { $0.kind == .object } ?? newestLeft.map { !$0.isDeleteMarker } ?? false
        count.objects += (isObject ? 1 : 0) - (wasObject ? 1 : 0)
        if let added, added.kind == .object {
            count.versions += 1
            count.bytes += added.size
        }
        if let removed, !removed.isDeleteMarker {
            count.versions -= 1
            count.bytes -= removed.record.size
        }
    }

    /// Parts stay behind for the sweeper.
    var leavesParts: Bool {
        if !keepsData, case .parts? = removed?.record.layout { true } else { false }
    }

    /// About how many bytes of a commit the change takes: three keys, a marker, and the rows of freed data.
    var weight: Int {
        let rows = Int((removed?.record.size ?? 0) / Self.bytesPerDataRow) + 1
        return 6 * key.bytes.count + 320 + rows * 40
    }

    /// Large data has a row for each run of bytes of about this size.
    private static let bytesPerDataRow: Int64 = 8 << 20

    /// Takes a version out of the namespace and frees its data: at once when it is in one piece, by the sweeper when it is in parts.
    private static func removal(of version: StoredVersion, bucket: BucketID) -> [SetChange] {
        var changes: [SetChange] = [.delete(key: version.row.key)]
        switch version.record.layout {
        case .data(let layout): changes += freeing(layout)
        case .parts(let map):
            let toFree = ToFreeRecord(.upload(bucket, map.upload))
            changes.append(.put(key: StoreKeys.toFree(toFree), payload: toFree.encoded(), data: nil))
        }
        return changes
    }

    /// Packed data goes with the row that it is attached to.
    static func freeing(_ layout: DataLayout) -> [SetChange] {
        switch layout {
        case .empty, .copies, .packed: []
        case .coded: [.deleteData(layout)]
        }
    }

    /// What the writer of `added` is told.
    func putResult(at position: Position, in bucket: BucketInfo) -> PutResult {
        let record = added ?? VersionRecord(kind: .object, lastModified: Timestamp(nanoseconds: 0))
        return PutResult(
            etag: record.etag, version: record.hasVersionID ? .id(position) : bucket.nullVersion,
            checksum: record.checksum, size: record.size, lastModified: record.lastModified)
    }
}

extension BucketInfo {
    /// How the null version is named: not at all in a bucket that never had versioning.
    var nullVersion: VersionID? { versioning == .unversioned ? nil : .null }
}

/// The changes that operations make. Called under the key's lock, and with the bucket as it is then: a state of versioning that was
/// read before the lock may belong to a time before versions that must not be replaced.
extension VersionLookup {
    /// `record` becomes the newest version. With versioning it stands beside the others; else it replaces the null version,
    /// wherever that stands.
    func adding(
        _ record: VersionRecord, to bucket: BucketInfo, now: Timestamp
    ) async throws(ObjectError) -> VersionChange {
        var record = record
        record.lastModified = now
        record.hasVersionID = bucket.versioning == .enabled
        if record.kind == .object, bucket.objectLockEnabled, record.lock.retention == nil {
            record.lock.retention = bucket.defaultRetention?.retention(from: now)
        }
        let newest = try await newest()
        var removed: StoredVersion?
        if bucket.versioning != .enabled, let newest {
            removed = newest.version == .null ? newest : try await null()
        }
        if let removed, removed.record.lock.forbidsRemoval(at: now, bypassingGovernance: false) { throw .objectLocked }
        var change = VersionChange(
            bucket: self.bucket, key: key, newest: newest, removed: removed, newestLeft: nil, added: record)
        if record.hasVersionID {
            if let newest, newest.version == .null { change.nullRow = .names(newest.created) }
        } else if let removed, removed.created != newest?.created {
            change.nullRow = .goes
        }
        return change
    }

    /// Removes the version named, for good; nil when there is none.
    func removing(
        _ version: VersionID, bypassingGovernance: Bool, now: Timestamp
    ) async throws(ObjectError) -> VersionChange? {
        let prefix = StoreKeys.versionPrefix(bucket, key)
        var newest: [StoredVersion] = []
        for row in try await set.rows(from: IndexKey(prefix), to: IndexKey(StoreKeys.successor(prefix)), limit: 2) {
            newest.append(try StoredVersion(row))
        }
        let found: StoredVersion
        if let near = newest.first(where: { $0.version == version }) {
            found = near
        } else if newest.count == 2, let far = try await find(version) {
            found = far
        } else {
            return nil
        }
        guard !found.record.lock.forbidsRemoval(at: now, bypassingGovernance: bypassingGovernance) else {
            throw .objectLocked
        }
        let left = newest.first { $0.created != found.created }
        var change = VersionChange(
            bucket: bucket, key: key, newest: newest.first, removed: found, newestLeft: left, added: nil)
        let wasNewest = found.created == newest.first?.created
        // Either the null version goes from below others, or it comes to lie on top.
        if wasNewest ? left?.version == .null : found.version == .null { change.nullRow = .goes }
        return change
    }

    /// Removes the only version of a key in a bucket without versions; nil when there is none.
    func removingNewest(now: Timestamp) async throws(ObjectError) -> VersionChange? {
        guard let newest = try await newest() else { return nil }
        if newest.record.lock.forbidsRemoval(at: now, bypassingGovernance: false) { throw .objectLocked }
        return VersionChange(bucket: bucket, key: key, newest: newest, removed: newest, newestLeft: nil, added: nil)
    }
}
