import Base
import Digests
import S3Protocol
import Testing

private func head(_ headers: [(name: String, value: String)]) -> RequestHead {
    RequestHead(method: "PUT", target: "/bbb/k", headers: headers)
}

private func code<T>(_ work: () throws -> T) -> String? {
    do {
        _ = try work()
        return nil
    } catch { return (error as? S3Error)?.code.name }
}

@Test func `ranges are resolved as S3 does`() throws {
    for (text, size, offset, count) in [
        ("bytes=0-0", 10, 0, 1), ("bytes=2-5", 10, 2, 4), ("bytes=5-", 10, 5, 5), ("bytes=-3", 10, 7, 3),
        ("bytes=-30", 10, 0, 10),
        ("bytes=5-99999999999999999999999", 10, 5, 5), ("BYTES=0-1", 10, 0, 2),
        ("bytes=-99999999999999999999", 10, 0, 10),
    ] as [(String, Int64, Int64, Int64)] {
        #expect(try RangeHeader.resolve(text, size: size) == ByteRange(offset: offset, count: count), "\(text)")
    }
    for text in [
        "bytes=", "bytes=-", "bytes=5-2", "bytes=a-b", "bytes=0-1,3-4", "items=0-1", "bytes 0-1", "bytes=--1",
        "bytes=1-2-3", "",
    ] {
        #expect(try RangeHeader.resolve(text, size: 10) == nil, "\(text)")
    }
    #expect(try RangeHeader.resolve(nil, size: 10) == nil)
    for (text, size) in [
        ("bytes=10-", 10), ("bytes=10-20", 10), ("bytes=-0", 10), ("bytes=0-", 0), ("bytes=-5", 0),
        ("bytes=99999999999999999999-", 10),
    ] as [(String, Int64)] {
        #expect(code { try RangeHeader.resolve(text, size: size) } == "InvalidRange", "\(text)")
    }
}

@Test func `a copied range has both ends`() throws {
    #expect(try RangeHeader.parseCopySource("bytes=2-9") == ByteRange(offset: 2, count: 8))
    #expect(try RangeHeader.parseCopySource("bytes=0-18446744073709551616").count == .max)
    for text in [
        "bytes=2-", "bytes=-2", "0-2", "bytes=0", "bytes=hello-world", "bytes=0-bar", "bytes=hello-",
        "bytes=0-2,3-5", "bytes=9-2", "",
    ] {
        #expect(code { try RangeHeader.parseCopySource(text) } == "InvalidArgument", "\(text)")
    }
}

@Test func `random ranges lie within the object`() {
    var random = SplitMix64(seed: 0x5EED)
    let pieces = ["bytes=", "-", "0", "9", "18446744073709551616", ",", " ", "x"]
    for round in 0..<20_000 {
        let text = "bytes=" + (0..<random.next(below: 6)).map { _ in pieces[random.next(below: pieces.count)] }.joined()
        let size = Int64(random.next(below: 12))
        if let range = try? RangeHeader.resolve(text, size: size) {
            #expect(range.end <= size, "seed 0x5EED round \(round) \(text)")
        }
    }
}

@Test func `dates are read in three forms and written in one`() {
    let moment = Timestamp(seconds: 784_111_777)
    #expect(HTTPDate.format(moment) == "Sun, 06 Nov 1994 08:49:37 GMT")
    for text in [
        "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
        "Sun, 6 Nov 1994 08:49:37 +0000",
    ] {
        #expect(HTTPDate.parse(text) == moment, "\(text)")
    }
    for text in [
        "", "Sun", "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:49:37",
        "1994-11-06T08:49:37Z", "Sun, 29 Feb 1994 08:49:37 GMT",
    ] {
        #expect(HTTPDate.parse(text) == nil, "\(text)")
    }
    #expect(HTTPDate.parse("Fri, 31 Dec 9999 23:59:59 GMT").map { $0 > moment } == true)
    #expect(ISO8601.format(Timestamp(nanoseconds: 784_111_777_123_999_999)) == "1994-11-06T08:49:37.123Z")
    #expect(ISO8601.parse("1994-11-06T08:49:37.1239Z") == Timestamp(nanoseconds: 784_111_777_123_000_000))
    #expect(ISO8601.parse("1994-11-06T09:49:37+01:00") == moment)
    #expect(ISO8601.parseCompact("19941106T084937Z") == moment && ISO8601.formatCompact(moment) == "19941106T084937Z")
    #expect(ISO8601.parse("1994-11-06T08:49:37") == nil && ISO8601.parseCompact("19941106T084937") == nil)
}

