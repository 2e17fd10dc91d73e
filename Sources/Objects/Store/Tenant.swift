import Base
import Drives
import ObjectFormat
import Synchronization

/// One tenant: a namespace of buckets. Publishes an immutable snapshot, so that a request finds its bucket without a hop.
actor Tenant {
    struct Snapshot: Sendable {
        var buckets: [String: Bucket] = [:]
        /// In order of bytes.
        var names: [String] = []

        /// Where in `names` the first one is that is not before `name`.
        func firstIndex(notBefore name: String) -> Int {
            var low = 0, high = names.count
            while low < high {
                let middle = (low + high) / 2
                if names[middle].utf8.lexicographicallyPrecedes(name.utf8) { low = middle + 1 } else { high = middle }
            }
            return low
        }
    }

    nonisolated let id: TenantID
    private nonisolated let placement: Placement
    private nonisolated let published = Mutex(Snapshot())

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        placement.sets[Int(id.rawValue) % placement.sets.count].store.executor.asUnownedSerialExecutor()
    }

    init(_ id: TenantID, placement: Placement, buckets: [Bucket]) {
        self.id = id
        self.placement = placement
        for bucket in buckets { Self.insert(bucket, into: published) }
    }

    nonisolated var snapshot: Snapshot { published.withLock { $0 } }

    nonisolated func bucket(_ name: String) throws(ObjectError) -> Bucket {
        guard let bucket = published.withLock({ $0.buckets[name] }) else { throw .noSuchBucket }
        return bucket
    }

    func create(
        _ record: BucketRecord, documents: [NewBucketDocument] = []
    ) async throws(ObjectError) -> CreateBucketResult {
        if let existing = snapshot.buckets[record.name] { return .alreadyOwnedByYou(existing.info) }
        let key = StoreKeys.bucket(id, record.name), home = placement.set(system: key)
        guard documents.reduce(0, { $0 + $1.bytes.count }) <= BucketDocumentRecord.bytesMax else {
            throw .documentTooLarge(limit: BucketDocumentRecord.bytesMax)
        }
        var changes: [SetChange] = [.put(key: key, payload: record.encoded(), data: nil)]
        for document in documents {
            let stored = BucketDocumentRecord(kind: document.kind, modified: record.created, bytes: document.bytes)
            changes.append(
                .put(
                    key: StoreKeys.bucketDocument(record.id, document.kind, ""), payload: stored.encoded(), data: nil))
        }
        let creation = changes
        // Under the key's lock, because another creation may be between its look and its commit, and an earlier one of unknown
        // outcome may have left the record.
        let (found, foundDocuments) = try await home.locked([LockName(key.bytes)]) {
            () async throws(ObjectError) -> (BucketRecord, BucketDocuments) in
            let found: BucketRecord
            if let row = try await home.row(key) {
                found = try row.bucket()
            } else {
                try await home.commit { _ in creation }
                found = record
                if documents.isEmpty { return (found, BucketDocuments()) }
            }
            return (found, try await BucketDocuments.load(found.id, from: home))
        }
        if let existing = snapshot.buckets[record.name] { return .alreadyOwnedByYou(existing.info) }
        let bucket = Bucket(found, documents: foundDocuments, placement: placement)
        Self.insert(bucket, into: published)
        return found.id == record.id ? .created(bucket.info) : .alreadyOwnedByYou(bucket.info)
    }

    func delete(_ name: String) async throws(ObjectError) {
        let bucket = try bucket(name)
        try await bucket.delete()
        published.withLock { snapshot in
            guard snapshot.buckets[name]?.id == bucket.id else { return }
            snapshot.buckets[name] = nil
            snapshot.names.removeAll { $0 == name }
        }
    }

    private static func insert(_ bucket: Bucket, into published: borrowing Mutex<Snapshot>) {
        let name = bucket.info.name
        published.withLock { snapshot in
            if snapshot.buckets.updateValue(bucket, forKey: name) == nil {
                snapshot.names.insert(name, at: snapshot.firstIndex(notBefore: name))
            }
        }
    }
}
