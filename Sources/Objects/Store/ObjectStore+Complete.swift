package import Base
import Digests
import Drives
package import ObjectFormat

extension ObjectStore {
    /// Makes the object out of the parts, atomically. The same request again answers the same for 24 hours.
    package func completeUpload(
        _ bucket: String, _ key: ObjectKey, upload: UniqueID, parts: [PartClaim], tenant: TenantID,
        options: CompleteOptions
    ) async throws(ObjectError) -> PutResult {
        let bucket = try self.tenant(tenant).bucket(bucket)
        let set = placement.set(bucket: bucket.id, key: key)
        let locks = [
            LockName(StoreKeys.versionPrefix(bucket.id, key)), Self.uploadLock(bucket.id, key, upload),
        ]
        return try await set.run { () async throws(ObjectError) in
            try await bucket.gate.pass { () async throws(ObjectError) in
                try await set.locked(locks) { () async throws(ObjectError) in
                    let found = try await storedUpload(bucket.id, key, upload, on: set)
                    if let done = found.record.completion {
                        return try Self.answerRetry(done, parts, in: bucket.info)
                    }
                    return try await complete(found, parts, bucket: bucket, set: set, options)
                }
            }
        }
    }

    /// The ETag is made of the claimed parts', so that it tells a retry from another request.
    private static func answerRetry(
        _ done: UploadRecord.Completion, _ claims: [PartClaim], in bucket: BucketInfo
    ) throws(ObjectError) -> PutResult {
        guard Assembly.etag(of: claims) == done.etag else { throw .noSuchUpload }
        return PutResult(
            etag: done.etag, version: done.version.map { .id($0) } ?? bucket.nullVersion, checksum: done.checksum,
            size: done.size,
            lastModified: done.lastModified)
    }

    private func complete(
        _ found: StoredUpload, _ claims: [PartClaim], bucket owner: Bucket, set: SetHandle, _ options: CompleteOptions
    ) async throws(ObjectError) -> PutResult {
        let bucket = owner.id
        try Assembly.checkOrder(claims)
        var parts: [Int: PartRecord] = [:], stalePages: [IndexKey] = []
        try await set.scan(prefix: StoreKeys.partsPrefix(bucket, found.upload)) { row throws(ObjectError) in
            if let number = StoreKeys.partNumber(row.key) {
                parts[number] = try row.part()
            } else {
                stalePages.append(row.key)
            }
        }
        let assembly = try Assembly(
            claims: claims, parts: parts, upload: found.record, partBytesMin: limits.partBytesMin)
        try assembly.check(options, found.record)
        let now = time.now(), info = owner.info
        let lookup = VersionLookup(set: set, bucket: bucket, key: found.key)
        var change = try await lookup.adding(VersionRecord(found.record, lastModified: now), to: info, now: now)
        try options.conditions.check(change.newest)
        // The ETag is the wanted one, but not that of the object over which the upload was begun.
        if options.conditions.ifMatch != nil, let newest = change.newest,
            newest.record.lastModified > found.record.initiated
        {
            throw .conflict
        }

        let pages = assembly.pages
        let rows = pages.enumerated().map { index, page in
            (StoreKeys.partMapPage(bucket, found.upload, page: index), page.encoded())
        }
        // A map too long for the commit goes before it, in commits of its own: nobody looks for it until a version names it.
        var pending: [SetChange] = [], pendingBytes = 0
        for (rowKey, payload) in rows {
            if pendingBytes + payload.count > Self.commitBytesMax {
                let batch = pending
                try await set.commit { _ in batch }
                (pending, pendingBytes) = ([], 0)
            }
            pending.append(.put(key: rowKey, payload: payload, data: nil))
            pendingBytes += payload.count
        }

        // Pages that an earlier attempt left, beyond those of this one.
        stalePages.removeAll { (StoreKeys.partMapPageNumber($0) ?? 0) < pages.count }
        pending += stalePages.map { .delete(key: $0) }

        change.added?.size = assembly.size
        change.added?.etag = assembly.etag
        change.added?.checksum = assembly.checksum
        change.added?.layout = .parts(PartMapReference(upload: found.upload, partCount: claims.count, pages: pages))
        let unused = Self.unusedParts(parts, claims, bucket: bucket, upload: found.upload)
        let (assembled, last, uploadKey, upload) = (change, pending, found.row.key, found.record)
        let position = try await withinQuota(owner, change) { () async throws(ObjectError) in
            try await set.commit { position in
                let made = assembled.putResult(at: position, in: info)
                var done = upload
                done.completion = UploadRecord.Completion(
                    at: now, etag: made.etag, checksum: made.checksum, size: made.size, lastModified: now,
                    version: info.versioning == .enabled ? position : nil)
                return VersionChange.changes([assembled], data: nil, at: position)
                    + last + unused + [.put(key: uploadKey, payload: done.encoded(), data: nil)]
            }
        }
        sweepRequests.ask()
        return assembled.putResult(at: position, in: info)
    }

    /// Half of the 64 KiB of a commit: beside the pages go the version, the upload and what is freed.
    private static let commitBytesMax = 32 << 10
    /// Parts freed in the completing commit itself; more of them are left to the sweeper.
    private static let unusedPartsMax = 64

    /// Parts that were uploaded and not chosen: freed with the commit when they are few, else by a record that names the upload,
    /// whose sweeping spares the parts in the map.
    private static func unusedParts(
        _ parts: [Int: PartRecord], _ claims: [PartClaim], bucket: BucketID, upload: UniqueID
    ) -> [SetChange] {
        let claimed = Set(claims.map(\.number))
        let unused = parts.keys.filter { !claimed.contains($0) }.sorted()
        guard unused.count <= unusedPartsMax else {
            let toFree = ToFreeRecord(.unusedParts(bucket, upload))
            return [.put(key: StoreKeys.toFree(toFree), payload: toFree.encoded(), data: nil)]
        }
        return unused.flatMap { number in
            [SetChange.delete(key: StoreKeys.part(bucket, upload, number: number))]
                + (parts[number].map { VersionChange.freeing($0.layout) } ?? [])
        }
    }
}

extension VersionRecord {
    /// What an upload says of the object that it becomes.
    fileprivate init(_ upload: UploadRecord, lastModified: Timestamp) {
        self.init(kind: .object, lastModified: lastModified)
        headers = upload.headers
        metadata = upload.metadata
        tags = upload.tags
        storageClass = upload.storageClass
        owner = upload.owner
        grants = upload.grants
        lock = upload.lock
    }
}
