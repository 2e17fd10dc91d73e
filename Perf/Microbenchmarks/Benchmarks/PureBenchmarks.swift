import Base
import CKernels
import Digests
import ErasureCoding
import Glibc
import S3Protocol

/// Random bytes at an address that suits vectors, for the life of the process.
func randomBytes(_ count: Int) -> UnsafeMutableRawBufferPointer {
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 4096)
    var value: UInt64 = 42
    for offset in stride(from: 0, to: count & ~7, by: 8) {
        value = value &* 0x5851_F42D_4C95_7F2D &+ 0x1405_7B7E_F767_814F
        bytes.storeBytes(of: value ^ (value >> 29), toByteOffset: offset, as: UInt64.self)
    }
    return bytes
}

/// Expected on a machine with AVX-512, a mebibyte: CRCs 30 to 60 us, XXH3 60 us, SHA-256 with its instructions 700 us, MD5 1.7 ms alone and
/// an eighth of that in lanes.
enum HashBenchmarks {
    private static let mebibyte = 1 << 20

    static func all() -> [Benchmark] {
        let bytes = UnsafeRawBufferPointer(randomBytes(mebibyte))
        let best = ckernels_crc_best_kernel()
        let crcName = String(cString: ckernels_crc_kernel_name(best)),
            md5Name = String(cString: ckernels_md5_kernel_name())
        func crc(_ kernel: Int32, _ kind: ckernels_crc_kind) -> () -> Void {
            { _ = ckernels_crc_using(kernel, kind, 0, bytes.baseAddress, bytes.count) }
        }
        func lanes(
            _ update:
                @escaping (
                    UnsafeMutablePointer<UnsafeMutablePointer<UInt32>?>, UnsafeMutablePointer<UnsafePointer<UInt8>?>
                ) -> Void
        )
            -> () -> Void
        {
            let states = UnsafeMutablePointer<UInt32>.allocate(capacity: 4 * MD5Lanes.count)
            states.initialize(repeating: 1, count: 4 * MD5Lanes.count)
            let pointers = UnsafeMutablePointer<UnsafeMutablePointer<UInt32>?>.allocate(capacity: MD5Lanes.count)
            let inputs = UnsafeMutablePointer<UnsafePointer<UInt8>?>.allocate(capacity: MD5Lanes.count)
            for lane in 0..<MD5Lanes.count {
                (pointers + lane).initialize(to: states + 4 * lane)
                (inputs + lane).initialize(
                    to: bytes.baseAddress.map {
                        $0.assumingMemoryBound(to: UInt8.self) + lane * mebibyte / MD5Lanes.count
                    })
            }
            return { update(pointers, inputs) }
        }
        let blocks = mebibyte / MD5Lanes.count / 64
        return [
            Benchmark("hash.md5", "MiB", 1) { _ = MD5.of(bytes) },
            Benchmark("hash.md5-lanes", "MiB", 1, kernel: md5Name, lanes { ckernels_md5_lanes($0, $1, blocks) }),
            Benchmark("hash.md5-lanes.portable", "MiB", 1, lanes { ckernels_md5_lanes_portable($0, $1, blocks) }),
            Benchmark("hash.sha256", "MiB", 1) { _ = SHA256.of(bytes) },
            Benchmark("hash.sha1", "MiB", 1) { _ = SHA1.of(bytes) },
            Benchmark("hash.crc32c", "MiB", 1, kernel: crcName, crc(best, CKERNELS_CRC32C)),
            Benchmark("hash.crc32c.portable", "MiB", 1, crc(0, CKERNELS_CRC32C)),
            Benchmark("hash.crc64nvme", "MiB", 1, kernel: crcName, crc(best, CKERNELS_CRC64NVME)),
            Benchmark("hash.crc64nvme.portable", "MiB", 1, crc(0, CKERNELS_CRC64NVME)),
            Benchmark("hash.xxh64", "MiB", 1) { _ = XXHash64.of(bytes) },
            Benchmark("hash.xxh3", "MiB", 1) { _ = XXHash3.of(bytes) },
            Benchmark("hash.xxh128", "MiB", 1) { _ = XXHash128.of(bytes) },
        ]
    }
}

/// Expected: a mebibyte of data 2+2 in 40 us while it is in cache, 8+4 in 100 us.
enum ErasureBenchmarks {
    static func all() -> [Benchmark] { [(2, 2), (8, 4)].flatMap(of) }

