import Digests
import Testing

@Suite struct TextTests {
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ])
    func `the vectors of RFC 4648 hold both ways`(_ plain: String, _ text: String) {
        #expect(Base64.encode(Array(plain.utf8)) == text)
        #expect(Base64.decode(text) == Array(plain.utf8))
    }

    @Test(arguments: [
        "Zg=", "Zg", "Z", "Zh==", "Zm9=", "Zm9v ", " Zm9v", "Zm9v\n", "Zm9v====", "=", "====", "Zg==Zg==", "Zm-_",
        "Z===", "Zg=A",
        "=m9v", "Zé==",
    ])
    func `text that is not canonical Base64 is refused`(_ text: String) {
        #expect(Base64.decode(text) == nil)
    }

    @Test func `what was encoded is decoded, in both forms`() {
        var random = SplitMix64(seed: 0xB64)
        for count in 0..<200 {
            let bytes = random.bytes(count)
            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
            #expect(Hex.decode(Hex.encode(bytes)) == bytes)
        }
    }

    @Test func `bytes that decode as Base64 are the encoding of what they gave`() {
        let seed: UInt64 = 0xB65
        var random = SplitMix64(seed: seed)
        let alphabet = Array("AQgw/+z9=".utf8)
        for round in 0..<5000 {
            let text = (0..<Int(random.next() % 10)).map { _ in alphabet[Int(random.next() % UInt64(alphabet.count))] }
            guard let bytes = Base64.decode(text) else { continue }
            #expect(Base64.encodeBytes(bytes) == text, "seed \(seed) round \(round)")
        }
    }

    @Test func `hex takes both cases and nothing else`() {
        #expect(Hex.decode("00fFAb") == [0, 255, 0xAB])
        #expect(Hex.encode([0, 255, 0xAB]) == "00ffab")
        for text in ["0", "0g", "0x", " 0", "00 ", "é0"] { #expect(Hex.decode(text) == nil, "\(text)") }
    }

    @Test func `equality of secrets looks at every byte and at the length`() {
        var random = SplitMix64(seed: 5)
        let a = random.bytes(33)
        #expect(constantTimeEqual(a, a))
        #expect(constantTimeEqual([], []))
        #expect(!constantTimeEqual(a, Array(a.dropLast())))
        for i in a.indices {
            var b = a
            b[i] ^= 0x10
            #expect(!constantTimeEqual(a, b))
        }
    }
}
