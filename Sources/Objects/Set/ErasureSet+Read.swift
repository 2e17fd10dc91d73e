import Base
package import Drives
import ObjectFormat

/// Reads (rule 4): who can answer for a key, and falling over to others.
extension ErasureSet {
    /// What a drive is asked about.
    enum Question {
        /// One key, by its change hash.
        case key(UInt64)
        /// All versions of an object: a drive that missed any listed change of one can't tell which is the newest.
        case prefix(UInt32)
    }

    /// Drives that can answer. A rebuilding drive with a vote answers only for what the list proves that it holds.
    func sources(of question: Question) -> SlotMask {
        let holders =
            switch question {
            case .key(let hash): ledger.holders(of: hash)
            case .prefix(let prefix): ledger.holders(ofPrefix: prefix)
            }
        guard !settings.broken.contains(.missedForgotten), let holders else { return mask(intactAndWhole: intact) }
        if case .prefix = question { return mask(intactAndWhole: holders.intersection(intact)) }
        return holders.intersection(intact)
    }

    private func isOpen(_ question: Question) -> Bool {
        guard !openHashes.isEmpty else { return false }
        return switch question {
        case .key(let hash): openHashes.contains(hash)
        case .prefix(let prefix): openHashes.contains { IndexKey.changePrefix(of: $0) == prefix }
        }
    }

    private func mask(intactAndWhole mask: SlotMask) -> SlotMask {
        SlotMask(mask.slots.filter { !slots[$0].isRebuilding || settings.broken.contains(.voteOfRebuilding) })
    }

    /// One of the slots, another one each time, so that reads spread over the drives.
    private func pick(_ mask: SlotMask) -> Int? {
        guard !mask.isEmpty else { return nil }
        let slots = mask.slots
        nextReader = (nextReader + 1) % 240_240
        return slots[nextReader % slots.count]
    }

    /// Asks drives that can answer for the key, one after the other.
    func ask(
        _ question: Question, avoiding avoided: SlotMask = SlotMask(),
        _ call: (any Drive) async throws(DriveError) -> IndexEntry?
    ) async throws(SetError) -> (entry: IndexEntry, payload: [UInt8], attached: DataLayout?)? {
        var tried = avoided, problem = "no drive that is here has its newest commit"
        while true {
            try checkReadable()
            guard !isOpen(question) else {
                throw .readQuorumLost(detail: "the key's last commit is undecided until more drives return")
            }
            guard let slot = pick(sources(of: question).subtracting(tried)), let drive = slots[slot].drive else {
                throw .readQuorumLost(detail: "the key can't be read: \(problem)")
            }
            tried.insert(slot)
            do throws(DriveError) {
                guard let entry = try await call(drive) else { return nil }
                if let row = RowFormat.decode(entry.payload) { return (entry, row.payload, row.attached) }
                throw .damagedFormat(what: "the row's trailer")
            } catch {
                problem = "drive \(slot): \(error)"
                faulted(slot, drive, error)
            }
        }
    }

    package func row(_ key: IndexKey) async throws(SetError) -> SetRow? {
        try await ask(.key(key.changeHash)) { drive throws(DriveError) in try await drive.entry(key) }
            .map { SetRow(key: $0.entry.key, revision: $0.entry.revision, payload: $0.payload) }
    }

    package func firstRow(prefix: [UInt8]) async throws(SetError) -> SetRow? {
        // A version key without its position ends in two zeros, which an escaped object key can't contain.
        guard prefix.first == KeySpace.version.rawValue, prefix.suffix(2) == [0, 0] else {
            return try await rows(from: IndexKey(prefix), to: IndexKey.after(prefix), limit: 1).first
        }
        let question = Question.prefix(IndexKey.changePrefix(of: prefix))
        if sources(of: question).isEmpty {
            // Each drive missed some version: together r of them know.
            return try await rows(from: IndexKey(prefix), to: IndexKey.after(prefix), limit: 1).first
        }
        return try await ask(question) { drive throws(DriveError) in
            try await drive.firstEntry(prefix: prefix)
        }
        .map { SetRow(key: $0.entry.key, revision: $0.entry.revision, payload: $0.payload) }
    }

    package func rows(from start: IndexKey, to end: IndexKey, limit: Int) async throws(SetError) -> [SetRow] {
        guard start < end, limit > 0 else { return [] }
        let entries = try await entries(from: start, to: end, limit: limit)
        let shownTo = entries.count == limit ? entries.last?.key ?? end : end
        guard !openKeys.contains(where: { $0 >= start && ($0 < shownTo || $0 == entries.last?.key) }) else {
            throw .readQuorumLost(detail: "a commit in this range is undecided until more drives return")
        }
        var rows: [SetRow] = []
        rows.reserveCapacity(entries.count)
        for entry in entries {
            guard let row = RowFormat.decode(entry.payload) else {
                throw .dataLost(detail: "a row of the index has no trailer")
            }
            rows.append(SetRow(key: entry.key, revision: entry.revision, payload: row.payload))
        }
        return rows
    }

