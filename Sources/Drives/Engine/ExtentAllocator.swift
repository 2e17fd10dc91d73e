/// Which pages of the data segments are used. Docs/formats/manifest.md, "Allocation".
///
/// Three bit maps a segment. `stored` is what the checkpoint says: the effects of published records up to the last flush and of no
/// other (rule 9); `used` has those of every published record; `busy` also has what must not be handed out now: extents reserved
/// for commits to come or pending, and freed extents that a reader has pinned. What lies between `stored` and `used` is kept as a
/// journal by memtable generation. Setting and clearing are idempotent, so replaying a record twice changes nothing.
package struct ExtentAllocator: Sendable {
    package static let pageBytes = 4096

    struct Segment: Sendable {
        var pages: Int
        var stored: PageBits
        var used: PageBits
        var busy: PageBits
        /// No free run is longer than this; raised by every release, lowered by a failed search.
        var longestFreeBound: Int
        var searchStart = 0
    }

    private struct Effect: Sendable {
        var extent: Extent
        var isUse: Bool
        var generation: UInt64
    }

    private(set) var segments: [UInt32: Segment] = [:]
    /// In ascending order: allocation must not depend on the order of a dictionary.
    package private(set) var numbers: [UInt32] = []
    private var journal: [Effect] = []
    package private(set) var usedPages = 0

    package init() {}

    // MARK: Segments

    /// A segment as the checkpoint knows it.
    package mutating func addSegment(_ number: UInt32, pages: Int, stored runs: [Range<Int>] = []) {
        guard segments[number] == nil else { return }
        var bits = PageBits(count: pages)
        for run in runs where run.upperBound <= pages { bits.set(run) }
        segments[number] = Segment(pages: pages, stored: bits, used: bits, busy: bits, longestFreeBound: pages)
        usedPages += bits.population
        numbers.insert(number, at: numbers.firstIndex { $0 > number } ?? numbers.count)
    }

    package mutating func removeSegment(_ number: UInt32) {
        guard let segment = segments.removeValue(forKey: number) else { return }
        usedPages -= segment.used.population
        numbers.removeAll { $0 == number }
    }

    package var nextNumber: UInt32 { (numbers.last ?? 0) &+ 1 }
    package var totalPages: Int { numbers.reduce(0) { $0 + (segments[$1]?.pages ?? 0) } }

    /// Segments that neither the checkpoint, nor a published or pending record, nor a reader needs.
    package func empty() -> [UInt32] {
        let touched = Set(journal.map(\.extent.segment))
        return numbers.filter { number in
            guard let segment = segments[number] else { return false }
            return segment.busy.population == 0 && segment.stored.population == 0 && !touched.contains(number)
        }
    }

    // MARK: Reserving

    /// A run of free pages, lowest segment first so that higher ones empty; nil when no segment has one.
    package mutating func reserve(pages: Int) -> Extent? {
        for number in numbers {
            guard let bound = segments[number]?.longestFreeBound, bound >= pages else { continue }
            if let start = search(number, pages) {
                let run = start..<start + pages
                segments[number]?.busy.set(run)
                segments[number]?.searchStart = run.upperBound
                return Extent(segment: number, offset: UInt32(start), pages: UInt32(pages))
            }
            segments[number]?.longestFreeBound = pages - 1
        }
        return nil
    }

    private func search(_ number: UInt32, _ pages: Int) -> Int? {
        guard let segment = segments[number] else { return nil }
        return segment.busy.firstClearRun(of: pages, from: segment.searchStart)
            ?? segment.busy.firstClearRun(of: pages, from: 0)
    }

    // MARK: Effects of records

    /// True when the extent lies within a segment that is known.
    package func contains(_ extent: Extent) -> Bool {
        guard let segment = segments[extent.segment] else { return false }
        return extent.pages > 0 && Int(extent.offset) + Int(extent.pages) <= segment.pages
    }

    /// A published record names the extent.
    package mutating func use(_ extent: Extent, generation: UInt64) {
        change(extent) { segment, run in
            segment.busy.set(run)
            return segment.used.set(run)
        }
        journal.append(Effect(extent: extent, isUse: true, generation: generation))
    }

    /// What a published record replaced. With `held` it stays busy until `unhold`.
    package mutating func free(_ extent: Extent, held: Bool, generation: UInt64) {
        change(extent) { segment, run in
            if !held { Self.clearBusy(&segment, run) }
            return -segment.used.clear(run)
        }
        journal.append(Effect(extent: extent, isUse: false, generation: generation))
    }

    /// A record that is not published yet names the extent.
    package mutating func hold(_ extent: Extent) {
        change(extent) { segment, run in
            segment.busy.set(run)
            return 0
        }
    }

    /// Ends a reservation or a pin: what no published record uses becomes free.
    package mutating func unhold(_ extent: Extent) {
        change(extent) { segment, run in
            for page in run where !segment.used.contains(page) { Self.clearBusy(&segment, page..<page + 1) }
            return 0
        }
    }

    private static func clearBusy(_ segment: inout Segment, _ run: Range<Int>) {
        segment.busy.clear(run)
        segment.longestFreeBound = segment.pages
        segment.searchStart = min(segment.searchStart, run.lowerBound)
    }

    private mutating func change(_ extent: Extent, _ body: (inout Segment, Range<Int>) -> Int) {
        guard contains(extent), var segment = segments.removeValue(forKey: extent.segment) else { return }
        usedPages += body(&segment, extent.run)
        segments[extent.segment] = segment
    }

    // MARK: Checkpoint

    /// The segments that effects up to `generation` change, each with its used pages after them: for the checkpoint.
    package func checkpoint(upTo generation: UInt64) -> [(number: UInt32, runs: [Range<Int>])] {
        var changed: [UInt32: PageBits] = [:]
        for effect in journal where effect.generation <= generation && contains(effect.extent) {
            guard var bits = changed[effect.extent.segment] ?? segments[effect.extent.segment]?.stored else { continue }
            if effect.isUse { bits.set(effect.extent.run) } else { bits.clear(effect.extent.run) }
            changed[effect.extent.segment] = bits
        }
        return changed.keys.sorted().compactMap { number in changed[number].map { (number, $0.runs) } }
    }

    /// The checkpoint is durable.
    package mutating func stored(upTo generation: UInt64) {
        for effect in journal where effect.generation <= generation && contains(effect.extent) {
            guard var segment = segments.removeValue(forKey: effect.extent.segment) else { continue }
            if effect.isUse { segment.stored.set(effect.extent.run) } else { segment.stored.clear(effect.extent.run) }
            segments[effect.extent.segment] = segment
        }
        journal.removeAll { $0.generation <= generation }
    }

    package func pages(of number: UInt32) -> Int { segments[number]?.pages ?? 0 }

    package func isUsed(_ extent: Extent) -> Bool {
        guard contains(extent), let segment = segments[extent.segment] else { return false }
        return extent.run.allSatisfy(segment.used.contains)
    }

    package func usedRuns(_ number: UInt32) -> [Range<Int>] { segments[number]?.used.runs ?? [] }
    package func busyPages(_ number: UInt32) -> Int { segments[number]?.busy.population ?? 0 }
    package var busyPages: Int { numbers.reduce(0) { $0 + busyPages($1) } }
}

