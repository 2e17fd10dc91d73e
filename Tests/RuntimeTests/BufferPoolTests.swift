import Base
import Runtime
import SimulationSupport
import Testing

struct BufferPoolTests {
    @Test func `buffers are aligned, apart and large enough`() {
        let pool = BufferPool()
        var random = SplitMix64(seed: 1), held: [IOBuffer] = []
        for _ in 0..<2_000 {
            if held.count > 200 || (random.chance(0.4) && !held.isEmpty) {
                held.remove(at: random.below(held.count))
            }
            let wanted = 1 + random.below(2 << 20)
            let buffer = pool.take(wanted)
            #expect(buffer.capacity >= wanted && UInt(bitPattern: buffer.base) % 4096 == 0)
            held.append(buffer)
        }
        let spans = held.map { (start: UInt(bitPattern: $0.base), end: UInt(bitPattern: $0.base) + UInt($0.capacity)) }
            .sorted { $0.start < $1.start }
        for (first, second) in zip(spans, spans.dropFirst()) { #expect(first.end <= second.start) }
        #expect(pool.usage.out == held.reduce(0) { $0 + $1.capacity })
    }

    @Test func `what nobody needs goes back to the kernel after two looks`() {
        let pool = BufferPool()
        var held = (0..<100).map { _ in pool.take(256 << 10) }
        #expect(pool.usage.mapped == 26 << 20)
        held.removeLast(99)
        pool.trim()
        #expect(pool.usage.mapped == 26 << 20)
        pool.trim()
        #expect(pool.usage.mapped == 2 << 20)
        held = []
        pool.trim()
        pool.trim()
        #expect(pool.usage.mapped == 0 && pool.usage.out == 0)
        let again = pool.take(4096)
        again.bytes.storeBytes(of: 7, as: UInt8.self)
        #expect(pool.usage.mapped == 2 << 20)
    }

    @Test func `memory that one size has given back serves another`() {
        let pool = BufferPool()
        for shift in 12...21 {
            let buffers = (0..<(8 << 20) >> shift).map { _ in pool.take(1 << shift) }
            #expect(buffers.allSatisfy { $0.capacity == 1 << shift })
        }
        #expect(pool.usage.mapped == 8 << 20)
    }

    @Test func `what is in use between two looks is kept`() {
        let pool = BufferPool()
        for _ in 0..<5 {
            var buffer: IOBuffer? = pool.take(2 << 20)
            buffer = nil
            pool.trim()
            #expect(buffer == nil && pool.usage.mapped == 2 << 20)
        }
    }
}
