import Base
import Digests
import ObjectFormat
import Objects
import ObjectsTestSupport
import Testing

@Suite struct ConditionTests {
    @Test(arguments: 1...12 as ClosedRange<UInt64>) func `of racing creators one wins`(_ seed: UInt64) {
        Fixture.run(seed: seed, sets: 1) { fixture async throws in
            let wins = Shared<[Int]>([])
            await withTaskGroup(of: Void.self) { group in
                for writer in 0..<8 {
                    group.addTask {
                        let size = writer % 2 == 0 ? 100 : 100_000
                        let error = await failure { () async throws(ObjectError) in
                            try await fixture.put("k", pattern(size, UInt64(writer))) {
                                $0.conditions.ifNoneMatch = .any
                            }
                            wins.withLock { $0.append(writer) }
                        }
                        if let error { #expect(name(error) == "preconditionFailed", "seed \(seed)") }
                    }
                }
            }
            let winners = wins.withLock { $0 }
            #expect(winners.count == 1, "seed \(seed)")
            let winner = winners.first ?? 0
            #expect(try await fixture.read("k") == pattern(winner % 2 == 0 ? 100 : 100_000, UInt64(winner)))
            await fixture.expectNoLeaks(large: 0)
        }
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>) func `no compare-and-swap is lost`(_ seed: UInt64) {
        Fixture.run(seed: seed, sets: 2) { fixture async throws in
            try await fixture.put("counter", [0])
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<5 {
                    group.addTask {
                        var done = 0
                        while done < 4 {
                            do throws(ObjectError) {
                                let head = try await fixture.head("counter")
                                let value = try await fixture.read("counter") {
                                    $0.conditions.ifMatch = .tags([head.object.etag])
                                }
                                try await fixture.put("counter", [(value.first ?? 0) + 1]) {
                                    $0.conditions.ifMatch = .tags([head.object.etag])
                                }
                                done += 1
                            } catch {
                                #expect(name(error) == "preconditionFailed", "seed \(seed)")
                            }
                        }
                    }
                }
            }
            #expect(try await fixture.read("counter") == [20], "seed \(seed)")
        }
    }

    @Test(arguments: 1...12 as ClosedRange<UInt64>) func `readers see whole objects while writers replace them`(
        _ seed: UInt64
    ) {
        Fixture.run(seed: seed, sets: 1) { fixture async throws in
            let sizes = [10, 70_000, 300_000]
            try await fixture.put("k", pattern(10, 0))
            await withTaskGroup(of: Void.self) { group in
                for writer in 0..<2 {
                    group.addTask {
                        for round in 0..<6 {
                            let size = sizes[(writer + round) % 3]
                            let error = await failure { () async throws(ObjectError) in
                                try await fixture.put("k", pattern(size, UInt64(size)))
                            }
                            #expect(error == nil, "seed \(seed)")
                        }
                    }
                }
                for _ in 0..<3 {
                    group.addTask {
                        for _ in 0..<10 {
                            do {
                                let bytes = try await fixture.read("k")
                                let isWhole =
                                    sizes.contains { bytes == pattern($0, UInt64($0)) } || bytes == pattern(10, 0)
                                #expect(isWhole, "seed \(seed): \(bytes.count) bytes")
                            } catch {
                                Issue.record("seed \(seed): \(error)")
                            }
                        }
                    }
                }
            }
            await fixture.expectNoLeaks()
        }
    }

    @Test func `reads follow the precedence of conditions`() {
        Fixture.run { fixture async throws in
            let put = try await fixture.put("k", [1])
            let before = Timestamp(seconds: put.lastModified.seconds - 1), same = put.lastModified
            typealias Case = (ReadConditions, String)
            var cases: [Case] = []
            func add(_ expected: String, _ configure: (inout ReadConditions) -> Void) {
                var conditions = ReadConditions()
                configure(&conditions)
                cases.append((conditions, expected))
            }
            add("none") { $0.ifMatch = .tags([put.etag]) }
            add("none") { $0.ifMatch = .any }
            add("preconditionFailed") { $0.ifMatch = .tags(["x"]) }
            add("notModified") { $0.ifNoneMatch = .tags(["x", put.etag]) }
            add("notModified") { $0.ifNoneMatch = .any }
            add("none") { $0.ifNoneMatch = .tags(["x"]) }
            add("notModified") { $0.ifModifiedSince = same }
            add("none") { $0.ifModifiedSince = before }
            add("preconditionFailed") { $0.ifUnmodifiedSince = before }
            add("none") { $0.ifUnmodifiedSince = same }
            // An ETag that matches outweighs the time beside it, both ways.
            add("none") {
                $0.ifMatch = .tags([put.etag])
                $0.ifUnmodifiedSince = before
            }
            add("notModified") {
                $0.ifNoneMatch = .tags([put.etag])
                $0.ifModifiedSince = before
            }
            add("none") {
                $0.ifNoneMatch = .tags(["x"])
                $0.ifModifiedSince = same
            }
            for (conditions, expected) in cases {
                let got = await failure { () async throws(ObjectError) in
                    _ = try await fixture.head("k") { $0.conditions = conditions }
                }
                #expect(name(got) == expected, "\(conditions)")
                let source = await failure { () async throws(ObjectError) in
                    var from = CopySource(bucket: fixture.bucket, key: "k")
                    from.conditions = conditions
                    _ = try await fixture.store.copy(
                        from: from, to: fixture.bucket, "copy", tenant: fixture.tenant, options: CopyOptions())
                }
                #expect(name(source) == (expected == "notModified" ? "preconditionFailed" : expected), "\(conditions)")
            }
        }
    }

    @Test func `conditional writes and deletes`() {
        Fixture.run { fixture async throws in
            let missing = await failure { () async throws(ObjectError) in
                try await fixture.put("k", [1]) { $0.conditions.ifMatch = .tags(["x"]) }
            }
            #expect(name(missing) == "noSuchKey")
            // What is not there needs no deleting, unless it must be there.
            try await fixture.delete("k") { $0.conditions.ifMatchSize = 5 }
            let unmatched = await failure { () async throws(ObjectError) in
                try await fixture.delete("k") { $0.conditions.ifMatch = .tags(["x"]) }
            }
            #expect(name(unmatched) == "noSuchKey")
            let absent = await failure { () async throws(ObjectError) in
                try await fixture.delete("k") { $0.conditions.ifMatch = .any }
            }
            #expect(name(absent) == "preconditionFailed")
            let put = try await fixture.put("k", [1])
            for configure in [
                { $0.ifMatch = .tags(["x"]) }, { $0.ifMatchSize = 2 },
                { $0.ifMatchLastModified = Timestamp(seconds: put.lastModified.seconds + 1) },
            ] as [(inout DeleteConditions) -> Void] {
                let error = await failure { () async throws(ObjectError) in
                    try await fixture.delete("k") { configure(&$0.conditions) }
                }
                #expect(name(error) == "preconditionFailed")
            }
            var strict = DeleteOptions()
            strict.conditions.ifMatch = .tags(["x"])
            let many = try await fixture.store.deleteMany(
                fixture.bucket,
                [DeleteRequest(key: "k", options: strict), DeleteRequest(key: "other"), DeleteRequest(key: "k")],
                tenant: fixture.tenant)
            #expect(many.map { (try? $0.get()) != nil } == [false, true, true])
            #expect(try await fixture.allKeys().isEmpty)
        }
    }
}
