import Archives
import Digests
import ObjectFormat
import Objects
import S3Protocol

/// The bytes of an archive out of a request's body, expanded as they come; what the client declared is of the bytes as it sent them.
/// Holds two buffers, whatever the archive's size. Used by one task at a time.
final class ExpandedBody {
    private let source: any UploadSource
    private var decoder: Decoder?
    private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 64)
    private var unread = 0..<0
    private var isAtEnd = false
    private let md5 = MD5Stream()
    private var sha256: SHA256?
    private var checksum: Checksum?
    private let algorithm: ChecksumAlgorithm?
    private var received: Int64 = 0

    init(_ source: any UploadSource) {
        self.source = source
        algorithm = source.checksumAlgorithm
        checksum = source.checksumAlgorithm.map { Checksum($0) }
        sha256 = source.wantsSHA256 ? SHA256() : nil
    }

    deinit { input.deallocate() }

    /// Fills a prefix of the buffer; 0 at the end.
    func read(into buffer: UnsafeMutableRawBufferPointer) async throws(S3Error) -> Int {
        while true {
            if unread.isEmpty, !isAtEnd { try await receive() }
            let decoder = try await opened()
            do throws(ArchiveError) {
                let bytes = UnsafeRawBufferPointer(rebasing: input[unread])
                let (used, made) = try decoder.decode(bytes, into: buffer)
                unread = (unread.lowerBound + used)..<unread.upperBound
                if made > 0 { return made }
                if used == 0, isAtEnd {
                    guard decoder.isWhole else { throw .malformed("the compressed stream ends in the middle") }
                    return 0
                }
            } catch { throw .badArchive(error) }
        }
    }

    /// Exactly that many bytes; fewer only at the end.
    func read(_ count: Int) async throws(S3Error) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count), filled = 0
        let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, min(count, 64 << 10)), alignment: 16)
        defer { scratch.deallocate() }
        while filled < count {
            let room = UnsafeMutableRawBufferPointer(rebasing: scratch[..<min(scratch.count, count - filled)])
            let made = try await read(into: room)
            guard made > 0 else { break }
            bytes.replaceSubrange(filled..<filled + made, with: UnsafeRawBufferPointer(rebasing: room[..<made]))
            filled += made
        }
        bytes.removeLast(count - filled)
        return bytes
    }

    func skip(_ count: Int64) async throws(S3Error) {
        let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
        defer { scratch.deallocate() }
        var left = count
        while left > 0 {
            let room = UnsafeMutableRawBufferPointer(rebasing: scratch[..<Int(min(Int64(scratch.count), left))])
            let made = try await read(into: room)
            guard made > 0 else { throw .badArchive(.malformed("the archive ends in the middle")) }
            left -= Int64(made)
        }
    }

    /// Reads what follows the archive's end and compares the digests. The MD5 is that of the body.
    func finish() async throws(S3Error) -> [UInt8] {
        while !isAtEnd {
            unread = 0..<0
            try await receive()
        }
        let digest = md5.finish()
        var checksums: [ObjectChecksum] = []
        if let algorithm, let checksum { checksums = [ObjectChecksum(algorithm: algorithm, value: checksum.finish())] }
        do {
            try await source.finish(
                ComputedDigests(byteCount: received, md5: digest, sha256: sha256?.finish(), checksums: checksums))
        } catch { throw .ofBody(error) }
        return digest
    }

    private func receive() async throws(S3Error) {
        let count: Int
        do { count = try await source.read(into: input) } catch { throw .ofBody(error) }
        isAtEnd = count == 0
        let bytes = UnsafeRawBufferPointer(rebasing: input[..<count])
        md5.update(bytes)
        sha256?.update(bytes)
        checksum?.update(bytes)
        received += Int64(count)
        unread = 0..<count
    }

    private func opened() async throws(S3Error) -> Decoder {
        if let decoder { return decoder }
        // The first read brings far more than the four bytes that tell; a client that trickles single bytes sends no compressed archive.
        let head = Array(input[unread].prefix(4))
        do throws(ArchiveError) {
            let made = try Decoder(Decoder.Kind.of(head))
            decoder = made
            return made
        } catch { throw .badArchive(error) }
    }
}

extension S3Error {
    static func badArchive(_ error: ArchiveError) -> S3Error {
        switch error {
        case .malformed(let what): S3Error(.invalidRequest, "The archive can't be read: \(what).")
        case .unsupported(let what): S3Error(.invalidRequest, "The archive is not supported: \(what).")
        }
    }

    static func ofBody(_ error: BodyError) -> S3Error { error.reason as? S3Error ?? S3Error(.incompleteBody) }
}
