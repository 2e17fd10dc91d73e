import Base
import S3Protocol
import Testing

/// The examples of AWS's own documentation: keys, requests and signatures.
private let exampleSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
private let exampleKey = "AKIAIOSFODNN7EXAMPLE"
private let exampleTime = Timestamp(seconds: 1_369_353_600)  // 2013-05-24T00:00:00Z

private func exampleHead(
    _ method: String, _ target: String, _ headers: [(name: String, value: String)], signed: String, signature: String
) -> RequestHead {
    RequestHead(
        method: method, target: target,
        headers: headers + [
            (
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=\(exampleKey)/20130524/us-east-1/s3/aws4_request,SignedHeaders=\(signed),Signature=\(signature)"
            )
        ])
}

private func claim(_ head: RequestHead) throws -> AuthorizationClaim {
    guard case .signed(let claim) = try parseCredentials(head, target: RequestTarget(head)) else {
        throw S3Error(.missingAuthenticationToken)
    }
    return claim
}

@discardableResult
private func verify(
    _ head: RequestHead, secret: String = exampleSecret, now: Timestamp = exampleTime, region: String = "us-east-1"
) throws -> PayloadMode {
    try claim(head).verify(head, target: RequestTarget(head), secretKey: secret, now: now, region: region)
}

private func refusal(_ work: () throws -> Void) -> S3Error? {
    do {
        try work()
        return nil
    } catch { return error as? S3Error }
}

private let emptyHash = PayloadDeclaration.emptySHA256
private let exampleHost = ("Host", "examplebucket.s3.amazonaws.com")

private let getObject = exampleHead(
    "GET", "/test.txt",
    [exampleHost, ("Range", "bytes=0-9"), ("x-amz-content-sha256", emptyHash), ("x-amz-date", "20130524T000000Z")],
    signed: "host;range;x-amz-content-sha256;x-amz-date",
    signature: "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")

private let presignedTarget =
    "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
    + "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
    + "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"

@Test func `the documented GET is verified`() throws { try verify(getObject) }

@Test func `the documented PUT is verified and its body is to be hashed`() throws {
    let hash = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"
    let head = exampleHead(
        "PUT", "/test%24file.text",
        [
            exampleHost, ("Date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-content-sha256", hash),
            ("x-amz-date", "20130524T000000Z"), ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ],
        signed: "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
        signature: "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd")
    guard case .verified(let digest) = try verify(head) else {
        Issue.record("the body is not verified")
        return
    }
    #expect(digest.count == 32 && digest[0] == 0x44 && digest[31] == 0x72)
}