    package func page(from start: IndexKey, to end: IndexKey, limit: Int) async throws(SetError) -> RowPage {
        guard start < end, limit > 0 else { return RowPage(bytes: [], rows: []) }
        try checkReadable()
        guard openKeys.isEmpty, let slot = pick(inStep(avoiding: SlotMask())), let drive = slots[slot].drive else {
            return try await mergedPage(from: start, to: end, limit: limit)
        }
        let page: RowPage
        do throws(DriveError) {
            page = try await drive.page(from: start, to: end, limit: limit)
        } catch {
            faulted(slot, drive, error)
            return try await mergedPage(from: start, to: end, limit: limit)
        }
        // A commit may have become open while the drive was read.
        guard openKeys.isEmpty else { return try await mergedPage(from: start, to: end, limit: limit) }
        var rows = page.rows
        for index in rows.indices {
            let payload = rows[index].payload
            guard let count = RowFormat.payloadCount(of: page.bytes[payload]) else {
                throw .dataLost(detail: "a row of the index has no trailer")
            }
            rows[index].payload = payload.lowerBound..<payload.lowerBound + count
        }
        return RowPage(bytes: page.bytes, rows: rows)
    }

    private func mergedPage(from start: IndexKey, to end: IndexKey, limit: Int) async throws(SetError) -> RowPage {
        RowPage(
            try await rows(from: start, to: end, limit: limit).map {
                IndexEntry(key: $0.key, revision: $0.revision, payload: $0.payload, stored: .none)
            })
    }

    /// Drives that hold every decided commit, and so answer for any range by themselves.
    private func inStep(avoiding failed: SlotMask) -> SlotMask {
        SlotMask(
            mask(intactAndWhole: intact).subtracting(failed).slots.filter {
                ledger.isInStep($0) || settings.broken.contains(.missedForgotten)
            })
    }

    /// Raw entries: from one drive in step, or merged from r intact ones, leaving out of each what it can't answer for.
    func entries(
        from start: IndexKey, to end: IndexKey, limit: Int, avoiding avoided: SlotMask = SlotMask()
    ) async throws(SetError) -> [IndexEntry] {
        var failed = avoided
        while true {
            try checkReadable()
            let usable = mask(intactAndWhole: intact).subtracting(failed)
            let inStep = SlotMask(
                usable.slots.filter { ledger.isInStep($0) || settings.broken.contains(.missedForgotten) })
            if let slot = pick(inStep), let drive = slots[slot].drive {
                do throws(DriveError) {
                    return try await drive.entries(from: start, to: end, limit: limit)
                } catch {
                    faulted(slot, drive, error)
                    failed.insert(slot)
                }
                continue
            }
            guard usable.count >= quorum.read else {
                throw .readQuorumLost(detail: "\(usable.count) drives can list, \(quorum.read) are needed")
            }
            if let merged = try await merge(usable, from: start, to: end, limit: limit, failed: &failed) {
                return merged
            }
        }
    }

    /// nil when a drive failed: the caller picks others.
    private func merge(
        _ usable: SlotMask, from start: IndexKey, to end: IndexKey, limit: Int, failed: inout SlotMask
    ) async throws(SetError) -> [IndexEntry]? {
        // What each drive misses counts as of before it is asked: what it gets later it may get after its page was read.
        let known = ledger
        let first = nextReader
        nextReader = (nextReader + 1) % 240_240
        let order = usable.slots
        let chosen = (0..<quorum.read).map { order[(first + $0) % order.count] }
        var cursor = start
        var merged: [IndexEntry] = []
        while merged.count < limit && cursor < end {
            var pages: [(slot: Int, entries: [IndexEntry])] = []
            var upper = end
            for slot in chosen {
                guard let drive = slots[slot].drive else {
                    failed.insert(slot)
                    return nil
                }
                do throws(DriveError) {
                    let page = try await drive.entries(from: cursor, to: end, limit: limit)
                    if page.count >= limit, let last = page.last { upper = min(upper, IndexKey.after(key: last.key)) }
                    pages.append((slot, page))
                } catch {
                    faulted(slot, drive, error)
                    failed.insert(slot)
                    return nil
                }
            }
            merged += try combine(pages, below: upper, known: known, chosen: SlotMask(chosen))
            cursor = upper
        }
        return Array(merged.prefix(limit))
    }

    private func combine(
        _ pages: [(slot: Int, entries: [IndexEntry])], below upper: IndexKey, known: SetLedger, chosen: SlotMask
    ) throws(SetError) -> [IndexEntry] {
        var found: [IndexKey: [Int: IndexEntry]] = [:]
        for page in pages {
            for entry in page.entries where entry.key < upper { found[entry.key, default: [:]][page.slot] = entry }
        }
        var result: [IndexEntry] = []
        for key in found.keys.sorted() {
            let holders = known.holders(of: key.changeHash) ?? chosen
            guard let slot = holders.intersection(chosen).slots.first else {
                throw .readQuorumLost(detail: "no drive that was asked can answer for a key in this range")
            }
            // The drive that answers may say that the key is not there, whatever a drive that missed its deletion shows.
            if let entry = found[key]?[slot] { result.append(entry) }
        }
        return result
    }
}

extension IndexKey {
    /// The first key after all those that start with `prefix`.
    static func after(_ prefix: [UInt8]) -> IndexKey {
        var bytes = prefix
        while let last = bytes.last {
            if last < 0xFF {
                bytes[bytes.count - 1] = last + 1
                return IndexKey(bytes)
            }
            bytes.removeLast()
        }
        return IndexKey([0xFF])
    }

    /// The next key in order.
    static func after(key: IndexKey) -> IndexKey { IndexKey(key.bytes + [0]) }
}
