import Base
import Digests
import ObjectFormat
import Objects
import ObjectsTestSupport
import Testing

/// Random operations against a dictionary.
@Suite struct ModelTests {
    struct Expected {
        var bytes: [UInt8]
        var metadata: [NameValue]
        /// Pieces of data that the set keeps apart from rows.
        var large = 0
        var isOfParts = false

        init(bytes: [UInt8], metadata: [NameValue]) {
            self.bytes = bytes
            self.metadata = metadata
            large = bytes.count > 262_144 ? 1 : 0
        }

        /// Beyond 1 MiB an append is a part of its own.
        mutating func append(_ more: [UInt8]) {
            let isRewritten = !isOfParts && bytes.count <= 1 << 20
            bytes += more
            if isRewritten {
                large = bytes.count > 262_144 ? 1 : 0
            } else {
                isOfParts = true
                large += more.count > 262_144 ? 1 : 0
            }
        }
    }

    static let keys: [ObjectKey] = [
        "a", "a/", "a//", "a/b", "a\u{0}", "a\u{0}\u{0}b", "b", "é", "e\u{301}", "𐀀", "\u{FFFD}", "a/b/c", "A",
    ]
    static let sizes = [0, 1, 17, 4096, 65_536, 65_537, 200_000, 262_145, 1_100_000]

