import Base
import Digests
import S3Protocol
import Testing

private let scope = CredentialScope(date: "20130524", region: "us-east-1")
private let key = SigningKey(secretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", scope: scope)

private func signer(seed: String) -> ChunkSigner {
    ChunkSigner(key: key, timeText: "20130524T000000Z", scope: scope, seed: Array(seed.utf8))
}

/// The documented body of 65 KiB in two chunks, without a trailer.
private let signedBody: [UInt8] =
    Array("10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n".utf8)
    + [UInt8](repeating: 0x61, count: 65_536)
    + Array("\r\n400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n".utf8)
    + [UInt8](repeating: 0x61, count: 1024)
    + Array("\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n".utf8)

private let signedPayload = ChunkedPayload(
    signer: signer(seed: "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"), hasTrailer: false,
    decodedLength: 66_560, trailerNames: [])

/// The documented body with a signed trailer.
private let trailerBody: [UInt8] =
    Array("10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n".utf8)
    + [UInt8](repeating: 0x61, count: 65_536)
    + Array("\r\n400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n".utf8)
    + [UInt8](repeating: 0x61, count: 1024)
    + Array("\r\n0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n".utf8)
    + Array("x-amz-checksum-crc32c:sOO8/Q==\r\n".utf8)
    + Array("x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n".utf8)

private let trailerPayload = ChunkedPayload(
    signer: signer(seed: "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"), hasTrailer: true,
    decodedLength: 66_560, trailerNames: ["x-amz-checksum-crc32c"])

private func unsigned(_ length: Int64, trailers: [String] = []) -> ChunkedPayload {
    ChunkedPayload(signer: nil, hasTrailer: true, decodedLength: length, trailerNames: trailers)
}

/// Feeds the body in pieces of the sizes given over and over.
private func decode(
    _ body: [UInt8], _ payload: ChunkedPayload, pieces: [Int] = [1 << 20]
) throws(S3Error) -> (object: [UInt8], decoder: AWSChunkedDecoder) {
    var decoder = AWSChunkedDecoder(payload)
    var object: [UInt8] = []
    var offset = 0, turn = 0
    while offset < body.count {
        let piece = Array(body[offset..<min(body.count, offset + pieces[turn % pieces.count])])
        offset += piece.count
        turn += 1
        object += try feed(piece, &decoder)
    }
    try decoder.finish()
    return (object, decoder)
}

private func feed(_ piece: [UInt8], _ decoder: inout AWSChunkedDecoder) throws(S3Error) -> [UInt8] {
    var object: [UInt8] = []
    var failure: S3Error?
    piece.withUnsafeBytes { bytes in
        do throws(S3Error) {
            var position = 0
            while case .payload(let range) = try decoder.next(bytes, from: &position) { object += bytes[range] }
        } catch { failure = error }
    }
    if let failure { throw failure }
    return object
}

private func code(_ body: [UInt8], _ payload: ChunkedPayload) -> String? {
    do throws(S3Error) {
        _ = try decode(body, payload)
        return nil
    } catch { return error.code.name }
}

@Test(arguments: [[1 << 20], [1], [7, 100_000], [88, 3, 4096]])
func `the documented signed chunks are verified, however they arrive`(pieces: [Int]) throws {
    let (object, decoder) = try decode(signedBody, signedPayload, pieces: pieces)
    #expect(object == [UInt8](repeating: 0x61, count: 66_560))
    #expect(decoder.isAtEnd && decoder.remainingBytes == 0)
}

@Test(arguments: [[1 << 20], [1], [65_700, 1]])
func `the documented signed trailer is verified and read`(pieces: [Int]) throws {
    let (_, decoder) = try decode(trailerBody, trailerPayload, pieces: pieces)
    #expect(decoder.trailers.map(\.name) == ["x-amz-checksum-crc32c"])
    #expect(decoder.trailers.first?.value == "sOO8/Q==")
}

@Test func `no byte of a signed body can be changed unseen`() {
    var random = SplitMix64(seed: 0xC0FFEE)
    for round in 0..<300 {
        let isTrailer = random.next(below: 2) == 0
        var body = isTrailer ? trailerBody : signedBody
        // Mostly around the framing, which is where a decoder errs.
        let framing = [0..<100, 65_600..<65_750, 66_700..<body.count]
        let place = framing[random.next(below: 3)]
        let index = place.lowerBound + random.next(below: place.count)
        let old = body[index]
        body[index] ^= UInt8(1 + random.next(below: 255))
        // Upper-case digits of a size, and names in upper case, mean the same.
        if body[index] == old ^ 0x20 { continue }
        #expect(
            code(body, isTrailer ? trailerPayload : signedPayload) != nil, "seed 0xC0FFEE round \(round) index \(index)"
        )
    }
}

