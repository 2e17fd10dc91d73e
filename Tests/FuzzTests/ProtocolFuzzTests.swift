import AccessPolicy
import Base
import Digests
import HTTPServer
import S3Protocol
import Testing

/// Hostile bytes for everything that a client's bytes reach first. Nothing may trap or run away, pieces may make no difference, and
/// nothing whose signature or digest covers it may come out changed.
@Suite struct ProtocolFuzzTests {
    // MARK: Heads

    static let head = """
        PUT /bucket/key%20with/parts?partNumber=2&uploadId=abc&X-Amz-Expires=60 HTTP/1.1\r
        Host: localhost:9000\r
        Content-Length: 12\r
        x-amz-date: 20260101T000000Z\r
        x-amz-content-sha256: UNSIGNED-PAYLOAD\r
        Authorization: AWS4-HMAC-SHA256 Credential=key/20260101/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature=00ff\r
        Range: bytes=0-10\r
        x-amz-copy-source: /other/key?versionId=null\r
        x-amz-tagging: a=b&c=d\r
        \r

        """
    static let presigned = """
        GET /b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=key%2F20260101%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20260101T000000Z\
        &X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=00 HTTP/1.1\r
        Host: localhost\r
        \r

        """

    @Test func `heads, targets and signatures of any bytes are read or refused`() throws {
        var fuzzing = Fuzzing(
            "head",
            tokens: [
                "\r\n", " ", ":", "%", "%zz", "&", "=", "?", "X-Amz-", "Credential=", ",", "/", "99999999999999999999",
            ])
        var whole = 0, claims = 0
        for round in 0..<Fuzzing.iterations {
            let bytes = fuzzing.mutant(of: Array((round % 2 == 0 ? Self.head : Self.presigned).utf8))
            let once = Self.parse([bytes[...]])
            #expect(Self.parse(fuzzing.pieces(bytes))?.bytes == once?.bytes, "round \(round)")
            guard let head = once else { continue }
            whole += 1
            guard let target = try? RequestTarget(head), let found = try? parseCredentials(head, target: target) else {
                continue
            }
            claims += 1
            if case .signed(let claim) = found {
                // No mutant has the signature, which is not even a hash.
                #expect(throws: S3Error.self, "round \(round)") {
                    _ = try claim.verify(
                        head, target: target, key: SigningKey(secretKey: "secret", scope: claim.scope),
                        now: Timestamp(seconds: 1_767_225_600),
                        region: "us-east-1")
                }
            }
        }
        #expect(
            whole > Fuzzing.iterations / 20 && claims > Fuzzing.iterations / 100, "\(whole) heads, \(claims) claims")
    }

    /// The head that pieces, as they arrive, add up to.
    private static func parse(_ pieces: [ArraySlice<UInt8>]) -> RequestHead? {
        var parser = RequestParser(), bytes: [UInt8] = []
        for piece in pieces {
            bytes += piece
            guard let outcome = try? bytes.withUnsafeBytes({ try parser.parse($0) }) else { return nil }
            if case .head(let parsed, let consumed) = outcome {
                precondition(consumed <= bytes.count, "no more than there is")
                return parsed.head
            }
        }
        return nil
    }

    // MARK: Bodies

    @Test func `signed chunks are taken as they were signed or not at all`() throws {
        var fuzzing = Fuzzing(
            "chunks",
            tokens: [
                "\r\n", ";chunk-signature=", "0", "5;", "x-amz-trailer-signature:", "x-amz-checksum-crc32:", "ffffffff",
            ])
        let scope = CredentialScope(date: "20260101", region: "us-east-1")
        let seed = [UInt8](repeating: UInt8(ascii: "a"), count: 64)
        func signer() -> ChunkSigner {
            ChunkSigner(
                key: SigningKey(secretKey: "secret", scope: scope), timeText: "20260101T000000Z", scope: scope,
                seed: seed)
        }
        let object = (0..<900).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        for hasTrailer in [false, true] {
            let names = hasTrailer ? ["x-amz-checksum-crc32"] : []
            var signing = signer(), body: [UInt8] = []
            for piece in [object[..<500], object[500...], []] {
                body += "\(String(piece.count, radix: 16));chunk-signature=".utf8
                body += signing.signChunk(sha256: SHA256.of(Array(piece))) + Array("\r\n".utf8)
                if !piece.isEmpty { body += piece + Array("\r\n".utf8) }
            }
            if hasTrailer {
                body += Array("x-amz-checksum-crc32:AAAAAA==\r\nx-amz-trailer-signature:".utf8)
                body += signing.signTrailer(Array("x-amz-checksum-crc32:AAAAAA==\n".utf8)) + Array("\r\n".utf8)
            }
            body += Array("\r\n".utf8)
            let payload = ChunkedPayload(
                signer: signer(), hasTrailer: hasTrailer, decodedLength: Int64(object.count), trailerNames: names)
            #expect(Self.decode([body[...]], payload) == object)
            for round in 0..<Fuzzing.iterations / 4 {
                let mutant = fuzzing.mutant(of: body), once = Self.decode([mutant[...]], payload)
                #expect(once == nil || once == object, "round \(round)")
                #expect(Self.decode(fuzzing.pieces(mutant), payload) == once, "round \(round), in pieces")
            }
        }
    }

    @Test func `unsigned chunks never yield more than was declared, and the same in pieces`() {
        var fuzzing = Fuzzing(
            "unsigned", tokens: ["\r\n", "0\r\n", "ffffffffffffffff", "a;b=c", "x-amz-checksum-crc32:"])
        let payload = ChunkedPayload(
            signer: nil, hasTrailer: true, decodedLength: 30, trailerNames: ["x-amz-checksum-crc32"])
        let body = Array(
            "14\r\n01234567890123456789\r\na\r\n0123456789\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n".utf8)
        for round in 0..<Fuzzing.iterations {
            let mutant = fuzzing.mutant(of: body), once = Self.decode([mutant[...]], payload)
            #expect(once == nil || once?.count == 30, "round \(round)")
            #expect(Self.decode(fuzzing.pieces(mutant), payload) == once, "round \(round), in pieces")
        }
    }

    /// nil when the body is refused or not whole.
    private static func decode(_ pieces: [ArraySlice<UInt8>], _ payload: ChunkedPayload) -> [UInt8]? {
        var decoder = AWSChunkedDecoder(payload), object: [UInt8] = []
        do {
            for piece in pieces {
                try Array(piece).withUnsafeBytes { bytes in
                    var position = 0
                    while case .payload(let range) = try decoder.next(bytes, from: &position) { object += bytes[range] }
                }
            }
            try decoder.finish()
            return object
        } catch { return nil }
    }

    @Test func `chunked bodies of any bytes end, and give the same in pieces`() {
        var fuzzing = Fuzzing("coding", tokens: ["\r\n", "0\r\n\r\n", "fffffffffffffff", ";", "A: b\r\n"])
        let body = Array("5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nTrailer: value\r\n\r\n".utf8)
        for round in 0..<Fuzzing.iterations {
            let mutant = fuzzing.mutant(of: body)
            #expect(Self.unchunk(fuzzing.pieces(mutant)) == Self.unchunk([mutant[...]]), "round \(round)")
        }
    }

    private static func unchunk(_ pieces: [ArraySlice<UInt8>]) -> [UInt8]? {
        var decoder = ChunkedDecoder(), data: [UInt8] = []
        for piece in pieces {
            var rest = Array(piece)[...]
            while !rest.isEmpty && !decoder.isAtEnd {
                if decoder.dataRemaining > 0 {
                    let count = Int(min(UInt64(rest.count), decoder.dataRemaining))
                    data += rest.prefix(count)
                    decoder.tookData(count)
                    rest = rest.dropFirst(count)
                } else {
                    guard let taken = try? Array(rest).withUnsafeBytes({ try decoder.takeFraming($0) }) else {
                        return nil
                    }
                    rest = rest.dropFirst(taken)
                }
            }
        }
        return decoder.isAtEnd ? data : nil
    }

    @Test func `forms of any bytes are read or refused, and keep to their bound`() throws {
        var fuzzing = Fuzzing(
            "form",
            tokens: [
                "--x", "--x--", "\r\n", "\r\n\r\n", "name=\"", "\"", ";", "filename*=utf-8''%41",
                "Content-Disposition:",
            ])
        let form = Array(
            """
            --x\r\nContent-Disposition: form-data; name="key"\r\n\r\nuser/${filename}\r\n--x\r\nContent-Disposition: form-data; name="acl"\r\n\r\nprivate\r
            --x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\nThe file's bytes.\r\n--x--\r\n
            """.utf8)
        for round in 0..<Fuzzing.iterations {
            let mutant = fuzzing.mutant(of: form), once = try Self.read([mutant[...]])
            #expect(try Self.read(fuzzing.pieces(mutant)) == once, "round \(round)")
        }
    }

    private static func read(_ pieces: [ArraySlice<UInt8>]) throws -> [String]? {
        var parser = try FormDataParser(contentType: "multipart/form-data; boundary=x"), seen: [String] = [],
            file: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 7)
        do {
            for piece in pieces {
                try Array(piece).withUnsafeBytes { try parser.feed($0) }
                while let event = try parser.next() {
                    seen.append("\(event)")
                    if event == .end { break }
                }
                while case let count = buffer.withUnsafeMutableBytes({ parser.takeFile(into: $0) }), count > 0 {
                    file += buffer[..<count]
                }
            }
        } catch { return nil }
        return seen + ["\(parser.isFileComplete)"]
            + (parser.isFileComplete ? [String(decoding: file, as: UTF8.self)] : [])
    }

    // MARK: Documents

    @Test func `documents of any bytes are read or refused`() {
        let tokens = [
            "<a>", "</a>", "<!DOCTYPE x [<!ENTITY y 'z'>]>", "&lt;", "&#0;", "&y;", "<![CDATA[", "]]>", "<Key>",
            "</Key>", "-1", "99999999999999999999",
        ]
        var fuzzing = Fuzzing("documents", tokens: tokens)
        let documents: [(String, ([UInt8]) throws -> Void)] = [
            (
                "<Delete><Object><Key>a</Key><VersionId>null</VersionId></Object><Quiet>true</Quiet></Delete>",
                { _ = try DeleteObjectsRequest(parsing: $0) }
            ),
            (
                "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>\"a\"</ETag></Part></CompleteMultipartUpload>",
                { _ = try CompleteMultipartUploadRequest(parsing: $0) }
            ),
            (
                "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>",
                { _ = try ObjectTagSet(parsing: $0) }
            ),
            (
                "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>1</Days></DefaultRetention></Rule></ObjectLockConfiguration>",
                { _ = try ObjectLockConfiguration(parsing: $0) }
            ),
            (
                "<CORSConfiguration><CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin></CORSRule></CORSConfiguration>",
                { _ = try CORSConfiguration(parsing: $0) }
            ),
            (
                "<WebsiteConfiguration><IndexDocument><Suffix>i</Suffix></IndexDocument></WebsiteConfiguration>",
                { _ = try WebsiteConfiguration(parsing: $0) }
            ),
        ]
        var accepted = 0
        for round in 0..<Fuzzing.iterations {
            let (text, read) = documents[round % documents.count]
            if (try? read(fuzzing.mutant(of: Array(text.utf8)))) != nil { accepted += 1 }
        }
        #expect(
            accepted > Fuzzing.iterations / 1_000, "the mutants must reach what lies behind the parser: \(accepted)")
    }

    @Test func `policies and JSON of any bytes are read or refused`() {
        let tokens = [
            "{", "}", "[", "]", "\"", "\\u0000", "\\ud800", "1e999", "null", ",", ":", "\"Condition\":{",
            "${aws:username}", "*",
        ]
        var fuzzing = Fuzzing("policies", tokens: tokens)
        let policy = Array(
            """
            {"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Principal":{"AWS":["111122223333"]},"Action":["s3:Get*"],
            "Resource":"arn:aws:s3:::b/*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"},"NumericLessThan":{"s3:max-keys":"10"}}}]}
            """.utf8)
        var accepted = 0
        for round in 0..<Fuzzing.iterations {
            let mutant = fuzzing.mutant(of: policy)
            if let value = try? JSONReader.parse(mutant) {
                accepted += 1
                #expect((try? JSONReader.parse(Array(value.encoded.utf8))) == value, "round \(round)")
            }
            _ = try? PolicyDocument(parsing: mutant, use: .bucket("b"))
        }
        #expect(accepted > Fuzzing.iterations / 100, "\(accepted)")
    }
}
