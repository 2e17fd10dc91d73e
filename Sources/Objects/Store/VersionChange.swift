import Base
import Drives
import ObjectFormat

/// What a write to a key does to the versions that are there: decided here and nowhere else, so that versioning changes this file.
struct VersionChange: Sendable {
    /// Leaves the namespace in the commit that brings the new version.
    var replaced: [StoredVersion] = []

    /// In a bucket without versioning there is one version, the null version, and a write takes its place.
    static func write(replacing current: StoredVersion?) -> VersionChange {
        VersionChange(replaced: current.map { [$0] } ?? [])
    }

    /// The changes of one commit that puts `record` at its position, with its data.
    func changes(
        putting record: VersionRecord, key: ObjectKey, bucket: BucketID, data: (any StagedData)?, at position: Position
    ) -> [SetChange] {
        var changes: [SetChange] = [
            .put(key: StoreKeys.version(bucket, key, position), payload: record.encoded(), data: data)
        ]
        var bytes = record.size, objects: Int64 = record.kind == .object ? 1 : 0
        for version in replaced {
            changes += Self.removal(of: version, bucket: bucket)
            bytes -= version.record.size
            if !version.isDeleteMarker { objects -= 1 }
        }
        if objects != 0 || bytes != 0 {
            changes.append(.count(CounterKey(bucket: bucket), objects: objects, bytes: bytes))
        }
        return changes
    }

    /// Takes a version out of the namespace and frees its data: at once when it is in one piece, by the sweeper when it is in parts.
    static func removal(of version: StoredVersion, bucket: BucketID) -> [SetChange] {
        var changes: [SetChange] = [.delete(key: version.row.key)]
        switch version.record.layout {
        case .data(let layout): changes += freeing(layout)
        case .parts(let map):
            let toFree = ToFreeRecord(.upload(bucket, map.upload))
            changes.append(.put(key: StoreKeys.toFree(toFree), payload: toFree.encoded(), data: nil))
        }
        return changes
    }

    /// Packed data goes with the row that it is attached to.
    static func freeing(_ layout: DataLayout) -> [SetChange] {
        switch layout {
        case .empty, .copies, .packed: []
        case .coded: [.deleteData(layout)]
        }
    }
}
