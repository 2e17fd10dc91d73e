package import Base
import Digests
package import ObjectFormat
import Runtime

extension ObjectStore {
    /// Copies an object, its data streamed from reader to stager, hashed only where something is not known yet.
    package func copy(
        from source: CopySource, to bucket: String, _ key: ObjectKey, tenant: TenantID, options: CopyOptions
    ) async throws(ObjectError) -> CopyResult {
        let target = try self.tenant(tenant).bucket(bucket)
        if let replacement = options.replacement {
            try check(key, replacement)
        } else {
            try check(key, ObjectAttributes())
        }
        let set = placement.set(bucket: target.id, key: key)
        try await checkEarly(options.conditions, bucket: target, key: key, set: set)
        let opened = try await openCopySource(source, tenant: tenant, selection: .all)
        let reader = opened.reader
        do {
            let result = try await copy(
                opened.head.object, reader,
                isSelf: source.bucket == bucket && source.key == key && source.version == nil,
                to: target, key, set, options)
            await reader.close()
            return result
        } catch {
            await reader.close()
            throw error
        }
    }

    private func openCopySource(
        _ source: CopySource, tenant: TenantID, selection: ReadSelection
    ) async throws(ObjectError) -> GetResult {
        let bucket = try self.tenant(tenant).bucket(source.bucket)
        let set = placement.set(bucket: bucket.id, key: source.key)
        var options = GetOptions()
        options.version = source.version
        options.selection = selection
        options.conditions = source.conditions
        do {
            return try await set.run { () async throws(ObjectError) in
                try await open(bucket: bucket, key: source.key, set: set, options, conditionsAreCopySource: true)
            }
        } catch {
            if case .methodNotAllowedOnDeleteMarker = error { throw .copySourceIsDeleteMarker }
            throw error
        }
    }

    private func copy(
        _ object: ObjectInfo, _ reader: ObjectReader, isSelf: Bool, to target: Bucket, _ key: ObjectKey,
        _ set: SetHandle,
        _ options: CopyOptions
    ) async throws(ObjectError) -> CopyResult {
        guard object.size <= limits.putBytesMax else { throw .copySourceTooLarge(limit: limits.putBytesMax) }
        let changesClass =
            options.namesStorageClass || options.storageClass != object.attributes.storageClass
            || options.websiteRedirect != nil
        let changesChecksum = options.checksum.map { $0 != object.checksum?.algorithm } ?? false
        if isSelf, options.replacement == nil, options.tags == nil, !changesClass, !changesChecksum {
            throw .selfCopyWithoutChange
        }

        var record = VersionRecord(kind: .object, lastModified: time.now())
        var attributes = options.replacement ?? object.attributes
        attributes.tags = options.tags ?? object.attributes.tags
        attributes.storageClass = options.storageClass
        // Like the storage class, it is the request's whatever is copied.
        attributes.headers.websiteRedirect = options.websiteRedirect
        record.take(attributes, owner: options.owner)
        record.lock = options.lock
        record.grants = options.grants
        // A copy is one piece, whatever its source was: its ETag is the MD5 of the bytes, its checksum that of the full object.
        let knowsMD5 = object.partCount == nil
        if knowsMD5 { record.etag = object.etag }
        let algorithm = options.checksum ?? object.checksum?.algorithm ?? .crc64nvme
        let kept = object.checksum.flatMap { $0.type == .fullObject && $0.algorithm == algorithm ? $0 : nil }
        record.checksum = kept

        let hasher = BodyHasher(md5: !knowsMD5, sha256: false, algorithm: kept == nil ? algorithm : nil, lanes: lanes)
        try await checkQuotaEarly(target, key: key, size: object.size, set: set)
        let body = ReaderBody(reader, byteCount: object.size)
        let staged = try await BodyStaging.stage(body, on: set, hasher: hasher, sizeMax: limits.putBytesMax)
        let put = try await set.run { () async throws(ObjectError) in
            try await commit(staged, record, bucket: target, key: key, set: set, options.conditions)
        }
        return CopyResult(put: put, sourceVersion: object.version == .null ? nil : object.version)
    }

    /// A part from (a range of) an object that exists, and the version that was copied.
    package func uploadPartCopy(
        from source: CopySource, range: ByteRange?, to bucket: String, _ key: ObjectKey, upload: UniqueID, number: Int,
        tenant: TenantID
    ) async throws(ObjectError) -> (part: PartInfo, sourceVersion: VersionID) {
        let target = try self.tenant(tenant).bucket(bucket)
        guard (1...PartNumber.max).contains(number) else { throw .invalidPartNumber(number) }
        let set = placement.set(bucket: target.id, key: key)
        let found = try await set.run { () async throws(ObjectError) in
            try await activeUpload(target.id, key, upload, on: set)
        }
        let selection = range.map { ReadSelection.from($0.offset, to: $0.end - 1) } ?? .all
        let opened = try await openCopySource(source, tenant: tenant, selection: selection)
        let reader = opened.reader
        do throws(ObjectError) {
            let count = opened.head.range?.count ?? 0
            // Unlike a GET's, the range of a copy must lie within the object.
            if let range, count != range.count { throw .invalidRange(size: opened.head.object.size) }
            guard count <= limits.putBytesMax else { throw .copySourceTooLarge(limit: limits.putBytesMax) }
            try await checkQuota(ofPart: count, target)
            let hasher = BodyHasher(md5: true, sha256: false, algorithm: found.record.checksumAlgorithm, lanes: lanes)
            let staged = try await BodyStaging.stage(
                ReaderBody(reader, byteCount: count), on: set, hasher: hasher, sizeMax: limits.putBytesMax)
            let part = try await set.run { () async throws(ObjectError) in
                try await commitPart(staged, bucket: target, key: key, upload: upload, number: number, set: set)
            }
            await reader.close()
            return (part, opened.head.object.version)
        } catch {
            await reader.close()
            throw error
        }
    }
}

/// An object being read, as the body of one being written.
final class ReaderBody: BodySource {
    let byteCount: Int64?
    private let reader: ObjectReader
    private var slice: BufferSlice?

    init(_ reader: ObjectReader, byteCount: Int64) {
        self.reader = reader
        self.byteCount = byteCount
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) async throws(BodyError) -> Int {
        if slice == nil {
            do { slice = try await reader.next() } catch { throw BodyError(error) }
        }
        guard var rest = slice else { return 0 }
        let count = min(rest.count, buffer.count)
        buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: rest.bytes[..<count]))
        rest.start += count
        rest.count -= count
        slice = rest.count > 0 ? rest : nil
        return count
    }

    func finish(_ digests: ComputedDigests) async throws(BodyError) {}
}
