import Base
import Digests
import Drives
import ObjectFormat
import Objects
import ObjectsTestSupport
import Testing

/// Random operations on versions against a list of versions for each key.
@Suite struct VersionModelTests {
    struct Version {
        var id: VersionID
        var isMarker = false
        var bytes: [UInt8] = []
        var tags: [NameValue] = []
        var lock = VersionLock()
    }

    /// What the bucket must look like: of each key the versions, newest first.
    struct Model {
        var versioning = Versioning.unversioned
        var keys: [ObjectKey: [Version]] = [:]

        var all: [(key: ObjectKey, version: Version)] {
            keys.sorted { $0.key < $1.key }.flatMap { entry in entry.value.map { (entry.key, $0) } }
        }
        var usage: Counter {
            var usage = Counter()
            for (_, versions) in keys {
                if versions.first?.isMarker == false { usage.objects += 1 }
                for version in versions where !version.isMarker {
                    usage.versions += 1
                    usage.bytes += Int64(version.bytes.count)
                }
            }
            return usage
        }

        mutating func add(_ version: Version, to key: ObjectKey) {
            if versioning != .enabled { keys[key, default: []].removeAll { $0.id == .null } }
            keys[key, default: []].insert(version, at: 0)
        }

        mutating func remove(_ id: VersionID, from key: ObjectKey) {
            keys[key]?.removeAll { $0.id == id }
            if keys[key]?.isEmpty == true { keys[key] = nil }
        }
    }

    static let keys: [ObjectKey] = ["a", "a/", "a/b", "a\u{0}", "b"]
    static let sizes = [0, 1, 4096, 65_537, 262_145]

    @Test(arguments: 1...10 as ClosedRange<UInt64>) func `versions behave like lists`(_ seed: UInt64) {
        Fixture.run(seed: seed, sets: seed % 2 == 0 ? 1 : 3, limits: MultipartTests.limits) { fixture async throws in
            let run = Run(fixture, seed: seed)
            for step in 0..<140 { try await run.step(step) }
            try await run.checkAll()
            try await run.removeAll()
        }
    }

    /// One run. Used by one task.
    final class Run {
        let fixture: Fixture
        var random: SplitMix64
        var model = Model()
        let isLocking: Bool
        var context = ""

        init(_ fixture: Fixture, seed: UInt64) {
            self.fixture = fixture
            random = SplitMix64(seed: seed)
            isLocking = seed % 3 == 0
            context = "seed \(seed)"
        }

        var now: Timestamp { fixture.time.now() }
        func pick<Element>(_ elements: [Element]) -> Element? { elements.randomElement(using: &random) }
        /// A version of the key, or one that is none.
        func version(of key: ObjectKey) -> VersionID {
            let known = (model.keys[key] ?? []).map(\.id)
            return pick(known + [.null, .id(Position(epoch: 1, sequence: 1 << 40))]) ?? .null
        }

        func step(_ step: Int) async throws {
            if step == 10, isLocking {
                try await setVersioning(true)
                try await fixture.store.setObjectLock(fixture.bucket, tenant: fixture.tenant, default: nil)
            }
            guard let key = pick(VersionModelTests.keys) else { return }
            context = "\(context.prefix { $0 != ":" }): step \(step) key \(key)"
            fixture.time.advance(seconds: 30)
            switch Int.random(in: 0..<16, using: &random) {
            case 0...3: try await put(key, step)
            case 4: try await upload(key, step)
            case 5, 6: try await delete(key)
            case 7, 8: try await delete(key, version(of: key))
            case 9: try await deleteMany()
            case 10: try await setTags(key, version(of: key), "\(step)")
            case 11 where isLocking && step > 10: try await hold(key, version(of: key))
            case 11: try await setVersioning(Bool.random(using: &random))
            case 12: try await copy(key)
            case 13, 14: try await read(key, Bool.random(using: &random) ? version(of: key) : nil)
            default: try await checkListings()
            }
        }

        func setVersioning(_ isEnabled: Bool) async throws {
            if isLocking, model.versioning == .enabled { return }
            try await fixture.store.setVersioning(fixture.bucket, tenant: fixture.tenant, enabled: isEnabled)
            model.versioning = isEnabled ? .enabled : .suspended
            #expect(try fixture.store.bucket(fixture.bucket, tenant: fixture.tenant).versioning == model.versioning)
        }

