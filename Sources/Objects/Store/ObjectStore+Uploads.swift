package import Base
import Digests
import Drives
package import ObjectFormat

/// An upload as it was found under its lock.
struct StoredUpload: Sendable {
    let row: SetRow
    let record: UploadRecord
    let key: ObjectKey
    let upload: UniqueID

    init(_ row: SetRow) throws(ObjectError) {
        guard let parsed = StoreKeys.parse(row.key) else {
            throw .damaged(detail: "an upload's key has the wrong shape")
        }
        self.row = row
        key = parsed.key
        upload = UniqueID(high: parsed.high, low: parsed.low)
        do { record = try UploadRecord(decoding: row.payload) } catch { throw ObjectError(error, in: row) }
    }

    var info: UploadInfo {
        UploadInfo(
            key: key, upload: upload, initiated: record.initiated, owner: record.owner,
            initiator: record.initiator.isEmpty ? record.owner : record.initiator,
            storageClass: record.storageClass, checksum: record.isChecksumChosen ? record.checksumAlgorithm : nil,
            checksumType: record.isChecksumChosen ? record.checksumType : nil)
    }
}

extension ObjectStore {
    package func createUpload(
        _ bucket: String, _ key: ObjectKey, tenant: TenantID, options: CreateUploadOptions
    ) async throws(ObjectError) -> UploadInfo {
        let bucket = try self.tenant(tenant).bucket(bucket)
        try check(key, options.attributes)
        var record = UploadRecord(initiated: time.now())
        record.headers = options.attributes.headers
        record.metadata = options.attributes.metadata
        record.tags = options.attributes.tags
        record.storageClass = options.attributes.storageClass
        record.owner = options.owner
        record.lock = options.lock
        record.grants = options.grants
        if options.initiator != options.owner { record.initiator = options.initiator }
        record.isChecksumChosen = options.checksum != nil
        record.checksumAlgorithm = options.checksum ?? .crc64nvme
        record.checksumType = try Self.checksumType(of: record.checksumAlgorithm, wanted: options.checksumType)

        // The time comes first, so that the uploads of a key are listed in the order in which they were begun.
        let upload = UniqueID(high: UInt64(bitPattern: record.initiated.nanoseconds), low: random.next())
        let set = placement.set(bucket: bucket.id, key: key)
        let row = SetRow(
            key: StoreKeys.upload(bucket.id, key, upload), revision: .zero, payload: record.encoded())
        try await set.run { () async throws(ObjectError) in
            try await bucket.gate.pass { () async throws(ObjectError) in
                try await set.commit { _ in [.put(key: row.key, payload: row.payload, data: nil)] }
            }
        }
        return try StoredUpload(row).info
    }

    /// What S3 allows: full-object checksums must combine, CRC64NVME is never composite.
    private static func checksumType(
        of algorithm: ChecksumAlgorithm, wanted: ChecksumType?
    ) throws(ObjectError) -> ChecksumType {
        let type = wanted ?? (algorithm == .crc64nvme ? .fullObject : .composite)
        switch type {
        case .fullObject where !algorithm.isCombinable:
            throw .checksumMismatch(
                detail: "The FULL_OBJECT checksum type cannot be used with the \(algorithm.name) checksum algorithm.")
        case .composite where algorithm == .crc64nvme:
            throw .checksumMismatch(
                detail: "The COMPOSITE checksum type cannot be used with the \(algorithm.name) checksum algorithm.")
        case .fullObject, .composite: return type
        }
    }

