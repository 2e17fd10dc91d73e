import Base
import Drives
import ObjectFormat

/// Rows of one key range in key order, merged over the sets that hold them, as they lie in pages. `MergedScan` is the same for rows
/// taken apart.
struct PageScan {
    struct Place {
        let page: RowPage
        let index: Int
        var row: RowPage.Row { page.rows[index] }
    }

    /// One set's share of the range.
    private struct Cursor {
        /// After a seek out of the page the next one is small, because the next seek may be near; sequential reading doubles it.
        static let firstPage = 64
        static let pageMax = 1001

        let set: SetHandle
        var start: IndexKey
        var page = RowPage(bytes: [], rows: [])
        var next = 0
        var isAtEnd = false
        var pageCount: Int

        var isEmpty: Bool { next == page.rows.count }

        mutating func fill(to end: IndexKey) async throws(ObjectError) {
            guard isEmpty, !isAtEnd else { return }
            guard start < end else {
                isAtEnd = true
                return
            }
            let (set, start, limit) = (set, start, pageCount)
            page = try await set.run { () async throws(ObjectError) in
                try await set.page(from: start, to: end, limit: limit)
            }
            next = 0
            isAtEnd = page.rows.count < limit
            if let last = page.rows.indices.last { self.start = IndexKey(page.key(last).bytes + [0]) }
            pageCount = min(pageCount * 2, Self.pageMax)
        }

        mutating func seek(_ key: IndexKey) {
            var low = next, high = page.rows.count
            while low < high {
                let middle = (low + high) / 2
                if page.bytes[page.rows[middle].key].lexicographicallyPrecedes(key.bytes) {
                    low = middle + 1
                } else {
                    high = middle
                }
            }
            next = low
            if isEmpty, start < key {
                start = key
                pageCount = Self.firstPage
            }
        }

        func precedes(_ other: Cursor) -> Bool {
            page.bytes[page.rows[next].key].lexicographicallyPrecedes(other.page.bytes[other.page.rows[other.next].key])
        }
    }

    private var cursors: [Cursor]
    private let end: IndexKey

    /// `expected`: about how many rows will be taken.
    init(_ sets: [SetHandle], from start: IndexKey, to end: IndexKey, expected: Int) {
        let page = max(1, min(expected, Cursor.pageMax))
        cursors = sets.map { Cursor(set: $0, start: start, pageCount: page) }
        self.end = end
    }

    /// The next row, taken; nil at the end.
    mutating func next() async throws(ObjectError) -> Place? {
        while true {
            if let place = try taken() { return place }
            var isOver = true
            for index in cursors.indices where cursors[index].isEmpty && !cursors[index].isAtEnd {
                try await cursors[index].fill(to: end)
                isOver = false
            }
            if isOver { return nil }
        }
    }

    /// The next row when every set's page has one, or has ended: the step that does not suspend.
    private mutating func taken() throws(ObjectError) -> Place? {
        var best: Int?
        for index in cursors.indices {
            if cursors[index].isEmpty {
                guard cursors[index].isAtEnd else { return nil }
                continue
            }
            if let best, !cursors[index].precedes(cursors[best]) { continue }
            best = index
        }
        guard let best else { return nil }
        defer { cursors[best].next += 1 }
        return Place(page: cursors[best].page, index: cursors[best].next)
    }

    /// Skips to the first row at or after `key`.
    mutating func seek(_ key: IndexKey) {
        for index in cursors.indices { cursors[index].seek(key) }
    }
}
