package import Base
import Digests
import Drives
package import ObjectFormat

/// Appending: a PUT with an offset that is the object's size.
///
/// A small object is written again with its new end; a larger one becomes an object of parts, and each append a part of it, so
/// that an append costs what is appended. Nothing moves: the data of what was one piece is handed to the first part.
extension ObjectStore {
    package func append(
        _ bucket: String, _ key: ObjectKey, tenant: TenantID, at offset: Int64, options: PutOptions,
        body: any BodySource
    ) async throws(ObjectError) -> PutResult {
        let owner = try self.tenant(tenant).bucket(bucket)
        try check(key, options.attributes)
        guard owner.info.versioning == .unversioned else { throw .appendNeedsOneVersion }
        let set = placement.set(bucket: owner.id, key: key)
        let lookup = VersionLookup(set: set, bucket: owner.id, key: key)
        let seen = try await set.run { () async throws(ObjectError) in try await lookup.newest() }
        try options.conditions.check(seen)
        let size = seen?.record.size ?? 0
        guard offset == size else { throw .invalidWriteOffset(size: size) }
        if let count = body.byteCount, count > limits.putBytesMax {
            throw .entityTooLarge(size: count, limit: limits.putBytesMax)
        }
        let append = Append(store: self, bucket: owner, key: key, set: set, options: options, seen: seen)
        do throws(ObjectError) {
            guard let seen, !append.isRewritten else { return try await append.rewrite(with: body) }
            return try await append.addPart(to: seen, body)
        } catch {
            // Whoever replaced the object may have freed what this append was about to read.
            guard error.mayComeOfReplacement else { throw error }
            let newest = try await set.run { () async throws(ObjectError) in try await lookup.newest() }
            throw newest?.row.revision == seen?.row.revision ? error : .conflict
        }
    }
}

extension ObjectError {
    fileprivate static var appendNeedsOneVersion: ObjectError {
        .notBuilt(detail: "Appending in a bucket with versioning is not implemented.")
    }

    /// Errors of reading an object, which are none of its own when it is gone meanwhile.
    fileprivate var mayComeOfReplacement: Bool {
        switch self {
        case .body(let body): body.reason is ObjectError
        case .slowDown, .dataLost, .readUnavailable, .noSuchKey, .noSuchVersion: true
        default: false
        }
    }
}

/// One append, from the look at the object to the commit that finds it unchanged.
private struct Append {
    let store: ObjectStore
    let bucket: Bucket
    let key: ObjectKey
    let set: SetHandle
    let options: PutOptions
    let seen: StoredVersion?

    /// Objects up to this size, and those whose data lies in their row, are written again.
    private static let rewrittenBytesMax: Int64 = 1 << 20

    var isRewritten: Bool {
        guard let seen else { return true }
        guard case .data = seen.record.layout else { return false }
        return seen.record.size <= Self.rewrittenBytesMax || seen.attachedData != nil
    }

    /// The object and its new end, in one piece.
    func rewrite(with body: any BodySource) async throws(ObjectError) -> PutResult {
        var record = VersionRecord(kind: .object, lastModified: store.time.now())
        var reader: ObjectReader?
        if let seen {
            record = seen.record
            record.etag = ""
            record.checksum = nil
            reader = try await open(seen)
        } else {
            record.take(options.attributes, owner: options.owner)
        }
        let algorithm = seen?.record.checksum?.algorithm ?? options.checksum ?? .crc64nvme
        let joined = JoinedBody(
            reader.map { ReaderBody($0, byteCount: seen?.record.size ?? 0) }, body, sent: options.checksum,
            wantsSHA256: options.wantsSHA256)
        let staged: StagedBody
        do {
            let hasher = BodyHasher(md5: true, sha256: false, algorithm: algorithm)
            staged = try await BodyStaging.stage(joined, on: set, hasher: hasher, sizeMax: store.limits.putBytesMax)
        } catch {
            await reader?.close()
            throw error
        }
        await reader?.close()
        record.size = staged.digests.byteCount
        record.layout = .data(staged.layout)
        record.etag = Hex.encode(staged.digests.md5)
        record.checksum = staged.digests.checksums.first
        let made = record
        do {
            return try await commit(made, data: staged.data) { _ in [] }
        } catch {
            await staged.abandon(after: error)
            throw error
        }
    }

