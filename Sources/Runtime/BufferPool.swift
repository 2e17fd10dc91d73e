import Glibc
import Synchronization

/// Hands out buffers in a few sizes, and takes back what they were made of.
///
/// Sizes are powers of two from 4 KiB to 2 MiB, carved from 2 MiB slabs that ask for a huge page: with 4 KiB pages a direct
/// write costs four to five times the CPU. A slab of which nothing is in use serves any size next, and goes back to the kernel when
/// it was not needed from one `trim` to the next. Larger requests are allocated and freed one by one.
package final class BufferPool: Sendable {
    static let slabBytes = 2 << 20
    private static let smallestShift = 12
    private static let classes = 10

    private struct Slab {
        let base: UInt
        var sizeClass = 0
        /// Buffers given back, by their offset in units of the size.
        var free: [UInt16] = []
        /// Those from here on were never handed out since the slab got its size.
        var uncarved = 0
        var out = 0
        /// Where it stands in the list of slabs of its size that have a buffer left; nil when it has none.
        var place: Int?
    }

    private struct State {
        var slabs: [Slab] = []
        /// By size: slabs of which some buffers are in use and some are not.
        var partial: [[Int]] = Array(repeating: [], count: BufferPool.classes)
        /// Slabs of which nothing is in use, in memory still.
        var empty: [Int] = []
        /// Slabs whose memory the kernel has back.
        var bare: [Int] = []
        /// The fewest empty slabs since the last trim: so many were not needed.
        var spare = 0
        var bytesOut = 0
    }
    private let state = Mutex(State())

    package init() {}

    /// Bytes that the pool holds in memory, and bytes handed out at the moment.
    package var usage: (mapped: Int, out: Int) {
        state.withLock { (($0.slabs.count - $0.bare.count) * Self.slabBytes, $0.bytesOut) }
    }

    /// A buffer of at least `count` bytes, aligned to 4 KiB. Its contents are whatever was there before.
    package func take(_ count: Int) -> IOBuffer {
        precondition(count > 0, "a buffer holds at least one byte")
        guard count <= Self.slabBytes else { return large(count) }
        let sizeClass = Self.sizeClass(count), size = 1 << (sizeClass + Self.smallestShift)
        let taken = state.withLock { state in Self.take(sizeClass, size, &state) }
        guard let (base, slab) = taken, let pointer = UnsafeMutableRawPointer(bitPattern: base) else {
            fatalError("out of memory for I/O buffers")
        }
        return IOBuffer(base: pointer, capacity: size, home: (self, slab))
    }

    private static func take(_ sizeClass: Int, _ size: Int, _ state: inout State) -> (base: UInt, slab: Int)? {
        guard let index = state.partial[sizeClass].last ?? begin(sizeClass, &state) else { return nil }
        let offset: Int
        if let freed = state.slabs[index].free.popLast() {
            offset = Int(freed)
        } else {
            offset = state.slabs[index].uncarved
            state.slabs[index].uncarved += 1
        }
        state.slabs[index].out += 1
        if state.slabs[index].free.isEmpty, state.slabs[index].uncarved == slabBytes / size { unlist(index, &state) }
        state.bytesOut += size
        return (state.slabs[index].base + UInt(offset * size), index)
    }

    /// A slab for a size that has no buffer left.
    private static func begin(_ sizeClass: Int, _ state: inout State) -> Int? {
        let index: Int
        if let empty = state.empty.popLast() {
            state.spare = min(state.spare, state.empty.count)
            index = empty
        } else if let bare = state.bare.popLast() {
            index = bare
        } else {
            guard let base = map() else { return nil }
            state.slabs.append(Slab(base: base))
            index = state.slabs.count - 1
        }
        state.slabs[index].sizeClass = sizeClass
        state.slabs[index].free.removeAll(keepingCapacity: true)
        state.slabs[index].uncarved = 0
        list(index, &state)
        return index
    }

    func give(_ base: UnsafeMutableRawPointer, _ capacity: Int, slab index: Int) {
        state.withLock { state in
            state.bytesOut -= capacity
            let offset = Int(UInt(bitPattern: base) - state.slabs[index].base) / capacity
            state.slabs[index].free.append(UInt16(offset))
            state.slabs[index].out -= 1
            if state.slabs[index].out == 0 {
                Self.unlist(index, &state)
                state.empty.append(index)
            } else if state.slabs[index].place == nil {
                Self.list(index, &state)
            }
        }
    }

    private static func list(_ index: Int, _ state: inout State) {
        let sizeClass = state.slabs[index].sizeClass
        state.slabs[index].place = state.partial[sizeClass].count
        state.partial[sizeClass].append(index)
    }

    private static func unlist(_ index: Int, _ state: inout State) {
        let sizeClass = state.slabs[index].sizeClass
        guard let place = state.slabs[index].place, let last = state.partial[sizeClass].popLast() else { return }
        state.slabs[index].place = nil
        guard last != index else { return }
        state.partial[sizeClass][place] = last
        state.slabs[last].place = place
    }

    /// Gives the kernel back what has not been needed since the last call. Called every few seconds.
    package func trim() {
        let spare = state.withLock { state -> [(index: Int, base: UInt)] in
            // The ones at the front have been empty the longest: the others are taken first.
            let spare = state.empty.prefix(state.spare).map { (index: $0, base: state.slabs[$0].base) }
            state.empty.removeFirst(state.spare)
            state.spare = state.empty.count
            return spare
        }
        // Not under the lock, which every read and write takes.
        for slab in spare {
            if let base = UnsafeMutableRawPointer(bitPattern: slab.base) {
                madvise(base, Self.slabBytes, MADV_DONTNEED)
            }
            state.withLock { $0.bare.append(slab.index) }
        }
    }

    private static func sizeClass(_ count: Int) -> Int {
        let rounded = max(count, 1 << smallestShift)
        return (Int.bitWidth - (rounded - 1).leadingZeroBitCount) - smallestShift
    }

    private static func map() -> UInt? {
        // Twice the slab, so that an aligned 2 MiB piece lies in it; the rest is never touched and costs no memory.
        let mapped = mmap(nil, slabBytes * 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let mapped, mapped != MAP_FAILED else { return nil }
        let aligned = (UInt(bitPattern: mapped) + UInt(slabBytes - 1)) & ~UInt(slabBytes - 1)
        if let pointer = UnsafeMutableRawPointer(bitPattern: aligned) { madvise(pointer, slabBytes, MADV_HUGEPAGE) }
        return aligned
    }

    private func large(_ count: Int) -> IOBuffer {
        let size = (count + 4095) & ~4095
        var pointer: UnsafeMutableRawPointer?
        guard posix_memalign(&pointer, 4096, size) == 0, let pointer else {
            fatalError("out of memory for I/O buffers")
        }
        return IOBuffer(base: pointer, capacity: size, home: nil)
    }
}
