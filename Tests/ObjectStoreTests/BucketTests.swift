import Base
import Drives
import ObjectFormat
import Objects
import ObjectsTestSupport
import Testing

@Suite struct BucketTests {
    @Test func `a bucket is created once, lives through a restart, and goes when it is empty`() {
        Fixture.run(sets: 3) { fixture async throws in
            var options = CreateBucketOptions()
            options.owner = "me"
            options.objectLockEnabled = true
            options.objectOwnership = "ObjectWriter"
            guard
                case .created(let first) = try await fixture.store.createBucket(
                    "b2", tenant: fixture.tenant, options: options)
            else {
                Issue.record("not created")
                return
            }
            guard
                case .alreadyOwnedByYou(let again) = try await fixture.store.createBucket(
                    "b2", tenant: fixture.tenant, options: CreateBucketOptions())
            else {
                Issue.record("created twice")
                return
            }
            #expect(first == again)
            try await fixture.put("k", [1])

            let restarted = try await fixture.restarted()
            #expect(try restarted.bucket("b2", tenant: fixture.tenant) == first)
            let full = await failure { () async throws(ObjectError) in
                try await restarted.deleteBucket(fixture.bucket, tenant: fixture.tenant)
            }
            #expect(name(full) == "bucketNotEmpty")
            try await restarted.deleteBucket("b2", tenant: fixture.tenant)
            #expect(
                name(await failure { () throws(ObjectError) in _ = try restarted.bucket("b2", tenant: fixture.tenant) })
                    == "noSuchBucket")
            // The name is free again, the id is another.
            guard
                case .created(let second) = try await restarted.createBucket(
                    "b2", tenant: fixture.tenant, options: options)
            else {
                Issue.record("not created again")
                return
            }
            #expect(second.id != first.id)
            let other = TenantID(rawValue: 7)
            #expect(
                name(await failure { () throws(ObjectError) in _ = try restarted.bucket("b2", tenant: other) })
                    == "noSuchBucket")
        }
    }

    @Test func `buckets are listed by name in pages`() {
        Fixture.run(sets: 2) { fixture async throws in
            var names = [fixture.bucket]
            for index in [9, 3, 7, 1, 5] {
                names.append("log-\(index)")
                _ = try await fixture.store.createBucket(
                    "log-\(index)", tenant: fixture.tenant, options: CreateBucketOptions())
            }
            for (prefix, limit) in [("", 1), ("", 100), ("log-", 2), ("log-", 5), ("x", 3)] {
                var options = ListBucketsOptions(), found: [String] = []
                (options.prefix, options.limit) = (prefix, limit)
                while true {
                    let page = fixture.store.listBuckets(tenant: fixture.tenant, options: options)
                    found += page.buckets.map(\.name)
                    guard let next = page.next else { break }
                    options.after = next
                }
                #expect(found == names.filter { $0.hasPrefix(prefix) }.sorted(), "\(prefix) \(limit)")
            }
        }
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>) func `a write and the deletion of its bucket do not both succeed`(
        _ seed: UInt64
    ) {
        Fixture.run(seed: seed, sets: 2) { fixture async throws in
            let outcome = Shared<[String: String]>([:])
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    let error = await failure { () async throws(ObjectError) in
                        try await fixture.put("k", pattern(70_000))
                    }
                    outcome.withLock { $0["put"] = name(error) }
                }
                group.addTask {
                    let error = await failure { () async throws(ObjectError) in
                        try await fixture.store.deleteBucket(fixture.bucket, tenant: fixture.tenant)
                    }
                    outcome.withLock { $0["delete"] = name(error) }
                }
            }
            let found = outcome.withLock { $0 }
            let (put, delete) = (found["put"] ?? "", found["delete"] ?? "")
            #expect(
                [["none", "bucketNotEmpty"], ["noSuchBucket", "none"]].contains([put, delete]),
                "seed \(seed): \(put), \(delete)")
            await fixture.expectNoLeaks(large: 0)
        }
    }

    @Test func `a deletion that fails half-way leaves the bucket open, and a start undoes a closing`() {
        Fixture.run(sets: 1) { fixture async throws in
            // The closing state goes in; the deletion does not; the reopening is never written.
            let key = StoreKeys.bucket(fixture.tenant, fixture.bucket)
            await fixture.sets[0].failNextCommit(.outcomeUnknown, applying: true)
            await fixture.sets[0].failNextCommit(.writeQuorumLost(detail: "test"))
            let error = await failure { () async throws(ObjectError) in
                try await fixture.store.deleteBucket(fixture.bucket, tenant: fixture.tenant)
            }
            #expect(name(error) == "outcomeUnknown")
            try await fixture.put("k", [1])
            let closing = try await fixture.sets[0].row(key)
            #expect(try BucketRecord(decoding: closing?.payload ?? []).state == .closing)
            let restarted = try await fixture.restarted()
            let reopened = try await fixture.sets[0].row(key)
            #expect(try BucketRecord(decoding: reopened?.payload ?? []).state == .open)
            #expect(try restarted.bucket(fixture.bucket, tenant: fixture.tenant).name == fixture.bucket)
        }
    }

    @Test func `a deletion of unknown outcome lets nothing in until a read tells`() {
        for applies in [true, false] {
            Fixture.run(sets: 1) { fixture async throws in
                // The second commit is the deletion itself: the first one, of the closing state, goes through.
                await fixture.sets[0].failCommit(after: 1, .outcomeUnknown, applying: applies)
                let unknown = await failure { () async throws(ObjectError) in
                    try await fixture.store.deleteBucket(fixture.bucket, tenant: fixture.tenant)
                }
                #expect(name(unknown) == "outcomeUnknown")
                let refused = await failure { () async throws(ObjectError) in try await fixture.put("k", [1]) }
                #expect(name(refused) == "slowDown")
                try await fixture.store.deleteBucket(fixture.bucket, tenant: fixture.tenant)
                let gone = await failure { () async throws(ObjectError) in try await fixture.put("k", [1]) }
                #expect(name(gone) == "noSuchBucket")
                #expect(try await fixture.sets[0].row(StoreKeys.bucket(fixture.tenant, fixture.bucket)) == nil)
            }
        }
    }
}