@Test func `a body cut anywhere is incomplete`() {
    for count in [0, 1, 50, 87, 100, 65_623, 65_624, 65_625, 66_000, trailerBody.count - 2, trailerBody.count - 1] {
        #expect(code(Array(trailerBody[..<count]), trailerPayload) == "IncompleteBody", "\(count)")
    }
}

@Test func `unsigned chunks with a trailer are read`() throws {
    let body = Array("3\r\nabc\r\nA\r\n0123456789\r\n0\r\nx-amz-checksum-crc32: AAAAAA==\r\n\r\n".utf8)
    let payload = unsigned(13, trailers: ["x-amz-checksum-crc32"])
    for pieces in [[100], [1], [2, 3]] {
        let (object, decoder) = try decode(body, payload, pieces: pieces)
        #expect(object == Array("abc0123456789".utf8))
        #expect(decoder.trailers.first?.value == "AAAAAA==")
    }
    // As AWS's examples are printed.
    let printed = Array("3\r\nabc\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\n\r\n\r\n".utf8)
    #expect(try decode(printed, unsigned(3, trailers: ["x-amz-checksum-crc32"])).object == Array("abc".utf8))
    #expect(try decode(Array("0\r\n\r\n".utf8), unsigned(0)).object.isEmpty)
}

@Test func `compact moves the object to the front of the buffer`() throws {
    var buffer = Array("3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n".utf8)
    var decoder = AWSChunkedDecoder(unsigned(7))
    let count = try buffer.withUnsafeMutableBytes { try decoder.compact($0) }
    #expect(buffer[..<count] == Array("abcdefg".utf8)[...])
    try decoder.finish()
}

@Test(arguments: [
    ("4\r\nabcd\r\n0\r\n\r\n", "IncompleteBody"),  // longer than declared
    ("2\r\nab\r\n0\r\n\r\n", "IncompleteBody"),  // shorter
    ("3\r\nabcd\r\n0\r\n\r\n", "IncompleteBody"), ("3\nabc\r\n0\r\n\r\n", "IncompleteBody"),
    ("x\r\nabc\r\n0\r\n\r\n", "IncompleteBody"), ("\r\nabc", "IncompleteBody"),
    ("-3\r\nabc\r\n0\r\n\r\n", "IncompleteBody"),
    ("FFFFFFFFFFFFFFFFFF\r\nabc", "IncompleteBody"), ("abc", "IncompleteBody"),
    ("3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1", "IncompleteBody"),
    ("3\r\nabc\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", "MalformedTrailerError"),
    ("3\r\nabc\r\n0\r\nnonsense\r\n\r\n", "MalformedTrailerError"),
    ("3\r\nabc\r\n0\r\nx-amz-trailer-signature:00\r\n\r\n", "MalformedTrailerError"),
])
func `broken framing is refused`(body: String, expected: String) {
    #expect(code(Array(body.utf8), unsigned(3)) == expected)
}

@Test func `a promised trailer must come, and only once`() {
    let payload = unsigned(0, trailers: ["x-amz-checksum-crc32"])
    #expect(code(Array("0\r\n\r\n".utf8), payload) == "MalformedTrailerError")
    let line = "x-amz-checksum-crc32:AAAAAA==\r\n"
    #expect(code(Array("0\r\n\(line)\(line)\r\n".utf8), payload) == "MalformedTrailerError")
    #expect(code(Array("0\r\n".utf8) + [UInt8](repeating: 0x61, count: 20_000), payload) == "MalformedTrailerError")
    #expect(code([UInt8](repeating: 0x30, count: 20_000), payload) == "IncompleteBody")
}

@Test func `random bodies never trap and never yield more than declared`() {
    var random = SplitMix64(seed: 0xBADC)
    let pieces = [
        "0", "1", "3", "f", "FFFFFFFFFFFFFFF", "\r\n", "\n", "\r", ";", "chunk-signature=", "abc", ":",
        "x-amz-checksum-crc32:AAAAAA==",
    ]
    for round in 0..<5000 {
        let body = (0..<random.next(below: 14)).map { _ in pieces[random.next(below: pieces.count)] }.joined()
        let length = Int64(random.next(below: 8))
        var decoder = AWSChunkedDecoder(unsigned(length, trailers: ["x-amz-checksum-crc32"]))
        if let object = try? feed(Array(body.utf8), &decoder) {
            #expect(object.count <= length, "seed 0xBADC round \(round)")
        }
    }
}
