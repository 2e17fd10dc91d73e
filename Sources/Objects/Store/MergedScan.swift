import Base
import Drives
import ObjectFormat

/// Rows of one key range in key order, merged over the sets that hold them, fetched in pages and with seeks.
struct MergedScan {
    /// One set's share of the range.
    private struct Cursor {
        /// After a seek out of the page the next one is small, because the next seek may be near; sequential reading doubles it.
        static let firstPage = 64
        static let pageMax = 1000

        let set: SetHandle
        var start: IndexKey
        var page: ArraySlice<SetRow> = []
        var isAtEnd = false
        var pageCount: Int

        mutating func fill(to end: IndexKey) async throws(ObjectError) {
            guard page.isEmpty, !isAtEnd else { return }
            guard start < end else {
                isAtEnd = true
                return
            }
            let (set, start, limit) = (set, start, pageCount)
            let rows = try await set.run { () async throws(ObjectError) in
                try await set.rows(from: start, to: end, limit: limit)
            }
            page = rows[...]
            isAtEnd = rows.count < limit
            if let last = rows.last { self.start = IndexKey(last.key.bytes + [0]) }
            pageCount = min(pageCount * 2, Self.pageMax)
        }

        mutating func seek(_ key: IndexKey) {
            var low = page.startIndex, high = page.endIndex
            while low < high {
                let middle = (low + high) / 2
                if page[middle].key < key { low = middle + 1 } else { high = middle }
            }
            page = page[low...]
            if page.isEmpty, start < key {
                start = key
                pageCount = Self.firstPage
            }
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
    mutating func next() async throws(ObjectError) -> SetRow? {
        var best: Int?
        for index in cursors.indices {
            try await cursors[index].fill(to: end)
            guard let candidate = cursors[index].page.first else { continue }
            if let best, let leader = cursors[best].page.first, leader.key <= candidate.key { continue }
            best = index
        }
        guard let best else { return nil }
        return cursors[best].page.popFirst()
    }

    /// Skips to the first row at or after `key`.
    mutating func seek(_ key: IndexKey) {
        for index in cursors.indices { cursors[index].seek(key) }
    }
}

/// How keys fold into common prefixes.
struct Folding {
    let prefix: ObjectKey
    let delimiter: ObjectKey

    /// The common prefix that `key` (which begins with the prefix) folds into; nil when it stands for itself.
    func commonPrefix(of key: ObjectKey) -> ObjectKey? {
        guard !delimiter.bytes.isEmpty, key.bytes.starts(with: prefix.bytes) else { return nil }
        let bytes = key.bytes, width = delimiter.bytes.count
        var index = prefix.bytes.count
        while index + width <= bytes.count {
            if bytes[index] == delimiter.bytes[0], bytes[index..<index + width].elementsEqual(delimiter.bytes) {
                return ObjectKey(Array(bytes[..<(index + width)]))
            }
            index += 1
        }
        return nil
    }
}
