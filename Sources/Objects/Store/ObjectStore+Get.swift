package import Base
import Drives
package import ObjectFormat

extension ObjectStore {
    /// Opens an object for reading. The result's reader must be closed on every path.
    package func get(
        _ bucket: String, _ key: ObjectKey, tenant: TenantID, options: GetOptions
    ) async throws(ObjectError) -> GetResult {
        let bucket = try self.tenant(tenant).bucket(bucket)
        let set = placement.set(bucket: bucket.id, key: key)
        return try await set.run { () async throws(ObjectError) in
            try await open(bucket: bucket, key: key, set: set, options, conditionsAreCopySource: false)
        }
    }

    package func head(
        _ bucket: String, _ key: ObjectKey, tenant: TenantID, options: GetOptions
    ) async throws(ObjectError) -> HeadResult {
        let bucket = try self.tenant(tenant).bucket(bucket)
        let set = placement.set(bucket: bucket.id, key: key)
        return try await set.run { () async throws(ObjectError) in
            for _ in 0..<Self.readAttemptsMax {
                let found = try await VersionLookup(set: set, bucket: bucket.id, key: key).readable(options.version)
                try options.conditions.check(found)
                if let (head, _) = try await select(options.selection, of: found, bucket: bucket.id, set: set) {
                    return head
                }
            }
            throw .slowDown(detail: "the object is being replaced too fast to be read")
        }
    }

    /// How often a read starts again when the object is replaced under it: each time somebody else's write went through.
    static let readAttemptsMax = 16

    /// Looks up, judges, selects and opens, starting again when the version is replaced in between.
    func open(
        bucket: Bucket, key: ObjectKey, set: SetHandle, _ options: GetOptions, conditionsAreCopySource: Bool
    ) async throws(ObjectError) -> GetResult {
        for _ in 0..<Self.readAttemptsMax {
            let found = try await VersionLookup(set: set, bucket: bucket.id, key: key).readable(options.version)
            if conditionsAreCopySource {
                try options.conditions.checkCopySource(
                    etag: found.record.etag, lastModified: found.record.lastModified)
            } else {
                try options.conditions.check(found)
            }
            guard let (head, _) = try await select(options.selection, of: found, bucket: bucket.id, set: set) else {
                continue
            }
            if let reader = try await reader(of: found, head.range, bucket: bucket.id, set: set) {
                return GetResult(head: head, reader: reader)
            }
        }
        throw .slowDown(detail: "the object is being replaced too fast to be read")
    }

    /// Opens the bytes; nil when the version was replaced since it was looked up.
    private func reader(
        of found: StoredVersion, _ range: ByteRange?, bucket: BucketID, set: SetHandle
    ) async throws(ObjectError) -> ObjectReader? {
        guard let range else { return ObjectReader(set: set, source: .nothing) }
        switch found.record.layout {
        case .data(let layout):
            do {
                let whole = range.offset == 0 && range.count == found.record.size
                let data = try await set.store.open(layout, of: found.row, range: whole ? nil : range)
                return ObjectReader(set: set, source: .piece(data))
            } catch {
                if case .superseded = error { return nil }
                throw ObjectError(error)
            }
        case .parts(let map):
            // The pin comes before the second look: whoever removes the version after it will find the pin.
            let pin = PartsPin(map.upload, in: pins)
            guard try await set.row(found.row.key)?.revision == found.row.revision else { return nil }
            return ObjectReader(
                set: set, source: .parts(PartsReader(set: set, bucket: bucket, map: map, range: range, pin: pin)))
        }
    }

    /// What a selection comes to; nil when the version was replaced meanwhile.
    private func select(
        _ selection: ReadSelection, of found: StoredVersion, bucket: BucketID, set: SetHandle
    ) async throws(ObjectError) -> (head: HeadResult, partCount: Int)? {
        let size = found.record.size, info = found.info
        if case .part(let number) = selection, case .parts(let map) = found.record.layout {
            guard let entry = try await PartMap(set: set, bucket: bucket, map: map).entry(number: number) else {
                guard try await set.row(found.row.key) != nil else { return nil }
                throw .noSuchPart(partCount: map.partCount)
            }
            let range = entry.size > 0 ? ByteRange(offset: entry.offset, count: entry.size) : nil
            let head = HeadResult(object: info, range: range, isPartial: true, partChecksum: entry.checksum)
            return (head, map.partCount)
        }
        let range = try selection.range(in: size)
        let isPartial = selection != .all && size > 0
        return (HeadResult(object: info, range: range, isPartial: isPartial, partChecksum: nil), 1)
    }
}

extension ReadSelection {
    /// The bytes selected of an object in one piece; nil when it has none.
    func range(in size: Int64) throws(ObjectError) -> ByteRange? {
        switch self {
        case .all:
            return size > 0 ? ByteRange(offset: 0, count: size) : nil
        case .from(let first, let last):
            guard first >= 0, first < size, last ?? first >= first else { throw .invalidRange(size: size) }
            return ByteRange(offset: first, count: min(last ?? size - 1, size - 1) - first + 1)
        case .suffix(let count):
            guard count > 0, size > 0 else { throw .invalidRange(size: size) }
            let count = min(count, size)
            return ByteRange(offset: size - count, count: count)
        case .part(let number):
            guard number == 1 else { throw .noSuchPart(partCount: 1) }
            return size > 0 ? ByteRange(offset: 0, count: size) : nil
        }
    }
}
