import Digests
import Testing

@Suite struct MD5StreamTests {
    /// The scalar digest of the whole is the reference.
    @Test func `streams of any lengths, fed in any pieces, side by side hash as they would alone`() {
        var random = SplitMix64(seed: 7)
        for _ in 0..<200 {
            let count = 1 + Int(random.next() % UInt64(MD5Lanes.count))
            let bodies = (0..<count).map { _ in
                (0..<Int(random.next() % 3000)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            }
            let streams = bodies.map { _ in MD5Stream() }
            var offsets = Array(repeating: 0, count: count)
            while offsets.indices.contains(where: { offsets[$0] < bodies[$0].count }) {
                // Whoever has used up what it had gets its next piece; the others go on with theirs.
                var pieces: [UnsafeMutableRawBufferPointer] = []
                for index in offsets.indices where offsets[index] < bodies[index].count {
                    let piece = min(1 + Int(random.next() % 700), bodies[index].count - offsets[index])
                    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: piece, alignment: 1)
                    bytes.copyBytes(from: bodies[index][offsets[index]..<offsets[index] + piece])
                    streams[index].feed(UnsafeRawBufferPointer(bytes))
                    offsets[index] += piece
                    pieces.append(bytes)
                }
                var rounds = 0
                while true {
                    let hungry = streams.filter { !$0.rest.isEmpty }
                    if hungry.isEmpty { break }
                    if hungry.count == 1 { hungry[0].takeAlone(64) } else { MD5Lanes.advance(hungry) }
                    rounds += 1
                    #expect(rounds < 10_000, "no progress")
                }
                for bytes in pieces { bytes.deallocate() }
            }
            for (stream, body) in zip(streams, bodies) { #expect(stream.finish() == MD5.of(body)) }
        }
    }
}
