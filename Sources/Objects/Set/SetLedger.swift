package import Base
import Drives

/// The leader's change list (rule 11): decided positions that not every member holds, with the hashes of their keys.
///
/// Answers who can be asked for a key (rule 4), what a drive missed, and how far everything is confirmed. Positions arrive
/// nearly in order and leave from the front, so a sorted array with a moving start serves.
package struct SetLedger: Sendable {
    package struct Entry: Sendable {
        package var position: Position
        package var keyHashes: [UInt64]
        package var held: SlotMask
    }

    private var entries: [Entry] = []
    private var start = 0
    /// Newest listed position of a key.
    private var newest: [UInt64: Position] = [:]
    /// Listed positions that change a version of an object, by the upper half of the hash.
    private var byPrefix: [UInt32: [Position]] = [:]
    /// How many listed positions with keys each slot does not hold.
    private var missing: [Int]
    private let all: SlotMask
    /// At or below it every member that counts holds everything.
    package private(set) var confirmed: Position

    package init(drives: Int, confirmed: Position) {
        missing = Array(repeating: 0, count: drives)
        all = .first(drives)
        self.confirmed = confirmed
    }

    package var count: Int { entries.count - start }
    package var first: Entry? { start < entries.count ? entries[start] : nil }

    package mutating func insert(_ position: Position, keyHashes: [UInt64], held: SlotMask) {
        guard position > confirmed else { return }
        let index = lowerBound(position)
        if index < entries.count, entries[index].position == position {
            for slot in held.slots { markHeld(position, slot: slot) }
            return
        }
        entries.insert(Entry(position: position, keyHashes: keyHashes, held: held), at: index)
        for hash in keyHashes {
            if newest[hash] ?? .zero < position { newest[hash] = position }
            byPrefix[IndexKey.changePrefix(of: hash), default: []].append(position)
        }
        guard !keyHashes.isEmpty, held != all else { return }
        for slot in all.subtracting(held).slots { missing[slot] += 1 }
    }

    package mutating func markHeld(_ position: Position, slot: Int) {
        let index = lowerBound(position)
        guard index < entries.count, entries[index].position == position, !entries[index].held.contains(slot) else {
            return
        }
        entries[index].held.insert(slot)
        if !entries[index].keyHashes.isEmpty { missing[slot] -= 1 }
    }

    package func holds(_ position: Position, slot: Int) -> Bool {
        let index = lowerBound(position)
        guard index < entries.count, entries[index].position == position else { return true }
        return entries[index].held.contains(slot)
    }

    /// What the slot holds is not known any more, or known anew: `holds` says it of every listed position.
    package mutating func reset(slot: Int, holds: (Position) -> Bool) {
        missing[slot] = 0
        for index in start..<entries.count {
            if holds(entries[index].position) {
                entries[index].held.insert(slot)
            } else {
                entries[index].held.remove(slot)
                if !entries[index].keyHashes.isEmpty { missing[slot] += 1 }
            }
        }
    }

    /// Slots that hold the newest listed position of the key; nil when the list has none, so that every intact drive answers.
    package func holders(of keyHash: UInt64) -> SlotMask? {
        guard let position = newest[keyHash] else { return nil }
        let index = lowerBound(position)
        guard index < entries.count, entries[index].position == position else { return nil }
        return entries[index].held
    }

    /// Slots that hold every listed position of keys with that prefix; nil when the list has none.
    package func holders(ofPrefix prefix: UInt32) -> SlotMask? {
        guard let positions = byPrefix[prefix] else { return nil }
        return positions.reduce(all) { mask, position in
            let index = lowerBound(position)
            guard index < entries.count, entries[index].position == position else { return mask }
            return mask.intersection(entries[index].held)
        }
    }

    package func isInStep(_ slot: Int) -> Bool { missing[slot] == 0 }
    package func missedCount(_ slot: Int) -> Int { missing[slot] }

    /// The oldest positions above `floor` that the slot does not hold, at most `limit`; without keys too when asked.
    package func missed(_ slot: Int, above floor: Position = .zero, limit: Int, withoutKeys: Bool = false) -> [Entry] {
        var found: [Entry] = []
        for entry in entries[start...] where entry.position > floor && !entry.held.contains(slot) {
            if entry.keyHashes.isEmpty && !withoutKeys { continue }
            found.append(entry)
            if found.count == limit { break }
        }
        return found
    }

    package var listed: ArraySlice<Entry> { entries[start...] }

    /// Moves the confirmed position up to what all `members` hold, below `limit`, and drops that part of the list.
    package mutating func confirm(members: SlotMask, below limit: Position) {
        while start < entries.count {
            let entry = entries[start]
            guard entry.position < limit, members.isSubset(of: entry.held) else { break }
            confirmed = entry.position
            for hash in entry.keyHashes {
                if newest[hash] == entry.position { newest[hash] = nil }
                let prefix = IndexKey.changePrefix(of: hash)
                byPrefix[prefix]?.removeAll { $0 == entry.position }
                if byPrefix[prefix]?.isEmpty == true { byPrefix[prefix] = nil }
            }
            if !entry.keyHashes.isEmpty {
                for slot in all.subtracting(entry.held).slots { missing[slot] -= 1 }
            }
            start += 1
        }
        if start > 256 && start * 2 > entries.count {
            entries.removeFirst(start)
            start = 0
        }
    }

    private func lowerBound(_ position: Position) -> Int {
        // Nearly always the newest entries are asked for.
        if let last = entries.last, last.position < position { return entries.count }
        var low = start, high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].position < position { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
