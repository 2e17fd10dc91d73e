import Base
import Digests
import S3Protocol
import Testing

private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

private func code<T>(_ work: () throws -> T) -> String? {
    do {
        _ = try work()
        return nil
    } catch { return (error as? S3Error)?.code.name }
}

private let header = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
private let namespace = " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""
private let owner = OwnerElement(id: "id")
private let time = Timestamp(seconds: 1_369_353_600)

@Test func `an error document has AWS's elements in AWS's order`() {
    let document = S3Error.noSuchKey(Array("a<b".utf8)).document(resource: "/b/a%3Cb", requestID: "R", hostID: "H")
    #expect(
        text(document) == header
            + "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message><Key>a&lt;b</Key>"
            + "<Resource>/b/a%3Cb</Resource><RequestId>R</RequestId><HostId>H</HostId></Error>")
}

@Test func `text is escaped and reads back`() throws {
    var writer = XMLWriter()
    writer.element("Key", "a&<>\"'\r\n\té")
    #expect(text(writer.bytes) == "<Key>a&amp;&lt;&gt;&quot;'&#xd;&#xa;&#x9;é</Key>")
    #expect(try XMLReader.parse(writer.bytes).text == "a&<>\"'\r\n\té")
    var numbers = XMLWriter()
    numbers.element("N", Int64.min)
    numbers.element("N", 0)
    numbers.element("N", 1_234_567)
    #expect(text(numbers.bytes) == "<N>-9223372036854775808</N><N>0</N><N>1234567</N>")
}

@Test(arguments: [
    "", "x", "<a>", "<a></b>", "<a/><b/>", "<!DOCTYPE a><a/>", "<!DOCTYPE a [<!ENTITY e \"x\">]><a>&e;</a>",
    "<a>&e;</a>",
    "<a x=1/>", "<a>\u{0}</a>", "<?xml version=\"1.0\"?>", "<a>" + String(repeating: "<b>", count: 20),
])
func `documents that are not plain well-formed XML are refused`(document: String) {
    let result = code { try XMLReader.parse(Array(document.utf8)) }
    #expect(result == (document.isEmpty ? "MissingRequestBodyError" : "MalformedXML"))
}

@Test func `the reader's limits hold`() {
    let deep = String(repeating: "<a>", count: 17) + String(repeating: "</a>", count: 17)
    #expect(code { try XMLReader.parse(Array(deep.utf8)) } == "MalformedXML")
    let many = "<a>" + String(repeating: "<b/>", count: 50) + "</a>"
    #expect(code { try XMLReader.parse(Array(many.utf8), limits: .init(elements: 50)) } == "MalformedXML")
    #expect(code { try XMLReader.parse(Array(many.utf8), limits: .init(elements: 51)) } == nil)
    #expect(code { try XMLReader.parse(Array(many.utf8), limits: .init(bytes: 50)) } == "MalformedXML")
}

@Test func `random documents never trap`() {
    var random = SplitMix64(seed: 0x3A1)
    let pieces = [
        "<Delete>", "</Delete>", "<Object>", "</Object>", "<Key>", "</Key>", "k", "&amp;", "&#0;", "&#x41;",
        "<![CDATA[x]]>", "<!--c-->", "\u{fffe}", "<?p q?>", " xmlns=\"u\"", "<a:b xmlns:a=\"u\"/>",
    ]
    for _ in 0..<5000 {
        let document = (0..<random.next(below: 12)).map { _ in pieces[random.next(below: pieces.count)] }.joined()
        _ = try? DeleteObjectsRequest(parsing: Array(document.utf8))
        _ = try? CompleteMultipartUploadRequest(parsing: Array(document.utf8))
    }
}

@Test func `a delete request is read with its conditions, whatever the namespace`() throws {
    let body = """
        <?xml version="1.0"?><s3:Delete xmlns:s3="http://s3.amazonaws.com/doc/2006-03-01/">
          <s3:Object><s3:Key> a b </s3:Key><s3:VersionId>null</s3:VersionId><s3:ETag>"abc"</s3:ETag><s3:Size>5</s3:Size>
          <s3:LastModifiedTime>2013-05-24T00:00:00.000Z</s3:LastModifiedTime></s3:Object>
          <s3:Quiet>true</s3:Quiet></s3:Delete>
        """
    let request = try DeleteObjectsRequest(parsing: Array(body.utf8))
    #expect(request.isQuiet && request.objects.count == 1)
    #expect(request.objects[0].key == Array(" a b ".utf8) && request.objects[0].versionID == "null")
    #expect(
        request.objects[0].conditions
            == DeleteConditions(ifMatch: ETagList(parsing: "\"abc\""), lastModified: time, size: 5))
}

