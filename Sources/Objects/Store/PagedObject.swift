package import Base
package import Digests
import Drives
package import ObjectFormat

/// One object of a listing: what is shown of it, and where its key and ETag lie in the page that it was read from.
package struct PagedObject: Sendable {
    private let page: RowPage
    private let keyRange: Range<Int>
    /// The key contains zeros, which index keys escape.
    private let isEscaped: Bool
    private let version: ListedVersion

    init(_ page: RowPage, key: Range<Int>, isEscaped: Bool, _ version: ListedVersion) {
        self.page = page
        keyRange = key
        self.isEscaped = isEscaped
        self.version = version
    }

    package var size: Int64 { version.size }
    package var lastModified: Timestamp { version.lastModified }
    package var checksum: (algorithm: ChecksumAlgorithm, type: ChecksumType)? { version.checksum }
    package var storageClass: StorageClass { version.storageClass }
    package var etag: String { String(decoding: page.bytes[version.etag], as: UTF8.self) }

    /// Empty for what was stored without one.
    package var owner: String { String(decoding: page.bytes[version.owner], as: UTF8.self) }

    package var key: ObjectKey {
        let bytes = page.bytes[keyRange]
        return isEscaped ? ObjectKey(VersionRow.unescaped(bytes)) : ObjectKey(Array(bytes))
    }

    /// Key and ETag where they lie; they are good inside `body`.
    package func withBytes(
        _ body: (_ key: UnsafeRawBufferPointer, _ etag: UnsafeRawBufferPointer) -> Void
    ) {
        page.bytes.withUnsafeBytes { bytes in
            let etag = UnsafeRawBufferPointer(rebasing: bytes[version.etag])
            guard isEscaped else { return body(UnsafeRawBufferPointer(rebasing: bytes[keyRange]), etag) }
            VersionRow.unescaped(page.bytes[keyRange]).withUnsafeBytes { body($0, etag) }
        }
    }
}

/// How the key of a version's row is laid out (Docs/formats/keys.md), for rows that lie in a page.
enum VersionRow {
    private static let prefixBytes = 9
    private static let suffixBytes = 18

    /// Where the object's key lies in an index key; nil for one of another shape.
    static func objectKey(_ bytes: [UInt8], _ key: Range<Int>) -> (range: Range<Int>, isEscaped: Bool)? {
        let start = key.lowerBound + prefixBytes, end = key.upperBound - suffixBytes
        guard start <= end, bytes[key.lowerBound] == KeySpace.version.rawValue, bytes[end] == 0, bytes[end + 1] == 0
        else { return nil }
        var isEscaped = false, index = start
        while index < end {
            if bytes[index] == 0 {
                guard index + 1 < end, bytes[index + 1] == 0xFF else { return nil }
                isEscaped = true
                index += 1
            }
            index += 1
        }
        return (start..<end, isEscaped)
    }

    static func unescaped(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var skips = false
        for byte in bytes {
            if !skips { result.append(byte) }
            skips = byte == 0
        }
        return result
    }
}