@Test(arguments: [
    ("/?lifecycle", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
    ("/?max-keys=2&prefix=J", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
])
func `the documented bucket requests are verified`(target: String, signature: String) throws {
    let head = exampleHead(
        "GET", target, [exampleHost, ("x-amz-content-sha256", emptyHash), ("x-amz-date", "20130524T000000Z")],
        signed: "host;x-amz-content-sha256;x-amz-date", signature: signature)
    try verify(head)
}

@Test func `the documented presigned URL is verified, made, and expires`() throws {
    let head = RequestHead(method: "GET", target: presignedTarget, headers: [exampleHost])
    try verify(head)
    try verify(head, now: Timestamp(seconds: exampleTime.seconds + 86_399))
    let late = refusal { try verify(head, now: Timestamp(seconds: exampleTime.seconds + 86_400)) }
    #expect(late?.code == .accessDenied && late?.message == "Request has expired")
    let early = refusal { try verify(head, now: Timestamp(seconds: exampleTime.seconds - 901)) }
    #expect(early?.message == "Request is not yet valid")

    let signer = RequestSigner(accessKey: exampleKey, secretKey: exampleSecret, region: "us-east-1")
    let made = try signer.presign(
        method: "GET", target: "/test.txt", host: exampleHost.1, expiresSeconds: 86_400, at: exampleTime)
    #expect(made == presignedTarget)
}

@Test func `a request is skewed beyond fifteen minutes, either way`() throws {
    for offset: Int64 in [-900, 900] {
        try verify(getObject, now: Timestamp(seconds: exampleTime.seconds + offset))
        let beyond = exampleTime.seconds + offset + offset.signum()
        #expect(refusal { try verify(getObject, now: Timestamp(seconds: beyond)) }?.code == .requestTimeTooSkewed)
    }
}

@Test func `a wrong secret gets the string that was signed`() throws {
    let error = refusal { try verify(getObject, secret: "wrong") }
    #expect(error?.code == .signatureDoesNotMatch && error?.status == 403)
    #expect(error?.detail("CanonicalRequest")?.hasPrefix("GET\n/test.txt\n\nhost:examplebucket") == true)
    #expect(
        error?.detail("StringToSign")?.hasPrefix("AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/us-east-1/s3/") == true)
    #expect(error.map { "\($0)".contains("wrong") } == false)
}

@Test func `another region is refused with the region that is expected`() throws {
    let error = refusal { try verify(getObject, region: "eu-west-1") }
    #expect(error?.code == .authorizationHeaderMalformed && error?.status == 400)
    #expect(error?.detail("Region") == "eu-west-1")
    let presigned = RequestHead(method: "GET", target: presignedTarget, headers: [exampleHost])
    #expect(refusal { try verify(presigned, region: "eu-west-1") }?.code == .authorizationQueryParametersError)
}

@Test func `host and every x-amz field must be signed`() throws {
    let head = exampleHead(
        "GET", "/test.txt",
        [
            exampleHost, ("x-amz-content-sha256", emptyHash), ("x-amz-date", "20130524T000000Z"),
            ("X-Amz-Acl", "public-read"),
        ],
        signed: "x-amz-content-sha256;x-amz-date", signature: String(repeating: "0", count: 64))
    let error = refusal { try verify(head) }
    #expect(error?.code == .accessDenied)
    #expect(error?.detail("HeadersNotSigned") == "host, x-amz-acl")
}

@Test(arguments: [
    ("AWS AKIA", "InvalidArgument"),
    ("Basic abc", "InvalidArgument"),
    ("AWS4-ECDSA-P256-SHA256 Credential=a/20130524/s3/aws4_request, SignedHeaders=host, Signature=0", "NotImplemented"),
    ("AWS4-HMAC-SHA256 Credential=a/20130524/us-east-1/s3/aws4_request", "AuthorizationHeaderMalformed"),
    ("AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host, Signature=0", "AuthorizationHeaderMalformed"),
    (
        "AWS4-HMAC-SHA256 Credential=a/20130524/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=0",
        "AuthorizationHeaderMalformed"
    ),
    (
        "AWS4-HMAC-SHA256 Credential=a/20130524/us-east-1/s3/aws4, SignedHeaders=host, Signature=0",
        "AuthorizationHeaderMalformed"
    ),
    (
        "AWS4-HMAC-SHA256 Credential=a/20130525/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0",
        "AuthorizationHeaderMalformed"
    ),
    ("AWS4-HMAC-SHA256", "AuthorizationHeaderMalformed"),
    ("", "AccessDenied"),
])
func `a broken Authorization field gets AWS's code`(value: String, code: String) throws {
    let head = RequestHead(
        method: "GET", target: "/b",
        headers: [
            ("host", "h"), ("x-amz-date", "20130524T000000Z"), ("x-amz-content-sha256", emptyHash),
            ("authorization", value),
        ])
    #expect(refusal { _ = try claim(head) }?.code.name == code)
}

@Test(arguments: [
    ("X-Amz-Expires=86400", "X-Amz-Expires=604801"), ("X-Amz-Expires=86400", "X-Amz-Expires=-1"),
    ("X-Amz-Expires=86400", "X-Amz-Expires=x"), ("X-Amz-Expires=86400", "Other=1"),
    ("AWS4-HMAC-SHA256", "AWS4-HMAC-MD5"), ("20130524T000000Z", "20130524"), ("%2Faws4_request", ""),
])
func `broken presigned parameters get AuthorizationQueryParametersError`(from: String, to: String) throws {
    guard let range = presignedTarget.ranges(of: from).first else { return }
    let target = presignedTarget.replacingCharacters(range, with: to)
    let head = RequestHead(method: "GET", target: target, headers: [exampleHost])
    #expect(refusal { try verify(head) }?.code == .authorizationQueryParametersError)
}

@Test func `two ways of signing at once are refused`() throws {
    let head = exampleHead(
        "GET", presignedTarget, [exampleHost, ("x-amz-date", "20130524T000000Z")], signed: "host", signature: "0")
    #expect(refusal { try verify(head) }?.code == .invalidArgument)
}

@Test func `a signed request declares its payload`() throws {
    let signer = RequestSigner(accessKey: exampleKey, secretKey: exampleSecret, region: "us-east-1")
    let signed = try signer.sign(
        method: "GET", target: "/b", headers: [("host", "h")], payload: .unsigned, at: exampleTime)
    let without = RequestHead(
        method: "GET", target: "/b", headers: signed.headers.filter { $0.name != "x-amz-content-sha256" })
    let error = refusal { _ = try claim(without) }
    #expect(error?.code == .invalidRequest)
    #expect(error?.message == "Missing required header for this request: x-amz-content-sha256")
    let wrong = RequestHead(
        method: "GET", target: "/b", headers: [("host", "h"), ("x-amz-content-sha256", "abc")])
    #expect(refusal { _ = try parseCredentials(wrong, target: RequestTarget(wrong)) }?.code == .invalidArgument)
}

@Test func `requests signed by botocore are verified, and not with one byte changed`() throws {
    let now = Timestamp(seconds: 1_788_265_845)  // 2026-09-01T12:30:45Z
    var count = 0
    for line in signatureVectors.split(separator: "\n") {
        let pieces = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        let headers = pieces[3...].map { piece in
            let colon = piece.firstIndex(of: ":") ?? piece.endIndex
            return (name: String(piece[..<colon]), value: String(piece[colon...].dropFirst()))
        }
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
        let head = RequestHead(method: pieces[1], target: pieces[2], headers: headers)
        #expect(throws: Never.self, "\(line)") {
            try verify(head, secret: secret, now: now, region: "eu-west-1")
        }
        let other = RequestHead(method: pieces[1] == "GET" ? "PUT" : "GET", target: pieces[2], headers: headers)
        #expect(
            refusal { try verify(other, secret: secret, now: now, region: "eu-west-1") }?.code == .signatureDoesNotMatch
        )
        count += 1
    }
    #expect(count >= 50)
}

