import Base
import ObjectFormat
import Objects
import ObjectsTestSupport
import Testing

@Suite struct TenantTests {
    private static let acme = TenantID(rawValue: 7)

    private static func create(_ store: ObjectStore, _ name: String, owner: String) async throws(ObjectError) {
        var options = CreateBucketOptions()
        options.owner = owner
        _ = try await store.createBucket(name, tenant: acme, options: options)
    }

    private static func put(_ store: ObjectStore, _ bucket: String, _ key: String, _ count: Int)
        async throws(ObjectError)
    {
        _ = try await store.put(
            bucket, ObjectKey(key), tenant: acme, options: PutOptions(),
            body: MemoryBody([UInt8](repeating: 1, count: count), pieceBytes: 10_007))
    }

    @Test(arguments: 1...20) func `writers that race in all buckets of a tenant never exceed its limit together`(
        seed: Int
    ) {
        Fixture.run(seed: UInt64(seed), sets: 3) { fixture async throws in
            let store = fixture.store
            var limits = TenantLimits()
            (limits.total.bytes, limits.perAccount.objects) = (1_000, 8)
            store.setLimits(limits, tenant: Self.acme)
            for name in ["a", "b", "c"] { try await Self.create(store, name, owner: name == "c" ? "two" : "one") }
            await withTaskGroup(of: Void.self) { group in
                for index in 0..<30 {
                    group.addTask {
                        do { try await Self.put(store, ["a", "b", "c"][index % 3], "key-\(index)", 90) } catch {
                            #expect(name(error as? ObjectError) == "quotaExceeded")
                        }
                    }
                }
            }
            let usage = try await store.usage(tenant: Self.acme)
            #expect(usage.total.counter.bytes <= 1_000 && usage.total.counter.bytes > 0)
            for owner in usage.owners { #expect(owner.part.counter.versions <= 8) }
            #expect(usage.total.buckets == 3 && usage.owners.map(\.id) == ["one", "two"])
            // Whatever was reserved by those that were refused is free again.
            let left = 1_000 - usage.total.counter.bytes
            if left >= 90 { try await Self.put(store, "c", "last", 90) }
            #expect(try await store.usage(tenant: .default).total.counter.bytes == 0)
        }
    }

    @Test func `a tenant is closed when it has no buckets, and has no more buckets than it may`() {
        Fixture.run(sets: 2) { fixture async throws in
            let store = fixture.store
            var limits = TenantLimits()
            limits.total.buckets = 2
            store.setLimits(limits, tenant: Self.acme)
            let made = await withTaskGroup(of: Bool.self) { group in
                for index in 0..<6 {
                    group.addTask {
                        await failure { () async throws(ObjectError) in
                            try await Self.create(store, "bucket-\(index)", owner: "one")
                        } == nil
                    }
                }
                return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(made == 2)
            #expect(await !store.closeTenant(Self.acme))
            for bucket in store.listBuckets(tenant: Self.acme, options: ListBucketsOptions()).buckets {
                try await store.deleteBucket(bucket.name, tenant: Self.acme)
            }
            #expect(await store.closeTenant(Self.acme))
            #expect(
                name(
                    await failure { () async throws(ObjectError) in
                        try await Self.create(store, "late", owner: "one")
                    }) == "tooManyBuckets")
            await store.reopenTenant(Self.acme)
            try await Self.create(store, "late", owner: "one")
            #expect(try store.bucket("late", tenant: Self.acme).owner == "one")
        }
    }
}
