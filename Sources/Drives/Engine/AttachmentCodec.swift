package import Base

/// How extents and their block checksums are written in records and in index values.
///
/// count, then per extent segment, offset, pages (LEB128); block size; count of checksums, then 8 bytes each.
enum ExtentCodec {
    /// An object's chunk on one drive never has more pieces than this; a larger count is damage.
    static let extentsMax = 4096

    static func write(_ extents: [Extent], blockBytes: Int, checksums: [UInt64], to writer: inout FieldWriter) {
        writer.count(extents.count)
        for extent in extents {
            writer.number(UInt64(extent.segment))
            writer.number(UInt64(extent.offset))
            writer.number(UInt64(extent.pages))
        }
        writer.count(blockBytes)
        writer.count(checksums.count)
        for checksum in checksums { writer.fixed(checksum) }
    }

    static func read(
        from reader: inout FieldReader
    ) throws(MalformedField) -> (extents: [Extent], blockBytes: Int, checksums: [UInt64]) {
        let count = try reader.count(of: 3, "extents")
        guard count <= extentsMax else { throw MalformedField("extents") }
        var extents: [Extent] = []
        extents.reserveCapacity(count)
        for _ in 0..<count {
            let segment = try reader.narrow(UInt32.self, "extent segment")
            let offset = try reader.narrow(UInt32.self, "extent offset")
            let pages = try reader.narrow(UInt32.self, "extent pages")
            extents.append(Extent(segment: segment, offset: offset, pages: pages))
        }
        let blockBytes = Int(try reader.narrow(UInt32.self, "block size"))
        let sums = try reader.count(of: 8, "block checksums")
        var checksums: [UInt64] = []
        checksums.reserveCapacity(sums)
        for _ in 0..<sums { checksums.append(try reader.fixed(UInt64.self, "block checksum")) }
        return (extents, blockBytes, checksums)
    }
}

/// The value of a row in the index: which commit wrote it, where its data lies, and the payload that only Objects reads.
/// Docs/formats/record.md, "Index values".
package enum RowEnvelope {
    private enum Tag: UInt8 { case none = 0, packed = 1, extents = 2 }

    package static func encode(revision: Position, stored: IndexEntry.Stored, payload: [UInt8]) -> [UInt8] {
        var writer = FieldWriter(reserving: payload.count + 48)
        switch stored {
        case .none:
            writer.byte(Tag.none.rawValue)
            writer.position(revision)
        case .packed(let location):
            writer.byte(Tag.packed.rawValue)
            writer.position(revision)
            writer.number(UInt64(location.segment))
            writer.number(UInt64(location.offset))
            writer.number(UInt64(location.count))
            writer.fixed(location.checksum)
        case .extents(let extents, let blockBytes, let checksums):
            writer.byte(Tag.extents.rawValue)
            writer.position(revision)
            ExtentCodec.write(extents, blockBytes: blockBytes, checksums: checksums, to: &writer)
        }
        writer.raw(payload)
        return writer.bytes
    }

    package static func decode(_ value: [UInt8], key: IndexKey) throws(DriveError) -> IndexEntry {
        do throws(MalformedField) {
            return try value.read { (reader) throws(MalformedField) in try read(&reader, key) }
        } catch { throw Self.damaged(error) }
    }

    package static func decode(_ value: UnsafeRawBufferPointer, key: IndexKey) throws(DriveError) -> IndexEntry {
        var reader = FieldReader(value)
        do throws(MalformedField) { return try read(&reader, key) } catch { throw Self.damaged(error) }
    }

    /// Only revision and payload; what is stored with the row is passed over.
    static func payload(
        of value: UnsafeRawBufferPointer
    ) throws(DriveError) -> (revision: Position, payload: UnsafeRawBufferPointer) {
        var reader = FieldReader(value)
        do throws(MalformedField) {
            guard let tag = Tag(rawValue: try reader.byte("row tag")) else { throw MalformedField("row tag") }
            let revision = try reader.position("revision")
            switch tag {
            case .none: break
            case .packed:
                for _ in 0..<3 { _ = try reader.number("packed location") }
                _ = try reader.fixed(UInt64.self, "packed checksum")
            case .extents: _ = try ExtentCodec.read(from: &reader)
            }
            return (revision, UnsafeRawBufferPointer(rebasing: value[reader.offset...]))
        } catch { throw Self.damaged(error) }
    }

    private static func damaged(_ error: MalformedField) -> DriveError {
        .damagedFormat(what: "index value: \(error.what)")
    }

    private static func read(_ reader: inout FieldReader, _ key: IndexKey) throws(MalformedField) -> IndexEntry {
        guard let tag = Tag(rawValue: try reader.byte("row tag")) else { throw MalformedField("row tag") }
        let revision = try reader.position("revision")
        let stored: IndexEntry.Stored
        switch tag {
        case .none: stored = .none
        case .packed:
            stored = .packed(
                PackedLocation(
                    segment: try reader.narrow(UInt32.self, "packed segment"),
                    offset: try reader.narrow(UInt32.self, "packed offset"),
                    count: try reader.narrow(UInt32.self, "packed count"),
                    checksum: try reader.fixed(UInt64.self, "packed checksum")))
        case .extents:
            let read = try ExtentCodec.read(from: &reader)
            stored = .extents(read.extents, blockBytes: read.blockBytes, checksums: read.checksums)
        }
        let payload = try reader.raw(reader.remaining, "payload")
        return IndexEntry(key: key, revision: revision, payload: payload, stored: stored)
    }
}
