import Glibc
import Synchronization

/// A piece of page-aligned memory for disks and sockets, backed by huge pages where the kernel gives them.
///
/// Given back to its pool when the last reference goes, so a buffer outlives every operation that it was handed to.
// SAFETY: `base` and `capacity` never change; the bytes have one writer at a time, by convention of the code that hands the
// buffer over (a body being read, a drive's completion), and are not written again while anybody reads them.
package final class IOBuffer: @unchecked Sendable {
    package let base: UnsafeMutableRawPointer
    package let capacity: Int
    private let pool: BufferPool?

    fileprivate init(base: UnsafeMutableRawPointer, capacity: Int, pool: BufferPool?) {
        self.base = base
        self.capacity = capacity
        self.pool = pool
    }

    deinit {
        if let pool { pool.give(base, capacity) } else { free(base) }
    }

    package var bytes: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(start: base, count: capacity) }

    package func slice(_ start: Int, _ count: Int) -> BufferSlice {
        BufferSlice(buffer: self, start: start, count: count)
    }
}

/// A run of bytes in a buffer, keeping the buffer alive.
package struct BufferSlice: Sendable {
    package let buffer: IOBuffer
    package var start: Int
    package var count: Int

    package init(buffer: IOBuffer, start: Int, count: Int) {
        precondition(start >= 0 && count >= 0 && start + count <= buffer.capacity, "a slice lies within its buffer")
        self.buffer = buffer
        self.start = start
        self.count = count
    }

    /// Valid while `buffer` is referenced.
    package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: buffer.base + start, count: count) }
    package var mutableBytes: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: buffer.base + start, count: count)
    }
}

/// Hands out buffers in a few sizes and keeps the ones given back, up to a limit.
///
/// Sizes are powers of two from 4 KiB to 2 MiB, carved from 2 MiB slabs that ask for a huge page: with 4 KiB pages a direct
/// write costs four to five times the CPU. Larger requests are allocated and freed one by one.
package final class BufferPool: Sendable {
    private static let slabBytes = 2 << 20
    private static let smallestShift = 12
    private static let classes = 10

    private struct State {
        var free: [[UInt]] = Array(repeating: [], count: BufferPool.classes)
        var bytesMapped = 0
        var bytesOut = 0
    }
    private let state = Mutex(State())

    package init() {}

    /// Bytes mapped from the kernel, and bytes handed out at the moment.
    package var usage: (mapped: Int, out: Int) { state.withLock { ($0.bytesMapped, $0.bytesOut) } }

    /// A buffer of at least `count` bytes, aligned to 4 KiB. Its contents are whatever was there before.
    package func take(_ count: Int) -> IOBuffer {
        precondition(count > 0, "a buffer holds at least one byte")
        guard count <= Self.slabBytes else { return large(count) }
        let index = Self.sizeClass(count), size = 1 << (index + Self.smallestShift)
        let base = state.withLock { state -> UInt? in
            if state.free[index].isEmpty { Self.carve(index, into: &state) }
            guard let base = state.free[index].popLast() else { return nil }
            state.bytesOut += size
            return base
        }
        guard let base, let pointer = UnsafeMutableRawPointer(bitPattern: base) else {
            fatalError("out of memory for I/O buffers")
        }
        return IOBuffer(base: pointer, capacity: size, pool: self)
    }

    fileprivate func give(_ base: UnsafeMutableRawPointer, _ capacity: Int) {
        let index = Self.sizeClass(capacity)
        state.withLock { state in
            state.free[index].append(UInt(bitPattern: base))
            state.bytesOut -= capacity
        }
    }

    private static func sizeClass(_ count: Int) -> Int {
        let rounded = max(count, 1 << smallestShift)
        return (Int.bitWidth - (rounded - 1).leadingZeroBitCount) - smallestShift
    }

    private static func carve(_ index: Int, into state: inout State) {
        // Twice the slab, so that an aligned 2 MiB piece lies in it; the rest is never touched and costs no memory.
        let mapped = mmap(nil, slabBytes * 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let mapped, mapped != MAP_FAILED else { return }
        let aligned = (UInt(bitPattern: mapped) + UInt(slabBytes - 1)) & ~UInt(slabBytes - 1)
        if let pointer = UnsafeMutableRawPointer(bitPattern: aligned) { madvise(pointer, slabBytes, MADV_HUGEPAGE) }
        state.bytesMapped += slabBytes
        let size = 1 << (index + smallestShift)
        for offset in stride(from: 0, to: slabBytes, by: size) { state.free[index].append(aligned + UInt(offset)) }
    }

    private func large(_ count: Int) -> IOBuffer {
        let size = (count + 4095) & ~4095
        var pointer: UnsafeMutableRawPointer?
        guard posix_memalign(&pointer, 4096, size) == 0, let pointer else {
            fatalError("out of memory for I/O buffers")
        }
        return IOBuffer(base: pointer, capacity: size, pool: nil)
    }
}
