import CArchives

/// Compresses with gzip, a buffer at a time. Used by one task at a time.
package final class Encoder {
    private let state: OpaquePointer
    package private(set) var isFinished = false

    package init() throws(ArchiveError) {
        guard let state = carchives_encoder_make() else { throw .unsupported("no memory for the stream") }
        self.state = state
    }

    deinit { carchives_encoder_free(state) }

    /// Adds what the input became to `output`. With `finish` the stream ends behind it.
    package func encode(_ input: [UInt8], to output: inout [UInt8], finish: Bool) {
        let room = 16 << 10
        var offset = 0
        while !isFinished, offset < input.count || finish {
            var used = 0, made = 0, status: CInt = 0
            let start = output.count
            output.append(contentsOf: repeatElement(0, count: room))
            input.withUnsafeBytes { input in
                output.withUnsafeMutableBytes { output in
                    let rest = UnsafeRawBufferPointer(rebasing: input[offset...])
                    let target = UnsafeMutableRawBufferPointer(rebasing: output[start...])
                    status = carchives_encode(
                        state, rest.baseAddress, rest.count, &used, target.baseAddress, target.count, &made,
                        finish ? 1 : 0)
                }
            }
            output.removeLast(room - made)
            offset += used
            precondition(Int(status) != carchives_broken, "a compressor's state is damaged")
            isFinished = Int(status) == carchives_ended
        }
    }
}