        func expect(_ result: PutResult, _ version: Version, _ key: ObjectKey) {
            var version = version
            switch model.versioning {
            case .unversioned: #expect(result.version == nil, "\(context)")
            case .suspended: #expect(result.version == .null, "\(context)")
            case .enabled:
                if case .id? = result.version {} else { Issue.record("\(context): no version id") }
            }
            version.id = result.version ?? .null
            model.add(version, to: key)
        }

        func put(_ key: ObjectKey, _ step: Int) async throws {
            var version = Version(id: .null, bytes: pattern(pick(VersionModelTests.sizes) ?? 0, UInt64(step)))
            if isLocking, step > 10, Bool.random(using: &random) {
                let mode: RetentionMode = Bool.random(using: &random) ? .governance : .compliance
                version.lock.retention = Retention(
                    mode: mode, until: Timestamp(nanoseconds: now.nanoseconds + 600_000_000_000))
            }
            let made = version
            let result = try await fixture.put(key, made.bytes) { $0.lock = made.lock }
            expect(result, made, key)
        }

        func upload(_ key: ObjectKey, _ step: Int) async throws {
            let upload = try await fixture.begin(key), bytes = pattern(1000, UInt64(step))
            let first = try await fixture.part(key, upload, 1, Array(bytes[..<600]))
            let second = try await fixture.part(key, upload, 2, Array(bytes[600...]))
            let result = try await fixture.complete(key, upload, [PartClaim(first), PartClaim(second)])
            expect(result, Version(id: .null, bytes: bytes), key)
        }

        func copy(_ key: ObjectKey) async throws {
            guard let target = pick(VersionModelTests.keys), target != key, let source = model.keys[key]?.last,
                !source.isMarker
            else { return }
            let result = try await fixture.store.copy(
                from: CopySource(bucket: fixture.bucket, key: key, version: source.id), to: fixture.bucket, target,
                tenant: fixture.tenant, options: CopyOptions())
            #expect(result.sourceVersion == (source.id == .null ? nil : source.id), "\(context)")
            expect(result.put, Version(id: .null, bytes: source.bytes, tags: source.tags), target)
        }

        func delete(_ key: ObjectKey) async throws {
            let result = try await fixture.delete(key)
            expectDeletion(result, key)
        }

        func expectDeletion(_ result: DeleteResult, _ key: ObjectKey) {
            guard model.versioning != .unversioned else {
                #expect(result.deleteMarker == nil && result.version == nil, "\(context)")
                return model.remove(.null, from: key)
            }
            guard let marker = result.deleteMarker else {
                Issue.record("\(context): no delete marker")
                return
            }
            #expect((marker == .null) == (model.versioning == .suspended), "\(context)")
            model.add(Version(id: marker, isMarker: true), to: key)
        }

        func delete(_ key: ObjectKey, _ id: VersionID) async throws {
            let bypasses = Bool.random(using: &random)
            let found = model.keys[key]?.first { $0.id == id }
            if found?.lock.forbidsRemoval(at: now, bypassingGovernance: bypasses) == true {
                let error = await failure { () async throws(ObjectError) in
                    try await fixture.delete(key) {
                        $0.version = id
                        $0.bypassesGovernance = bypasses
                    }
                }
                #expect(name(error) == "objectLocked", "\(context)")
                return
            }
            let result = try await fixture.delete(key) {
                $0.version = id
                $0.bypassesGovernance = bypasses
            }
            #expect(result.version == id, "\(context)")
            #expect(result.deleteMarker == (found?.isMarker == true ? id : nil), "\(context)")
            model.remove(id, from: key)
        }

        func deleteMany() async throws {
            var requests: [DeleteRequest] = []
            for key in VersionModelTests.keys where Bool.random(using: &random) {
                var options = DeleteOptions()
                if Bool.random(using: &random) { options.version = version(of: key) }
                requests.append(DeleteRequest(key: key, options: options))
            }
            let results = try await fixture.store.deleteMany(fixture.bucket, requests, tenant: fixture.tenant)
            for (request, result) in zip(requests, results) {
                let found = model.keys[request.key]?.first { $0.id == request.options.version }
                if let found, found.lock.forbidsRemoval(at: now, bypassingGovernance: false) {
                    #expect(throws: ObjectError.self, "\(context)") { try result.get() }
                } else if let id = request.options.version {
                    #expect(try result.get().deleteMarker == (found?.isMarker == true ? id : nil), "\(context)")
                    model.remove(id, from: request.key)
                } else {
                    expectDeletion(try result.get(), request.key)
                }
            }
        }

