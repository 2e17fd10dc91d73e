package import Objects

/// A body in memory, delivered in pieces.
package final class MemoryBody: BodySource {
    package let byteCount: Int64?
    private var bytes: ArraySlice<UInt8>
    private let pieceBytes: Int
    private let failure: (at: Int, error: BodyError)?
    private let refusal: BodyError?
    private var delivered = 0
    package private(set) var digests: ComputedDigests?

    /// `failure` ends the body early; `refusal` is thrown by `finish`.
    package init(
        _ bytes: [UInt8], knowsLength: Bool = true, pieceBytes: Int = 1 << 20,
        failure: (at: Int, error: BodyError)? = nil, refusal: BodyError? = nil
    ) {
        byteCount = knowsLength ? Int64(bytes.count) : nil
        self.bytes = bytes[...]
        self.pieceBytes = pieceBytes
        self.failure = failure
        self.refusal = refusal
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer) async throws(BodyError) -> Int {
        precondition(buffer.count > 0, "a body is read into a buffer that is not empty")
        if let failure, delivered >= failure.at { throw failure.error }
        let piece = bytes.prefix(min(pieceBytes, buffer.count))
        buffer.copyBytes(from: piece)
        bytes.removeFirst(piece.count)
        delivered += piece.count
        return piece.count
    }

    package func finish(_ digests: ComputedDigests) async throws(BodyError) {
        precondition(self.digests == nil, "a body is finished once")
        self.digests = digests
        if let refusal { throw refusal }
    }
}
