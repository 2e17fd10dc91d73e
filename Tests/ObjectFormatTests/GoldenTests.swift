import Base
import Digests
import ObjectFormat
import Testing

/// What format version 1 looks like, byte for byte: a change here is a change of the format.
@Suite struct GoldenTests {
    static let goldens: [(name: String, encoded: [UInt8], hex: String)] = [
        (
            "version", Samples.version.encoded(),
            "01010203e0a712040815cd853dfe9c9717062064343164386364393866303062323034653938303039393865"
                + "63663834323765080b03010001020304050607080a2b010a746578742f706c61696e061d5468752c20303120"
                + "4a616e20313937302030303a30303a303020474d540c110206636f6c6f7572056772c3bc6e0161000e050101"
                + "6b0176100102130101151a03e0a712020203808004080706050403020118171615141312111604726f6f74190a0200003ef1ee275e1a02"
        ),
        (
            "version of parts", Samples.versionOfParts.encoded(),
            "010102058080808028040800ca9a3b00000000151d0408070605040302011817161514131211c80102000180"
                + "808080148101"
        ),
        ("delete marker", Samples.deleteMarker.encoded(), "01020408003665c4ffffffff"),
        (
            "upload", Samples.activeUpload.encoded(),
            "0101020800f2052a0100000004060204677a6970060501017801790e03050201"
                + "1d020001"
        ),
        (
            "completed upload", Samples.completedUpload.encoded(),
            "0102020800f2052a0100000004060204677a6970060501017801790e030502011008001a7118020000001205"
                + "6162632d32142305020207070707070707070707070707070707070707070707070707070707070707071601"
                + "4d1808001a7118020000001a1002000000000000000300000000000000"
                + "1d020001"
        ),
        (
            "part", Samples.part.encoded(),
            "010102010c040800bca065010000000620303132333435363738396162636465663031323334353637383961"
                + "62636465660807010100090807060b05020c040201"
        ),
        ("part map page", Samples.page.encoded(), "010364020a00010a020003050000000105020100010101010205010000"),
        (
            "bucket", Samples.bucket.encoded(),
            "01020208bbaa000000000000040401000000060670686f746f730808005ed0b2000000000a0975732d656173"
                + "742d310c04726f6f740f010110134275636b65744f776e6572456e666f72636564"
                + "130102150301011e"
        ),
        ("bucket document", Samples.bucketDocument.encoded(), "0105020800286bee0000000005073c434f52532f3e"),
        (
            "limits", Samples.limits.encoded(),
            "01"
                + Hex.encode(Array("requests=100/25 in=1048576 weight=3 bucket=5".utf8))
        ),
        (
            "to free", ToFreeRecord(.unusedParts(BucketID(rawValue: 5), Samples.upload)).encoded(),
            "0103050000000000000008070605040302011817161514131211"
        ),
        (
            "null version", NullVersionRecord(Position(epoch: 3, sequence: 0x0102)).encoded(),
            "0103000000000000000201000000000000"
        ),
    ]

    @Test(arguments: goldens.indices) func `a record is encoded as version 1 was`(_ index: Int) {
        let golden = Self.goldens[index]
        #expect(Hex.encode(golden.encoded) == golden.hex, "\(golden.name)")
    }

    @Test func `every record reads back`() throws {
        #expect(try LimitRecord(decoding: Samples.limits.encoded()) == Samples.limits)
        #expect(throws: FormatError.self) { try LimitRecord(decoding: [2]) }
        #expect(throws: FormatError.self) { try LimitRecord(decoding: [1] + Array("in=0".utf8)) }
        #expect(try VersionRecord(decoding: Samples.version.encoded()) == Samples.version)
        #expect(try VersionRecord(decoding: Samples.versionOfParts.encoded()) == Samples.versionOfParts)
        #expect(try VersionRecord(decoding: Samples.sharedVersion.encoded()) == Samples.sharedVersion)
        #expect(try UploadRecord(decoding: Samples.sharedUpload.encoded()) == Samples.sharedUpload)
        #expect(try VersionRecord(decoding: Samples.deleteMarker.encoded()) == Samples.deleteMarker)
        #expect(try UploadRecord(decoding: Samples.activeUpload.encoded()) == Samples.activeUpload)
        #expect(try UploadRecord(decoding: Samples.completedUpload.encoded()) == Samples.completedUpload)
        #expect(try PartRecord(decoding: Samples.part.encoded()) == Samples.part)
        #expect(try PartMapPage(decoding: Samples.page.encoded()) == Samples.page)
        #expect(try BucketRecord(decoding: Samples.bucket.encoded()) == Samples.bucket)
        #expect(try BucketDocumentRecord(decoding: Samples.bucketDocument.encoded()) == Samples.bucketDocument)
        let null = NullVersionRecord(Position(epoch: 7, sequence: 9))
        #expect(try NullVersionRecord(decoding: null.encoded()) == null)
        let map = PartitionMap(setCount: 3)
        #expect(try PartitionMap(decoding: map.encoded()) == map)
        for subject in [
            ToFreeRecord.Subject.upload(BucketID(rawValue: 1), Samples.upload), .bucketUploads(BucketID(rawValue: 2)),
            .unusedParts(BucketID(rawValue: 3), Samples.upload),
        ] {
            #expect(try ToFreeRecord(decoding: ToFreeRecord(subject).encoded()) == ToFreeRecord(subject))
        }
    }

