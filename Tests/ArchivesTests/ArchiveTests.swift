import Archives
import Testing

@Suite struct ArchiveTests {
    /// A header of the old form, with its checksum.
    static func header(name: String, size: String, type: Character) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: 512)
        block.replaceSubrange(0..<name.utf8.count, with: name.utf8)
        block.replaceSubrange(124..<(124 + size.utf8.count), with: size.utf8)
        block[156] = type.asciiValue ?? 0
        block.replaceSubrange(148..<156, with: repeatElement(UInt8(ascii: " "), count: 8))
        let sum = String(block.reduce(0) { $0 + Int($1) }, radix: 8)
        let digits = String(repeating: "0", count: 6 - sum.count) + sum
        block.replaceSubrange(148..<154, with: digits.utf8)
        block[154] = 0
        return block
    }

    @Test func `a header names a file and its size`() throws {
        var reader = TarReader()
        let step = try reader.take(Self.header(name: "a/b", size: "00000001750", type: "0"))
        #expect(step == .entry(TarEntry(name: Array("a/b".utf8), size: 1000, isDirectory: false)))
        #expect(try reader.take([UInt8](repeating: 0, count: 512)) == .end)
    }

    @Test func `a long name before a header replaces its name, once`() throws {
        var reader = TarReader()
        #expect(try reader.take(Self.header(name: "x", size: "5", type: "L")) == .extended(byteCount: 5))
        try reader.extend(Array("long\0".utf8))
        let named = try reader.take(Self.header(name: "x", size: "0", type: "0"))
        #expect(named == .entry(TarEntry(name: Array("long".utf8), size: 0, isDirectory: false)))
        let next = try reader.take(Self.header(name: "x", size: "0", type: "5"))
        #expect(next == .entry(TarEntry(name: Array("x".utf8), size: 0, isDirectory: true)))
    }

    @Test(arguments: 0..<512) func `a header with one byte changed is refused, or is another header`(_ index: Int)
        throws
    {
        var block = Self.header(name: "a", size: "7", type: "0")
        block[index] ^= 0xFF
        var reader = TarReader()
        // Bytes of the checksum itself may still say the same; every other change is seen.
        if !(148..<156).contains(index) {
            #expect(throws: ArchiveError.self) { try reader.take(block) }
        } else {
            _ = try? reader.take(block)
        }
    }

    @Test func `random bytes never trap`() throws {
        var state: UInt64 = 42
        func next() -> UInt8 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 56)
        }
        for round in 0..<3000 {
            var bytes = (0..<(round % 300)).map { _ in next() }
            var reader = TarReader()
            if case .extended? = try? reader.take(Self.header(name: "p", size: "7", type: "x")) {
                try? reader.extend(bytes)
            }
            if bytes.count > 50 { bytes.replaceSubrange(0..<4, with: [0x50, 0x4B, 1, 2]) }
            try? ZipDirectory.members(bytes) { _ in true }
            if bytes.count > 30 {
                bytes.replaceSubrange((bytes.count - 22)..<(bytes.count - 18), with: [0x50, 0x4B, 5, 6])
            }
            _ = try? ZipDirectory.place(tail: bytes, fileBytes: Int64(bytes.count))
            for kind in [Decoder.Kind.gzip, .deflate, .zstd] {
                let decoder = try Decoder(kind)
                var output = [UInt8](repeating: 0, count: 1000)
                _ = try? bytes.withUnsafeBytes { input in
                    try output.withUnsafeMutableBytes { try decoder.decode(input, into: $0) }
                }
            }
        }
    }

    @Test(arguments: [0, 1, 100, 100_000]) func `what is compressed is expanded again`(_ count: Int) throws {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 3) }
        let encoder = try Encoder()
        var packed: [UInt8] = []
        encoder.encode(Array(bytes.prefix(count / 2)), to: &packed, finish: false)
        encoder.encode(Array(bytes.dropFirst(count / 2)), to: &packed, finish: true)
        #expect(encoder.isFinished)
        let decoder = try Decoder(Decoder.Kind.of(packed))
        var output: [UInt8] = [], offset = 0, room = [UInt8](repeating: 0, count: 777)
        while true {
            let (used, made) = try packed.withUnsafeBytes { input in
                try room.withUnsafeMutableBytes { room in
                    try decoder.decode(UnsafeRawBufferPointer(rebasing: input[offset...]), into: room)
                }
            }
            offset += used
            output += room[..<made]
            if used == 0, made == 0 { break }
        }
        #expect(output == bytes && decoder.isWhole)
    }
}