    private static func of(_ data: Int, _ parity: Int) -> [Benchmark] {
        let code = ReedSolomon(data: data, parity: parity), count = (1 << 20) / data
        let shards = (0..<data + parity).compactMap { _ in randomBytes(count).baseAddress }
        let inputs = shards.prefix(data).map { UnsafeRawPointer($0) }, outputs = Array(shards.suffix(parity))
        let encode = Benchmark("erasure.encode-\(data)+\(parity)", "MiB", 1) {
            // In strips, as the encoder of stripes does.
            for offset in stride(from: 0, to: count, by: 64 << 10) {
                code.encode(data: inputs, parity: outputs, offset: offset, count: min(64 << 10, count - offset))
            }
        }
        // As many lost as may be, data shards all of them.
        let lost = min(data, parity)
        let present = (lost..<data + parity).map { (shard: $0, bytes: UnsafeRawPointer(shards[$0])) }
        let missing = (0..<lost).map { (shard: $0, bytes: randomBytes(count).baseAddress ?? shards[$0]) }
        let decode = Benchmark("erasure.decode-\(data)+\(parity)", "MiB", 1) {
            code.reconstruct(present: present, missing: missing, count: count)
        }
        return [encode, decode]
    }
}

/// Expected: 4 us with the signing key at hand.
enum SignatureBenchmarks {
    private static let now = Timestamp(seconds: 1_700_000_000)

    static func all() throws -> [Benchmark] {
        let signer = RequestSigner(
            accessKey: "AKIDEXAMPLEEXAMPLE", secretKey: "a-secret-of-forty-characters-or-so-1234", region: "us-east-1")
        let target = "/bucket/folder/object-0000000001"
        let presigned = RequestHead(
            method: "GET",
            target: try signer.presign(
                method: "GET", target: target, host: "127.0.0.1:9000", expiresSeconds: 3600, at: now),
            headers: [(name: "Host", value: "127.0.0.1:9000")])
        // The documented example of AWS.
        let header = RequestHead(
            method: "GET", target: "/test.txt",
            headers: [
                ("Host", "examplebucket.s3.amazonaws.com"), ("Range", "bytes=0-9"),
                ("x-amz-content-sha256", PayloadDeclaration.emptySHA256), ("x-amz-date", "20130524T000000Z"),
                (
                    "Authorization",
                    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
                        + "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
                        + "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
                ),
            ])
        return [
            try of("sigv4.presigned", presigned, secret: signer.secretKey, at: now),
            try of(
                "sigv4.header", header, secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                at: Timestamp(seconds: 1_369_353_600)),
        ]
    }

    private static func of(_ name: String, _ head: RequestHead, secret: String, at now: Timestamp) throws -> Benchmark {
        guard case .signed(let claim) = try parseCredentials(head, target: RequestTarget(head)) else {
            throw BenchmarkError("the request of \(name) is not signed")
        }
        let key = SigningKey(secretKey: secret, scope: claim.scope)
        return Benchmark(name, "request", 100) {
            for _ in 0..<100 {
                let target = try RequestTarget(head)
                guard case .signed(let claim) = try parseCredentials(head, target: target) else { return }
                _ = try claim.verify(head, target: target, key: key, now: now, region: "us-east-1")
            }
        }
    }
}

/// Expected: half a microsecond a listed key, one for a key to delete.
enum DocumentBenchmarks {
    static func all() throws -> [Benchmark] {
        let keys = (0..<1000).map { "folder/object-\(1_000_000 + $0)" }
        let request = Array("<Delete>\(keys.map { "<Object><Key>\($0)</Key></Object>" }.joined())</Delete>".utf8)
        let objects = keys.map {
            ListedObject(
                key: Array($0.utf8), lastModified: Timestamp(seconds: 1_700_000_000),
                etag: "d41d8cd98f00b204e9800998ecf8427e",
                size: 4096)
        }
        let page = ListObjectsResult(
            bucket: "bucket", scope: ListingScope(), version: .two(startAfter: nil, continuationToken: nil),
            objects: objects,
            commonPrefixes: [], next: nil)
        return [
            Benchmark("xml.parse-delete", "key", 1000) {
                guard try DeleteObjectsRequest(parsing: request).objects.count == 1000 else {
                    throw BenchmarkError("keys are lost")
                }
            },
            Benchmark("xml.write-list", "key", 1000) {
                guard page.document().count > 100_000 else { throw BenchmarkError("the document is short") }
            },
        ]
    }
}
