/// Which shards to read next when some are wanted, any `needed` of them give all, and drives fail or are slow. A value: the reader
/// performs what it says.
package struct ShardGather: Sendable {
    package enum Action: Equatable, Sendable {
        case none
        case read([Int])
        /// All wanted shards are present, or can be computed.
        case finish
        /// Too few shards are left.
        case fail
    }

    package let needed: Int
    package let wanted: SlotMask
    package private(set) var present = SlotMask()
    private var pending = SlotMask()
    private var untried: SlotMask
    /// Asked last: their drives were slow before.
    private let avoided: SlotMask
    /// Pending for too long: not counted on.
    private var late = SlotMask()
    /// Set when the wanted shards cannot all be read: any `needed` will do from then on.
    private var computes = false
    /// Finish with fewer than the wanted ones only when the others have failed or are late.
    private let isPatient: Bool
    private var wasHedged = false

    package init(
        needed: Int, wanted: SlotMask, available: SlotMask, avoided: SlotMask = SlotMask(), isPatient: Bool = false
    ) {
        self.needed = needed
        self.isPatient = isPatient
        self.wanted = wanted
        self.avoided = avoided
        untried = available
        let easy = available.subtracting(avoided)
        computes = !wanted.isSubset(of: easy)
        // A slow drive is better than none.
        if computes, easy.count < needed, wanted.isSubset(of: available) { computes = false }
    }

    package mutating func start() -> Action {
        if computes { return next() }
        return ask(wanted.slots)
    }

    package mutating func succeeded(_ shard: Int) -> Action {
        pending.remove(shard)
        late.remove(shard)
        present.insert(shard)
        return next()
    }

    package mutating func failed(_ shard: Int) -> Action {
        pending.remove(shard)
        late.remove(shard)
        if wanted.contains(shard) { computes = true }
        return next()
    }

    /// What is pending has taken too long.
    package mutating func hedge() -> Action {
        late = pending
        wasHedged = true
        if !wanted.intersection(late).isEmpty { computes = true }
        return next()
    }

    package var lateShards: SlotMask { late }

    private mutating func next() -> Action {
        if wanted.isSubset(of: present) { return .finish }
        if computes, present.count >= needed, !isPatient || wasHedged || pending.isEmpty { return .finish }
        guard computes else { return .none }
        let counted = present.union(pending.subtracting(late)).count
        if counted < needed {
            let easy = untried.subtracting(avoided)
            let order =
                easy.intersection(wanted).slots + easy.subtracting(wanted).slots + untried.intersection(avoided).slots
            let more = Array(order.prefix(needed - counted))
            if !more.isEmpty { return ask(more) }
        }
        return pending.isEmpty && present.count < needed ? .fail : .none
    }

    private mutating func ask(_ shards: [Int]) -> Action {
        for shard in shards {
            untried.remove(shard)
            pending.insert(shard)
        }
        return shards.isEmpty ? next() : .read(shards)
    }
}
