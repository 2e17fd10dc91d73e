package import Base
package import Drives
package import ObjectFormat

/// Index keys of everything that this layer keeps (Docs/formats/keys.md). Bucket ids, never names, are in them.
package enum StoreKeys {
    // MARK: Versions

    /// What all versions of an object begin with; the filter of the tables covers it.
    package static func versionPrefix(_ bucket: BucketID, _ key: ObjectKey) -> [UInt8] {
        var bytes = versionStart(bucket, prefix: key)
        bytes.append(0)
        bytes.append(0)
        return bytes
    }

    package static func version(_ bucket: BucketID, _ key: ObjectKey, _ created: Position) -> IndexKey {
        var bytes = versionPrefix(bucket, key)
        appendBigEndian(~created.epoch, to: &bytes)
        appendBigEndian(~created.sequence, to: &bytes)
        return IndexKey(bytes)
    }

    /// Where versions of keys with `prefix` begin.
    package static func versionStart(_ bucket: BucketID, prefix: ObjectKey) -> [UInt8] {
        var bytes = space(.version, bucket)
        appendEscaped(prefix, to: &bytes)
        return bytes
    }

    /// Where the position of an object's null version stands while newer versions lie above it.
    package static func nullVersion(_ bucket: BucketID, _ key: ObjectKey) -> IndexKey {
        var bytes = space(.nullVersion, bucket)
        appendEscaped(key, to: &bytes)
        bytes.append(0)
        bytes.append(0)
        return IndexKey(bytes)
    }

    // MARK: Uploads

    package static func upload(_ bucket: BucketID, _ key: ObjectKey, _ upload: UniqueID) -> IndexKey {
        var bytes = uploadStart(bucket, prefix: key)
        bytes.append(0)
        bytes.append(0)
        appendBigEndian(upload.high, to: &bytes)
        appendBigEndian(upload.low, to: &bytes)
        return IndexKey(bytes)
    }

    /// Where upload records of keys with `prefix` begin.
    package static func uploadStart(_ bucket: BucketID, prefix: ObjectKey) -> [UInt8] {
        var bytes = space(.upload, bucket)
        bytes.append(UploadSpace.record)
        appendEscaped(prefix, to: &bytes)
        return bytes
    }

    package static func part(_ bucket: BucketID, _ upload: UniqueID, number: Int) -> IndexKey {
        var bytes = partsPrefix(bucket, upload)
        bytes.append(UploadSpace.part)
        bytes.append(UInt8(truncatingIfNeeded: number >> 8))
        bytes.append(UInt8(truncatingIfNeeded: number))
        return IndexKey(bytes)
    }

    package static func partMapPage(_ bucket: BucketID, _ upload: UniqueID, page: Int) -> IndexKey {
        var bytes = partsPrefix(bucket, upload)
        bytes.append(UploadSpace.page)
        bytes.append(UInt8(truncatingIfNeeded: page >> 8))
        bytes.append(UInt8(truncatingIfNeeded: page))
        return IndexKey(bytes)
    }

    /// What the parts and map pages of an upload begin with.
    package static func partsPrefix(_ bucket: BucketID, _ upload: UniqueID) -> [UInt8] {
        var bytes = space(.upload, bucket)
        bytes.append(UploadSpace.data)
        appendBigEndian(upload.high, to: &bytes)
        appendBigEndian(upload.low, to: &bytes)
        return bytes
    }

    /// Everything of a bucket's uploads.
    package static func uploadSpace(_ bucket: BucketID) -> [UInt8] { space(.upload, bucket) }

    package static func partNumber(_ key: IndexKey) -> Int? {
        let bytes = key.bytes
        guard bytes.count == 29, bytes[26] == UploadSpace.part else { return nil }
        return Int(bytes[27]) << 8 | Int(bytes[28])
    }

    package static func partMapPageNumber(_ key: IndexKey) -> Int? {
        let bytes = key.bytes
        guard bytes.count == 29, bytes[26] == UploadSpace.page else { return nil }
        return Int(bytes[27]) << 8 | Int(bytes[28])
    }

    private enum UploadSpace {
        static let record: UInt8 = 1
        static let data: UInt8 = 2
        static let part: UInt8 = 1
        static let page: UInt8 = 2
    }

    // MARK: System records

    package static func bucket(_ tenant: TenantID, _ name: String) -> IndexKey {
        var bytes = buckets
        withUnsafeBytes(of: tenant.rawValue.bigEndian) { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: name.utf8)
        return IndexKey(bytes)
    }

    /// What the documents of a bucket begin with. They lie on the set of the bucket's record.
    package static func bucketDocuments(_ bucket: BucketID) -> [UInt8] {
        var bytes = bucketDocuments
        appendBigEndian(bucket.rawValue, to: &bytes)
        return bytes
    }

    package static func bucketDocument(_ bucket: BucketID, _ kind: BucketDocumentKind, _ id: String) -> IndexKey {
        var bytes = bucketDocuments(bucket)
        bytes.append(kind.rawValue)
        bytes.append(contentsOf: id.utf8)
        return IndexKey(bytes)
    }

    package static func parseBucketDocument(
        _ key: IndexKey
    ) -> (bucket: BucketID, kind: BucketDocumentKind, id: String)? {
        let bytes = key.bytes
        guard bytes.count >= 11, bytes.starts(with: bucketDocuments),
            let kind = BucketDocumentKind(rawValue: bytes[10]),
            let id = String(validating: bytes[11...], as: UTF8.self)
        else { return nil }
        return (BucketID(rawValue: bigEndian(bytes, 2)), kind, id)
    }

    package static let bucketDocuments: [UInt8] = [KeySpace.system.rawValue, UInt8(ascii: "D")]
    package static let buckets: [UInt8] = [KeySpace.system.rawValue, UInt8(ascii: "B")]
    package static let toFree: [UInt8] = [KeySpace.system.rawValue, UInt8(ascii: "F")]
    package static let partitionMap = IndexKey([KeySpace.system.rawValue, UInt8(ascii: "P")])

    package static func toFree(_ record: ToFreeRecord) -> IndexKey {
        var bytes = toFree
        switch record.subject {
        case .upload(_, let upload):
            bytes.append(1)
            appendBigEndian(upload.high, to: &bytes)
            appendBigEndian(upload.low, to: &bytes)
        case .bucketUploads(let bucket):
            bytes.append(2)
            appendBigEndian(bucket.rawValue, to: &bytes)
        case .unusedParts(_, let upload):
            bytes.append(3)
            appendBigEndian(upload.high, to: &bytes)
            appendBigEndian(upload.low, to: &bytes)
        }
        return IndexKey(bytes)
    }

    // MARK: Taking keys apart

    /// The object key and the 16 bytes after it, of a version or upload record's key; nil for other shapes.
    package static func parse(_ key: IndexKey) -> (key: ObjectKey, high: UInt64, low: UInt64)? {
        let bytes = key.bytes
        guard let first = bytes.first, let space = KeySpace(rawValue: first) else { return nil }
        let start: Int
        switch space {
        case .version: start = 9
        case .upload: start = 10
        case .nullVersion, .data, .system, .changes: return nil
        }
        let end = bytes.count - 18
        guard end >= start, bytes[end] == 0, bytes[end + 1] == 0 else { return nil }
        var name: [UInt8] = []
        name.reserveCapacity(end - start)
        var index = start
        while index < end {
            name.append(bytes[index])
            if bytes[index] == 0 {
                guard index + 1 < end, bytes[index + 1] == 0xFF else { return nil }
                index += 1
            }
            index += 1
        }
        return (ObjectKey(name), bigEndian(bytes, end + 2), bigEndian(bytes, end + 10))
    }

    package static func created(_ key: IndexKey) -> Position? {
        let bytes = key.bytes
        guard bytes.count >= 27 else { return nil }
        return Position(epoch: ~bigEndian(bytes, bytes.count - 16), sequence: ~bigEndian(bytes, bytes.count - 8))
    }

    /// The first byte string after all that begin with `prefix`. A prefix here begins with a key space, which is never FF alone.
    package static func successor(_ prefix: [UInt8]) -> [UInt8] {
        var bytes = prefix
        while let last = bytes.last {
            if last < 0xFF {
                bytes[bytes.count - 1] = last + 1
                return bytes
            }
            bytes.removeLast()
        }
        return [0xFF]
    }

    // MARK: Pieces

    private static func space(_ space: KeySpace, _ bucket: BucketID) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(64)
        bytes.append(space.rawValue)
        appendBigEndian(bucket.rawValue, to: &bytes)
        return bytes
    }

    private static func appendEscaped(_ key: ObjectKey, to bytes: inout [UInt8]) {
        for byte in key.bytes {
            bytes.append(byte)
            if byte == 0 { bytes.append(0xFF) }
        }
    }

    private static func appendBigEndian(_ value: UInt64, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    private static func bigEndian(_ bytes: [UInt8], _ index: Int) -> UInt64 {
        bytes[index..<index + 8].reduce(0) { $0 << 8 | UInt64($1) }
    }
}
