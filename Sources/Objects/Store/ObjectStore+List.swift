package import Base
import Drives
import ObjectFormat

extension ObjectStore {
    /// Current objects in byte order of their keys. One row is read for each object and each common prefix, whatever lies below it.
    package func list(
        _ bucket: String, tenant: TenantID, options: ListOptions
    ) async throws(ObjectError) -> ListResult {
        let bucket = try self.tenant(tenant).bucket(bucket).id
        guard options.limit > 0 else { return ListResult(entries: [], next: nil) }
        let folding = Folding(prefix: options.prefix, delimiter: options.delimiter)
        let first = StoreKeys.versionStart(bucket, prefix: options.prefix)
        let start = Self.start(options.start, folding, in: bucket, StoreKeys.versionStart)
        // A page folds into fewer entries than it has rows, so a listing with a delimiter begins small and seeks.
        let expected = options.delimiter.bytes.isEmpty ? options.limit + 1 : 64
        var scan = PageScan(
            placement.sets, from: max(IndexKey(first), start), to: IndexKey(StoreKeys.successor(first)),
            expected: expected)
        var entries: [ListResult.Entry] = [], next = ListStart.beginning
        entries.reserveCapacity(min(options.limit, expected))
        // The last object shown, whose key `next` is made of when it is needed.
        var shown: PagedObject?
        var last: PageScan.Place?, lastKey = 0..<0
        while let place = try await scan.next() {
            let bytes = place.page.bytes, row = place.row
            guard let (key, isEscaped) = VersionRow.objectKey(bytes, row.key) else {
                throw .damaged(detail: "a version's key has the wrong shape")
            }
            // Older versions follow the newest. They are few as a rule; a seek skips the many.
            if let last, bytes[key].elementsEqual(last.page.bytes[lastKey]) {
                scan.seek(IndexKey(Array(bytes[row.key.lowerBound..<key.upperBound]) + [0, 1]))
                continue
            }
            (last, lastKey) = (place, key)
            let version: ListedVersion
            do { version = try ListedVersion(decoding: bytes, at: row.payload) } catch {
                throw .damaged(detail: "a record of revision \(row.revision) does not parse: \(error)")
            }
            guard !version.isDeleteMarker else { continue }
            guard entries.count < options.limit else {
                return ListResult(entries: entries, next: shown.map { .after($0.key) } ?? next)
            }
            let object = PagedObject(place.page, key: key, isEscaped: isEscaped, version)
            if !options.delimiter.bytes.isEmpty, let common = folding.commonPrefix(of: object.key) {
                entries.append(.commonPrefix(common))
                next = .past(common)
                shown = nil
                scan.seek(IndexKey(StoreKeys.successor(StoreKeys.versionStart(bucket, prefix: common))))
            } else {
                entries.append(.object(object))
                shown = object
            }
        }
        return ListResult(entries: entries, next: nil)
    }

    /// All versions, of each key newest first.
    package func listVersions(
        _ bucket: String, tenant: TenantID, options: ListVersionsOptions
    ) async throws(ObjectError) -> ListVersionsResult {
        let bucket = try self.tenant(tenant).bucket(bucket).id
        guard options.limit > 0 else { return ListVersionsResult(entries: [], next: nil) }
        let folding = Folding(prefix: options.prefix, delimiter: options.delimiter)
        let first = StoreKeys.versionStart(bucket, prefix: options.prefix)
        var start = IndexKey(first)
        // Of the key in whose versions the page begins.
        var newest: StoredVersion?
        if let key = options.keyMarker {
            if let version = options.versionMarker, folding.commonPrefix(of: key) == nil {
                let lookup = VersionLookup(set: placement.set(bucket: bucket, key: key), bucket: bucket, key: key)
                let place = try await lookup.set.run { () async throws(ObjectError) in
                    try await lookup.place(of: version)
                }
                start = max(start, place.after)
                newest = place.newest
            } else {
                start = max(start, Self.start(.marker(key), folding, in: bucket, StoreKeys.versionStart))
            }
        }
        var scan = MergedScan(
            placement.sets, from: start, to: IndexKey(StoreKeys.successor(first)), expected: options.limit + 1)
        var entries: [ListVersionsResult.Entry] = [], next: (key: ObjectKey, version: VersionID?)?, last: ObjectKey?
        while let row = try await scan.next() {
            let version = try StoredVersion(row), key = version.key
            var isLatest = key != last
            last = key
            if let newest, newest.key == key { isLatest = version.created == newest.created }
            guard entries.count < options.limit else { return ListVersionsResult(entries: entries, next: next) }
            if let common = folding.commonPrefix(of: key) {
                entries.append(.commonPrefix(common))
                next = (common, nil)
                scan.seek(IndexKey(StoreKeys.successor(StoreKeys.versionStart(bucket, prefix: common))))
            } else {
                entries.append(.version(version.info, isLatest: isLatest))
                next = (key, version.version)
            }
        }
        return ListVersionsResult(entries: entries, next: nil)
    }

    /// The first index key of a listing. `space` makes the beginning of the keys with a prefix.
    static func start(
        _ start: ListStart, _ folding: Folding, in bucket: BucketID, _ space: (BucketID, ObjectKey) -> [UInt8]
    ) -> IndexKey {
        switch start {
        case .beginning: IndexKey(space(bucket, ""))
        // After 00 00, which ends the key, come its versions; no other key lies between.
        case .after(let key): IndexKey(space(bucket, key) + [0, 1])
        case .past(let prefix): IndexKey(StoreKeys.successor(space(bucket, prefix)))
        case .marker(let key):
            if let common = folding.commonPrefix(of: key) {
                IndexKey(StoreKeys.successor(space(bucket, common)))
            } else {
                IndexKey(space(bucket, key) + [0, 1])
            }
        }
    }
}
