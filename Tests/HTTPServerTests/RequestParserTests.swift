import Base
import HTTPServer
import Testing

struct SplitMix64: RandomNumberGenerator {
    var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// What a parser makes of bytes that arrive in pieces of the given sizes (all at once without sizes).
enum Parsed: Equatable, CustomStringConvertible {
    case needsMore
    case head(method: String, target: String, fields: [String], body: ParsedHead.Body, keepsAlive: Bool, consumed: Int)
    case refused(Int)

    var description: String {
        switch self {
        case .needsMore: "needs more"
        case .head(let method, let target, let fields, let body, let keepsAlive, let consumed):
            "\(method) \(target) \(fields) \(body) \(keepsAlive) \(consumed)"
        case .refused(let status): "refused \(status)"
        }
    }
}

func parse(_ bytes: [UInt8], pieces: [Int] = [], limits: HeadLimits = HeadLimits()) -> Parsed {
    var parser = RequestParser(limits: limits), end = 0
    for piece in pieces + [bytes.count] {
        end = min(bytes.count, end + piece)
        let outcome: RequestParser.Outcome
        do {
            outcome = try bytes[..<end].withUnsafeBytes { try parser.parse($0) }
        } catch let error as HeadError {
            return .refused(error.status)
        } catch {
            return .refused(0)
        }
        if case .head(let parsed, let consumed) = outcome {
            let head = parsed.head
            return .head(
                method: head.string(head.method), target: head.string(head.target),
                fields: head.fields.map { "\(head.string($0.name))=\(head.string($0.value))" }, body: parsed.body,
                keepsAlive: parsed.keepsAlive, consumed: consumed)
        }
    }
    return .needsMore
}

func parse(_ text: String, limits: HeadLimits = HeadLimits()) -> Parsed { parse(Array(text.utf8), limits: limits) }

@Suite struct RequestParserTests {
    @Test func `a head is taken apart and nothing in it is changed`() {
        let text =
            "GET /b/a%2Fb//c/./../d%zz+x?list-type=2&x HTTP/1.1\r\nHost: h:9000\r\nX-Amz-Meta-A: \t v  w \r\nEmpty:\r\n\r\n"
        #expect(
            parse(text + "rest")
                == .head(
                    method: "GET", target: "/b/a%2Fb//c/./../d%zz+x?list-type=2&x",
                    fields: ["Host=h:9000", "X-Amz-Meta-A=v  w", "Empty="], body: .none, keepsAlive: true,
                    consumed: text.utf8.count))
    }

