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
        /// Of the buckets that each account owns: what quotas of tenants are judged by.
        private(set) var idsByOwner: [String: [BucketID]] = [:]

        mutating func insert(_ bucket: Bucket) {
            let info = bucket.info
            if let old = buckets.updateValue(bucket, forKey: info.name) {
                forget(old)
            } else {
                names.insert(info.name, at: firstIndex(notBefore: info.name))
            }
            idsByOwner[info.owner, default: []].append(bucket.id)
        }

        mutating func remove(_ bucket: Bucket) {
            let name = bucket.info.name
            guard buckets[name]?.id == bucket.id else { return }
            buckets[name] = nil
            names.removeAll { $0 == name }
            forget(bucket)
        }

        private mutating func forget(_ bucket: Bucket) {
            let owner = bucket.info.owner
            idsByOwner[owner]?.removeAll { $0 == bucket.id }
            if idsByOwner[owner]?.isEmpty == true { idsByOwner[owner] = nil }
        }

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
    private nonisolated let limited = Mutex(TenantLimits())
    private nonisolated let ledgers = TenantLedgers()
    private var creations = BucketCreations()
    /// Being deleted: takes no bucket.
    private var isClosed = false

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

    // MARK: Limits

    nonisolated var limits: TenantLimits { limited.withLock { $0 } }
    nonisolated func setLimits(_ limits: TenantLimits) { limited.withLock { $0 = limits } }
    /// What commits under way will add to all of the tenant; to what an account of it owns.
    nonisolated var ledger: QuotaLedger { ledgers.total }
    nonisolated func ledger(of owner: String) -> QuotaLedger { ledgers.ledger(of: owner) }

    /// For the deletion of the tenant: false while there are buckets, or some are being made.
    func close() -> Bool {
        guard snapshot.names.isEmpty, creations.total == 0 else { return false }
        isClosed = true
        return true
    }

    func reopen() { isClosed = false }

    // MARK: Buckets

    func create(
        _ record: BucketRecord, documents: [NewBucketDocument] = []
    ) async throws(ObjectError) -> CreateBucketResult {
        let known = snapshot
        if let existing = known.buckets[record.name] { return .alreadyOwnedByYou(existing.info) }
        let owned = known.idsByOwner[record.owner]?.count ?? 0
        guard !isClosed,
            creations.hasRoom(limits, total: known.names.count, owned: owned, owner: record.owner)
        else { throw .tooManyBuckets }
        creations.began(record.owner)
        defer { creations.ended(record.owner) }
        return try await make(record, documents)
    }

    private func make(
        _ record: BucketRecord, _ documents: [NewBucketDocument]
    ) async throws(ObjectError) -> CreateBucketResult {
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
        published.withLock { $0.remove(bucket) }
    }

    private static func insert(_ bucket: Bucket, into published: borrowing Mutex<Snapshot>) {
        published.withLock { $0.insert(bucket) }
    }
}

/// One for the tenant, and one for each account that ever wrote under a limit.
final class TenantLedgers: Sendable {
    let total = QuotaLedger()
    private let byOwner = Mutex<[String: QuotaLedger]>([:])

    func ledger(of owner: String) -> QuotaLedger {
        byOwner.withLock { ledgers in
            if let known = ledgers[owner] { return known }
            let made = QuotaLedger()
            ledgers[owner] = made
            return made
        }
    }
}
