import Base
import Digests
import Drives
import ObjectFormat
import Objects
import ObjectsTestSupport
import Testing

extension Fixture {
    func begin(
        _ key: ObjectKey, _ configure: (inout CreateUploadOptions) -> Void = { _ in }
    ) async throws(ObjectError) -> UniqueID {
        var options = CreateUploadOptions()
        configure(&options)
        return try await store.createUpload(bucket, key, tenant: tenant, options: options).upload
    }

    @discardableResult
    func part(
        _ key: ObjectKey, _ upload: UniqueID, _ number: Int, _ bytes: [UInt8], checksum: ChecksumAlgorithm? = nil
    ) async throws(ObjectError) -> PartInfo {
        var options = PartOptions()
        options.checksum = checksum
        return try await store.uploadPart(
            bucket, key, upload: upload, number: number, tenant: tenant, options: options,
            body: MemoryBody(bytes, pieceBytes: 30_011))
    }

    func complete(
        _ key: ObjectKey, _ upload: UniqueID, _ claims: [PartClaim],
        _ configure: (inout CompleteOptions) -> Void = { _ in }
    ) async throws(ObjectError) -> PutResult {
        var options = CompleteOptions()
        configure(&options)
        return try await store.completeUpload(
            bucket, key, upload: upload, parts: claims, tenant: tenant, options: options)
    }

    func abort(_ key: ObjectKey, _ upload: UniqueID) async throws(ObjectError) {
        try await store.abortUpload(bucket, key, upload: upload, tenant: tenant)
    }

    var uploadRows: Int { get async { await rows(in: 0x20) } }
    /// Of null versions that are not the newest.
    var nullRows: Int { get async { await rows(in: 0x18) } }

    private func rows(in space: UInt8) async -> Int {
        var count = 0
        for set in sets { count += await set.rowKeys.count { $0.bytes.first == space } }
        return count
    }
}

extension PartClaim {
    init(_ part: PartInfo, withChecksum: Bool = false) {
        self.init(number: part.number, etag: part.etag, checksum: withChecksum ? part.checksum : nil)
    }
}

@Suite struct MultipartTests {
    /// Parts may be small here, but for the last test of the limit.
    static var limits: ObjectLimits {
        var limits = ObjectLimits()
        limits.partBytesMin = 10
        return limits
    }

