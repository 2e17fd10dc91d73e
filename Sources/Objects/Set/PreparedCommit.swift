import Drives
import ObjectFormat

/// The changes of one commit, made ready for every slot: shared rows, and what each slot attaches.
struct PreparedCommit {
    private enum Row {
        case put(IndexKey, payload: [UInt8], (any StagedData)?, chunk: Int?)
        case delete(IndexKey)
    }
    private var rows: [Row] = []
    private var staged: [any StagedData] = []
    private(set) var keyHashes: [UInt64] = []
    private(set) var counts: [CounterChange] = []
    /// Slots whose drives have all the staged data.
    private(set) var allowed: SlotMask
    /// Slots that have full copies; nil without copies.
    private(set) var copies: SlotMask?

    init(_ changes: [SetChange], quorum: Quorum) {
        allowed = quorum.all
        for change in changes {
            switch change {
            case .put(let key, let payload, let data): put(key, payload, data)
            case .delete(let key): rows.append(.delete(key))
            case .deleteData(let layout): deleteData(layout)
            case .count(let key, let objects, let versions, let bytes):
                counts.append(CounterChange(key: key, objects: objects, versions: versions, bytes: bytes))
            }
        }
        for row in rows {
            switch row {
            case .put(let key, _, _, _), .delete(let key): keyHashes.append(key.changeHash)
            }
        }
    }

    private mutating func put(_ key: IndexKey, _ payload: [UInt8], _ data: (any StagedData)?) {
        guard let data else {
            rows.append(.put(key, payload: RowFormat.encode(payload, attached: nil), nil, chunk: nil))
            return
        }
        staged.append(data)
        switch data.layout {
        case .empty:
            rows.append(.put(key, payload: RowFormat.encode(payload, attached: nil), nil, chunk: nil))
        case .copies(_, let slots):
            let mask = SlotMask(slots.map(Int.init))
            copies = copies?.intersection(mask) ?? mask
            // A drive without a copy takes the row all the same: the copy is not its share.
            rows.append(.put(key, payload: RowFormat.encode(payload, attached: data.layout), data, chunk: nil))
        case .packed:
            allowed = allowed.intersection(data.slots)
            rows.append(.put(key, payload: RowFormat.encode(payload, attached: data.layout), data, chunk: nil))
        case .coded(_, _, _, _, let id):
            allowed = allowed.intersection(data.slots)
            rows.append(.put(key, payload: RowFormat.encode(payload, attached: nil), nil, chunk: nil))
            let stored = RowFormat.encode([], attached: data.layout)
            for chunk in 0..<data.chunkCount {
                rows.append(.put(DataRow.key(id, chunk: chunk), payload: stored, data, chunk: chunk))
            }
        }
    }

    private mutating func deleteData(_ layout: DataLayout) {
        guard case .coded(_, _, _, _, let id) = layout else { return }
        for chunk in 0..<DataRow.chunkCount(layout) { rows.append(.delete(DataRow.key(id, chunk: chunk))) }
    }

    func mutations(slot: Int) -> [Mutation] {
        rows.map { row in
            switch row {
            case .delete(let key): Mutation(key: key, change: .delete)
            case .put(let key, let payload, let data, let chunk):
                Mutation(
                    key: key,
                    change: .put(
                        payload: payload,
                        chunk.map { data?.chunk($0, slot: slot) ?? .none } ?? data?.attachment(slot: slot) ?? .none))
            }
        }
    }

    /// These drives have the commit in their queues: staged space there is theirs now.
    func handOver(to taken: SlotMask) { for data in staged { data.handedOver(to: taken) } }
}