    @Test func `every content header is kept`() throws {
        var record = Samples.version
        record.headers.contentEncoding = "gzip"
        record.headers.contentDisposition = "inline"
        record.headers.contentLanguage = "de"
        record.headers.cacheControl = "no-store"
        record.headers.websiteRedirect = "/elsewhere"
        #expect(try VersionRecord(decoding: record.encoded()) == record)
        // The redirect is the seventh and last of them.
        #expect(record.encoded().firstRange(of: [7, 10] + Array("/elsewhere".utf8)) != nil)
    }

    @Test func `a field from a later program is kept in its place, a critical one is refused`() throws {
        // Field 40 with three bytes, behind all known ones, and field 0 before them.
        let encoded = Samples.deleteMarker.encoded()
        let later = Array(encoded[..<2]) + [0, 1, 0xEE] + Array(encoded[2...]) + [80, 3, 1, 2, 3]
        var record = try VersionRecord(decoding: later)
        #expect(record.encoded() == later)
        record.owner = "somebody"
        #expect(Array(record.encoded().suffix(5)) == [80, 3, 1, 2, 3])
        #expect(throws: FormatError.unsupportedField(40)) { try VersionRecord(decoding: encoded + [81, 0]) }
    }

    @Test func `strictness`() {
        let encoded = Samples.version.encoded()
        #expect(throws: FormatError.unsupportedVersion(9)) { try VersionRecord(decoding: [9] + encoded.dropFirst()) }
        #expect(throws: FormatError.truncated) { try VersionRecord(decoding: []) }
        #expect(throws: FormatError.missing("last modified")) { try VersionRecord(decoding: [1, 1]) }
        #expect(throws: FormatError.self) { try VersionRecord(decoding: encoded.dropLast()) }
        // Size twice, and a varint longer than it need be.
        #expect(throws: FormatError.fieldOrder) { try VersionRecord(decoding: [1, 1, 2, 1, 5, 2, 1, 5]) }
        #expect(throws: FormatError.invalid("varint")) { try VersionRecord(decoding: [1, 1, 2, 2, 0x85, 0]) }
        #expect(throws: FormatError.trailingBytes) { try VersionRecord(decoding: [1, 1, 2, 2, 5, 5]) }
    }
}

@Suite struct PartitionTests {
    @Test func `SipHash-2-4 gives the published values`() {
        // From the reference implementation: messages 00, 00 01, … under the key 00 … 0F.
        let published: [(Int, UInt64)] = [
            (0, 0x726F_DB47_DD0E_0E31), (1, 0x74F8_39C5_93DC_67FD), (8, 0x93F5_F579_9A93_2462),
            (15, 0xA129_CA61_49BE_45E5),
        ]
        for (count, value) in published {
            var hash = SipHash24()
            for byte in 0..<count { hash.add(UInt8(byte)) }
            #expect(hash.finish() == value, "\(count) bytes")
        }
    }

    @Test func `a partition is the top twelve bits, for ever`() {
        #expect(Partition(bucket: BucketID(rawValue: 0x0001_0203_0405_0607), key: "").number == 0x93F)
        #expect(
            Partition(bucket: BucketID(rawValue: 0x0001_0203_0405_0607), key: "\u{8}\u{9}\u{A}\u{B}\u{C}\u{D}\u{E}")
                .number == 0xA12)
    }

    @Test func `keys spread evenly over sets`() {
        let map = PartitionMap(setCount: 3)
        var counts = [0, 0, 0]
        for index in 0..<30_000 {
            counts[map.set(of: Partition(bucket: BucketID(rawValue: 7), key: ObjectKey("key-\(index)")))] += 1
        }
        for count in counts { #expect((9_000...11_000).contains(count)) }
    }
}