@Test func `a delete request has 1 to 1000 keys and nothing unknown`() {
    func request(_ inner: String) -> String? {
        code { try DeleteObjectsRequest(parsing: Array("<Delete>\(inner)</Delete>".utf8)) }
    }
    let object = "<Object><Key>k</Key></Object>"
    #expect(request(object) == nil)
    #expect(request(String(repeating: object, count: 1000)) == nil)
    for bad in [
        "", String(repeating: object, count: 1001), "<Object/>", "<Object><Key/></Object>", object + "<Other/>",
        "<Object><Key>k</Key><Key>l</Key></Object>", object + "<Quiet>maybe</Quiet>",
        "<Object><Key>k</Key><Size>x</Size></Object>",
    ] {
        #expect(request(bad) == "MalformedXML", "\(bad.prefix(80))")
    }
}

@Test func `parts are read in ascending order with their checksums`() throws {
    func parse(_ inner: String) throws -> CompleteMultipartUploadRequest {
        try CompleteMultipartUploadRequest(
            parsing: Array("<CompleteMultipartUpload>\(inner)</CompleteMultipartUpload>".utf8))
    }
    func part(_ number: Int, _ more: String = "") -> String {
        "<Part><ETag>&quot;e&quot;</ETag><PartNumber>\(number)</PartNumber>\(more)</Part>"
    }
    let request = try parse(part(1, "<ChecksumCRC32>AAAAAA==</ChecksumCRC32>") + part(10_000))
    #expect(request.parts.map(\.number) == [1, 10_000])
    #expect(
        request.parts[0].etag == "e"
            && request.parts[0].checksum == ChecksumValue(algorithm: .crc32, bytes: [0, 0, 0, 0]))
    #expect(code { try parse(part(2) + part(1)) } == "InvalidPartOrder")
    #expect(code { try parse(part(2) + part(2)) } == "InvalidPartOrder")
    #expect(code { try parse(part(0)) } == "InvalidArgument")
    #expect(code { try parse(part(10_001)) } == "InvalidArgument")
    #expect(code { try parse("") } == "MalformedXML")
    #expect(code { try parse(part(1, "<ChecksumCRC32>AAAA</ChecksumCRC32>")) } == "InvalidRequest")
    #expect(code { try parse(part(1, "<Unknown/>")) } == "MalformedXML")
}

@Test func `the listings have AWS's forms`() throws {
    let object = ListedObject(key: Array("a b".utf8), lastModified: time, etag: "e", size: 7)
    let query = try ListObjectsV2Query(
        RequestTarget("/bbb?list-type=2&prefix=a+&delimiter=/&encoding-type=url&start-after=a&max-keys=5000"))
    #expect(query.scope.maxKeys == 1000)
    let result = ListObjectsResult(
        bucket: "bbb", scope: query.scope, version: .two(startAfter: query.startAfter, continuationToken: nil),
        objects: [object],
        commonPrefixes: [Array("a /".utf8)], next: ContinuationToken(afterPrefix: Array("a /".utf8)))
    let next = try #require(result.next).text
    #expect(try ContinuationToken(parsing: next) == ContinuationToken(afterPrefix: Array("a /".utf8)))
    #expect(
        text(result.document()) == header + "<ListBucketResult\(namespace)><Name>bbb</Name><Prefix>a%20</Prefix>"
            + "<NextContinuationToken>\(next)</NextContinuationToken><StartAfter>a</StartAfter><KeyCount>2</KeyCount><MaxKeys>1000</MaxKeys>"
            + "<Delimiter>/</Delimiter><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><Contents><Key>a%20b</Key>"
            + "<LastModified>2013-05-24T00:00:00.000Z</LastModified><ETag>&quot;e&quot;</ETag><Size>7</Size><StorageClass>STANDARD</StorageClass>"
            + "</Contents><CommonPrefixes><Prefix>a%20/</Prefix></CommonPrefixes></ListBucketResult>")
}

