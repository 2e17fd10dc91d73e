package import ObjectFormat

/// Where the bytes of an object come from: a request's body, pulled. Used by one task at a time.
package protocol BodySource: AnyObject {
    /// The number of bytes that `read` will deliver in all, or nil when it shows only at the end. A source that names a number
    /// delivers exactly that many or throws.
    var byteCount: Int64? { get }

    /// Fills a prefix of the buffer, which is not empty; returns its length, 0 only at the end of the body. Runs on the caller's
    /// executor.
    func read(into buffer: UnsafeMutableRawBufferPointer) async throws(BodyError) -> Int

    /// Called once, when all bytes are read and before anything is committed, with the digests computed. Reads what follows the
    /// bytes (trailers), compares what the client declared, and throws to refuse; then nothing is stored.
    func finish(_ digests: ComputedDigests) async throws(BodyError)
}

/// Why a body ended early or was refused. Objects passes it through; whoever made the source knows the reason's type.
package struct BodyError: Error, Sendable {
    package var reason: any Error
    package init(_ reason: any Error) { self.reason = reason }
}

/// What was computed over all bytes of a body.
package struct ComputedDigests: Sendable {
    package var byteCount: Int64
    /// 16 bytes.
    package var md5: [UInt8]
    /// 32 bytes; nil unless asked for.
    package var sha256: [UInt8]?
    /// The algorithms that were asked for, CRC64NVME when none was.
    package var checksums: [ObjectChecksum]

    package init(byteCount: Int64, md5: [UInt8], sha256: [UInt8]?, checksums: [ObjectChecksum]) {
        self.byteCount = byteCount
        self.md5 = md5
        self.sha256 = sha256
        self.checksums = checksums
    }
}
