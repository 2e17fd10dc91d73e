import Base
import ObjectFormat
import Testing

/// Hostile bytes: decoders throw, never trap, and what they accept is what they would write.
@Suite struct RecordFuzzTests {
    struct SplitMix64: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    static func mutate(_ bytes: [UInt8], _ random: inout SplitMix64) -> [UInt8] {
        var bytes = bytes
        for _ in 0...Int.random(in: 0..<3, using: &random) {
            switch Int.random(in: 0..<4, using: &random) {
            case 0 where !bytes.isEmpty:
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            case 1 where !bytes.isEmpty: bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random))
            case 2:
                bytes.insert(
                    UInt8.random(in: 0...255, using: &random), at: Int.random(in: 0...bytes.count, using: &random))
            default:
                let at = Int.random(in: 0...bytes.count, using: &random)
                bytes.replaceSubrange(at..., with: (0..<Int.random(in: 0..<12, using: &random)).map { _ in 0xFF })
            }
        }
        return bytes
    }

    @Test func `damaged records are refused or read, and what is read is written back the same`() {
        let seed: UInt64 = 20_260_901
        var random = SplitMix64(state: seed), accepted = 0
        for round in 0..<6_000 {
            let context = "seed \(seed) round \(round)"
            let version = Self.mutate(
                round % 2 == 0 ? Samples.version.encoded() : Samples.versionOfParts.encoded(), &random)
            if let record = try? VersionRecord(decoding: version) {
                accepted += 1
                #expect((try? VersionRecord(decoding: record.encoded())) == record, "\(context)")
            }
            let upload = Self.mutate(Samples.completedUpload.encoded(), &random)
            if let record = try? UploadRecord(decoding: upload) {
                #expect((try? UploadRecord(decoding: record.encoded())) == record, "\(context)")
            }
            if let record = try? PartRecord(decoding: Self.mutate(Samples.part.encoded(), &random)) {
                #expect((try? PartRecord(decoding: record.encoded())) == record, "\(context)")
            }
            if let page = try? PartMapPage(decoding: Self.mutate(Samples.page.encoded(), &random)) {
                #expect((try? PartMapPage(decoding: page.encoded())) == page, "\(context)")
            }
            if let record = try? BucketRecord(decoding: Self.mutate(Samples.bucket.encoded(), &random)) {
                #expect((try? BucketRecord(decoding: record.encoded())) == record, "\(context)")
            }
            let document = Self.mutate(Samples.bucketDocument.encoded(), &random)
            if let record = try? BucketDocumentRecord(decoding: document) {
                #expect((try? BucketDocumentRecord(decoding: record.encoded())) == record, "\(context)")
            }
            _ = try? NullVersionRecord(
                decoding: Self.mutate(NullVersionRecord(Position(epoch: 1, sequence: 2)).encoded(), &random))
            _ = try? ToFreeRecord(
                decoding: Self.mutate(ToFreeRecord(.bucketUploads(BucketID(rawValue: 1))).encoded(), &random))
        }
        #expect(accepted > 100, "the fuzzer must reach what lies behind the first checks")
    }
}
