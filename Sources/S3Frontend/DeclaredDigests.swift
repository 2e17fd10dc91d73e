import Base
import Digests
import ObjectFormat
import Objects
import S3Protocol

/// Every digest that a client declared of a body: Content-MD5, one additional checksum as header or trailer, and the SHA-256 of a
/// signed payload. Compared once, when the whole body has been read.
struct DeclaredDigests {
    private let md5: [UInt8]?
    private let checksum: DeclaredChecksum?
    private let sha256: [UInt8]?

    init(_ context: RequestContext) throws(S3Error) {
        md5 = try ContentMD5.parse(context.head)
        checksum = try DeclaredChecksum.parse(context.head)
        if case .verified(let digest) = context.payload { sha256 = digest } else { sha256 = nil }
    }

    var algorithm: ChecksumAlgorithm? { checksum?.algorithm }
    var wantsSHA256: Bool { sha256 != nil }
    var isEmpty: Bool { md5 == nil && checksum == nil && sha256 == nil }

    func verify(_ digests: ComputedDigests, trailers: [(name: String, value: String)]) throws(S3Error) {
        if let sha256 { try ContentMD5.verifySHA256(declared: sha256, computed: digests.sha256 ?? []) }
        if let md5 { try ContentMD5.verify(expected: md5, computed: digests.md5) }
        guard let checksum else { return }
        let expected = try checksum.expected(trailers: trailers)
        guard let found = digests.checksums.first(where: { $0.algorithm == checksum.algorithm }),
            found.value == expected.bytes
        else { throw DeclaredChecksum.mismatch(checksum.algorithm) }
    }

    /// The same over a small document that is in memory.
    func verify(document: [UInt8], trailers: [(name: String, value: String)]) throws(S3Error) {
        guard !isEmpty else { return }
        var computed = ComputedDigests(
            byteCount: Int64(document.count), md5: MD5.of(document), sha256: nil, checksums: [])
        if wantsSHA256 { computed.sha256 = SHA256.of(document) }
        if let algorithm {
            var digest = Digests.Checksum(algorithm)
            digest.update(document)
            computed.checksums = [ObjectChecksum(algorithm: algorithm, value: digest.finish())]
        }
        try verify(computed, trailers: trailers)
    }
}
