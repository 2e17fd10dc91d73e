import Base
import S3Protocol
import Testing

private func head(_ method: String, _ target: String, _ headers: [(name: String, value: String)] = []) -> RequestHead {
    RequestHead(
        method: method, target: target,
        headers: headers.contains { $0.name == "host" } ? headers : [("host", "localhost:9000")] + headers)
}

private func code(_ work: () throws -> Void) -> String? {
    do {
        try work()
        return nil
    } catch { return (error as? S3Error)?.code.name }
}

@Test func `every operation of the service model has its route`() throws {
    let router = Router()
    // The first two forms of these share method and URL with the second.
    let successors = [
        "GetBucketLifecycle": "GetBucketLifecycleConfiguration",
        "GetBucketNotification": "GetBucketNotificationConfiguration",
        "PutBucketLifecycle": "PutBucketLifecycleConfiguration",
        "PutBucketNotification": "PutBucketNotificationConfiguration",
    ]
    var seen = 0
    for line in routeVectors.split(separator: "\n") {
        let pieces = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        let headers = pieces[3].split(separator: ",").map { field in
            let pair = field.split(separator: "=", maxSplits: 1)
            return (name: String(pair[0]), value: String(pair[1]))
        }
        let request = try router.route(head(pieces[1], pieces[2], headers))
        #expect(request.operation.name == successors[pieces[0]] ?? pieces[0], "\(line)")
        seen += 1
    }
    #expect(seen == 111)
    #expect(S3Operation.allCases.count == 111 + 2)
}

@Test func `path style splits bucket and key, decoded once`() throws {
    let request = try Router().route(head("GET", "/bucket/a%2520b/c+d%2Fe%00//f/"))
    #expect(request.address.bucket == "bucket")
    #expect(request.address.key == Array("a%20b/c+d/e\0//f/".utf8))
    #expect(try Router().route(head("GET", "/bucket/")).operation == .listObjects)
    #expect(try Router().route(head("GET", "http://localhost/bucket/k")).address.key == Array("k".utf8))
}

@Test func `a host below a domain names the bucket`() throws {
    let router = Router(addressing: Addressing(domains: ["example.com", ".s3.example.com"]))
    for (host, target, bucket, key) in [
        ("b.c.s3.example.com:9000", "/k/l", "b.c", "k/l"), ("bbb.EXAMPLE.com", "/", "bbb", nil),
        ("s3.example.com", "/bucket/k", "bucket", "k"), ("10.0.0.1:9000", "/bucket", "bucket", nil),
        ("[::1]:9000", "/bucket/k", "bucket", "k"), ("minio.ns.svc", "/bucket", "bucket", nil),
        ("bbb.s3.example.com.", "/k", "bbb", "k"),
    ] as [(String, String, String, String?)] {
        let address = try router.route(head("GET", target, [("host", host)])).address
        #expect(address.bucket == bucket && address.key == key.map { Array($0.utf8) }, "\(host)")
    }
}

@Test(arguments: ["/b/%zz", "/b/%4", "/b/%", "/b/%ff", "/b?prefix=%c3", "/b?%fe=1", "*", "b", "/b?a=%c3&b=%a9"])
func `a target that cannot be decoded is InvalidURI`(target: String) {
    #expect(code { _ = try RequestTarget(target) } == "InvalidURI")
}

@Test func `parameters keep their order and duplicates, and a plus is a space`() throws {
    let target = try RequestTarget("/b?a=1&b&a=x+y%2Bz&&=v&c=d=e")
    #expect(target.parameters.count == 5)
    #expect(target.string("a") == "1" && target.string("b") == "" && target.string("c") == "d=e")
    #expect(String(decoding: target.value(of: target.parameters[2]), as: UTF8.self) == "x y+z")
    #expect(target.first("d") == nil && !target.contains("A"))
}

