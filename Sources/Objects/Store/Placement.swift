import Base
import Drives
import ObjectFormat

/// Which set holds what: partitions by the fixed hash, sets by the partition map.
struct Placement: Sendable {
    let sets: [SetHandle]
    let map: PartitionMap

    func set(bucket: BucketID, key: ObjectKey) -> SetHandle { sets[map.set(of: Partition(bucket: bucket, key: key))] }

    func set(system key: IndexKey) -> SetHandle { sets[map.set(of: Partition(systemKey: key.bytes))] }

    /// Reads the newest map that any set holds, or makes the first one; every set is brought to it.
    static func load(_ stores: [any SetStore]) async throws(ObjectError) -> Placement {
        precondition(!stores.isEmpty && stores.count <= Int(UInt16.max), "a store has at least one set")
        let sets = stores.enumerated().map { SetHandle(index: $0.offset, store: $0.element) }
        var newest: PartitionMap?
        var versions: [UInt64?] = []
        for set in sets {
            let row = try await set.run { () async throws(ObjectError) in try await set.row(StoreKeys.partitionMap) }
            guard let row else {
                versions.append(nil)
                continue
            }
            let map = try row.partitionMap()
            versions.append(map.version)
            if map.version > newest?.version ?? 0 { newest = map }
        }
        let map = newest ?? PartitionMap(setCount: sets.count)
        guard map.setCount == sets.count else {
            throw .damaged(detail: "the partition map is for \(map.setCount) sets, this store has \(sets.count)")
        }
        for set in sets where versions[set.index] != map.version {
            let payload = map.encoded()
            try await set.run { () async throws(ObjectError) in
                try await set.commit { _ in [.put(key: StoreKeys.partitionMap, payload: payload, data: nil)] }
            }
        }
        return Placement(sets: sets, map: map)
    }
}
