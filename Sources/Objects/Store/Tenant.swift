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

    func create(_ record: BucketRecord) async throws(ObjectError) -> CreateBucketResult {
        if let existing = snapshot.buckets[record.name] { return .alreadyOwnedByYou(existing.info) }
        let key = StoreKeys.bucket(id, record.name), home = placement.set(system: key)
        let payload = record.encoded()
        // Under the key's lock, because another creation may be between its look and its commit, and an earlier one of unknown
        // outcome may have left the record.
        let found = try await home.locked([LockName(key.bytes)]) { () async throws(ObjectError) -> BucketRecord in
            if let row = try await home.row(key) {
                return try row.bucket()
            }
            try await home.commit { _ in [.put(key: key, payload: payload, data: nil)] }
            return record
        }
        if let existing = snapshot.buckets[record.name] { return .alreadyOwnedByYou(existing.info) }
        let bucket = Bucket(found, placement: placement)
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