@Test(arguments: [
    ("PATCH", "/b/k", "MethodNotAllowed"), ("POST", "/b/k", "MethodNotAllowed"), ("PUT", "/", "MethodNotAllowed"),
    ("DELETE", "/b?acl", "InvalidBucketName"), ("DELETE", "/bbb?acl", "MethodNotAllowed"),
    ("DELETE", "/bbb/k?policy", "MethodNotAllowed"), ("PUT", "/bbb?retention", "MethodNotAllowed"),
    ("POST", "/bbb", "PreconditionFailed"), ("GET", "/bbb?acl&policy", "InvalidArgument"),
    ("PUT", "/bbb/k?uploadId=x", "InvalidArgument"), ("GET", "/Bbb", "InvalidBucketName"),
    ("GET", "/bb/k", "InvalidBucketName"), ("GET", "/1.2.3.4/k", "InvalidBucketName"),
    ("GET", "//k", "InvalidBucketName"),
])
func `what has no route is refused as AWS refuses it`(method: String, target: String, expected: String) {
    // Whether the name or the method is refused first does not matter to clients.
    let result = code { _ = try Router().route(head(method, target)) }
    #expect(
        result == expected || (expected == "InvalidBucketName" && result == "MethodNotAllowed")
            || (expected == "MethodNotAllowed" && result == "InvalidBucketName"))
}

@Test func `unknown parameters are ignored`() throws {
    #expect(try Router().route(head("GET", "/bbb/k?x-id=GetObject&foo=bar")).operation == .getObject)
    #expect(try Router().route(head("GET", "/bbb?list-type=2&x-id=ListObjectsV2")).operation == .listObjectsV2)
    #expect(try Router().route(head("GET", "/bbb?list-type=1")).operation == .listObjects)
    #expect(try Router().route(head("OPTIONS", "/bbb/k?acl")).operation == .preflight)
    #expect(
        try Router().route(head("POST", "/bbb", [("content-type", "multipart/form-data; boundary=x")])).operation
            == .postObject)
}

@Test func `keys end at 1024 bytes`() throws {
    _ = try Router().route(head("GET", "/bbb/" + String(repeating: "k", count: 1024)))
    #expect(
        code { _ = try Router().route(head("GET", "/bbb/" + String(repeating: "k", count: 1025))) } == "KeyTooLongError"
    )
}

@Test func `bucket names follow AWS's rules`() {
    for name in ["abc", "a-b", "a.b.c", "1bucket", String(repeating: "a", count: 63), "1.2.3", "a1.2.3.4"] {
        #expect(throws: Never.self, "\(name)") { try BucketName.validateForCreation(name) }
    }
    for name in [
        "", "ab", String(repeating: "a", count: 64), "Abc", "a_b", "-abc", "abc-", ".abc", "abc.", "a..b", "a.-b",
        "a-.b",
        "192.168.5.4", "xn--abc", "sthree-abc", "amzn-s3-demo-x", "abc-s3alias", "abc--ol-s3", "abc.mrap", "abc--x-s3",
        "abc--table-s3", "minio", "a b", "bücket",
    ] {
        #expect(code { try BucketName.validateForCreation(name) } == "InvalidBucketName", "\(name)")
    }
}

@Test func `a copy source is a bucket, a key and perhaps a version`() throws {
    #expect(try CopySource(parsing: "/bbb/a/b+c%20d%2B") == CopySource(bucket: "bbb", key: Array("a/b c d+".utf8)))
    #expect(
        try CopySource(parsing: "bbb/k%3FversionId=1?versionId=v2")
            == CopySource(bucket: "bbb", key: Array("k?versionId=1".utf8), versionID: "v2"))
    #expect(try CopySource(parsing: "bbb/k?x").key == Array("k?x".utf8))
    for bad in ["", "/", "bbb", "bbb/", "/bbb", "//k", "bbb/%zz", "bbb/%ff", "bbb/k?versionId="] {
        #expect(code { _ = try CopySource(parsing: bad) } == "InvalidArgument", "\(bad)")
    }
}

@Test func `random targets never trap and decode to UTF-8`() {
    var random = SplitMix64(seed: 0x7A26)
    let pieces = [
        "/", "%", "%2", "%2F", "%zz", "?", "&", "=", "+", "a", "é", "%c3%a9", "%ff", "acl", "uploads", " ", "http://",
    ]
    for round in 0..<20_000 {
        let text = (0..<Int(random.next() % 12)).map { _ in pieces[Int(random.next() % UInt64(pieces.count))] }.joined()
        do {
            let target = try RequestTarget(text)
            #expect(String(validating: target.path, as: UTF8.self) != nil, "seed 0x7A26 round \(round)")
            _ = try? Router().route(head("GET", text))
        } catch {
            #expect(error.code == .invalidURI, "seed 0x7A26 round \(round)")
        }
    }
}

struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
    mutating func next(below limit: Int) -> Int { Int(next() % UInt64(limit)) }
}