    /// The object's bytes; `.conflict` when it is no longer the one seen.
    private func open(_ seen: StoredVersion) async throws(ObjectError) -> ObjectReader {
        var whole = GetOptions()
        whole.conditions.ifMatch = .tags([seen.record.etag])
        let options = whole
        do {
            return try await set.run { () async throws(ObjectError) in
                try await store.open(bucket: bucket, key: key, set: set, options, conditionsAreCopySource: true)
            }.reader
        } catch {
            switch error {
            case .preconditionFailed, .noSuchKey: throw .conflict
            default: throw error
            }
        }
    }

    /// The new end as a part of its own.
    func addPart(to seen: StoredVersion, _ body: any BodySource) async throws(ObjectError) -> PutResult {
        let kept = seen.record.checksum.flatMap { $0.type == .fullObject && $0.algorithm.isCombinable ? $0 : nil }
        let algorithm = kept?.algorithm ?? .crc64nvme
        let hasher = BodyHasher(
            md5: true, sha256: options.wantsSHA256, algorithm: algorithm, sent: options.checksum)
        let staged = try await BodyStaging.stage(
            body, on: set, hasher: hasher, sizeMax: store.limits.putBytesMax)
        do {
            return try await addPart(to: seen, staged, kept)
        } catch {
            await staged.abandon(after: error)
            throw error
        }
    }

    private func addPart(
        to seen: StoredVersion, _ staged: StagedBody, _ kept: ObjectChecksum?
    ) async throws(ObjectError) -> PutResult {
        let id = bucket.id
        var map = try await set.run { () async throws(ObjectError) in
            try await OpenMap(of: seen, bucket: id, set: set, random: store.random)
        }
        guard map.lastNumber < PartNumber.max else { throw .tooManyParts }
        let part = PartRecord(
            size: staged.digests.byteCount, lastModified: store.time.now(), etag: Hex.encode(staged.digests.md5),
            checksum: staged.digests.checksums.first, layout: staged.layout)
        map.add(part, at: seen.record.size)
        var record = seen.record
        record.size += part.size
        record.layout = .parts(map.reference)
        record.etag = Self.etag(of: seen.record.etag, part.etag, parts: map.reference.partCount)
        record.checksum = part.checksum.flatMap { added in
            kept?.algorithm.combine(kept?.value ?? [], added.value, countOfB: UInt64(part.size)).map {
                ObjectChecksum(algorithm: added.algorithm, value: $0)
            }
        }
        let (made, rows, data) = (record, map, staged.data)
        return try await commit(made, data: nil, keepsData: true) { _ in rows.changes(bucket: id, data: data) }
    }

    /// Tells one state of the object from every other: made of the one before and what was added.
    private static func etag(of old: String, _ added: String, parts: Int) -> String {
        "\(Hex.encode(MD5.of(Array("\(old)+\(added)".utf8))))-\(parts)"
    }

    /// Commits if the object is still the one seen.
    private func commit(
        _ record: VersionRecord, data: (any StagedData)?, keepsData: Bool = false,
        _ more: @escaping @Sendable (Position) -> [SetChange]
    ) async throws(ObjectError) -> PutResult {
        try await set.run { () async throws(ObjectError) in
            try await bucket.gate.pass { () async throws(ObjectError) in
                try await set.locked([LockName(StoreKeys.versionPrefix(bucket.id, key))]) {
                    () async throws(ObjectError) in
                    guard bucket.info.versioning == .unversioned else { throw .appendNeedsOneVersion }
                    let lookup = VersionLookup(set: set, bucket: bucket.id, key: key)
                    var planned = try await lookup.adding(record, to: bucket.info, now: store.time.now())
                    guard planned.newest?.row.revision == seen?.row.revision else { throw .conflict }
                    planned.keepsData = keepsData
                    let change = planned
                    let position = try await store.withinQuota(bucket, change) { () async throws(ObjectError) in
                        try await set.commit { VersionChange.changes([change], data: data, at: $0) + more($0) }
                    }
                    if change.leavesParts { store.sweepRequests.ask() }
                    return change.putResult(at: position, in: bucket.info)
                }
            }
        }
    }
}