        func index(_ key: ObjectKey, _ id: VersionID) -> Int? { model.keys[key]?.firstIndex { $0.id == id } }

        func setTags(_ key: ObjectKey, _ id: VersionID, _ value: String) async throws {
            let tags = [NameValue(name: "step", value: value)]
            guard let index = index(key, id), model.keys[key]?[index].isMarker == false else {
                let error = await failure { () async throws(ObjectError) in
                    _ = try await fixture.store.setTags(
                        fixture.bucket, key, version: id, tenant: fixture.tenant, tags: tags)
                }
                #expect(
                    name(error) == (self.index(key, id) == nil ? "noSuchVersion" : "methodNotAllowedOnDeleteMarker"),
                    "\(context)")
                return
            }
            let changed = try await fixture.store.setTags(
                fixture.bucket, key, version: id, tenant: fixture.tenant, tags: tags)
            #expect(changed == id, "\(context)")
            model.keys[key]?[index].tags = tags
        }

        func hold(_ key: ObjectKey, _ id: VersionID) async throws {
            guard let index = index(key, id), model.keys[key]?[index].isMarker == false else { return }
            let isOn = Bool.random(using: &random)
            try await fixture.store.setLegalHold(
                fixture.bucket, key, version: id, tenant: fixture.tenant, isOn: isOn)
            model.keys[key]?[index].lock.legalHold = isOn
        }

        func read(_ key: ObjectKey, _ id: VersionID?) async throws {
            let versions = model.keys[key] ?? []
            let found = id.map { id in versions.first { $0.id == id } } ?? versions.first
            guard let found, !found.isMarker else {
                let error = await failure { () async throws(ObjectError) in
                    _ = try await fixture.read(key) { $0.version = id }
                }
                let expected =
                    id == nil ? "noSuchKey" : found == nil ? "noSuchVersion" : "methodNotAllowedOnDeleteMarker"
                #expect(name(error) == expected, "\(context)")
                return
            }
            #expect(try await fixture.read(key) { $0.version = id } == found.bytes, "\(context)")
            let head = try await fixture.head(key) { $0.version = id }.object
            #expect(head.version == found.id && head.attributes.tags == found.tags, "\(context)")
            #expect(head.lock == found.lock, "\(context)")
        }

        func checkListings() async throws {
            let current = model.keys.filter { $0.value.first?.isMarker == false }.keys.sorted()
            #expect(try await fixture.allKeys() == current, "\(context)")
            var options = ListVersionsOptions(),
                listed: [(key: ObjectKey, id: VersionID, latest: Bool, marker: Bool)] = []
            options.limit = Int.random(in: 1...5, using: &random)
            while true {
                let page = try await fixture.store.listVersions(
                    fixture.bucket, tenant: fixture.tenant, options: options)
                for case .version(let info, let isLatest) in page.entries {
                    listed.append((info.key, info.version, isLatest, info.isDeleteMarker))
                }
                guard let next = page.next else { break }
                (options.keyMarker, options.versionMarker) = (next.key, next.version)
            }
            let expected = model.all
            #expect(listed.map(\.key) == expected.map(\.key), "\(context)")
            #expect(listed.map(\.id) == expected.map(\.version.id), "\(context)")
            #expect(listed.map(\.marker) == expected.map(\.version.isMarker), "\(context)")
            #expect(
                listed.map(\.latest) == expected.map { model.keys[$0.key]?.first?.id == $0.version.id }, "\(context)")
        }

        func checkAll() async throws {
            try await checkListings()
            for (key, version) in model.all { try await read(key, version.id) }
            #expect(
                try await fixture.store.usage(fixture.bucket, tenant: fixture.tenant) == model.usage, "\(context)")
            await fixture.expectNoLeaks(large: model.all.count { $0.version.bytes.count > 262_144 })
            // Where the null version stands is written down exactly while it is not the newest.
            let buried = model.keys.values.filter { $0.dropFirst().contains { $0.id == .null } }.count
            #expect(await fixture.nullRows == buried, "\(context)")
        }

        /// Everything goes, and with it all space.
        func removeAll() async throws {
            fixture.time.advance(seconds: 3600)
            for (key, version) in model.all where version.lock.legalHold == true {
                try await fixture.store.setLegalHold(
                    fixture.bucket, key, version: version.id, tenant: fixture.tenant, isOn: false)
            }
            let requests = model.all.map { entry in
                var options = DeleteOptions()
                options.version = entry.version.id
                return DeleteRequest(key: entry.key, options: options)
            }
            for result in try await fixture.store.deleteMany(fixture.bucket, requests, tenant: fixture.tenant) {
                _ = try result.get()
            }
            #expect(try await fixture.store.usage(fixture.bucket, tenant: fixture.tenant) == Counter(), "\(context)")
            try await fixture.store.sweepToFree()
            fixture.time.advance(seconds: 24 * 3600 + 1)
            try await fixture.store.expireUploads()
            #expect(await fixture.uploadRows == 0, "\(context)")
            #expect(await fixture.nullRows == 0, "\(context)")
            await fixture.expectNoLeaks(large: 0)
            try await fixture.store.deleteBucket(fixture.bucket, tenant: fixture.tenant)
        }
    }
}

