import Digests
import ObjectFormat

/// Every digest that one body needs, each computed once, in strips that are still in cache.
struct BodyHasher {
    /// Small enough to stay in the second-level cache between the socket's copy, the digests and the coder.
    static let stripBytes = 64 << 10

    private let lanes: HashLanes?
    private var md5: MD5Stream?
    private var sha256: SHA256?
    private var checksum: Digests.Checksum?
    private let algorithm: ChecksumAlgorithm?
    /// A second checksum, of a client that sends another than the one that is kept.
    private var sent: Digests.Checksum?
    private(set) var byteCount: Int64 = 0

    /// `md5` and `algorithm` are off for copies of which both are known already.
    /// With `lanes`, the MD5 may share vector lanes with those of other bodies.
    init(
        md5 wantsMD5: Bool, sha256 wantsSHA256: Bool, algorithm: ChecksumAlgorithm?, sent: ChecksumAlgorithm? = nil,
        lanes: HashLanes? = nil
    ) {
        self.algorithm = algorithm
        self.lanes = lanes
        if let sent, sent != algorithm { self.sent = Digests.Checksum(sent) }
        if wantsMD5 || algorithm == .md5 { md5 = MD5Stream() }
        if wantsSHA256 || algorithm == .sha256 { sha256 = SHA256() }
        if let algorithm, algorithm != .md5, algorithm != .sha256 { checksum = Digests.Checksum(algorithm) }
    }

    /// `bytes` stay good until this returns, which may be after a suspension.
    mutating func update(_ bytes: UnsafeRawBufferPointer) async {
        if let md5, !bytes.isEmpty {
            md5.feed(bytes)
            if let lanes { await lanes.hash(md5) } else { md5.takeAlone(bytes.count) }
        }
        updateOthers(bytes)
    }

    private mutating func updateOthers(_ bytes: UnsafeRawBufferPointer) {
        byteCount += Int64(bytes.count)
        var start = 0
        while start < bytes.count {
            let strip = UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + Self.stripBytes, bytes.count)])
            sha256?.update(strip)
            checksum?.update(strip)
            sent?.update(strip)
            start += strip.count
        }
    }

    func finish() -> ComputedDigests {
        let md5 = md5?.finish(), sha256 = sha256?.finish()
        var value: [UInt8]?
        switch algorithm {
        case .md5: value = md5
        case .sha256: value = sha256
        default: value = checksum?.finish()
        }
        var checksums: [ObjectChecksum] = []
        if let algorithm, let value { checksums.append(ObjectChecksum(algorithm: algorithm, value: value)) }
        if let sent { checksums.append(ObjectChecksum(algorithm: sent.algorithm, value: sent.finish())) }
        return ComputedDigests(byteCount: byteCount, md5: md5 ?? [], sha256: sha256, checksums: checksums)
    }
}
