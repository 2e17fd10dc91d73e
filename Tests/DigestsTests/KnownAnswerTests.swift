import Digests
import Testing

private let digits = Array("123456789".utf8)

@Suite struct KnownAnswerTests {
    @Test(arguments: [
        (ChecksumAlgorithm.crc32, "cbf43926"),
        (.crc32c, "e3069283"),
        (.crc64nvme, "ae8b14860a799888"),
        (.md5, "25f9e794323b453885f5181f1b624d0b"),
        (.sha1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
        (.sha256, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
        (
            .sha512,
            "d9e6762dd1c8eaf6d61b3c6192fc408d4d6d5f1176d0c29169bc24e71c3f274ad27fcd5811b313d681f7e55ec02d73d499c95455b6b5bb503acf574fba8ffe85"
        ),
        (.xxhash64, "8cb841db40e6ae83"),
    ])
    func `the digits one to nine give the published value`(_ algorithm: ChecksumAlgorithm, _ expected: String) {
        var checksum = Checksum(algorithm)
        checksum.update(digits)
        #expect(Hex.encode(checksum.finish()) == expected)
        #expect(checksum.finish().count == algorithm.byteCount)
        #expect(checksum.algorithm == algorithm)
    }

    @Test(arguments: [
        (ChecksumAlgorithm.md5, "d41d8cd98f00b204e9800998ecf8427e"),
        (.sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (.crc32, "00000000"), (.crc32c, "00000000"), (.crc64nvme, "0000000000000000"),
        (.xxhash64, "ef46db3751d8e999"),
        (.xxhash3, "2d06800538d394c2"),
        (.xxhash128, "99aa06d3014798d86001c324468d497f"),
    ])
    func `nothing gives the published value`(_ algorithm: ChecksumAlgorithm, _ expected: String) {
        var checksum = Checksum(algorithm)
        checksum.update([])
        #expect(Hex.encode(checksum.finish()) == expected)
    }

    @Test func `HMAC of RFC 4231, cases 1, 2 and 6`() {
        let one = HMACSHA256.authenticate(Array("Hi There".utf8), key: Array(repeating: 0x0b, count: 20))
        #expect(Hex.encode(one) == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
        let two = HMACSHA256.authenticate(Array("what do ya want for nothing?".utf8), key: Array("Jefe".utf8))
        #expect(Hex.encode(two) == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        let six = HMACSHA256.authenticate(
            Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
            key: Array(repeating: 0xaa, count: 131))
        #expect(Hex.encode(six) == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
    }

    @Test func `a code of nothing under no key is defined`() {
        #expect(
            Hex.encode(HMACSHA256.authenticate([], key: []))
                == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")
    }

    @Test func `names are those of the S3 model and come back`() {
        for algorithm in ChecksumAlgorithm.allCases {
            #expect(ChecksumAlgorithm(name: algorithm.name) == algorithm)
        }
        #expect(ChecksumAlgorithm(name: "crc32") == nil)
    }

    @Test func `a seeded block checksum goes on where the seed's bytes ended`() {
        let whole = BlockChecksum.of(digits, seed: 0)
        #expect(whole == 0xAE8B_1486_0A79_9888)
        #expect(BlockChecksum.of(Array(digits[4...]), seed: BlockChecksum.of(Array(digits[..<4]), seed: 0)) == whole)
        #expect(BlockChecksum.of(digits, seed: 1) != whole)
    }
}
