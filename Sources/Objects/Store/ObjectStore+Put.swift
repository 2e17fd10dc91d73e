package import Base
import Digests
import Drives
package import ObjectFormat

extension ObjectStore {
    /// Stores an object. Nothing is visible until it is durable; then it is, at once and whole.
    package func put(
        _ bucket: String, _ key: ObjectKey, tenant: TenantID, options: PutOptions, body: any BodySource
    ) async throws(ObjectError) -> PutResult {
        let bucket = try self.tenant(tenant).bucket(bucket)
        try check(key, options.attributes)
        if let size = body.byteCount, size > limits.putBytesMax {
            throw .entityTooLarge(size: size, limit: limits.putBytesMax)
        }
        let set = placement.set(bucket: bucket.id, key: key)
        try await checkEarly(options.conditions, bucket: bucket, key: key, set: set)
        try await checkQuotaEarly(bucket, key: key, size: body.byteCount, set: set)

        let hasher = BodyHasher(
            md5: true, sha256: options.wantsSHA256, algorithm: options.checksum ?? .crc64nvme, lanes: lanes)
        var record = VersionRecord(kind: .object, lastModified: time.now())
        record.take(options.attributes, owner: options.owner)
        record.lock = options.lock
        record.grants = options.grants
        if let size = body.byteCount, size <= Int64(SmallBody.byteCountMax) {
            let small = try await SmallBody(reading: body, count: Int(size), hasher: hasher, buffers: buffers)
            return try await set.run { () async throws(ObjectError) in
                try await commit(
                    try await small.stage(on: set), record, bucket: bucket, key: key, set: set, options.conditions)
            }
        }
        let staged = try await BodyStaging.stage(body, on: set, hasher: hasher, sizeMax: limits.putBytesMax)
        return try await set.run { () async throws(ObjectError) in
            try await commit(staged, record, bucket: bucket, key: key, set: set, options.conditions)
        }
    }

    func check(_ key: ObjectKey, _ attributes: ObjectAttributes) throws(ObjectError) {
        guard (1...ObjectKey.byteCountMax).contains(key.bytes.count) else { throw .keyTooLong }
        let bytes = attributes.metadata.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count }
        guard bytes <= limits.metadataBytesMax else { throw .metadataTooLarge(limit: limits.metadataBytesMax) }
    }

    /// A condition that fails now need not wait for the body: the request is then ordered before it.
    func checkEarly(
        _ conditions: WriteConditions, bucket: Bucket, key: ObjectKey, set: SetHandle
    ) async throws(ObjectError) {
        guard !conditions.isEmpty else { return }
        let lookup = VersionLookup(set: set, bucket: bucket.id, key: key)
        let current = try await set.run { () async throws(ObjectError) in try await lookup.newest() }
        try conditions.check(current)
    }

    /// Commits a staged body as the object's new version under the key's lock, or frees it. Called on the set's executor.
    func commit(
        _ staged: StagedBody, _ draft: VersionRecord, bucket: Bucket, key: ObjectKey, set: SetHandle,
        _ conditions: WriteConditions
    ) async throws(ObjectError) -> PutResult {
        var draft = draft
        draft.size = staged.digests.byteCount
        draft.layout = .data(staged.layout)
        if draft.etag.isEmpty { draft.etag = Hex.encode(staged.digests.md5) }
        if let checksum = staged.digests.checksums.first { draft.checksum = checksum }
        do {
            return try await commit(draft, data: staged.data, bucket: bucket, key: key, set: set, conditions)
        } catch {
            await staged.abandon(after: error)
            throw error
        }
    }

    private func commit(
        _ draft: VersionRecord, data: (any StagedData)?, bucket: Bucket, key: ObjectKey, set: SetHandle,
        _ conditions: WriteConditions
    ) async throws(ObjectError) -> PutResult {
        try await bucket.gate.pass { () async throws(ObjectError) in
            try await set.locked([LockName(StoreKeys.versionPrefix(bucket.id, key))]) { () async throws(ObjectError) in
                let lookup = VersionLookup(set: set, bucket: bucket.id, key: key)
                let change = try await lookup.adding(draft, to: bucket.info, now: time.now())
                try conditions.check(change.newest)
                let position = try await withinQuota(bucket, change) { () async throws(ObjectError) in
                    try await set.commit { VersionChange.changes([change], data: data, at: $0) }
                }
                if change.leavesParts { sweepRequests.ask() }
                return change.putResult(at: position, in: bucket.info)
            }
        }
    }
}

extension VersionRecord {
    mutating func take(_ attributes: ObjectAttributes, owner: String) {
        headers = attributes.headers
        metadata = attributes.metadata
        tags = attributes.tags
        storageClass = attributes.storageClass
        self.owner = owner
    }
}

extension StoredVersion {
    var hasParts: Bool {
        if case .parts = record.layout { true } else { false }
    }
}
