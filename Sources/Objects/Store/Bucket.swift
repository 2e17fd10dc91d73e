import Base
import Drives
import ObjectFormat
import Synchronization

/// One bucket: owns its configuration, publishes it for request tasks, and lets their commits in.
actor Bucket {
    nonisolated let id: BucketID
    nonisolated let gate = CommitGate()
    nonisolated let quotaLedger = QuotaLedger()
    private nonisolated let published: Mutex<BucketInfo>
    private nonisolated let placement: Placement
    nonisolated let home: SetHandle
    nonisolated let key: IndexKey
    private var record: BucketRecord
    /// A document's write had an unknown outcome: what is published may be the state before it.
    private nonisolated let inDoubt = Mutex(false)

    nonisolated var unownedExecutor: UnownedSerialExecutor { home.store.executor.asUnownedSerialExecutor() }

    init(_ record: BucketRecord, documents: BucketDocuments, placement: Placement) {
        self.record = record
        self.placement = placement
        id = record.id
        key = StoreKeys.bucket(record.tenant, record.name)
        home = placement.set(system: key)
        published = Mutex(BucketInfo(record, documents))
    }

    /// What requests read, without a hop.
    nonisolated var info: BucketInfo { published.withLock { $0 } }

    func publish(_ documents: BucketDocuments) { published.withLock { $0.documents = documents } }

    nonisolated var mustReload: Bool { inDoubt.withLock { $0 } }
    func leaveInDoubt() { inDoubt.withLock { $0 = true } }
    func settled() { inDoubt.withLock { $0 = false } }

    /// Undoes a closing that a crash left behind (rule 17). The state matters to the next start only, so a set that takes no
    /// writes at the moment is no reason to fail.
    func undoClosing() async {
        guard record.state == .closing else { return }
        do { try await store(.open) } catch { return }
    }

    /// DeleteBucket (rule 17): closes, lets the commits inside end, looks on all sets, then deletes or opens again.
    func delete() async throws(ObjectError) {
        let wasUnresolved = gate.isUnresolved
        guard gate.close() else { throw gate.isGone ? .noSuchBucket : .bucketIsClosing }
        if wasUnresolved, try await resolve() { return }
        do throws(ObjectError) {
            try await store(.closing)
            await gate.drained()
            if try await holdsVersions() { throw .bucketNotEmpty(hasVersions: info.versioning != .unversioned) }
        } catch {
            do { try await store(.open) } catch {
                // The record may say closing until the next start, which undoes it.
            }
            gate.reopen()
            throw error
        }
        do {
            try await remove()
            gate.remove()
        } catch {
            if case .outcomeUnknown = error { gate.leaveUnresolved() } else { gate.reopen() }
            throw error
        }
    }

    /// Finds out whether a deletion of unknown outcome happened. True: it did. The gate is closed by the caller.
    private func resolve() async throws(ObjectError) -> Bool {
        do {
            if try await home.row(key) == nil {
                gate.remove()
                return true
            }
            return false
        } catch {
            gate.leaveUnresolved()
            throw error
        }
    }

    private func store(_ state: BucketRecord.State) async throws(ObjectError) {
        try await rewrite { record throws(ObjectError) in record.state = state }
    }

    /// Changes the record and publishes it. Under its lock, and from what is stored: an earlier change may have had an unknown
    /// outcome, and another may be under way.
    func rewrite(_ change: (inout BucketRecord) throws(ObjectError) -> Void) async throws(ObjectError) {
        let key = key
        try await home.locked([LockName(key.bytes)]) { () async throws(ObjectError) in
            guard let row = try await home.row(key) else { throw .noSuchBucket }
            var changed = try row.bucket()
            guard changed.id == id else { throw .noSuchBucket }
            try change(&changed)
            let payload = changed.encoded()
            try await home.commit { _ in [.put(key: key, payload: payload, data: nil)] }
            record = changed
            published.withLock { $0.take(changed) }
        }
    }

    private func holdsVersions() async throws(ObjectError) -> Bool {
        let prefix = StoreKeys.versionStart(id, prefix: "")
        for set in placement.sets {
            let found = try await set.run { () async throws(ObjectError) in try await set.firstRow(prefix: prefix) }
            if found != nil { return true }
        }
        return false
    }

    /// The record goes, and with it, later, the bucket's documents and whatever uploads it had.
    private func remove() async throws(ObjectError) {
        let toFree = ToFreeRecord(.bucketUploads(id)), key = key
        try await home.locked([LockName(key.bytes)]) { () async throws(ObjectError) in
            try await home.commit { _ in
                [.delete(key: key), .put(key: StoreKeys.toFree(toFree), payload: toFree.encoded(), data: nil)]
            }
        }
    }
}

extension BucketInfo {
    init(_ record: BucketRecord, _ documents: BucketDocuments) {
        self.init(
            name: record.name, id: record.id, tenant: record.tenant, created: record.created, region: record.region,
            owner: record.owner, objectLockEnabled: record.objectLockEnabled, versioning: record.versioning,
            defaultRetention: record.defaultRetention, objectOwnership: record.objectOwnership,
            documents: documents)
    }

    /// What a change of the record changes.
    mutating func take(_ record: BucketRecord) {
        versioning = record.versioning
        objectLockEnabled = record.objectLockEnabled
        defaultRetention = record.defaultRetention
    }
}
