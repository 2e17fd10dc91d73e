package import Base
import Drives
package import ObjectFormat

extension ObjectStore {
    /// Deleting what does not exist succeeds.
    package func delete(
        _ bucket: String, _ key: ObjectKey, tenant: TenantID, options: DeleteOptions
    ) async throws(ObjectError) -> DeleteResult {
        let bucket = try self.tenant(tenant).bucket(bucket)
        let set = placement.set(bucket: bucket.id, key: key)
        let request = DeleteRequest(key: key, options: options)
        let results = try await deleteBatch([request], bucket: bucket, set: set)
        guard let result = results.first else { return DeleteResult() }
        return try result.get()
    }

    /// One result for each request, in their order.
    package func deleteMany(
        _ bucket: String, _ requests: [DeleteRequest], tenant: TenantID
    ) async throws(ObjectError) -> [Result<DeleteResult, ObjectError>] {
        let bucket = try self.tenant(tenant).bucket(bucket)
        var results = [Result<DeleteResult, ObjectError>](repeating: .success(DeleteResult()), count: requests.count)
        var bySet: [[Int]] = Array(repeating: [], count: placement.sets.count)
        for (index, request) in requests.enumerated() {
            bySet[placement.set(bucket: bucket.id, key: request.key).index].append(index)
        }
        for (set, indices) in zip(placement.sets, bySet) {
            for batch in Self.batches(indices, of: requests) {
                let found = try await deleteBatch(batch.map { requests[$0] }, bucket: bucket, set: set)
                for (index, result) in zip(batch, found) { results[index] = result }
            }
        }
        return results
    }

    /// Requests that one commit may serve: bounded, and no key twice.
    private static func batches(_ indices: [Int], of requests: [DeleteRequest]) -> [[Int]] {
        var batches: [[Int]] = [], batch: [Int] = [], keys: Set<ObjectKey> = []
        for index in indices {
            if batch.count == deleteBatchMax || keys.contains(requests[index].key) {
                batches.append(batch)
                batch = []
                keys = []
            }
            batch.append(index)
            keys.insert(requests[index].key)
        }
        return batch.isEmpty ? batches : batches + [batch]
    }

    /// A key is at most 2 KiB escaped, so 24 deletions and their counters stay below the 64 KiB of a commit.
    private static let deleteBatchMax = 24

    /// Requests for different keys of one set, in one commit. A request that its conditions refuse does not hold up the others.
    private func deleteBatch(
        _ requests: [DeleteRequest], bucket: Bucket, set: SetHandle
    ) async throws(ObjectError) -> [Result<DeleteResult, ObjectError>] {
        let locks = requests.map { LockName(StoreKeys.versionPrefix(bucket.id, $0.key)) }
        return try await set.run { () async throws(ObjectError) in
            try await bucket.gate.pass { () async throws(ObjectError) in
                try await set.locked(locks) { () async throws(ObjectError) in
                    var results: [Result<DeleteResult, ObjectError>] = [], removed: [StoredVersion] = []
                    for request in requests {
                        do throws(ObjectError) {
                            let found = try await victim(of: request, bucket: bucket.id, set: set)
                            if let found { removed.append(found) }
                            let marker = found.flatMap { $0.isDeleteMarker ? $0.version : nil }
                            results.append(
                                .success(DeleteResult(version: request.options.version, deleteMarker: marker)))
                        } catch {
                            results.append(.failure(error))
                        }
                    }
                    if !removed.isEmpty { try await remove(removed, bucket: bucket.id, set: set) }
                    return results
                }
            }
        }
    }

    /// The version that a request deletes; nil when there is nothing to delete.
    private func victim(
        of request: DeleteRequest, bucket: BucketID, set: SetHandle
    ) async throws(ObjectError) -> StoredVersion? {
        let lookup = VersionLookup(set: set, bucket: bucket, key: request.key)
        let found: StoredVersion?
        if let version = request.options.version {
            found = try await lookup.find(version)
        } else {
            found = try await lookup.newest()
        }
        try request.options.conditions.check(found)
        return found
    }

    private func remove(_ versions: [StoredVersion], bucket: BucketID, set: SetHandle) async throws(ObjectError) {
        try await set.commit { _ in
            var changes: [SetChange] = [], count = Counter()
            for version in versions {
                changes += VersionChange.removal(of: version, bucket: bucket)
                count.objects -= version.isDeleteMarker ? 0 : 1
                count.bytes -= version.record.size
            }
            if count != Counter() {
                changes.append(.count(CounterKey(bucket: bucket), objects: count.objects, bytes: count.bytes))
            }
            return changes
        }
        if versions.contains(where: \.hasParts) { sweepRequests.ask() }
    }
}