@Test func `every moment survives both forms`() {
    var random = SplitMix64(seed: 0xDA7E)
    for round in 0..<20_000 {
        // From 1700 to 2239.
        let seconds = Int64(random.next() % 17_000_000_000) - 8_500_000_000
        let moment = Timestamp(seconds: seconds)
        #expect(HTTPDate.parse(HTTPDate.format(moment)) == moment, "seed 0xDA7E round \(round)")
        #expect(ISO8601.parse(ISO8601.format(moment)) == moment, "seed 0xDA7E round \(round)")
    }
}

@Test func `random dates never trap`() {
    var random = SplitMix64(seed: 0xD00D)
    let seeds = [
        "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
        "1994-11-06T08:49:37.123+99:99",
    ]
    for _ in 0..<20_000 {
        var bytes = Array(seeds[random.next(below: seeds.count)].utf8)
        for _ in 0..<(1 + random.next(below: 3)) {
            bytes[random.next(below: bytes.count)] = UInt8(random.next(below: 128))
        }
        let text = String(decoding: bytes, as: UTF8.self)
        _ = HTTPDate.parse(text)
        _ = ISO8601.parse(text)
    }
}

@Test func `conditions are read as they were sent`() throws {
    let read = ReadConditions(
        head([
            ("If-Match", "\"b\", W/\"a\""), ("If-None-Match", "*"), ("If-Modified-Since", "yesterday"),
            ("If-Unmodified-Since", HTTPDate.format(Timestamp(seconds: 1000))),
        ]))
    #expect(read.ifMatch == ETagList(parsing: "\"b\", W/\"a\"") && read.ifNoneMatch == .any)
    // A date that can't be read is as if it were not there.
    #expect(read.ifModifiedSince == nil && read.ifUnmodifiedSince == Timestamp(seconds: 1000))
    #expect(ReadConditions(copySource: head([("x-amz-copy-source-if-none-match", "a")])).ifNoneMatch != nil)
    #expect(try WriteConditions(head([("If-None-Match", "*")])).ifNoneMatchAny)
    #expect(code { try WriteConditions(head([("If-None-Match", "\"a\"")])) } == "NotImplemented")
    let delete = try DeleteConditions(head([("x-amz-if-match-size", "5"), ("If-Match", "*")]))
    #expect(delete.size == 5 && delete.ifMatch == .any)
    #expect(code { try DeleteConditions(head([("x-amz-if-match-size", "-5")])) } == "InvalidArgument")
}

@Test func `user metadata is kept byte for byte, up to 2 KiB`() throws {
    let entries = try UserMetadata.parse(
        head([
            ("X-Amz-Meta-Name", "=?UTF-8?B?w6k=?="), ("x-amz-meta-b", "é"), ("x-amz-meta-name", "2"),
            ("x-amz-metab", "no"),
        ]))
    #expect(
        entries == [
            .init(name: "name", value: Array("=?UTF-8?B?w6k=?=,2".utf8)), .init(name: "b", value: Array("é".utf8)),
        ])
    #expect(code { try UserMetadata.parse(head([("x-amz-meta-ab", String(repeating: "v", count: 2046))])) } == nil)
    #expect(
        code { try UserMetadata.parse(head([("x-amz-meta-ab", String(repeating: "v", count: 2047))])) }
            == "MetadataTooLarge")
}