    @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64]) func `objects behave like a dictionary`(_ seed: UInt64) {
        Fixture.run(seed: seed, sets: seed % 2 == 0 ? 1 : 3) { fixture async throws in
            var random = SplitMix64(seed: seed), model: [ObjectKey: Expected] = [:]
            for step in 0..<160 {
                let key = Self.keys[Int.random(in: 0..<Self.keys.count, using: &random)]
                let context = "seed \(seed) step \(step) key \(key)"
                switch Int.random(in: 0..<13, using: &random) {
                case 0...3:
                    let size = Self.sizes[Int.random(in: 0..<Self.sizes.count, using: &random)]
                    let bytes = pattern(size, UInt64(step)), metadata = [NameValue(name: "step", value: "\(step)")]
                    let result = try await fixture.put(key, bytes) { $0.attributes.metadata = metadata }
                    #expect(result.etag == Hex.encode(MD5.of(bytes)), "\(context)")
                    #expect(result.checksum?.value == CRC64NVME.of(bytes), "\(context)")
                    model[key] = Expected(bytes: bytes, metadata: metadata)
                case 4:
                    try await fixture.delete(key)
                    model[key] = nil
                case 5:
                    let target = Self.keys[Int.random(in: 0..<Self.keys.count, using: &random)]
                    guard let source = model[key], target != key else { continue }
                    let copied = try await fixture.store.copy(
                        from: CopySource(bucket: fixture.bucket, key: key), to: fixture.bucket, target,
                        tenant: fixture.tenant, options: CopyOptions())
                    #expect(copied.put.etag == Hex.encode(MD5.of(source.bytes)), "\(context)")
                    model[target] = Expected(bytes: source.bytes, metadata: source.metadata)
                case 6, 7:
                    guard let expected = model[key] else {
                        let error = await failure { () async throws(ObjectError) in _ = try await fixture.read(key) }
                        #expect(name(error) == "noSuchKey", "\(context)")
                        continue
                    }
                    #expect(try await fixture.read(key) == expected.bytes, "\(context)")
                    guard expected.bytes.count > 1 else { continue }
                    let first = Int.random(in: 0..<expected.bytes.count, using: &random)
                    let last = Int.random(in: first..<expected.bytes.count, using: &random)
                    let range = try await fixture.read(key) { $0.selection = .from(Int64(first), to: Int64(last)) }
                    #expect(range == Array(expected.bytes[first...last]), "\(context) \(first)-\(last)")
                case 8:
                    guard let expected = model[key] else { continue }
                    let head = try await fixture.head(key)
                    #expect(head.object.size == Int64(expected.bytes.count), "\(context)")
                    #expect(head.object.attributes.metadata == expected.metadata, "\(context)")
                    #expect(head.object.key == key, "\(context)")
                case 9:
                    let target = Self.keys[Int.random(in: 0..<Self.keys.count, using: &random)]
                    let error = await failure { () async throws(ObjectError) in
                        try await fixture.store.rename(
                            fixture.bucket, from: key, to: target, tenant: fixture.tenant, options: RenameOptions())
                    }
                    // Keys of different sets.
                    if name(error) == "notBuilt", fixture.sets.count > 1 { continue }
                    #expect(name(error) == (model[key] == nil ? "noSuchKey" : "none"), "\(context)")
                    guard let moved = model.removeValue(forKey: key) else { continue }
                    model[target] = moved
                case 10, 11:
                    let size = Self.sizes[Int.random(in: 0..<Self.sizes.count, using: &random)]
                    let bytes = pattern(size, UInt64(step)), offset = Int64(model[key]?.bytes.count ?? 0)
                    let result = try await fixture.append(key, bytes, at: offset)
                    if model[key] == nil {
                        model[key] = Expected(bytes: bytes, metadata: [])
                    } else {
                        model[key]?.append(bytes)
                    }
                    let whole = model[key]?.bytes ?? []
                    #expect(result.size == Int64(whole.count), "\(context)")
                    #expect(result.checksum?.value == CRC64NVME.of(whole), "\(context)")
                    let wrong = await failure { () async throws(ObjectError) in
                        _ = try await fixture.append(key, [1], at: result.size + 1)
                    }
                    #expect(name(wrong) == "invalidWriteOffset", "\(context)")
                default:
                    #expect(try await fixture.allKeys() == model.keys.sorted(), "\(context)")
                }
            }
            let usage = try await fixture.store.usage(fixture.bucket, tenant: fixture.tenant)
            #expect(usage.objects == Int64(model.count), "seed \(seed)")
            #expect(usage.bytes == Int64(model.values.reduce(0) { $0 + $1.bytes.count }), "seed \(seed)")
            #expect(usage.versions == usage.objects, "seed \(seed)")
            for (key, expected) in model { #expect(try await fixture.read(key) == expected.bytes, "seed \(seed)") }
            try await fixture.store.sweepToFree()
            await fixture.expectNoLeaks(large: model.values.reduce(0) { $0 + $1.large })

            let requests = model.keys.sorted().map { DeleteRequest(key: $0) } + [DeleteRequest(key: "not there")]
            let results = try await fixture.store.deleteMany(fixture.bucket, requests, tenant: fixture.tenant)
            for result in results { #expect((try? result.get()) != nil, "seed \(seed)") }
            #expect(try await fixture.allKeys().isEmpty)
            #expect(try await fixture.store.usage(fixture.bucket, tenant: fixture.tenant) == Counter())
            try await fixture.store.sweepToFree()
            await fixture.expectNoLeaks(large: 0)
        }
    }

    @Test func `a self-copy may change metadata and must change something`() {
        Fixture.run { fixture async throws in
            let bytes = pattern(300_000)
            try await fixture.put("k", bytes) { $0.attributes.metadata = [NameValue(name: "a", value: "1")] }
            let source = CopySource(bucket: fixture.bucket, key: "k")
            let refused = await failure { () async throws(ObjectError) in
                _ = try await fixture.store.copy(
                    from: source, to: fixture.bucket, "k", tenant: fixture.tenant, options: CopyOptions())
            }
            #expect(name(refused) == "selfCopyWithoutChange")
            var options = CopyOptions()
            options.replacement = ObjectAttributes()
            options.replacement?.metadata = [NameValue(name: "b", value: "2")]
            options.checksum = .sha256
            let copied = try await fixture.store.copy(
                from: source, to: fixture.bucket, "k", tenant: fixture.tenant, options: options)
            #expect(copied.put.checksum == ObjectChecksum(algorithm: .sha256, value: SHA256.of(bytes)))
            let head = try await fixture.head("k")
            #expect(head.object.attributes.metadata == [NameValue(name: "b", value: "2")])
            #expect(try await fixture.read("k") == bytes)
            await fixture.expectNoLeaks(large: 1)
        }
    }

    @Test func `digests are what was asked for, and a refused body leaves nothing`() {
        struct Refused: Error {}
        Fixture.run { fixture async throws in
            let bytes = pattern(150_000)
            for knowsLength in [true, false] {
                for count in [0, 1000, 65_536, 150_000] {
                    let piece = Array(bytes.prefix(count))
                    let body = MemoryBody(piece, knowsLength: knowsLength, pieceBytes: 777)
                    var options = PutOptions()
                    options.checksum = .crc32c
                    options.wantsSHA256 = true
                    let result = try await fixture.store.put(
                        fixture.bucket, "k", tenant: fixture.tenant, options: options, body: body)
                    #expect(body.digests?.md5 == MD5.of(piece))
                    #expect(body.digests?.sha256 == SHA256.of(piece))
                    #expect(
                        body.digests?.checksums == [
                            ObjectChecksum(algorithm: .crc32c, value: CRC32C.of(piece) as [UInt8])
                        ])
                    #expect(result.checksum == body.digests?.checksums.first)
                    #expect(try await fixture.read("k") == piece)
                }
            }
            try await fixture.delete("k")
            for count in [100, 150_000] {
                for body in [
                    MemoryBody(Array(bytes.prefix(count)), refusal: BodyError(Refused())),
                    MemoryBody(Array(bytes.prefix(count)), pieceBytes: 10, failure: (50, BodyError(Refused()))),
                ] {
                    let error = await failure { () async throws(ObjectError) in
                        _ = try await fixture.store.put(
                            fixture.bucket, "k", tenant: fixture.tenant, options: PutOptions(), body: body)
                    }
                    guard case .body(let cause) = error else {
                        Issue.record("\(count): \(name(error))")
                        continue
                    }
                    #expect(cause.reason is Refused)
                }
            }
            #expect(try await fixture.allKeys().isEmpty)
            await fixture.expectNoLeaks(large: 0)
        }
    }

    @Test func `a commit that fails leaves nothing, one of unknown outcome is told by a read`() {
        Fixture.run(sets: 1) { fixture async throws in
            for size in [10, 400_000] {
                await fixture.sets[0].failNextCommit(.writeQuorumLost(detail: "test"))
                let error = await failure { () async throws(ObjectError) in try await fixture.put("k", pattern(size)) }
                #expect(name(error) == "writeUnavailable")
                #expect(try await fixture.allKeys().isEmpty)
                await fixture.expectNoLeaks(large: 0)
            }
            await fixture.sets[0].failNextCommit(.outcomeUnknown, applying: true)
            let error = await failure { () async throws(ObjectError) in try await fixture.put("k", pattern(400_000)) }
            #expect(name(error) == "outcomeUnknown")
            #expect(try await fixture.read("k") == pattern(400_000))
            await fixture.expectNoLeaks(large: 1)
        }
    }

    @Test func `limits`() {
        Fixture.run { fixture async throws in
            let long = ObjectKey([UInt8](repeating: 0x61, count: 1025))
            #expect(
                name(await failure { () async throws(ObjectError) in try await fixture.put(long, []) }) == "keyTooLong")
            #expect(
                name(await failure { () async throws(ObjectError) in try await fixture.put("", []) }) == "keyTooLong")
            let error = await failure { () async throws(ObjectError) in
                try await fixture.put("k", []) {
                    $0.attributes.metadata = [NameValue(name: "n", value: String(repeating: "v", count: 2048))]
                }
            }
            #expect(name(error) == "metadataTooLarge")
            let nul = ObjectKey([UInt8](repeating: 0, count: 1024))
            try await fixture.put(nul, [1])
            #expect(try await fixture.read(nul) == [1])
        }
    }
}
