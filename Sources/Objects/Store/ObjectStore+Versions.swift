package import Base
import Drives
package import ObjectFormat
import Runtime

/// Configuration of versions, and what may change about a version that exists.
extension ObjectStore {
    /// Enables or suspends versioning.
    package func setVersioning(
        _ bucket: String, tenant: TenantID, enabled: Bool
    ) async throws(ObjectError) {
        let bucket = try self.tenant(tenant).bucket(bucket)
        try await change(bucket) { record throws(ObjectError) in
            if !enabled, record.objectLockEnabled {
                throw .invalidBucketState(
                    detail:
                        "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed."
                )
            }
            record.versioning = enabled ? .enabled : .suspended
        }
    }

    /// Enables object lock, for good, and sets or removes the default retention.
    package func setObjectLock(
        _ bucket: String, tenant: TenantID, default retention: DefaultRetention?
    ) async throws(ObjectError) {
        let bucket = try self.tenant(tenant).bucket(bucket)
        try await change(bucket) { record throws(ObjectError) in
            guard record.versioning == .enabled else {
                throw .invalidBucketState(
                    detail: "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration")
            }
            record.objectLockEnabled = true
            record.defaultRetention = retention
        }
    }

    private func change(
        _ bucket: Bucket, _ change: @Sendable (inout BucketRecord) throws(ObjectError) -> Void
    ) async throws(ObjectError) {
        try await bucket.home.run { () async throws(ObjectError) in
            try await bucket.gate.pass { () async throws(ObjectError) in try await bucket.rewrite(change) }
        }
    }

    /// Replaces the tags of a version; nil: the current one. The result names it.
    package func setTags(
        _ bucket: String, _ key: ObjectKey, version: VersionID?, tenant: TenantID, tags: [NameValue]
    ) async throws(ObjectError) -> VersionID {
        try await update(bucket, key, version: version, tenant: tenant) { record, _ throws(ObjectError) in
            record.tags = tags
        }
    }

    package func setLegalHold(
        _ bucket: String, _ key: ObjectKey, version: VersionID?, tenant: TenantID, isOn: Bool
    ) async throws(ObjectError) {
        try await update(bucket, key, version: version, tenant: tenant) { record, info throws(ObjectError) in
            guard info.objectLockEnabled else { throw .noObjectLock }
            record.lock.legalHold = isOn
        }
    }

    /// nil removes the retention.
    package func setRetention(
        _ bucket: String, _ key: ObjectKey, version: VersionID?, tenant: TenantID, _ retention: Retention?,
        bypassingGovernance: Bool
    ) async throws(ObjectError) {
        let now = time.now()
        try await update(bucket, key, version: version, tenant: tenant) { record, info throws(ObjectError) in
            guard info.objectLockEnabled else { throw .noObjectLock }
            guard record.lock.allowsRetention(retention, at: now, bypassingGovernance: bypassingGovernance) else {
                throw .objectLocked
            }
            record.lock.retention = retention
        }
    }

    /// Changes the record of a version in place: key, id, time and data stay.
    @discardableResult
    func update(
        _ bucket: String, _ key: ObjectKey, version: VersionID?, tenant: TenantID,
        _ change: (inout VersionRecord, BucketInfo) throws(ObjectError) -> Void
    ) async throws(ObjectError) -> VersionID {
        let bucket = try self.tenant(tenant).bucket(bucket)
        let set = placement.set(bucket: bucket.id, key: key)
        let lookup = VersionLookup(set: set, bucket: bucket.id, key: key)
        return try await set.run { () async throws(ObjectError) in
            try await bucket.gate.pass { () async throws(ObjectError) in
                try await set.locked([LockName(StoreKeys.versionPrefix(bucket.id, key))]) {
                    () async throws(ObjectError) in
                    let found = try await lookup.readable(version)
                    var record = found.record
                    try change(&record, bucket.info)
                    if record != found.record { try await rewrite(found, as: record, on: set) }
                    return found.version
                }
            }
        }
    }

    private func rewrite(
        _ found: StoredVersion, as record: VersionRecord, on set: SetHandle
    ) async throws(ObjectError) {
        var record = record
        let rowKey = found.row.key
        let staged = try await restageAttached(found, on: set)
        if let staged { record.layout = .data(staged.layout) }
        let payload = record.encoded(), data = staged?.data
        do {
            try await set.commit { _ in [.put(key: rowKey, payload: payload, data: data)] }
        } catch {
            await staged?.abandon(after: error)
            throw error
        }
    }

    /// Small data lies in its row's own log record, so a new row has to bring it along: reads it and stages it again. nil when the
    /// version has none. Called under the key's lock, so nobody replaces it meanwhile.
    func restageAttached(_ found: StoredVersion, on set: SetHandle) async throws(ObjectError) -> StagedBody? {
        guard let layout = found.attachedData else { return nil }
        let data: any DataReader
        do { data = try await set.store.open(layout, of: found.row, range: nil) } catch { throw ObjectError(error) }
        let reader = ObjectReader(set: set, source: .piece(data))
        let hasher = BodyHasher(md5: false, sha256: false, algorithm: nil)
        do {
            let body = ReaderBody(reader, byteCount: layout.byteCount)
            let staged = try await BodyStaging.stage(body, on: set, hasher: hasher, sizeMax: layout.byteCount)
            await reader.close()
            return staged
        } catch {
            await reader.close()
            throw error
        }
    }
}

extension StoredVersion {
    /// The layout of data that is attached to the version's row; nil when its data has rows of its own, or none.
    var attachedData: DataLayout? {
        guard case .data(let layout) = record.layout else { return nil }
        switch layout {
        case .copies, .packed: return layout
        case .empty, .coded: return nil
        }
    }
}
