import Base
import Drives
import ObjectFormat
import Synchronization

/// Whether there is something for the sweeper to do. Set by deletions, taken by the sweeper.
final class SweepRequests: Sendable {
    private let asked = Mutex(true)
    func ask() { asked.withLock { $0 = true } }
    func take() -> Bool {
        asked.withLock { asked in
            defer { asked = false }
            return asked
        }
    }
}

/// Works off to-free records and old uploads in steps of one bounded commit. Each step may be the last before a crash: the record
/// that asks for the work goes in the commit after which nothing of it is left.
extension ObjectStore {
    /// Frees what deleted and abandoned multipart uploads left, in bounded steps, until cancelled. Started once.
    package func runSweeper() async {
        var nextExpiry: UInt64 = 0
        while !Task.isCancelled {
            do throws(ObjectError) {
                if sweepRequests.take() {
                    try await settleDocuments()
                    try await sweepToFree()
                }
                if time.monotonicNanoseconds() >= nextExpiry {
                    nextExpiry = time.monotonicNanoseconds() + Self.expiryIntervalNanoseconds
                    try await expireUploads()
                }
            } catch {
                // The records stay, so the work does: try again when the set may be well again.
                sweepRequests.ask()
            }
            do { try await placement.sets[0].store.executor.sleep(for: .seconds(1)) } catch { return }
        }
    }

    /// Expiry is by days; once an hour keeps the space of abandoned uploads in bounds and costs one scan.
    private static let expiryIntervalNanoseconds: UInt64 = 3600 * 1_000_000_000

    /// Works off every to-free record that nobody's reading holds up.
    package func sweepToFree() async throws(ObjectError) {
        for set in placement.sets {
            var records: [(key: IndexKey, record: ToFreeRecord)] = []
            try await set.run { () async throws(ObjectError) in
                try await set.scan(prefix: StoreKeys.toFree) { row throws(ObjectError) in
                    records.append((row.key, try row.toFree()))
                }
            }
            for (key, record) in records { try await sweep(record, key, on: set) }
        }
    }

    private func sweep(_ record: ToFreeRecord, _ key: IndexKey, on set: SetHandle) async throws(ObjectError) {
        switch record.subject {
        case .upload(let bucket, let upload):
            guard !pins.isPinned(upload) else { return sweepRequests.ask() }
            try await set.run { () async throws(ObjectError) in
                try await free(StoreKeys.partsPrefix(bucket, upload), on: set) { _ in true }
            }
        case .unusedParts(let bucket, let upload):
            try await set.run { () async throws(ObjectError) in
                let used = try await usedParts(bucket, upload, on: set)
                try await free(StoreKeys.partsPrefix(bucket, upload), on: set) { key in
                    StoreKeys.partNumber(key).map { !used.contains($0) } ?? false
                }
            }
        case .bucketUploads(let bucket):
            for other in placement.sets {
                try await other.run { () async throws(ObjectError) in
                    try await free(StoreKeys.uploadSpace(bucket), on: other) { _ in true }
                }
            }
            try await set.run { () async throws(ObjectError) in
                try await free(StoreKeys.bucketDocuments(bucket), on: set) { _ in true }
            }
        }
        try await set.run { () async throws(ObjectError) in
            try await set.commit { _ in [.delete(key: key)] }
        }
    }

    private func usedParts(
        _ bucket: BucketID, _ upload: UniqueID, on set: SetHandle
    ) async throws(ObjectError) -> Set<Int> {
        var used: Set<Int> = []
        try await set.scan(prefix: StoreKeys.partsPrefix(bucket, upload)) { row throws(ObjectError) in
            guard StoreKeys.partMapPageNumber(row.key) != nil else { return }
            for entry in try row.partMapPage().entries { used.insert(entry.number) }
        }
        return used
    }

    /// Deletes the wanted rows with `prefix`, parts with their data, a bounded commit at a time.
    private func free(
        _ prefix: [UInt8], on set: SetHandle, where isWanted: (IndexKey) -> Bool
    ) async throws(ObjectError) {
        var changes: [SetChange] = [], weight: Int64 = 0
        try await set.scan(prefix: prefix, page: 256) { row throws(ObjectError) in
            guard isWanted(row.key) else { return }
            changes.append(.delete(key: row.key))
            if StoreKeys.partNumber(row.key) != nil {
                let part = try row.part()
                changes += VersionChange.freeing(part.layout)
                weight += part.size / Self.bytesPerWeight
            }
            weight += 1
            guard weight >= Self.commitWeightMax else { return }
            let batch = changes
            try await set.commit { _ in batch }
            (changes, weight) = ([], 0)
        }
        let batch = changes
        if !batch.isEmpty { try await set.commit { _ in batch } }
    }

    /// Large data has a row for each run of bytes of about this size, and a commit is at most 64 KiB.
    private static let bytesPerWeight: Int64 = 8 << 20
    private static let commitWeightMax: Int64 = 512

    /// Drops completed uploads that have answered retries long enough, and aborts those that nobody finished.
    package func expireUploads() async throws(ObjectError) {
        for bucket in allBuckets() {
            for set in placement.sets {
                try await set.run { () async throws(ObjectError) in
                    var expired: [StoredUpload] = []
                    try await set.scan(prefix: StoreKeys.uploadStart(bucket.id, prefix: "")) {
                        row throws(ObjectError) in
                        let found = try StoredUpload(row)
                        if isExpired(found.record) { expired.append(found) }
                    }
                    for found in expired { try await expire(found, bucket: bucket, on: set) }
                }
            }
        }
    }

    private func isExpired(_ record: UploadRecord) -> Bool {
        let now = time.now()
        if let completion = record.completion { return completion.at.isOlder(than: limits.completedUploadAge, at: now) }
        guard let age = limits.staleUploadAge else { return false }
        return record.initiated.isOlder(than: age, at: now)
    }

    private func expire(_ found: StoredUpload, bucket: Bucket, on set: SetHandle) async throws(ObjectError) {
        do {
            guard found.record.completion != nil else {
                return try await abort(bucket.id, found.key, found.upload, on: set, when: isExpired)
            }
            try await set.locked([Self.uploadLock(bucket.id, found.key, found.upload)]) {
                () async throws(ObjectError) in
                try await set.commit { _ in [.delete(key: found.row.key)] }
            }
        } catch {
            // Completed or aborted since it was found: nothing to expire.
            guard case .noSuchUpload = error else { throw error }
        }
    }
}

extension Timestamp {
    func isOlder(than age: Duration, at now: Timestamp) -> Bool {
        now.nanoseconds.subtractingReportingOverflow(nanoseconds).partialValue / 1_000_000_000 >= age.components.seconds
    }
}