@Suite struct VersioningRaceTests {
    /// A write that began without versioning must not replace a version that was acknowledged with it.
    @Test(arguments: 1...12 as ClosedRange<UInt64>) func `no version made after enabling is lost`(_ seed: UInt64) {
        Fixture.run(seed: seed, sets: 1) { fixture async throws in
            try await fixture.put("k", pattern(10))
            let made = Shared<[VersionID]>([])
            await withTaskGroup(of: Void.self) { group in
                for writer in 0..<4 {
                    group.addTask {
                        for round in 0..<4 {
                            let error = await failure { () async throws(ObjectError) in
                                let result = try await fixture.put("k", pattern(10 + writer * 70_000, UInt64(round)))
                                if case .id? = result.version { made.withLock { $0.append(result.version ?? .null) } }
                            }
                            #expect(error == nil, "seed \(seed)")
                        }
                    }
                }
                group.addTask {
                    let error = await failure { () async throws(ObjectError) in
                        try await fixture.store.setVersioning(fixture.bucket, tenant: fixture.tenant, enabled: true)
                    }
                    #expect(error == nil, "seed \(seed)")
                }
            }
            let versions = made.withLock { $0 }
            for version in versions { _ = try await fixture.head("k") { $0.version = version } }
            _ = try await fixture.head("k") { $0.version = .null }
            let usage = try await fixture.store.usage(fixture.bucket, tenant: fixture.tenant)
            #expect(usage.objects == 1 && usage.versions == Int64(versions.count) + 1, "seed \(seed)")
        }
    }

    @Test func `retention is shortened by nobody or with the permission only`() {
        let now = Timestamp(seconds: 1000)
        func kept(_ mode: RetentionMode, _ seconds: Int64) -> Retention {
            Retention(mode: mode, until: Timestamp(seconds: 1000 + seconds))
        }
        let governance = VersionLock(retention: kept(.governance, 10)),
            compliance = VersionLock(
                retention: kept(.compliance, 10))
        for (lock, new, plain, bypassing) in [
            (governance, kept(.governance, 20), true, true), (governance, kept(.governance, 5), false, true),
            (governance, kept(.compliance, 20), false, true), (governance, nil, false, true),
            (compliance, kept(.compliance, 20), true, true), (compliance, kept(.compliance, 5), false, false),
            (compliance, kept(.governance, 20), false, false), (compliance, nil, false, false),
            (VersionLock(retention: kept(.compliance, 0)), nil, true, true), (VersionLock(), nil, true, true),
        ] as [(VersionLock, Retention?, Bool, Bool)] {
            #expect(lock.allowsRetention(new, at: now, bypassingGovernance: false) == plain)
            #expect(lock.allowsRetention(new, at: now, bypassingGovernance: true) == bypassing)
        }
        #expect(VersionLock(legalHold: true).forbidsRemoval(at: now, bypassingGovernance: true))
        #expect(!VersionLock(legalHold: false).forbidsRemoval(at: now, bypassingGovernance: false))
    }
}