    @Test func `one empty line before a request is passed over`() {
        let text = "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"
        #expect(
            parse(text)
                == .head(
                    method: "GET", target: "/", fields: ["Host=h"], body: .none, keepsAlive: true,
                    consumed: text.utf8.count))
        #expect(parse("\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n") == .refused(400))
    }

    static let framings: [(String, ParsedHead.Body, Bool)] = [
        ("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", .none, true),
        ("PUT / HTTP/1.1\r\nHost: h\r\ncontent-LENGTH: 42\r\n\r\n", .length(42), true),
        ("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 9223372036854775807\r\n\r\n", .length(.max), true),
        ("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n", .chunked, true),
        ("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", .none, false),
        ("GET / HTTP/1.1\r\nHost: h\r\nConnection: te, Close ,x\r\n\r\n", .none, false),
        ("GET / HTTP/1.0\r\n\r\n", .none, false),
        ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", .none, true),
        ("GET / HTTP/1.9\r\nHost: h\r\n\r\n", .none, true),
        ("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", .none, true),
        ("GET http://h/b HTTP/1.1\r\nHost:\r\n\r\n", .none, true),
        ("GET /\u{e4} HTTP/1.1\r\nHost: h\r\n\r\n", .none, true),
    ]

    @Test(arguments: framings)
    func `the framing and the persistence are read from the head`(
        text: String, body: ParsedHead.Body, keepsAlive: Bool
    ) {
        guard case .head(_, _, _, let foundBody, let foundKeepsAlive, _) = parse(text) else {
            Issue.record("\(parse(text)): \(text)")
            return
        }
        #expect(foundBody == body)
        #expect(foundKeepsAlive == keepsAlive)
    }

    static let refusals: [(Int, String)] = [
        (400, "\u{16}\u{03}\u{01}"),
        (400, " GET / HTTP/1.1\r\n\r\n"),
        (400, "GET / HTTP/1.1\nHost: h\n\n"),
        (400, "GET / HTTP/1.1\r\nHost: h\n\r\n"),
        (400, "GET / HTTP/1.1\rHost: h\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: h\rx\r\n\r\n"),
        (400, "GET  / HTTP/1.1\r\nHost: h\r\n\r\n"),
        (400, "GET / HTTP/1.1 \r\nHost: h\r\n\r\n"),
        (400, "GET /\r\nHost: h\r\n\r\n"),
        (400, "GET / http/1.1\r\nHost: h\r\n\r\n"),
        (400, "GET / HTTP/11\r\nHost: h\r\n\r\n"),
        (505, "GET / HTTP/2.0\r\nHost: h\r\n\r\n"),
        (400, "PRI * HTTP/x.0\r\n\r\n"),
        (400, "GET b HTTP/1.1\r\nHost: h\r\n\r\n"),
        (400, "CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n"),
        (400, "GET /a\u{7f} HTTP/1.1\r\nHost: h\r\n\r\n"),
        (400, "GET /a\tb HTTP/1.1\r\nHost: h\r\n\r\n"),
        (501, String(repeating: "X", count: 33) + " / HTTP/1.1\r\nHost: h\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: u@h\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: h, g\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost : h\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: h\r\n: v\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: h\r\nno colon\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n folded\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\n Host: h\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: h\r\nA: b\u{0}c\r\n\r\n"),
        (400, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n"),
        (400, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"),
        (400, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5, 5\r\n\r\n"),
        (400, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: +5\r\n\r\n"),
        (400, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: -5\r\n\r\n"),
        (400, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x5\r\n\r\n"),
        (400, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\n"),
        (400, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 9223372036854775808\r\n\r\n"),
        (400, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
        (400, "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"),
        (400, "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
        (400, "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, gzip\r\n\r\n"),
        (400, "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: identity\r\n\r\n"),
        (501, "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
        (400, "PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ]

    @Test(arguments: refusals)
    func `what two parsers could read in two ways is refused`(status: Int, text: String) {
        #expect(parse(text) == .refused(status), "\(text.debugDescription)")
    }

    @Test func `heads beyond the limits are refused with the status that names the limit`() {
        let limits = HeadLimits(headBytes: 1000, targetBytes: 100, fields: 5)
        #expect(
            parse("GET /" + String(repeating: "a", count: 100) + " HTTP/1.1\r\nHost: h\r\n\r\n", limits: limits)
                == .refused(414))
        #expect(parse("GET /" + String(repeating: "a", count: 300), limits: limits) == .refused(414))
        let field = "A: b\r\n"
        let head = "GET / HTTP/1.1\r\nHost: h\r\n"
        #expect(parse(head + String(repeating: field, count: 5) + "\r\n", limits: limits) == .refused(431))
        #expect(parse(head + "A: " + String(repeating: "b", count: 2000), limits: limits) == .refused(431))
        guard case .head = parse(head + String(repeating: field, count: 4) + "\r\n", limits: limits) else {
            Issue.record("five fields are within the limit")
            return
        }
    }

    @Test func `the pieces in which a head arrives make no difference`() {
        let texts = Self.framings.map(\.0) + Self.refusals.map(\.1)
        for seed in UInt64(0)..<300 {
            var random = SplitMix64(seed: seed)
            let bytes = Array((texts.randomElement(using: &random) ?? "").utf8)
            let whole = parse(bytes)
            let pieces = (0..<bytes.count).map { _ in Int.random(in: 1...7, using: &random) }
            #expect(parse(bytes, pieces: pieces) == whole, "seed \(seed)")
        }
    }

    @Test func `damaged heads never trap and never give a field with a line end in it`() {
        let texts = Self.framings.map(\.0) + Self.refusals.map(\.1)
        for seed in UInt64(0)..<20_000 {
            var random = SplitMix64(seed: seed)
            var bytes = Array((texts.randomElement(using: &random) ?? "").utf8)
            for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: index)
                case 2: bytes.insert([0x0D, 0x0A, 0x20, 0x3A, 0x00][Int.random(in: 0..<5, using: &random)], at: index)
                default: bytes.swapAt(index, Int.random(in: 0..<bytes.count, using: &random))
                }
            }
            if case .head(let method, let target, let fields, _, _, let consumed) = parse(bytes) {
                let hasControl = ([method, target] + fields).contains { text in
                    text.utf8.contains { $0 == 0x0D || $0 == 0x0A || $0 == 0 }
                }
                #expect(!hasControl, "seed \(seed)")
                #expect(
                    consumed <= bytes.count && bytes[..<consumed].suffix(4).elementsEqual([13, 10, 13, 10]),
                    "seed \(seed)")
            }
        }
    }
}