/// The part map of an object, open at its end.
private struct OpenMap: Sendable {
    private(set) var reference: PartMapReference
    private var page: PartMapPage?
    /// Rows of parts that are new; the last one brings the data.
    private var parts: [(number: Int, record: PartRecord)] = []
    private(set) var lastNumber = 0

    /// The map of an object of parts; or a new one, whose first part is the object in one piece. nil data there: it has rows of its
    /// own, which the part's record names from now on.
    init(
        of seen: StoredVersion, bucket: BucketID, set: SetHandle, random: any RandomSource
    ) async throws(ObjectError) {
        switch seen.record.layout {
        case .parts(let map):
            reference = map
            let toFree = StoreKeys.toFree(ToFreeRecord(.unusedParts(bucket, map.upload)))
            // Its sweeping would take a new part that has the number of an unused one.
            guard try await set.row(toFree) == nil else {
                throw .slowDown(detail: "unused parts of the object's upload are being freed")
            }
            guard let last = try await PartMap(set: set, bucket: bucket, map: map).page(map.pages.count - 1) else {
                throw .conflict
            }
            page = last
            lastNumber = last.entries.last?.number ?? 0
        case .data(let layout):
            reference = PartMapReference(
                upload: UniqueID(random: random), partCount: 0, pages: [PartMapReference.PageStart]())
            let kept = seen.record.checksum.flatMap { $0.type == .fullObject ? $0 : nil }
            let first = PartRecord(
                size: seen.record.size, lastModified: seen.record.lastModified, etag: seen.record.etag, checksum: kept,
                layout: layout)
            add(first, at: 0)
        }
    }

    mutating func add(_ record: PartRecord, at offset: Int64) {
        lastNumber += 1
        let entry = PartMapEntry(
            number: lastNumber, offset: offset, size: record.size, checksum: record.checksum, layout: record.layout)
        if let count = page?.entries.count, count < PartMapPage.entriesMax {
            page?.entries.append(entry)
        } else {
            page = PartMapPage(entries: [entry])
            reference.pages.append(.init(offset: offset, number: lastNumber))
        }
        reference.partCount += 1
        parts.append((lastNumber, record))
    }

    func changes(bucket: BucketID, data: (any StagedData)?) -> [SetChange] {
        var changes: [SetChange] = []
        for (index, part) in parts.enumerated() {
            changes.append(
                .put(
                    key: StoreKeys.part(bucket, reference.upload, number: part.number),
                    payload: part.record.encoded(), data: index == parts.count - 1 ? data : nil))
        }
        if let page {
            changes.append(
                .put(
                    key: StoreKeys.partMapPage(bucket, reference.upload, page: reference.pages.count - 1),
                    payload: page.encoded(), data: nil))
        }
        return changes
    }
}

/// An object and what is appended to it, read as one. What the client declared is of its own bytes alone.
private final class JoinedBody: BodySource {
    let byteCount: Int64?
    private var head: ReaderBody?
    private let tail: any BodySource
    private var hasher: BodyHasher

    init(_ head: ReaderBody?, _ tail: any BodySource, sent: ChecksumAlgorithm?, wantsSHA256: Bool) {
        self.head = head
        self.tail = tail
        byteCount = tail.byteCount.map { $0 + (head?.byteCount ?? 0) }
        hasher = BodyHasher(md5: true, sha256: wantsSHA256, algorithm: sent ?? .crc64nvme)
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) async throws(BodyError) -> Int {
        if let head {
            let count = try await head.read(into: buffer)
            if count > 0 { return count }
            self.head = nil
        }
        let count = try await tail.read(into: buffer)
        await hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        return count
    }

    func finish(_ digests: ComputedDigests) async throws(BodyError) { try await tail.finish(hasher.finish()) }
}
