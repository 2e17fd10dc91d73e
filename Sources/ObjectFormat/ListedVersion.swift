package import Base
package import Digests

/// What a listing shows of a version record, read where the record lies: no text is copied.
package struct ListedVersion: Sendable {
    package var isDeleteMarker = false
    package var size: Int64 = 0
    package var lastModified = Timestamp(nanoseconds: 0)
    package var checksum: (algorithm: ChecksumAlgorithm, type: ChecksumType)?
    package var storageClass = StorageClass.standard
    /// Where the ETag, without quotes, lies in the bytes that were read.
    package var etag = 0..<0
    /// Where the owner's id lies.
    package var owner = 0..<0

    /// Reads the record at `range` of `bytes`. Records with fields that this reader does not know are read in full, so that what must
    /// be refused is refused.
    package init(decoding bytes: [UInt8], at range: Range<Int>) throws(FormatError) {
        let found = bytes.withUnsafeBufferPointer { all -> Result<ListedVersion?, FormatError> in
            do throws(FormatError) {
                return .success(
                    try ListedVersion(
                        UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(all)[range]), range.lowerBound))
            } catch { return .failure(error) }
        }
        if let found = try found.get() {
            self = found
            return
        }
        let record = try VersionRecord(decoding: Array(bytes[range]))
        isDeleteMarker = record.kind == .deleteMarker
        size = record.size
        lastModified = record.lastModified
        checksum = record.checksum.map { ($0.algorithm, $0.type) }
        storageClass = record.storageClass
        if let found = bytes[range].firstRange(of: Array(record.etag.utf8)) { etag = found }
        if let found = bytes[range].firstRange(of: Array(record.owner.utf8)) { owner = found }
    }

    /// nil when there is a field that is not known here.
    private init?(_ bytes: UnsafeRawBufferPointer, _ base: Int) throws(FormatError) {
        guard bytes.count >= 2 else { throw .truncated }
        guard bytes[0] == VersionRecord.formatVersion else { throw .unsupportedVersion(bytes[0]) }
        guard let kind = VersionRecord.Kind(rawValue: bytes[1]) else { throw .invalid("kind") }
        isDeleteMarker = kind == .deleteMarker
        var at = 2, sawTime = false, last: UInt64 = 0
        while at < bytes.count {
            let header = try Self.varint(bytes, &at), count = Int(clamping: try Self.varint(bytes, &at))
            guard header >> 1 > last >> 1 else { throw .fieldOrder }
            last = header
            guard count <= bytes.count - at else { throw .truncated }
            let value = UnsafeRawBufferPointer(rebasing: bytes[at..<at + count])
            switch UInt32(clamping: header) {
            case VersionRecord.Field.size:
                var inner = 0
                guard let number = Int64(exactly: try Self.varint(value, &inner)), inner == count else {
                    throw .invalid("size")
                }
                size = number
            case VersionRecord.Field.lastModified:
                guard count == 8 else { throw .trailingBytes }
                lastModified = Timestamp(nanoseconds: Int64(littleEndian: value.loadUnaligned(as: Int64.self)))
                sawTime = true
            case VersionRecord.Field.etag: etag = base + at..<base + at + count
            case VersionRecord.Field.owner: owner = base + at..<base + at + count
            case VersionRecord.Field.checksum:
                guard count > 2, let algorithm = ChecksumAlgorithm(rawValue: value[0]),
                    let type = ChecksumType(rawValue: value[1])
                else { throw .invalid("checksum") }
                checksum = (algorithm, type)
            case VersionRecord.Field.storageClass:
                guard count == 1, let found = StorageClass(rawValue: value[0]) else { throw .invalid("storage class") }
                storageClass = found
            case VersionRecord.Field.headers, VersionRecord.Field.metadata, VersionRecord.Field.tags,
                VersionRecord.Field.hasVersionID, VersionRecord.Field.layout,
                VersionRecord.Field.lock:
                break
            default: return nil
            }
            at += count
        }
        guard sawTime else { throw .missing("last modified") }
    }

    private static func varint(_ bytes: UnsafeRawBufferPointer, _ at: inout Int) throws(FormatError) -> UInt64 {
        var value: UInt64 = 0, shift: UInt64 = 0
        while true {
            guard at < bytes.count else { throw .truncated }
            let next = bytes[at]
            at += 1
            guard shift < 63 || next <= 1 else { throw .invalid("varint") }
            value |= UInt64(next & 0x7F) << shift
            if next < 0x80 { return value }
            shift += 7
        }
    }
}