    /// Stores part 1 to 10,000; one stored before under the number is replaced.
    package func uploadPart(
        _ bucket: String, _ key: ObjectKey, upload: UniqueID, number: Int, tenant: TenantID, options: PartOptions,
        body: any BodySource
    ) async throws(ObjectError) -> PartInfo {
        let bucket = try self.tenant(tenant).bucket(bucket)
        guard (1...PartNumber.max).contains(number) else { throw .invalidPartNumber(number) }
        if let size = body.byteCount, size > limits.putBytesMax {
            throw .entityTooLarge(size: size, limit: limits.putBytesMax)
        }
        let set = placement.set(bucket: bucket.id, key: key)
        let found = try await set.run { () async throws(ObjectError) in
            try await activeUpload(bucket.id, key, upload, on: set)
        }
        try await checkQuota(ofPart: body.byteCount, bucket)
        let algorithm = found.record.checksumAlgorithm
        // An upload for which no algorithm was chosen takes whatever its client's SDK sends, and keeps its own beside it.
        // Where one was chosen each part has to bring it, unless the object's is of the whole and can be made without.
        let isOther =
            options.checksum.map { $0 != algorithm } ?? (found.record.checksumType == .composite)
        if isOther, found.record.isChecksumChosen {
            throw .checksumMismatch(
                detail: "Checksum Type mismatch occurred, expected checksum Type: \(algorithm.name.lowercased()), "
                    + "actual checksum Type: \(options.checksum?.name.lowercased() ?? "null")")
        }
        let hasher = BodyHasher(
            md5: true, sha256: options.wantsSHA256, algorithm: algorithm, sent: options.checksum, lanes: lanes)
        if let size = body.byteCount, size <= Int64(SmallBody.byteCountMax) {
            let small = try await SmallBody(reading: body, count: Int(size), hasher: hasher, buffers: buffers)
            return try await set.run { () async throws(ObjectError) in
                try await commitPart(
                    try await small.stage(on: set), bucket: bucket, key: key, upload: upload, number: number, set: set)
            }
        }
        let staged = try await BodyStaging.stage(body, on: set, hasher: hasher, sizeMax: limits.putBytesMax)
        return try await set.run { () async throws(ObjectError) in
            try await commitPart(staged, bucket: bucket, key: key, upload: upload, number: number, set: set)
        }
    }

    /// Puts the part's row under the upload's lock; the one that it replaces is freed in the same commit.
    func commitPart(
        _ staged: StagedBody, bucket: Bucket, key: ObjectKey, upload: UniqueID, number: Int, set: SetHandle
    ) async throws(ObjectError) -> PartInfo {
        let record = PartRecord(
            size: staged.digests.byteCount, lastModified: time.now(), etag: Hex.encode(staged.digests.md5),
            checksum: staged.digests.checksums.first, layout: staged.layout)
        let id = bucket.id, data = staged.data
        let rowKey = StoreKeys.part(id, upload, number: number)
        do {
            try await bucket.gate.pass { () async throws(ObjectError) in
                try await set.locked([Self.uploadLock(id, key, upload)]) { () async throws(ObjectError) in
                    _ = try await activeUpload(id, key, upload, on: set)
                    var changes: [SetChange] = []
                    if let old = try await set.row(rowKey) { changes = VersionChange.freeing(try old.part().layout) }
                    let freed = changes
                    try await set.commit { _ in freed + [.put(key: rowKey, payload: record.encoded(), data: data)] }
                }
            }
        } catch {
            await staged.abandon(after: error)
            throw error
        }
        var info = PartInfo(number: number, record)
        info.checksum = staged.digests.checksums.last
        return info
    }

    package func listParts(
        _ bucket: String, _ key: ObjectKey, upload: UniqueID, tenant: TenantID, options: ListPartsOptions
    ) async throws(ObjectError) -> ListPartsResult {
        let bucket = try self.tenant(tenant).bucket(bucket).id
        let set = placement.set(bucket: bucket, key: key)
        return try await set.run { () async throws(ObjectError) in
            let found = try await activeUpload(bucket, key, upload, on: set)
            guard options.limit > 0, options.marker < PartNumber.max else {
                return ListPartsResult(upload: found.info, parts: [], next: nil)
            }
            let start = StoreKeys.part(bucket, upload, number: max(options.marker, 0) + 1)
            let end = StoreKeys.part(bucket, upload, number: PartNumber.max + 1)
            let limit = min(options.limit, 1000)
            let rows = try await set.rows(from: start, to: end, limit: limit + 1)
            var parts: [PartInfo] = []
            for row in rows.prefix(limit) {
                guard let number = StoreKeys.partNumber(row.key) else {
                    throw ObjectError.damaged(detail: "a part's key has the wrong shape")
                }
                parts.append(PartInfo(number: number, try row.part()))
            }
            return ListPartsResult(
                upload: found.info, parts: parts, next: rows.count > limit ? parts.last?.number : nil)
        }
    }

