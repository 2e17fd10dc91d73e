import Base
import Drives
import Runtime
import Synchronization

/// Packed objects that were read of late, whole and verified, by the row and the revision that they belong to: a row that changes has
/// another revision, so nothing here is ever out of date.
///
/// Bounded by the memory of its buffers; a clock hand goes round and lets go of what was not read again since it last came by.
final class PackedCache: Sendable {
    private struct Name: Hashable {
        var key: IndexKey
        var revision: Position
    }
    private struct Entry {
        var name: Name
        var slices: [BufferSlice]
        var bytes: Int
        var wasRead = false
    }
    private struct State {
        var places: [Name: Int] = [:]
        var entries: [Entry?] = []
        var free: [Int] = []
        var hand = 0
        var bytes = 0
    }

    private let bytesMax: Int
    private let pool: BufferPool
    private let state = Mutex(State())

    init(bytesMax: Int, pool: BufferPool) {
        self.bytesMax = bytesMax
        self.pool = pool
    }

    /// Memory that cached data holds.
    var bytes: Int { state.withLock { $0.bytes } }

    func find(_ key: IndexKey, _ revision: Position) -> [BufferSlice]? {
        guard bytesMax > 0 else { return nil }
        return state.withLock { state in
            guard let place = state.places[Name(key: key, revision: revision)] else { return nil }
            state.entries[place]?.wasRead = true
            return state.entries[place]?.slices
        }
    }

    /// Keeps the data of a whole object, in buffers of its own where it came in larger ones.
    func keep(_ slices: [BufferSlice], of key: IndexKey, _ revision: Position) {
        let count = slices.reduce(0) { $0 + $1.count }
        // An object of more than a sixteenth of the cache would push out too much.
        guard bytesMax > 0, count > 0, count <= bytesMax / 16 else { return }
        let kept = slices.map(fitted)
        let bytes = kept.reduce(0) { $0 + $1.buffer.capacity }
        let dropped = state.withLock { state -> [[BufferSlice]] in
            let name = Name(key: key, revision: revision)
            guard state.places[name] == nil else { return [] }
            var dropped: [[BufferSlice]] = []
            while state.bytes + bytes > bytesMax, let victim = Self.turn(&state) { dropped.append(victim) }
            let entry = Entry(name: name, slices: kept, bytes: bytes)
            let place: Int
            if let free = state.free.popLast() {
                place = free
                state.entries[place] = entry
            } else {
                place = state.entries.count
                state.entries.append(entry)
            }
            state.places[name] = place
            state.bytes += bytes
            return dropped
        }
        // Their buffers go back to the pool outside the lock.
        _ = dropped
    }

    /// Drops the first entry that was not read since the hand came by.
    private static func turn(_ state: inout State) -> [BufferSlice]? {
        // Twice round, an entry that was read on the first is dropped on the second.
        for _ in 0..<2 * state.entries.count {
            let place = state.hand
            state.hand = (place + 1) % state.entries.count
            guard let entry = state.entries[place] else { continue }
            if entry.wasRead {
                state.entries[place]?.wasRead = false
                continue
            }
            state.entries[place] = nil
            state.places[entry.name] = nil
            state.free.append(place)
            state.bytes -= entry.bytes
            return entry.slices
        }
        return nil
    }

    private func fitted(_ slice: BufferSlice) -> BufferSlice {
        guard slice.buffer.capacity >= 2 * max(slice.count, 4096) else { return slice }
        let copy = pool.take(slice.count).slice(0, slice.count)
        copy.mutableBytes.copyMemory(from: slice.bytes)
        withExtendedLifetime(slice) {}
        return copy
    }
}
