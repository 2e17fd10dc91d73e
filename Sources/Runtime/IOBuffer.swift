import Glibc

/// A piece of page-aligned memory for disks and sockets, backed by huge pages where the kernel gives them.
///
/// Given back to its pool when the last reference goes, so a buffer outlives every operation that it was handed to.
// SAFETY: `base` and `capacity` never change; the bytes have one writer at a time, by convention of the code that hands the
// buffer over (a body being read, a drive's completion), and are not written again while anybody reads them.
package final class IOBuffer: @unchecked Sendable {
    package let base: UnsafeMutableRawPointer
    package let capacity: Int
    /// The pool and its slab that the memory belongs to; nil for memory of its own.
    private let home: (pool: BufferPool, slab: Int)?

    init(base: UnsafeMutableRawPointer, capacity: Int, home: (pool: BufferPool, slab: Int)?) {
        self.base = base
        self.capacity = capacity
        self.home = home
    }

    deinit {
        if let home { home.pool.give(base, capacity, slab: home.slab) } else { free(base) }
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