    package func listUploads(
        _ bucket: String, tenant: TenantID, options: ListUploadsOptions
    ) async throws(ObjectError) -> ListUploadsResult {
        let bucket = try self.tenant(tenant).bucket(bucket).id
        guard options.limit > 0 else { return ListUploadsResult(entries: [], next: nil) }
        let folding = Folding(prefix: options.prefix, delimiter: options.delimiter)
        let first = StoreKeys.uploadStart(bucket, prefix: options.prefix)
        var start = IndexKey(first), marker: (key: ObjectKey, upload: String)?
        if let key = options.keyMarker {
            if let upload = options.uploadMarker, folding.commonPrefix(of: key) == nil {
                start = max(start, IndexKey(StoreKeys.uploadStart(bucket, prefix: key) + [0, 0]))
                marker = (key, upload)
            } else {
                start = max(start, Self.start(.marker(key), folding, in: bucket, StoreKeys.uploadStart))
            }
        }
        var scan = MergedScan(
            placement.sets, from: start, to: IndexKey(StoreKeys.successor(first)), expected: options.limit + 1)
        var entries: [ListUploadsResult.Entry] = [], next: (key: ObjectKey, upload: UniqueID?)?
        while let row = try await scan.next() {
            let found = try StoredUpload(row)
            if found.record.completion != nil { continue }
            if let marker, marker.key == found.key, found.upload.description <= marker.upload { continue }
            guard entries.count < options.limit else { return ListUploadsResult(entries: entries, next: next) }
            if let common = folding.commonPrefix(of: found.key) {
                entries.append(.commonPrefix(common))
                next = (common, nil)
                scan.seek(IndexKey(StoreKeys.successor(StoreKeys.uploadStart(bucket, prefix: common))))
            } else {
                entries.append(.upload(found.info))
                next = (found.key, found.upload)
            }
        }
        return ListUploadsResult(entries: entries, next: nil)
    }

    package func abortUpload(
        _ bucket: String, _ key: ObjectKey, upload: UniqueID, tenant: TenantID, ifInitiated: Timestamp? = nil
    ) async throws(ObjectError) {
        let bucket = try self.tenant(tenant).bucket(bucket)
        let set = placement.set(bucket: bucket.id, key: key)
        try await set.run { () async throws(ObjectError) in
            try await bucket.gate.pass { () async throws(ObjectError) in
                try await abort(bucket.id, key, upload, on: set) { record throws(ObjectError) in
                    // Clients know the time as it was shown, at best to the millisecond and at worst to the second.
                    guard let ifInitiated, record.initiated.seconds != ifInitiated.seconds else { return true }
                    throw .preconditionFailed(.ifMatchInitiatedTime)
                }
            }
        }
    }

    /// Removes an active upload; the sweeper frees its parts.
    func abort(
        _ bucket: BucketID, _ key: ObjectKey, _ upload: UniqueID, on set: SetHandle,
        when isWanted: (UploadRecord) throws(ObjectError) -> Bool
    ) async throws(ObjectError) {
        try await set.locked([Self.uploadLock(bucket, key, upload)]) { () async throws(ObjectError) in
            let found = try await activeUpload(bucket, key, upload, on: set)
            guard try isWanted(found.record) else { return }
            let toFree = ToFreeRecord(.upload(bucket, upload)), rowKey = found.row.key
            try await set.commit { _ in
                [.delete(key: rowKey), .put(key: StoreKeys.toFree(toFree), payload: toFree.encoded(), data: nil)]
            }
        }
        sweepRequests.ask()
    }

    static func uploadLock(_ bucket: BucketID, _ key: ObjectKey, _ upload: UniqueID) -> LockName {
        LockName(StoreKeys.upload(bucket, key, upload).bytes)
    }

    func storedUpload(
        _ bucket: BucketID, _ key: ObjectKey, _ upload: UniqueID, on set: SetHandle
    ) async throws(ObjectError) -> StoredUpload {
        guard let row = try await set.row(StoreKeys.upload(bucket, key, upload)) else { throw .noSuchUpload }
        return try StoredUpload(row)
    }

    func activeUpload(
        _ bucket: BucketID, _ key: ObjectKey, _ upload: UniqueID, on set: SetHandle
    ) async throws(ObjectError) -> StoredUpload {
        let found = try await storedUpload(bucket, key, upload, on: set)
        guard found.record.completion == nil else { throw .noSuchUpload }
        return found
    }
}

extension PartInfo {
    init(number: Int, _ record: PartRecord) {
        self.init(
            number: number, size: record.size, etag: record.etag, lastModified: record.lastModified,
            checksum: record.checksum)
    }
}
