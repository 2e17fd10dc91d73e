/// What may be seen of one key that several clients write and read at once.
///
/// Every value is written once, so a history is judged by intervals: a read is wrong when it shows a value that was surely
/// replaced before it began, one whose write surely failed, or one that came back after another had been seen in its place.
/// Writes of unknown outcome may take effect at any time, or never, until a read has shown them.
struct RegisterModel {
    enum Outcome { case pending, acknowledged, failed, unknown }

    struct Write {
        var isDelete: Bool
        var start: Int
        /// From here on it has taken effect: acknowledged, or seen.
        var end: Int?
        var outcome = Outcome.pending
        /// The end of the first read that showed it.
        var seen: Int?
        /// The end of the first read that showed something else after it had been seen.
        var gone: Int?
        /// The value that it replaced, when it was made on that condition.
        var expected: Int?
    }

    private(set) var writes: [Int: Write] = [:]
    private(set) var order: [Int] = []

    mutating func begin(_ id: Int, isDelete: Bool, expecting expected: Int? = nil, at now: Int) {
        writes[id] = Write(isDelete: isDelete, start: now, expected: expected)
        order.append(id)
    }

    /// Nil when all is well.
    mutating func end(_ id: Int, _ outcome: Outcome, at now: Int) -> String? {
        writes[id]?.outcome = outcome
        guard outcome == .acknowledged else { return nil }
        tookEffect(id, at: now)
        guard let expected = writes[id]?.expected else { return nil }
        let rivals = order.filter {
            $0 != id && writes[$0]?.expected == expected && writes[$0]?.outcome == .acknowledged
        }
        return rivals.first.map { "writes \($0) and \(id) both replaced \(expected)" }
    }

    /// A read that began at `start` and shows `value` now; nil for nothing.
    mutating func see(_ value: Int?, from start: Int, at now: Int) -> String? {
        if let value {
            guard let write = writes[value], !write.isDelete else { return "shows \(value), which was never written" }
            if write.outcome == .failed { return "shows \(value), whose write failed" }
            if let end = write.end, let later = replacement(of: end, before: start, wants: nil) {
                return "shows \(value), which \(later) had replaced"
            }
            if let gone = write.gone, gone < start { return "shows \(value) again, after it had been replaced" }
            writes[value]?.end = min(write.end ?? now, now)
            writes[value]?.seen = write.seen ?? now
        } else {
            let deletes = order.filter { id in
                guard let write = writes[id], write.isDelete, write.outcome != .failed else { return false }
                guard let end = write.end else { return true }
                return replacement(of: end, before: start, wants: false) == nil
            }
            let isUntouched = replacement(of: -1, before: start, wants: false) == nil
            if deletes.isEmpty && !isUntouched {
                let last = order.last { writes[$0]?.end.map { $0 < start } ?? false }
                return "shows nothing, though \(last ?? -1) was there"
            }
            if deletes.count == 1, !isUntouched, let only = deletes.first {
                tookEffect(only, at: now)
            }
        }
        for id in order where id != value {
            if let seen = writes[id]?.seen, seen < start, writes[id]?.gone == nil { writes[id]?.gone = now }
        }
        return nil
    }

    private mutating func tookEffect(_ id: Int, at now: Int) {
        let end = writes[id]?.end ?? now
        writes[id]?.end = min(end, now)
    }

    /// A write that began after `end` and had taken effect before `start`.
    private func replacement(of end: Int, before start: Int, wants isDelete: Bool?) -> Int? {
        order.first { id in
            guard let write = writes[id], write.start > end, let ended = write.end, ended < start else { return false }
            return isDelete == nil || write.isDelete == isDelete
        }
    }

    /// The last value that is known to have taken effect: what a conditional writer would have read.
    var lastKnown: Int? {
        order.filter { writes[$0]?.isDelete == false && writes[$0]?.end != nil }
            .max { (writes[$0]?.end ?? 0, $0) < (writes[$1]?.end ?? 0, $1) }
    }
}