@Test(arguments: [
    "/bbb?max-keys=-1", "/bbb?max-keys=x", "/bbb?max-keys=2147483648", "/bbb?encoding-type=base64",
    "/bbb?list-type=2&continuation-token=", "/bbb?list-type=2&continuation-token=x",
    "/bbb?version-id-marker=1&versions",
])
func `broken listing parameters are InvalidArgument`(target: String) throws {
    let target = try RequestTarget(target)
    #expect(
        code {
            _ = try ListObjectsV2Query(target).position()
            _ = try ListObjectVersionsQuery(target)
        } == "InvalidArgument")
}

@Test func `the other answers are well-formed and name what they must`() throws {
    let target = try RequestTarget("/bbb/k?uploadId=u&max-parts=2&part-number-marker=1")
    let upload = UploadChecksum(algorithm: .crc64nvme, type: .fullObject)
    let checksum = ChecksumValue(algorithm: .sha1, bytes: [UInt8](repeating: 0, count: 20), partCount: 2)
    let documents: [(String, [UInt8])] = [
        (
            "ListAllMyBucketsResult",
            ListBucketsResult(owner: owner, buckets: [.init(name: "bbb", created: time, region: "r")]).document()
        ),
        ("LocationConstraint", locationConstraintDocument(region: "eu-west-1")),
        (
            "CopyObjectResult",
            CopyResult(.object, lastModified: time, etag: "e", checksum: checksum, checksumType: .composite).document()
        ),
        ("CopyPartResult", CopyResult(.part, lastModified: time, etag: "e").document()),
        ("InitiateMultipartUploadResult", initiateMultipartUploadDocument(bucket: "bbb", key: [0x6B], uploadID: "u")),
        (
            "CompleteMultipartUploadResult",
            CompleteMultipartUploadResult(location: "l", bucket: "bbb", key: [0x6B], etag: "e-2").document()
        ),
        (
            "ListPartsResult",
            ListPartsResult(
                bucket: "bbb", key: [0x6B], query: try ListPartsQuery(target), owner: owner, initiator: owner,
                storageClass: .standard,
                checksum: upload,
                parts: [.init(number: 2, lastModified: time, etag: "e", size: 5)], isTruncated: false
            ).document()
        ),
        (
            "ListMultipartUploadsResult",
            ListMultipartUploadsResult(
                bucket: "bbb", query: try ListMultipartUploadsQuery(target),
                uploads: [
                    .init(
                        key: [0x6B], id: "u", initiated: time, owner: owner, initiator: owner, storageClass: .standard,
                        checksum: upload)
                ],
                commonPrefixes: [], next: .init(key: [0x6B], uploadID: "u")
            ).document()
        ),
        (
            "ListVersionsResult",
            ListObjectVersionsResult(
                bucket: "bbb", query: try ListObjectVersionsQuery(target),
                entries: [
                    .version(
                        ListedObject(key: [0x6B], lastModified: time, etag: "e", size: 1), id: "null", isLatest: true),
                    .deleteMarker(key: [0x6C], id: "v", isLatest: true, lastModified: time, owner: owner),
                ], commonPrefixes: [], next: nil
            ).document()
        ),
        (
            "DeleteResult",
            DeleteObjectsResult(
                entries: [
                    .deleted(key: [0x6B], versionID: nil, deleteMarkerVersionID: nil),
                    .failed(key: [0x6C], versionID: "v", S3Error(.accessDenied)),
                ],
                isQuiet: false
            ).document()
        ),
    ]
    for (name, document) in documents { #expect(try XMLReader.parse(document).name == name) }
    #expect(text(locationConstraintDocument(region: "us-east-1")).hasSuffix("></LocationConstraint>"))
    #expect(
        text(documents[2].1).contains(
            "<ChecksumSHA1>AAAAAAAAAAAAAAAAAAAAAAAAAAA=-2</ChecksumSHA1><ChecksumType>COMPOSITE</ChecksumType>"))
}

@Test func `a bucket is created where the server is`() throws {
    func check(_ body: String, _ region: String = "eu-west-1") -> String? {
        code { try CreateBucketConfiguration(parsing: Array(body.utf8)).validate(region: region) }
    }
    func constraint(_ region: String) -> String {
        "<CreateBucketConfiguration><LocationConstraint>\(region)</LocationConstraint></CreateBucketConfiguration>"
    }
    #expect(
        check("") == nil && check(constraint("eu-west-1")) == nil && check(constraint("EU")) == nil
            && check(constraint("")) == nil)
    #expect(check(constraint("us-west-2")) == "InvalidLocationConstraint")
    #expect(check("<Other/>") == "MalformedXML" && check("x") == "MalformedXML")
}
