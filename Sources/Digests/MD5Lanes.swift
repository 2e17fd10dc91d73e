import CDigests
import CKernels

/// Several MD5 streams at once: MD5 is the dearest thing that a PUT does, and eight streams in vector lanes cost about what one
/// costs alone.
package enum MD5Lanes {
    package static let count = Int(CKERNELS_MD5_LANES)

    /// Feeds `inputs[i]` to `digests[i]`, side by side as far as their common length goes. At most `count` streams.
    package static func update(_ digests: inout [MD5], _ inputs: [UnsafeRawBufferPointer]) {
        precondition(digests.count == inputs.count && digests.count <= count, "one input a stream, at most a lane each")
        digests.withUnsafeMutableBufferPointer { update($0, inputs) }
    }

    /// Hashes some of what each stream was fed with, side by side over the length that they have in common; what is left of each is
    /// its own afterwards. At least one stream has nothing left then, or less than a block. At most `count` streams.
    package static func advance(_ all: [MD5Stream]) {
        precondition(all.count <= count, "at most a lane each")
        var streams: [MD5Stream] = []
        var blocks = Int.max
        for stream in all {
            stream.fillBlock()
            if stream.rest.count < 64 {
                stream.takeAlone(stream.rest.count)
            } else {
                streams.append(stream)
                blocks = min(blocks, stream.rest.count / 64)
            }
        }
        guard streams.count >= 2 else { return }
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 4 * count) { idle in
            idle.initialize(repeating: 0)
            withUnsafeTemporaryAllocation(of: UnsafeMutablePointer<UInt32>?.self, capacity: count) { states in
                withUnsafeTemporaryAllocation(of: UnsafePointer<UInt8>?.self, capacity: count) { inputs in
                    for lane in 0..<count {
                        // Lanes without a stream hash the first one's bytes into states that nobody reads.
                        let stream = streams[lane < streams.count ? lane : 0]
                        inputs.initializeElement(
                            at: lane, to: stream.rest.baseAddress?.assumingMemoryBound(to: UInt8.self))
                        states.initializeElement(
                            at: lane,
                            to: lane < streams.count ? stream.chain : idle.baseAddress.map { $0 + 4 * lane })
                    }
                    ckernels_md5_lanes(states.baseAddress, inputs.baseAddress, blocks)
                }
            }
        }
        for stream in streams { stream.tookInLane(blocks * 64) }
    }

    private static func update(_ digests: UnsafeMutableBufferPointer<MD5>, _ inputs: [UnsafeRawBufferPointer]) {
        // A stream in the middle of a block first fills it by itself; the common run is whole blocks after that.
        var offsets = [Int](repeating: 0, count: inputs.count)
        var blocks = Int.max
        for i in inputs.indices {
            offsets[i] = fillBlock(&digests[i], inputs[i])
            blocks = min(blocks, (inputs[i].count - offsets[i]) / 64)
        }
        if inputs.count >= 2, blocks > 0, blocks < Int.max {
            run(digests, inputs, offsets, blocks)
            for i in inputs.indices { offsets[i] += blocks * 64 }
        }
        for i in inputs.indices where offsets[i] < inputs[i].count {
            digests[i].update(UnsafeRawBufferPointer(rebasing: inputs[i][offsets[i]...]))
        }
    }

    /// Feeds bytes until the state stands at a block's border; returns how many.
    private static func fillBlock(_ digest: inout MD5, _ input: UnsafeRawBufferPointer) -> Int {
        var used = 0
        while used < input.count, cdigests_md5_at_block(&digest.state) == 0 {
            digest.update(UnsafeRawBufferPointer(rebasing: input[used..<used + 1]))
            used += 1
        }
        return used
    }

    private static func run(
        _ digests: UnsafeMutableBufferPointer<MD5>, _ inputs: [UnsafeRawBufferPointer], _ offsets: [Int], _ blocks: Int
    ) {
        // Lanes without a stream hash the first one's bytes into states that nobody reads.
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 4 * count) { idle in
            idle.initialize(repeating: 0)
            withUnsafeTemporaryAllocation(of: UnsafeMutablePointer<UInt32>?.self, capacity: count) { states in
                withUnsafeTemporaryAllocation(of: UnsafePointer<UInt8>?.self, capacity: count) { pointers in
                    for lane in 0..<count {
                        let stream = lane < inputs.count ? lane : 0
                        let bytes = inputs[stream].bindMemory(to: UInt8.self).baseAddress
                        pointers.initializeElement(at: lane, to: bytes.map { $0 + offsets[stream] })
                        states.initializeElement(
                            at: lane,
                            to: lane < inputs.count
                                ? cdigests_md5_chain(&digests[lane].state)
                                : idle.baseAddress.map { $0 + 4 * lane })
                    }
                    ckernels_md5_lanes(states.baseAddress, pointers.baseAddress, blocks)
                }
            }
        }
        for i in inputs.indices { cdigests_md5_advance(&digests[i].state, UInt64(blocks) * 64) }
    }
}
