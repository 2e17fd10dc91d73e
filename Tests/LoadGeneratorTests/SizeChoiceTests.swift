import LoadGenerator
import Testing

@Suite struct SizeChoiceTests {
    /// The middle bits of a counter times an odd number: even enough for shares, and always the same.
    static func drawn(_ choice: SizeChoice, count: Int = 20_000) -> [Int] {
        (0..<count).map { number in
            let first = (UInt64(number) &* 0x9E37_79B9_7F4A_7C15) >> 20
            let second = (UInt64(number) &+ 77) &* 0xD134_2543_DE82_EF95
            return choice.choose(first, within: second)
        }
    }

    @Test func `sizes are read with units and weights`() throws {
        #expect(SizeChoice("4KiB")?.parts == SizeChoice(bytes: 4096).parts)
        let choice = try #require(SizeChoice("4KiB:70,1MiB=25,64MiB:5"))
        #expect(choice.parts.map(\.largest) == [4096, 1 << 20, 64 << 20])
        #expect(choice.parts.map(\.weight) == [70, 25, 5])
        #expect(choice.largest == 64 << 20)
        let ranges = try #require(SizeChoice("1KiB..2KiB:3,log:1MiB..8MiB"))
        #expect(ranges.parts.map(\.isLogarithmic) == [false, true])
        #expect(ranges.parts.map(\.weight) == [3, 1])
    }

    @Test(arguments: [
        "", ",", "4KiB,", "four", "4KiB:0", "4KiB:-1", "4KiB:1000001", "9223372036854775807GiB", "8KiB..4KiB",
        "log:4KiB",
        "..4KiB", "4KiB..", "-1", "4KiB:99999999999999999999",
    ])
    func `what is no size is refused`(_ text: String) {
        #expect(SizeChoice(text) == nil)
    }

    @Test func `shares are kept`() throws {
        let sizes = Self.drawn(try #require(SizeChoice("4KiB:70,1MiB:25,64MiB:5")))
        for (size, share) in [(4096, 0.7), (1 << 20, 0.25), (64 << 20, 0.05)] {
            let found = Double(sizes.count { $0 == size }) / Double(sizes.count)
            #expect((found - share).magnitude < 0.02, "\(size): \(found)")
        }
    }

    @Test func `an even range has its mean in the middle, a logarithmic one a decade in each decade`() throws {
        let even = Self.drawn(try #require(SizeChoice("1000..100000")))
        #expect(even.allSatisfy { (1000...100_000).contains($0) })
        let mean = even.reduce(0, +) / even.count
        #expect((49_000...52_000).contains(mean), "\(mean)")
        let logarithmic = Self.drawn(try #require(SizeChoice("log:1000..100000")))
        #expect(logarithmic.allSatisfy { (1000...100_000).contains($0) })
        let low = Double(logarithmic.count { $0 < 10_000 }) / Double(logarithmic.count)
        #expect((0.48...0.52).contains(low), "\(low)")
        #expect(Self.drawn(try #require(SizeChoice("log:0..10"))).allSatisfy { (0...10).contains($0) })
    }
}