extension Extent {
    fileprivate var run: Range<Int> { Int(offset)..<Int(offset) + Int(pages) }
}

/// A bit a page, in words.
struct PageBits: Sendable {
    let count: Int
    private var words: [UInt64]
    private(set) var population = 0

    init(count: Int) {
        self.count = count
        words = Array(repeating: 0, count: (count + 63) / 64)
    }

    func contains(_ page: Int) -> Bool { words[page >> 6] >> UInt64(page & 63) & 1 == 1 }

    /// How many bits changed.
    @discardableResult
    mutating func set(_ run: Range<Int>) -> Int {
        var changed = 0
        for (index, mask) in WordMasks(run) {
            changed += (mask & ~words[index]).nonzeroBitCount
            words[index] |= mask
        }
        population += changed
        return changed
    }

    @discardableResult
    mutating func clear(_ run: Range<Int>) -> Int {
        var changed = 0
        for (index, mask) in WordMasks(run) {
            changed += (mask & words[index]).nonzeroBitCount
            words[index] &= ~mask
        }
        population -= changed
        return changed
    }

    /// The words that a run of pages touches, each with its mask.
    private struct WordMasks: Sequence, IteratorProtocol {
        private var page: Int
        private let end: Int
        init(_ run: Range<Int>) { (page, end) = (run.lowerBound, run.upperBound) }
        mutating func next() -> (index: Int, mask: UInt64)? {
            guard page < end else { return nil }
            let bit = page & 63, width = Swift.min(64 - bit, end - page)
            defer { page += width }
            return (page >> 6, (width == 64 ? .max : (1 << UInt64(width)) - 1) << UInt64(bit))
        }
    }

    /// The first run of `pages` clear bits at or after `start`. Full and empty words are skipped whole.
    func firstClearRun(of pages: Int, from start: Int) -> Int? {
        var page = start
        while page + pages <= count {
            guard let clear = nextClear(page) else { return nil }
            let set = nextSet(clear, limit: clear + pages)
            if set - clear >= pages { return clear + pages <= count ? clear : nil }
            page = set
        }
        return nil
    }

    var runs: [Range<Int>] {
        var runs: [Range<Int>] = []
        var page = 0
        while page < count {
            let start = nextSet(page, limit: count)
            guard start < count else { break }
            let end = nextClear(start) ?? count
            runs.append(start..<end)
            page = end
        }
        return runs
    }

    private func nextClear(_ start: Int) -> Int? {
        var page = start
        while page < count {
            let rest = ~words[page >> 6] >> UInt64(page & 63)
            if rest != 0 {
                let found = page + rest.trailingZeroBitCount
                return found < count ? found : nil
            }
            page = (page | 63) + 1
        }
        return nil
    }

    private func nextSet(_ start: Int, limit: Int) -> Int {
        var page = start
        while page < limit, page < count {
            let rest = words[page >> 6] >> UInt64(page & 63)
            if rest != 0 { return min(limit, page + rest.trailingZeroBitCount) }
            page = (page | 63) + 1
        }
        return min(limit, count)
    }
}
