import AccessPolicy
import Testing

@Suite struct JSONTests {
    static func parse(_ text: String) throws(JSONError) -> JSONValue { try JSONReader.parse(Array(text.utf8)) }

    @Test(arguments: [
        "", "{", "}", "[1,]", "{\"a\":1,}", "{'a':1}", "{\"a\" 1}", "01", "1.", "1e", "-", "tru", "\"\u{1}\"",
        "\"\\x\"",
        "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"", "{} {}", "// c\n{}", "NaN", "\"abc", "[1 2]", "+1", ".5",
    ])
    func `what is not JSON is refused`(text: String) {
        #expect(throws: JSONError.self) { _ = try Self.parse(text) }
    }

    @Test func `values are read as they are written`() throws {
        let value = try Self.parse(
            " {\"a\": [1, -2.5e+3, true, false, null], \"b\": \"x\\n\\u00e9\\ud83d\\ude00\\/\"} ")
        #expect(value["a"] == .array([.number("1"), .number("-2.5e+3"), .bool(true), .bool(false), .null]))
        #expect(value["b"]?.text == "x\né😀/")
    }

    @Test func `a name that comes twice is refused`() {
        #expect(throws: JSONError.duplicateName("a")) { _ = try Self.parse("{\"a\":1,\"a\":2}") }
    }

    @Test func `depth and size have limits`() {
        let deep = String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
        #expect(throws: JSONError.tooDeep) { _ = try Self.parse(deep) }
        #expect(throws: JSONError.tooLarge) { _ = try JSONReader.parse(Array("[1,2]".utf8), bytesMax: 4) }
    }

    @Test func `text that is not UTF-8 is refused`() {
        #expect(throws: JSONError.self) { _ = try JSONReader.parse([0x22, 0xFF, 0x22]) }
    }

    @Test func `what is written reads back the same`() throws {
        let value = JSONValue.object([
            .init("a\"\\\u{1}", .array([.string("é"), .number("1"), .null, .bool(true)])), .init("b", .object([])),
        ])
        #expect(try Self.parse(value.encoded) == value)
    }

    @Test func `no bytes trap the reader`() {
        var state: UInt64 = 42
        let alphabet = Array("{}[]\",:\\u0e-+.1 tfn\n".utf8)
        for _ in 0..<20_000 {
            var bytes: [UInt8] = []
            for _ in 0..<24 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                bytes.append(alphabet[Int(state >> 33) % alphabet.count])
            }
            _ = try? JSONReader.parse(bytes)
            _ = try? PolicyDocument(parsing: bytes, use: .bucket("b"))
        }
    }
}
