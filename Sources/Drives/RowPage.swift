package import Base

/// Rows of an index in key order as they were found in its blocks, keys and payloads in one piece of memory: what a listing reads.
/// `IndexEntry` is the same for one row at a time, with its parts taken apart.
package final class RowPage: Sendable {
    package struct Row: Sendable {
        package var key: Range<Int>
        package var payload: Range<Int>
        package var revision: Position
    }

    package let bytes: [UInt8]
    package let rows: [Row]

    package init(bytes: [UInt8], rows: [Row]) {
        self.bytes = bytes
        self.rows = rows
    }

    package convenience init(_ entries: [IndexEntry]) {
        var builder = RowPageBuilder(limit: entries.count)
        for entry in entries {
            entry.key.bytes.withUnsafeBytes { key in
                entry.payload.withUnsafeBytes { builder.add(key, payload: $0, revision: entry.revision) }
            }
        }
        self.init(bytes: builder.bytes, rows: builder.rows)
    }

    package func key(_ index: Int) -> IndexKey { IndexKey(Array(bytes[rows[index].key])) }
}

struct RowPageBuilder {
    private(set) var bytes: [UInt8] = []
    private(set) var rows: [RowPage.Row] = []

    init(limit: Int) {
        rows.reserveCapacity(min(limit, 1001))
        bytes.reserveCapacity(min(limit, 1001) * 256)
    }

    mutating func add(_ key: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer, revision: Position) {
        let start = bytes.count
        bytes.append(contentsOf: key)
        let middle = bytes.count
        bytes.append(contentsOf: payload)
        rows.append(RowPage.Row(key: start..<middle, payload: middle..<bytes.count, revision: revision))
    }
}

extension Drive {
    /// The same rows as `entries`.
    package func page(
        from start: IndexKey, to end: IndexKey, limit: Int
    ) async throws(DriveError) -> RowPage {
        RowPage(try await entries(from: start, to: end, limit: limit))
    }
}
