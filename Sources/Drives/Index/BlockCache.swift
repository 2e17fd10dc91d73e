import Runtime

/// Verified blocks of one drive's tables, up to a number of bytes. A block that was asked for since the hand last passed gets
/// one more round (CLOCK).
///
/// Used by one index, on its executor. An evicted block lives on while a cursor holds it.
package final class BlockCache {
    private struct Slot {
        var key: UInt64 = 0
        var slice: BufferSlice?
        var isReferenced = false
        /// The next slot of the same bucket, or -1.
        var next: Int32 = -1
    }

    let capacityBytes: Int
    @exclusivity(unchecked) private var slots: [Slot] = []
    @exclusivity(unchecked) private var buckets: [Int32]
    private var free: [Int32] = []
    private var hand = 0
    private var count = 0
    package private(set) var bytes = 0
    @exclusivity(unchecked) package private(set) var hits: UInt64 = 0
    @exclusivity(unchecked) package private(set) var misses: UInt64 = 0

    package init(capacityBytes: Int) {
        self.capacityBytes = capacityBytes
        buckets = Array(repeating: -1, count: 256)
    }

    /// Table numbers are never used twice while a cache lives, so a key names one block for ever.
    @inline(__always)
    private static func key(_ table: UInt64, _ page: UInt32) -> UInt64 { table << 32 ^ UInt64(page) }

    @inline(__always)
    private func bucket(_ key: UInt64) -> Int {
        Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 32) & (buckets.count - 1)
    }

    @inline(__always)
    func find(table: UInt64, page: UInt32) -> BufferSlice? {
        let key = Self.key(table, page)
        var index = buckets[bucket(key)]
        while index >= 0 {
            if slots[Int(index)].key == key {
                slots[Int(index)].isReferenced = true
                hits += 1
                return slots[Int(index)].slice
            }
            index = slots[Int(index)].next
        }
        misses += 1
        return nil
    }

    func insert(_ slice: BufferSlice, table: UInt64, page: UInt32) {
        let key = Self.key(table, page)
        if let index = position(of: key) {
            // Two readers missed the same block at the same time: both have the same bytes.
            bytes += slice.buffer.capacity - (slots[index].slice?.buffer.capacity ?? 0)
            slots[index].slice = slice
            return
        }
        while count > 0, bytes + slice.buffer.capacity > capacityBytes { evictOne() }
        if count >= buckets.count { rehash() }
        let index: Int
        if let reused = free.popLast() {
            index = Int(reused)
        } else {
            index = slots.count
            slots.append(Slot())
        }
        let head = bucket(key)
        slots[index] = Slot(key: key, slice: slice, isReferenced: true, next: buckets[head])
        buckets[head] = Int32(index)
        count += 1
        bytes += slice.buffer.capacity
    }

    package func removeAll() {
        slots = []
        free = []
        buckets = Array(repeating: -1, count: 256)
        (hand, count, bytes) = (0, 0, 0)
    }

    private func position(of key: UInt64) -> Int? {
        var index = buckets[bucket(key)]
        while index >= 0 {
            if slots[Int(index)].key == key { return Int(index) }
            index = slots[Int(index)].next
        }
        return nil
    }

    private func evictOne() {
        while true {
            hand = hand + 1 < slots.count ? hand + 1 : 0
            guard let slice = slots[hand].slice else { continue }
            if slots[hand].isReferenced {
                slots[hand].isReferenced = false
                continue
            }
            unlink(hand)
            bytes -= slice.buffer.capacity
            slots[hand] = Slot()
            free.append(Int32(hand))
            count -= 1
            return
        }
    }

    private func unlink(_ index: Int) {
        let head = bucket(slots[index].key)
        if buckets[head] == Int32(index) {
            buckets[head] = slots[index].next
            return
        }
        var before = Int(buckets[head])
        while slots[before].next != Int32(index) { before = Int(slots[before].next) }
        slots[before].next = slots[index].next
    }

    private func rehash() {
        buckets = Array(repeating: -1, count: buckets.count * 2)
        for index in slots.indices where slots[index].slice != nil {
            let head = bucket(slots[index].key)
            slots[index].next = buckets[head]
            buckets[head] = Int32(index)
        }
    }
}
