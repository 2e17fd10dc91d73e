package import Base
package import Drives
package import ObjectFormat

/// Rows of the data space: where one chunk of large data lies on a drive.
package enum DataRow {
    /// A chunk is this many stripes: with 8 bytes of checksum a block, its row stays within 32 KiB.
    package static let stripesPerChunk = 4_096

    package static func key(_ id: UniqueID, chunk: Int) -> IndexKey {
        var bytes: [UInt8] = [KeySpace.data.rawValue]
        withUnsafeBytes(of: id.high.bigEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: id.low.bigEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: UInt32(chunk).bigEndian) { bytes.append(contentsOf: $0) }
        return IndexKey(bytes)
    }

    /// How many chunks data of this layout has.
    package static func chunkCount(_ layout: DataLayout) -> Int {
        guard case .coded(let count, let geometry, _, let blockBytes, _) = layout, count > 0 else { return 0 }
        let chunkBytes = Int64(blockBytes) * Int64(geometry.data) * Int64(stripesPerChunk)
        return Int((count + chunkBytes - 1) / chunkBytes)
    }
}