@Test func `duplicate fields are joined and inner spaces folded before signing`() throws {
    let signer = RequestSigner(accessKey: exampleKey, secretKey: exampleSecret, region: "us-east-1")
    let folded = try signer.sign(
        method: "PUT", target: "/b/k", headers: [("host", "h"), ("x-amz-meta-a", "one two three,four")],
        payload: .unsigned, at: exampleTime)
    let head = RequestHead(
        method: "PUT", target: "/b/k",
        headers: [("x-amz-meta-a", "one  two \t three"), ("X-Amz-Meta-A", "four")]
            + folded.headers.filter { $0.name != "x-amz-meta-a" })
    try verify(head)
}

@Test func `the key cache is bounded and forgets changed secrets`() throws {
    var cache = SigningKeyCache(capacity: 8)
    let scope = CredentialScope(date: "20130524", region: "us-east-1")
    for round in 0..<100 {
        _ = cache.key(accessKey: "key\(round)", secretKey: "secret", scope: scope)
        #expect(cache.count <= 8)
    }
    let first = cache.key(accessKey: "a", secretKey: "one", scope: scope).sign([1])
    let second = cache.key(accessKey: "a", secretKey: "two", scope: scope).sign([1])
    #expect(first != second)
    #expect(second == SigningKey(secretKey: "two", scope: scope).sign([1]))
    #expect(cache.key(accessKey: "a", secretKey: "two", scope: scope).sign([1]) == second)
}

extension String {
    func replacingCharacters(_ range: Range<Index>, with text: String) -> String {
        String(self[..<range.lowerBound]) + text + self[range.upperBound...]
    }
}

@Test(arguments: [
    // The examples of AWS's page on version 2.
    (
        "GET", "/photos/puppy.jpg",
        [("Host", "johnsmith.s3.amazonaws.com"), ("Date", "Tue, 27 Mar 2007 19:36:42 +0000")],
        "bWq2s1WEIj+Ydj0vQ697zp+IXMU="
    ),
    (
        "PUT", "/photos/puppy.jpg",
        [
            ("Content-Type", "image/jpeg"), ("Content-Length", "94328"), ("Host", "johnsmith.s3.amazonaws.com"),
            ("Date", "Tue, 27 Mar 2007 21:15:45 +0000"),
        ], "MyyxeRY7whkBe+bq8fHCL/2kKUg="
    ),
    (
        "GET", "/?prefix=photos&max-keys=50&marker=puppy",
        [("Host", "johnsmith.s3.amazonaws.com"), ("Date", "Tue, 27 Mar 2007 19:42:41 +0000")],
        "htDYFYduRNen8P9ZfE/s9SuKy0U="
    ),
    (
        "GET", "/?acl", [("Host", "johnsmith.s3.amazonaws.com"), ("Date", "Tue, 27 Mar 2007 19:44:46 +0000")],
        "c2WLPFtWHVgbEmeEG93a4cG37dM="
    ),
])
func `the documented version 2 requests are verified, and no others`(
    method: String, target: String, headers: [(String, String)], signature: String
) throws {
    func verify(_ signature: String) throws {
        let head = RequestHead(
            method: method, target: target,
            headers: headers.map { (name: $0.0, value: $0.1) } + [
                (name: "Authorization", value: "AWS \(exampleKey):\(signature)")
            ])
        guard case .signedVersionTwo(let claim) = try parseCredentials(head, target: RequestTarget(head)) else {
            throw S3Error(.missingAuthenticationToken)
        }
        let time = Timestamp(seconds: 1_175_024_202 + 600)  // 2007-03-27T19:46:42Z
        let late = Timestamp(seconds: 1_175_030_145)  // 2007-03-27T21:15:45Z
        _ = try claim.verify(
            head, target: RequestTarget(head), virtualBucket: "johnsmith", secretKey: exampleSecret,
            now: method == "PUT" ? late : time)
    }
    try verify(signature)
    #expect(refusal { try verify(String(signature.reversed())) }?.code == .signatureDoesNotMatch)
}