    @Test(arguments: [1, 2, 3] as [UInt64]) func `parts make an object, read whole and in every range`(_ seed: UInt64) {
        Fixture.run(seed: seed, limits: Self.limits) { fixture async throws in
            let upload = try await fixture.begin("k") {
                $0.attributes.metadata = [NameValue(name: "a", value: "b")]
                $0.attributes.headers.contentType = "text/plain"
            }
            let sizes = [100, 300_000, 65_536, 70_000, 0]
            let numbers = [1, 3, 4, 100, 10_000]
            var claims: [PartClaim] = [], whole: [UInt8] = [], md5s: [UInt8] = []
            for (index, size) in sizes.enumerated().reversed() {
                let part = try await fixture.part("k", upload, numbers[index], pattern(size, UInt64(index)))
                claims.insert(PartClaim(part), at: 0)
            }
            for (index, size) in sizes.enumerated() { whole += pattern(size, UInt64(index)) }
            for claim in claims { md5s += Hex.decode(claim.etag) ?? [] }
            // An empty part may only be the last one, which it is.
            let done = try await fixture.complete("k", upload, claims)
            #expect(done.etag == Hex.encode(MD5.of(md5s)) + "-5")
            #expect(done.size == Int64(whole.count))
            #expect(done.checksum == ObjectChecksum(algorithm: .crc64nvme, value: CRC64NVME.of(whole)))
            #expect(try await fixture.read("k") == whole)
            let head = try await fixture.head("k")
            #expect(head.object.partCount == 5)
            #expect(head.object.attributes.headers.contentType == "text/plain")
            #expect(head.object.attributes.metadata == [NameValue(name: "a", value: "b")])

            for (first, last) in [
                (0, 0), (99, 100), (50, 300_500), (300_099, 300_100), (365_636, 435_635), (435_635, 435_635),
            ] {
                let range = try await fixture.read("k") { $0.selection = .from(Int64(first), to: Int64(last)) }
                #expect(range == Array(whole[first...last]), "\(first)-\(last)")
            }
            #expect(try await fixture.read("k") { $0.selection = .suffix(70_001) } == Array(whole.suffix(70_001)))
            for (index, number) in numbers.enumerated() {
                #expect(
                    try await fixture.read("k") { $0.selection = .part(number) } == pattern(sizes[index], UInt64(index))
                )
                let head = try await fixture.head("k") { $0.selection = .part(number) }
                #expect(head.isPartial)
                #expect(head.partChecksum?.value == CRC64NVME.of(pattern(sizes[index], UInt64(index))))
            }
            let missing = await failure { () async throws(ObjectError) in
                _ = try await fixture.head("k") { $0.selection = .part(2) }
            }
            #expect(name(missing) == "noSuchPart")
            await fixture.expectNoLeaks(large: 1)

            try await fixture.delete("k")
            try await fixture.store.sweepToFree()
            await fixture.expectNoLeaks(large: 0)
            // The completed marker is left, and goes after a day.
            #expect(await fixture.uploadRows == 1)
            fixture.time.advance(seconds: 24 * 3600 + 1)
            try await fixture.store.expireUploads()
            #expect(await fixture.uploadRows == 0)
            #expect(try await fixture.store.usage(fixture.bucket, tenant: fixture.tenant) == Counter())
        }
    }

    @Test func `claims that do not fit are refused, and the upload stays`() {
        Fixture.run { fixture async throws in
            let upload = try await fixture.begin("k")
            let small = try await fixture.part("k", upload, 1, pattern(100))
            let large = try await fixture.part("k", upload, 2, pattern(5 << 20))
            let last = try await fixture.part("k", upload, 3, pattern(7))
            let table: [(claims: [PartClaim], error: String)] = [
                ([], "invalidPart"),
                ([PartClaim(small), PartClaim(large)], "entityTooSmall"),
                ([PartClaim(large), PartClaim(small)], "invalidPartOrder"),
                ([PartClaim(large), PartClaim(large)], "invalidPartOrder"),
                ([PartClaim(number: 2, etag: last.etag)], "invalidPart"),
                ([PartClaim(number: 4, etag: last.etag)], "invalidPart"),
                ([PartClaim(number: 0, etag: last.etag)], "invalidPart"),
                ([PartClaim(number: 2, etag: "nonsense")], "invalidPart"),
            ]
            for (claims, expected) in table {
                let error = await failure { () async throws(ObjectError) in
                    _ = try await fixture.complete("k", upload, claims)
                }
                #expect(name(error) == expected, "\(claims)")
            }
            let wrong = await failure { () async throws(ObjectError) in
                _ = try await fixture.complete("k", upload, [PartClaim(large)]) { $0.expectedSize = 1 }
            }
            #expect(name(wrong) == "sizeMismatch")
            let digest = await failure { () async throws(ObjectError) in
                _ = try await fixture.complete("k", upload, [PartClaim(large)]) {
                    $0.checksum = ObjectChecksum(algorithm: .crc64nvme, value: Array(repeating: 0, count: 8))
                }
            }
            #expect(name(digest) == "badDigest")
            for (number, expected) in [(0, "invalidPartNumber"), (10_001, "invalidPartNumber")] {
                let error = await failure { () async throws(ObjectError) in
                    try await fixture.part("k", upload, number, [])
                }
                #expect(name(error) == expected)
            }
            let other = await failure { () async throws(ObjectError) in try await fixture.part("other", upload, 1, []) }
            #expect(name(other) == "noSuchUpload")
            _ = try await fixture.complete("k", upload, [PartClaim(large), PartClaim(last)])
            // The part that was not chosen went with the commit, and the object's are there.
            #expect(await fixture.uploadRows == 4)
        }
    }

    @Test func `the last of two parts with one number counts, and the first one's space is free`() {
        Fixture.run(limits: Self.limits) { fixture async throws in
            let upload = try await fixture.begin("k")
            let first = try await fixture.part("k", upload, 1, pattern(400_000, 1))
            let second = try await fixture.part("k", upload, 1, pattern(500_000, 2))
            await fixture.expectNoLeaks(large: 1)
            let stale = await failure { () async throws(ObjectError) in
                _ = try await fixture.complete("k", upload, [PartClaim(first)])
            }
            #expect(name(stale) == "invalidPart")
            _ = try await fixture.complete("k", upload, [PartClaim(second)])
            #expect(try await fixture.read("k") == pattern(500_000, 2))
        }
    }

    @Test func `a completion asked for again answers the same, a different one finds no upload`() {
        Fixture.run(limits: Self.limits) { fixture async throws in
            let upload = try await fixture.begin("k")
            let one = try await fixture.part("k", upload, 1, pattern(100, 1))
            let two = try await fixture.part("k", upload, 2, pattern(100, 2))
            let done = try await fixture.complete("k", upload, [PartClaim(one), PartClaim(two)])
            try await fixture.put("k", [1])
            fixture.time.advance(seconds: 3600)
            let again = try await fixture.complete("k", upload, [PartClaim(one), PartClaim(two)])
            #expect(again.etag == done.etag)
            #expect(again.lastModified == done.lastModified)
            #expect(again.checksum == done.checksum)
            #expect(try await fixture.read("k") == [1])
            let other = await failure { () async throws(ObjectError) in
                _ = try await fixture.complete("k", upload, [PartClaim(one)])
            }
            let part = await failure { () async throws(ObjectError) in try await fixture.part("k", upload, 3, []) }
            let abort = await failure { () async throws(ObjectError) in try await fixture.abort("k", upload) }
            #expect([name(other), name(part), name(abort)] == ["noSuchUpload", "noSuchUpload", "noSuchUpload"])
        }
    }

    @Test func `conditions hold at completion`() {
        Fixture.run(limits: Self.limits) { fixture async throws in
            let upload = try await fixture.begin("k")
            let part = try await fixture.part("k", upload, 1, pattern(100))
            let put = try await fixture.put("k", [1])
            let exists = await failure { () async throws(ObjectError) in
                _ = try await fixture.complete("k", upload, [PartClaim(part)]) { $0.conditions.ifNoneMatch = .any }
            }
            #expect(name(exists) == "preconditionFailed")
            _ = try await fixture.complete("k", upload, [PartClaim(part)]) { $0.conditions.ifMatch = .tags([put.etag]) }
            #expect(try await fixture.read("k") == pattern(100))
        }
    }

    @Test func `checksums of parts make that of the object`() {
        Fixture.run(limits: Self.limits) { fixture async throws in
            let pieces = [pattern(100_000, 1), pattern(20, 2), pattern(70_000, 3)], whole = pieces.flatMap { $0 }
            for algorithm in ChecksumAlgorithm.allCases {
                for type in [ChecksumType.fullObject, .composite] {
                    let context = "\(algorithm) \(type)"
                    let allowed = type == .fullObject ? algorithm.isCombinable : algorithm != .crc64nvme
                    let upload: UniqueID
                    do throws(ObjectError) {
                        upload = try await fixture.begin("k") {
                            $0.checksum = algorithm
                            $0.checksumType = type
                        }
                        #expect(allowed, "\(context)")
                    } catch {
                        #expect(!allowed && name(error) == "checksumMismatch", "\(context)")
                        continue
                    }
                    var parts: [PartInfo] = []
                    for (index, piece) in pieces.enumerated() {
                        parts.append(try await fixture.part("k", upload, index + 1, piece, checksum: algorithm))
                    }
                    let wrong: ChecksumAlgorithm = algorithm == .sha1 ? .sha256 : .sha1
                    let mismatch = await failure { () async throws(ObjectError) in
                        try await fixture.part("k", upload, 4, [], checksum: wrong)
                    }
                    #expect(name(mismatch) == "checksumMismatch", "\(context)")
                    var wrongClaims = parts.map { PartClaim($0, withChecksum: true) }
                    wrongClaims[1].checksum = wrongClaims[0].checksum
                    let invalid = await failure { [wrongClaims] () async throws(ObjectError) in
                        _ = try await fixture.complete("k", upload, wrongClaims)
                    }
                    #expect(name(invalid) == "invalidPart", "\(context)")
                    let done = try await fixture.complete("k", upload, parts.map { PartClaim($0, withChecksum: true) })
                    var expected = Checksum(algorithm)
                    if type == .fullObject {
                        expected.update(whole)
                    } else {
                        for part in parts { expected.update(part.checksum?.value ?? []) }
                    }
                    #expect(done.checksum?.value == expected.finish(), "\(context)")
                    #expect(done.checksum?.type == type, "\(context)")
                    #expect(done.checksum?.partCount == (type == .composite ? 3 : 0), "\(context)")
                }
            }
        }
    }

    @Test func `a reader keeps the parts of an object that was deleted`() {
        Fixture.run(sets: 1, limits: Self.limits) { fixture async throws in
            let upload = try await fixture.begin("k")
            let parts = [
                try await fixture.part("k", upload, 1, pattern(400_000, 1)),
                try await fixture.part("k", upload, 2, pattern(400_000, 2)),
            ]
            _ = try await fixture.complete("k", upload, parts.map { PartClaim($0) })
            let opened = try await fixture.store.get(fixture.bucket, "k", tenant: fixture.tenant, options: GetOptions())
            try await fixture.delete("k")
            try await fixture.store.sweepToFree()
            #expect(try await Fixture.drain(opened.reader) == pattern(400_000, 1) + pattern(400_000, 2))
            try await fixture.store.sweepToFree()
            await fixture.expectNoLeaks(large: 0)
        }
    }

    @Test func `aborted and stale uploads free their space`() {
        Fixture.run(limits: Self.limits) { fixture async throws in
            let aborted = try await fixture.begin("k")
            for number in 1...5 { try await fixture.part("k", aborted, number, pattern(300_000)) }
            try await fixture.abort("k", aborted)
            try await fixture.store.sweepToFree()
            await fixture.expectNoLeaks(large: 0)
            #expect(await fixture.uploadRows == 0)

            let stale = try await fixture.begin("k")
            try await fixture.part("k", stale, 1, pattern(300_000))
            fixture.time.advance(seconds: 13 * 24 * 3600)
            try await fixture.store.expireUploads()
            try await fixture.part("k", stale, 2, pattern(300_000))
            fixture.time.advance(seconds: 24 * 3600 + 1)
            try await fixture.store.expireUploads()
            try await fixture.store.sweepToFree()
            await fixture.expectNoLeaks(large: 0)
            #expect(await fixture.uploadRows == 0)
        }
    }

    @Test func `uploads go with their bucket`() {
        Fixture.run(sets: 3) { fixture async throws in
            for key in ["a", "b", "c", "d"] as [ObjectKey] {
                let upload = try await fixture.begin(key)
                try await fixture.part(key, upload, 1, pattern(300_000))
            }
            try await fixture.store.deleteBucket(fixture.bucket, tenant: fixture.tenant)
            try await fixture.store.sweepToFree()
            await fixture.expectNoLeaks(large: 0)
            #expect(await fixture.uploadRows == 0)
            for set in fixture.sets {
                #expect(await set.rowKeys.count { $0.bytes.starts(with: StoreKeys.toFree) } == 0)
            }
        }
    }

    @Test func `ten thousand parts`() {
        Fixture.run(sets: 1, limits: Self.limits) { fixture async throws in
            let upload = try await fixture.begin("k") {
                $0.checksum = .sha256
            }
            var claims: [PartClaim] = [], whole: [UInt8] = []
            for number in 1...10_000 {
                let bytes = withUnsafeBytes(of: UInt64(number)) { Array($0) } + [1, 2, 3, 4]
                claims.append(
                    PartClaim(try await fixture.part("k", upload, number, bytes, checksum: .sha256), withChecksum: true)
                )
                whole += bytes
            }
            // Not chosen: more than a commit frees by itself.
            let chosen = claims.filter { $0.number % 10 != 0 }
            let expected = whole.enumerated().filter { ($0.offset / 12 + 1) % 10 != 0 }.map(\.element)
            // An attempt that fails after its map was staged leaves pages behind.
            await fixture.sets[0].failCommit(after: 10, .writeQuorumLost(detail: "test"))
            let failed = await failure { () async throws(ObjectError) in
                _ = try await fixture.complete("k", upload, claims)
            }
            #expect(name(failed) == "writeUnavailable")
            let done = try await fixture.complete("k", upload, chosen)
            #expect(done.size == Int64(expected.count))
            try await fixture.store.sweepToFree()
            #expect(await fixture.uploadRows == 9_000 + 71 + 1)
            #expect(try await fixture.read("k") == expected)
            #expect(try await fixture.read("k") { $0.selection = .part(9_999) } == Array(expected.suffix(12)))
            #expect(
                try await fixture.read("k") { $0.selection = .from(50_000, to: 50_100) }
                    == Array(expected[50_000...50_100]))
            await fixture.expectNoLeaks()
            try await fixture.delete("k")
            try await fixture.store.sweepToFree()
            #expect(await fixture.uploadRows == 1)
            await fixture.expectNoLeaks()
        }
    }

    @Test func `parts are copied from objects, whole or in ranges`() {
        Fixture.run(limits: Self.limits) { fixture async throws in
            let bytes = pattern(400_000)
            try await fixture.put("source", bytes)
            let upload = try await fixture.begin("k")
            let source = CopySource(bucket: fixture.bucket, key: "source")
            var parts: [PartInfo] = []
            for (number, range) in [(1, nil), (2, ByteRange(offset: 1000, count: 50_000))] as [(Int, ByteRange?)] {
                parts.append(
                    try await fixture.store.uploadPartCopy(
                        from: source, range: range, to: fixture.bucket, "k", upload: upload, number: number,
                        tenant: fixture.tenant
                    ).part)
            }
            let past = await failure { () async throws(ObjectError) in
                _ = try await fixture.store.uploadPartCopy(
                    from: source, range: ByteRange(offset: 399_999, count: 2), to: fixture.bucket, "k", upload: upload,
                    number: 3, tenant: fixture.tenant)
            }
            #expect(name(past) == "invalidRange")
            _ = try await fixture.complete("k", upload, parts.map { PartClaim($0) })
            #expect(try await fixture.read("k") == bytes + bytes[1000..<51_000])
            // A copy of an object made of parts is one piece, with the ETag of one.
            let copied = try await fixture.store.copy(
                from: CopySource(bucket: fixture.bucket, key: "k"), to: fixture.bucket, "copy", tenant: fixture.tenant,
                options: CopyOptions())
            #expect(copied.put.etag == Hex.encode(MD5.of(bytes + bytes[1000..<51_000])))
            #expect(copied.put.checksum?.value == CRC64NVME.of(bytes + Array(bytes[1000..<51_000])))
            await fixture.expectNoLeaks()
        }
    }

    @Test(arguments: 1...15 as ClosedRange<UInt64>) func `completion, abort and late parts agree on one outcome`(
        _ seed: UInt64
    ) {
        Fixture.run(seed: seed, sets: 1, limits: Self.limits) { fixture async throws in
            let upload = try await fixture.begin("k")
            let part = try await fixture.part("k", upload, 1, pattern(300_000))
            let outcomes = Shared<[String: String]>([:])
            await withTaskGroup(of: Void.self) { group in
                for who in ["complete", "abort", "part", "complete again"] {
                    group.addTask {
                        let error = await failure { () async throws(ObjectError) in
                            switch who {
                            case "abort": try await fixture.abort("k", upload)
                            case "part": try await fixture.part("k", upload, 1, pattern(300_000, 9))
                            default: _ = try await fixture.complete("k", upload, [PartClaim(part)])
                            }
                        }
                        outcomes.withLock { $0[who] = name(error) }
                    }
                }
            }
            let found = outcomes.withLock { $0 }
            try await fixture.store.sweepToFree()
            let exists = try await !fixture.allKeys().isEmpty
            #expect((found["complete"] == "none") == exists, "seed \(seed): \(found)")
            #expect(found["complete again"] == found["complete"], "seed \(seed): \(found)")
            if exists {
                #expect(found["abort"] == "noSuchUpload", "seed \(seed): \(found)")
                #expect(try await fixture.read("k") == pattern(300_000), "seed \(seed)")
            }
            await fixture.expectNoLeaks(large: exists ? 1 : (found["abort"] == "none" ? 0 : 1))
        }
    }

    @Test func `uploads and parts are listed in order and in pages`() {
        Fixture.run(sets: 3) { fixture async throws in
            let keys: [ObjectKey] = ["a", "a", "a/1", "a/2", "b", "b/x", "b/x", "c"]
            var all: [String] = []
            for key in keys {
                fixture.time.advance(seconds: 1)
                all.append("\(key) \(try await fixture.begin(key))")
            }
            for (prefix, delimiter, expected) in [
                ("", "", all), ("a", "", Array(all[..<4])), ("a/", "/", Array(all[2..<4])),
                ("", "/", [all[0], all[1], "a/", all[4], "b/", all[7]]),
            ] as [(ObjectKey, ObjectKey, [String])] {
                for limit in [1, 2, 5, 1000] {
                    var options = ListUploadsOptions(), found: [String] = []
                    (options.prefix, options.delimiter, options.limit) = (prefix, delimiter, limit)
                    while true {
                        let page = try await fixture.store.listUploads(
                            fixture.bucket, tenant: fixture.tenant, options: options)
                        for entry in page.entries {
                            switch entry {
                            case .upload(let info): found.append("\(info.key) \(info.upload)")
                            case .commonPrefix(let prefix): found.append("\(prefix)")
                            }
                        }
                        guard let next = page.next, found.count < 50 else { break }
                        options.keyMarker = next.key
                        options.uploadMarker = next.upload?.description
                    }
                    #expect(found == expected, "prefix \(prefix) delimiter \(delimiter) limit \(limit)")
                }
            }
            let upload = try await fixture.begin("parts")
            for number in [1, 2, 5, 300, 10_000] { try await fixture.part("parts", upload, number, [1]) }
            for limit in [1, 2, 5, 1000] {
                var options = ListPartsOptions(), found: [Int] = []
                options.limit = limit
                while true {
                    let page = try await fixture.store.listParts(
                        fixture.bucket, "parts", upload: upload, tenant: fixture.tenant, options: options)
                    found += page.parts.map(\.number)
                    guard let next = page.next else { break }
                    options.marker = next
                }
                #expect(found == [1, 2, 5, 300, 10_000], "limit \(limit)")
            }
        }
    }
}
