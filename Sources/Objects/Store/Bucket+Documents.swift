import Base
import Drives
import ObjectFormat

extension Bucket {
    /// One document changes, under the lock of the bucket's record, in a commit of its own.
    func update(
        _ kind: BucketDocumentKind, _ id: String, now: Timestamp,
        _ change: @Sendable (BucketInfo) -> BucketDocumentChange
    ) async throws(ObjectError) -> BucketInfo {
        guard id.utf8.count <= Self.documentIDBytesMax else { throw .documentTooLarge(limit: Self.documentIDBytesMax) }
        return try await gate.pass { () async throws(ObjectError) in
            try await home.locked([LockName(key.bytes)]) { () async throws(ObjectError) in
                if mustReload { try await load() }
                switch change(info) {
                case .keep: break
                case .store(let bytes): try await store(kind, id, bytes, now)
                case .delete: try await deleteDocument(kind, id)
                }
                return info
            }
        }
    }

    /// Finds out what a write of unknown outcome came to.
    func reload() async throws(ObjectError) {
        try await home.locked([LockName(key.bytes)]) { () async throws(ObjectError) in
            if mustReload { try await load() }
        }
    }

    private func load() async throws(ObjectError) {
        let found = try await BucketDocuments.load(self.id, from: home)
        publish(found)
        settled()
    }

    private func store(
        _ kind: BucketDocumentKind, _ id: String, _ bytes: [UInt8], _ now: Timestamp
    ) async throws(ObjectError) {
        var changed = info.documents
        changed.remove(kind, id)
        guard bytes.count <= BucketDocumentRecord.bytesMax else {
            throw .documentTooLarge(limit: BucketDocumentRecord.bytesMax)
        }
        guard changed.byteCount + bytes.count <= Self.documentBytesMax else {
            throw .documentTooLarge(limit: Self.documentBytesMax)
        }
        let row = StoreKeys.bucketDocument(self.id, kind, id)
        let payload = BucketDocumentRecord(kind: kind, modified: now, bytes: bytes).encoded()
        let revision = try await commitDocument(.put(key: row, payload: payload, data: nil))
        changed.set(BucketDocument(kind: kind, id: id, bytes: bytes, modified: now, revision: revision))
        publish(changed)
    }

    private func deleteDocument(_ kind: BucketDocumentKind, _ id: String) async throws(ObjectError) {
        var changed = info.documents
        guard changed[kind, id] != nil else { return }
        _ = try await commitDocument(.delete(key: StoreKeys.bucketDocument(self.id, kind, id)))
        changed.remove(kind, id)
        publish(changed)
    }

    /// A commit of unknown outcome leaves what is published in doubt: a read tells, at once or later.
    private func commitDocument(_ change: SetChange) async throws(ObjectError) -> Position {
        do {
            return try await home.commit { _ in [change] }
        } catch {
            if case .outcomeUnknown = error { leaveInDoubt() }
            throw error
        }
    }

    /// Ids have at most 64 characters on AWS; the key of a row has room for more.
    private static var documentIDBytesMax: Int { 256 }
    /// Of one bucket, because they all are in memory: room for every kind at its largest and a thousand small ones.
    private static var documentBytesMax: Int { 8 << 20 }
}
