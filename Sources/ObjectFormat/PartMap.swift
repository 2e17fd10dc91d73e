import Base
import Digests

/// One part of a completed object as its part map knows it.
package struct PartMapEntry: Hashable, Sendable {
    package var number: Int
    /// Where it begins in the object.
    package var offset: Int64
    package var size: Int64
    package var checksum: ObjectChecksum?
    package var layout: DataLayout

    package init(number: Int, offset: Int64, size: Int64, checksum: ObjectChecksum?, layout: DataLayout) {
        self.number = number
        self.offset = offset
        self.size = size
        self.checksum = checksum
        self.layout = layout
    }

    package var end: Int64 { offset + size }
}

/// A run of consecutive parts of a completed object, in one row. Docs/formats/upload-records.md.
package struct PartMapPage: Hashable, Sendable {
    /// About 12 KiB a page with SHA-256 checksums: several fit a commit, and a range read needs one.
    package static let entriesMax = 128

    /// In order, without gaps between offsets; never empty.
    package var entries: [PartMapEntry]

    package init(entries: [PartMapEntry]) { self.entries = entries }

    /// The entry that holds the byte at `offset`. Empty parts hold none.
    package func index(holding offset: Int64) -> Int? {
        var low = 0, high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].end <= offset { low = middle + 1 } else { high = middle }
        }
        return low < entries.count && entries[low].offset <= offset ? low : nil
    }

    package func index(number: Int) -> Int? {
        var low = 0, high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].number < number { low = middle + 1 } else { high = middle }
        }
        return low < entries.count && entries[low].number == number ? low : nil
    }
}

extension PartMapPage {
    static let formatVersion: UInt8 = 1

    package func encoded() -> [UInt8] {
        var out = ByteWriter()
        out.byte(Self.formatVersion)
        out.varint(entries.count)
        out.varint(entries.first?.offset ?? 0)
        var number = 0
        for entry in entries {
            out.varint(entry.number - number)
            out.varint(entry.size)
            if let checksum = entry.checksum {
                AttributeCoding.write(checksum, to: &out)
            } else {
                out.byte(0)
            }
            LayoutCoding.write(entry.layout, to: &out)
            number = entry.number
        }
        return out.bytes
    }

    package init(decoding bytes: [UInt8]) throws(FormatError) {
        var reader = ByteReader(bytes)
        let version = try reader.byte()
        guard version == Self.formatVersion else { throw .unsupportedVersion(version) }
        let count = try reader.count(itemBytes: 4)
        guard count >= 1, count <= Self.entriesMax else { throw .invalid("count") }
        var offset = try reader.size(), number = 0
        var entries: [PartMapEntry] = []
        for _ in 0..<count {
            let step = try reader.number(PartNumber.max)
            number += step
            guard step >= 1, number <= PartNumber.max else { throw .invalid("part number") }
            let size = try reader.size()
            let (end, overflow) = offset.addingReportingOverflow(size)
            guard !overflow else { throw .invalid("size") }
            var checksum: ObjectChecksum?
            if let algorithm = ChecksumAlgorithm(rawValue: try reader.byte()) {
                guard let type = ChecksumType(rawValue: try reader.byte()) else { throw .invalid("checksum type") }
                let partCount = try reader.number(PartNumber.max)
                checksum = ObjectChecksum(
                    algorithm: algorithm, type: type, value: try reader.raw(algorithm.byteCount), partCount: partCount)
            }
            let layout = try LayoutCoding.layout(&reader)
            entries.append(PartMapEntry(number: number, offset: offset, size: size, checksum: checksum, layout: layout))
            offset = end
        }
        try reader.expectEnd()
        self.init(entries: entries)
    }
}
