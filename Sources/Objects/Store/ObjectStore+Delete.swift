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

    /// Requests are looked up together under all their locks.
    private static let deleteBatchMax = 24
    /// Of the 64 KiB of a commit.
    private static let deleteCommitBytesMax = 40 << 10

    /// A request whose change is known, and its place among the results.
    private struct Planned {
        var index: Int
        var change: VersionChange
        var version: VersionID?

        func result(at position: Position) -> DeleteResult {
            if let added = change.added {
                return DeleteResult(deleteMarker: added.hasVersionID ? .id(position) : .null)
            }
            let marker = change.removed.flatMap { $0.isDeleteMarker ? $0.version : nil }
            return DeleteResult(version: version, deleteMarker: version == nil ? nil : marker)
        }
    }

    /// Requests for different keys of one set. A request that its conditions or a lock refuse does not hold up the others.
    private func deleteBatch(
        _ requests: [DeleteRequest], bucket: Bucket, set: SetHandle
    ) async throws(ObjectError) -> [Result<DeleteResult, ObjectError>] {
        let locks = requests.map { LockName(StoreKeys.versionPrefix(bucket.id, $0.key)) }
        return try await set.run { () async throws(ObjectError) in
            try await bucket.gate.pass { () async throws(ObjectError) in
                try await set.locked(locks) { () async throws(ObjectError) in
                    var results: [Result<DeleteResult, ObjectError>] = [], planned: [Planned] = []
                    let now = time.now(), info = bucket.info
                    for (index, request) in requests.enumerated() {
                        do throws(ObjectError) {
                            let lookup = VersionLookup(set: set, bucket: bucket.id, key: request.key)
                            let change = try await Self.change(for: request.options, lookup, info, now: now)
                            results.append(.success(DeleteResult(version: request.options.version)))
                            guard let change else { continue }
                            planned.append(Planned(index: index, change: change, version: request.options.version))
                        } catch {
                            results.append(.failure(error))
                        }
                    }
                    for group in Self.commits(of: planned) {
                        let changes = group.map(\.change)
                        let position = try await set.commit { VersionChange.changes(changes, data: nil, at: $0) }
                        for item in group { results[item.index] = .success(item.result(at: position)) }
                    }
                    if planned.contains(where: \.change.leavesParts) { sweepRequests.ask() }
                    return results
                }
            }
        }
    }

    /// What a request does; nil when there is nothing to delete.
    private static func change(
        for options: DeleteOptions, _ lookup: VersionLookup, _ bucket: BucketInfo, now: Timestamp
    ) async throws(ObjectError) -> VersionChange? {
        if let version = options.version {
            let change = try await lookup.removing(
                version, bypassingGovernance: options.bypassesGovernance, now: now)
            try options.conditions.check(change?.removed)
            return change
        }
        guard bucket.versioning != .unversioned else {
            let change = try await lookup.removingNewest(now: now)
            try options.conditions.check(change?.newest)
            return change
        }
        let marker = VersionRecord(kind: .deleteMarker, lastModified: now)
        let change = try await lookup.adding(marker, to: bucket, now: now)
        try options.conditions.check(change.newest)
        return change
    }

    private static func commits(of planned: [Planned]) -> [[Planned]] {
        var commits: [[Planned]] = [], weight = 0
        for item in planned {
            if commits.isEmpty || weight + item.change.weight > deleteCommitBytesMax {
                commits.append([])
                weight = 0
            }
            commits[commits.count - 1].append(item)
            weight += item.change.weight
        }
        return commits
    }
}
