import HTTPServer
import Testing

/// Decodes the bytes, given in pieces, as a connection does. nil when they are refused.
private func decode(_ bytes: [UInt8], pieces: (Int) -> Int = { $0 }) -> (
    body: [UInt8], rest: Int, isAtEnd: Bool, trailers: [String]
)? {
    var decoder = ChunkedDecoder(), body: [UInt8] = [], position = 0
    while position < bytes.count && !decoder.isAtEnd {
        let piece = bytes[position..<min(bytes.count, position + max(1, pieces(bytes.count - position)))]
        if decoder.dataRemaining > 0 {
            let count = Int(min(UInt64(piece.count), decoder.dataRemaining))
            body += piece.prefix(count)
            decoder.tookData(count)
            position += count
        } else {
            do {
                position += try piece.withUnsafeBytes { try decoder.takeFraming($0) }
            } catch {
                return nil
            }
        }
    }
    return (body, bytes.count - position, decoder.isAtEnd, decoder.trailers.map { "\($0.name)=\($0.value)" })
}

private func decode(_ text: String) -> (body: [UInt8], rest: Int, isAtEnd: Bool, trailers: [String])? {
    decode(Array(text.utf8))
}

@Suite struct ChunkedDecoderTests {
    @Test func `chunks, extensions and trailers are taken apart`() throws {
        let found = try #require(
            decode("5\r\nhello\r\n6;chunk-signature=ab\r\n world\r\n0\r\nX-Sum: 1\r\nB:\r\n\r\nGET /"))
        #expect(found.body == Array("hello world".utf8))
        #expect(found.trailers == ["X-Sum=1", "B="])
        #expect(found.isAtEnd)
        #expect(found.rest == 5)
    }

    @Test(arguments: [
        "\r\n", "g\r\n", " 5\r\nhello\r\n", "5 \r\nhello\r\n", "5\nhello\r\n", "5\r\nhelloX\r\n", "5\r\nhello\n",
        "5\r\nhello\rX",
        "-1\r\n", "0x5\r\n", "1000000000000000\r\n", "FFFFFFFFFFFFFFFF\r\n", "0\r\n bad: x\r\n\r\n", "0\r\nbad\r\n\r\n",
        "0\r\nA: b\n\r\n", "5;a\u{1}\r\nhello\r\n", "0\r\n\r\r",
    ])
    func `malformed framing is refused`(text: String) {
        #expect(decode(text) == nil, "\(text.debugDescription)")
    }

    @Test func `extensions and trailers are bounded`() {
        let long = String(repeating: "x", count: ChunkedDecoder.extensionBytesMax + 1)
        #expect(decode("1;" + long + "\r\na\r\n") == nil)
        let chunk = "1;" + String(repeating: "x", count: 4000) + "\r\na\r\n"
        #expect(decode(String(repeating: chunk, count: 17)) == nil)
        #expect(decode("0\r\nA: " + String(repeating: "x", count: ChunkedDecoder.trailerBytesMax)) == nil)
        #expect(decode("0\r\n" + String(repeating: "A: b\r\n", count: ChunkedDecoder.trailersMax + 1)) == nil)
    }

    @Test func `an ended body asks for nothing more and an unended one for more`() throws {
        #expect(try #require(decode("0\r\n\r\n")).isAtEnd)
        #expect(try #require(decode("0\r\n")).isAtEnd == false)
        #expect(try #require(decode("5\r\nhello")).isAtEnd == false)
    }

    @Test func `any body survives any chunking in any pieces`() throws {
        for seed in UInt64(0)..<300 {
            var random = SplitMix64(seed: seed)
            let body = (0..<Int.random(in: 0...2000, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            var bytes: [UInt8] = [], rest = body[...]
            while !rest.isEmpty {
                let chunk = rest.prefix(Int.random(in: 1...500, using: &random))
                rest = rest.dropFirst(chunk.count)
                bytes +=
                    Array((String(chunk.count, radix: 16, uppercase: seed % 2 == 0) + "\r\n").utf8) + chunk + [13, 10]
            }
            bytes += Array("0\r\n\r\n".utf8)
            let found = decode(bytes) { Int.random(in: 1...$0, using: &random) }
            #expect(found?.body == body && found?.isAtEnd == true && found?.rest == 0, "seed \(seed)")
        }
    }

    @Test func `random bytes never trap`() {
        let alphabet = Array("0123456789abcdefF;\r\n: x".utf8)
        for seed in UInt64(0)..<20_000 {
            var random = SplitMix64(seed: seed)
            let bytes = (0..<Int.random(in: 1...40, using: &random)).map { _ in
                alphabet.randomElement(using: &random) ?? 0
            }
            if let found = decode(bytes) { #expect(found.body.count <= bytes.count, "seed \(seed)") }
        }
    }
}