@Test func `a body's checksum is declared once and well-formed`() throws {
    func parse(_ headers: (name: String, value: String)...) throws -> DeclaredChecksum? {
        try DeclaredChecksum.parse(head(headers))
    }
    #expect(try parse() == nil)
    #expect(try parse(("x-amz-checksum-mode", "ENABLED"), ("x-amz-checksum-type", "COMPOSITE")) == nil)
    #expect(
        try parse(("x-amz-checksum-crc32", "AAAAAA=="), ("x-amz-sdk-checksum-algorithm", "CRC32"))?.source
            == .header(ChecksumValue(algorithm: .crc32, bytes: [0, 0, 0, 0])))
    let trailer = try #require(try parse(("x-amz-trailer", "x-amz-checksum-sha256")))
    #expect(trailer.algorithm == .sha256)
    #expect(code { try trailer.expected(trailers: []) } == "MalformedTrailerError")
    #expect(code { try trailer.expected(trailers: [("x-amz-checksum-sha256", "AAAA")]) } == "InvalidRequest")
    for bad: [(name: String, value: String)] in [
        [("x-amz-checksum-crc32", "AAAA")], [("x-amz-checksum-crc32", "????????")], [("x-amz-checksum-foo", "AAAA")],
        [("x-amz-checksum-crc32", "AAAAAA=="), ("x-amz-checksum-crc32c", "AAAAAA==")],
        [("x-amz-sdk-checksum-algorithm", "CRC32")],
        [("x-amz-checksum-crc32", "AAAAAA=="), ("x-amz-sdk-checksum-algorithm", "SHA1")],
        [("x-amz-trailer", "content-type")],
        [("x-amz-sdk-checksum-algorithm", "ROT13"), ("x-amz-checksum-crc32", "AAAAAA==")],
    ] {
        #expect(code { try DeclaredChecksum.parse(head(bad)) } == "InvalidRequest", "\(bad)")
    }
}

@Test func `an upload's checksum type fits its algorithm`() throws {
    func parse(_ algorithm: String?, _ type: String?) throws -> UploadChecksum? {
        try UploadChecksum.parse(
            head(
                (algorithm.map { [("x-amz-checksum-algorithm", $0)] } ?? [])
                    + (type.map { [("x-amz-checksum-type", $0)] } ?? [])))
    }
    #expect(try parse(nil, nil) == nil)
    #expect(try parse("CRC32", nil) == UploadChecksum(algorithm: .crc32, type: .composite))
    #expect(try parse("crc64nvme", nil) == UploadChecksum(algorithm: .crc64nvme, type: .fullObject))
    #expect(try parse("CRC32C", "FULL_OBJECT") == UploadChecksum(algorithm: .crc32c, type: .fullObject))
    for (algorithm, type) in [
        ("SHA1", "FULL_OBJECT"), ("SHA256", "FULL_OBJECT"), ("CRC64NVME", "COMPOSITE"), ("CRC32", "HALF"), ("X", nil),
        (nil, "COMPOSITE"),
    ] as [(String?, String?)] {
        #expect(code { try parse(algorithm, type) } == "InvalidRequest")
    }
}

@Test func `the remaining fields are validated`() throws {
    #expect(try ContentMD5.parse(head([("Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg==")]))?.count == 16)
    for bad in ["", "x", "AAAA", "1B2M2Y8AsgTpgAmY7PhCfg"] {
        #expect(code { try ContentMD5.parse(head([("Content-MD5", bad)])) } == "InvalidDigest")
    }
    #expect(code { try ContentMD5.verify(expected: [1], computed: [2]) } == "BadDigest")
    #expect(code { try StorageClass.parse(head([("x-amz-storage-class", "GLACIER")])) } == "InvalidStorageClass")
    #expect(try StorageClass.parse(head([("x-amz-storage-class", "REDUCED_REDUNDANCY")])) == .reducedRedundancy)
    #expect(code { try CannedACL.parse(head([("x-amz-acl", "nope")])) } == "InvalidArgument")
    #expect(code { try CopyDirective.metadata(head([("x-amz-metadata-directive", "MOVE")])) } == "InvalidArgument")
    for bad in ["0", "10001", "x", ""] {
        #expect(code { try RequestTarget("/b/k?partNumber=\(bad)").partNumber() } == "InvalidArgument")
    }
}

@Test func `listing keys are encoded as clients decode them`() {
    #expect(
        String(decoding: PercentEncoding.encodeForListing(Array("a b+c/é~%*".utf8)), as: UTF8.self)
            == "a%20b%2Bc/%C3%A9~%25%2A")
    #expect(
        PercentEncoding.decode(Array("a%2".utf8)) == nil
            && PercentEncoding.decode(Array("%41+".utf8)) == Array("A+".utf8))
}
