import Base
import Drives
import ObjectFormat
import Objects
import ObjectsTestSupport
import Testing

/// The documents that a bucket is configured with.
@Suite struct DocumentTests {
    typealias Key = BucketDocumentModel.Key

    @Test func `kinds keep their numbers for ever`() {
        let numbers: [BucketDocumentKind: UInt8] = [
            .policy: 1, .acl: 2, .ownershipControls: 3, .publicAccessBlock: 4, .cors: 5, .tagging: 6, .website: 7,
            .logging: 8, .accelerate: 9, .requestPayment: 10, .inventory: 11, .metrics: 12, .analytics: 13,
            .intelligentTiering: 14, .notification: 15, .lifecycle: 16, .encryption: 17, .replication: 18, .quota: 19,
            .attributeBasedAccess: 20,
        ]
        #expect(numbers.count == BucketDocumentKind.allCases.count)
        for kind in BucketDocumentKind.allCases { #expect(numbers[kind] == kind.rawValue) }
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64]) func `documents behave like a dictionary, through failures and restarts`(
        _ seed: UInt64
    ) {
        Fixture.run(seed: seed, sets: seed % 2 == 0 ? 1 : 3) { fixture async throws in
            var random = SplitMix64(seed: seed), model = BucketDocumentModel(), store = fixture.store
            _ = try await store.createBucket("other", tenant: fixture.tenant, options: CreateBucketOptions())
            for step in 0..<200 {
                let key = BucketDocumentModel.keys[Int.random(in: 0..<BucketDocumentModel.keys.count, using: &random)]
                let context = "seed \(seed) step \(step) \(key)"
                let bytes = pattern(Int.random(in: 0...3000, using: &random), UInt64(step))
                switch Int.random(in: 0..<8, using: &random) {
                case 0...3:
                    try await store.setBucketDocument(
                        fixture.bucket, key.kind, id: key.id, bytes, tenant: fixture.tenant)
                    model.documents[key] = bytes
                case 4:
                    try await store.setBucketDocument(
                        fixture.bucket, key.kind, id: key.id, nil, tenant: fixture.tenant)
                    model.documents[key] = nil
                case 5:
                    // Nothing of a refused write shows.
                    for set in fixture.sets { await set.failNextCommit(.writeQuorumLost(detail: "test")) }
                    let current = store
                    let error = await failure { () async throws(ObjectError) in
                        try await current.setBucketDocument(
                            fixture.bucket, key.kind, id: key.id, bytes, tenant: fixture.tenant)
                    }
                    #expect(name(error) == "writeUnavailable", "\(context)")
                    // Use up what other sets were told.
                    for set in fixture.sets { await set.clearFailures() }
                case 6:
                    // A write of unknown outcome is one or the other, and the next update knows which.
                    let applies = Bool.random(using: &random), current = store
                    for set in fixture.sets { await set.failNextCommit(.outcomeUnknown, applying: applies) }
                    let error = await failure { () async throws(ObjectError) in
                        try await current.setBucketDocument(
                            fixture.bucket, key.kind, id: key.id, bytes, tenant: fixture.tenant)
                    }
                    #expect(name(error) == "outcomeUnknown", "\(context)")
                    for set in fixture.sets { await set.clearFailures() }
                    if applies { model.documents[key] = bytes }
                    try await store.updateBucketDocument(fixture.bucket, .quota, tenant: fixture.tenant) { _ in .keep }
                default: store = try await fixture.restarted()
                }
                let info = try store.bucket(fixture.bucket, tenant: fixture.tenant)
                for key in BucketDocumentModel.keys {
                    #expect(info.documents[key.kind, key.id]?.bytes == model.documents[key], "\(context): \(key)")
                }
                let ids = model.documents.keys.filter { $0.kind == .inventory }.map(\.id)
                    .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
                #expect(info.documents.all(.inventory).map(\.id) == ids, "\(context)")
                #expect(try store.bucket("other", tenant: fixture.tenant).documents.isEmpty, "\(context)")
            }
            await fixture.expectNoLeaks(large: 0)
        }
    }

    @Test func `a revision tells two states of a document apart`() {
        Fixture.run { fixture async throws in
            var seen: [Position] = []
            for _ in 0..<3 {
                try await fixture.store.setBucketDocument(fixture.bucket, .cors, [1], tenant: fixture.tenant)
                let info = try fixture.store.bucket(fixture.bucket, tenant: fixture.tenant)
                guard let revision = info.documents[.cors]?.revision else {
                    Issue.record("no document")
                    return
                }
                #expect(!seen.contains(revision))
                seen.append(revision)
                let restarted = try await fixture.restarted().bucket(fixture.bucket, tenant: fixture.tenant)
                #expect(restarted.documents[.cors]?.revision == revision)
            }
        }
    }

    @Test func `updates of one bucket do not lose each other`() {
        for seed in 1...10 as ClosedRange<UInt64> {
            Fixture.run(seed: seed) { fixture async throws in
                await withTaskGroup(of: Void.self) { group in
                    for _ in 0..<8 {
                        group.addTask {
                            _ = await failure { () async throws(ObjectError) in
                                try await fixture.store.updateBucketDocument(
                                    fixture.bucket, .tagging, tenant: fixture.tenant
                                ) { info in .store((info.documents[.tagging]?.bytes ?? []) + [1]) }
                            }
                        }
                    }
                }
                let info = try fixture.store.bucket(fixture.bucket, tenant: fixture.tenant)
                #expect(info.documents[.tagging]?.bytes.count == 8, "seed \(seed)")
            }
        }
    }

    @Test func `a bucket is created with its documents, and they go with it in bounded commits`() {
        Fixture.run(sets: 3) { fixture async throws in
            var options = CreateBucketOptions()
            options.documents = [NewBucketDocument(.acl, [1]), NewBucketDocument(.tagging, [2])]
            guard
                case .created(let info) = try await fixture.store.createBucket(
                    "b2", tenant: fixture.tenant, options: options)
            else {
                Issue.record("not created")
                return
            }
            #expect(info.documents[.acl]?.bytes == [1])
            #expect(info.documents[.tagging]?.bytes == [2])
            for index in 0..<600 {
                try await fixture.store.setBucketDocument(
                    "b2", .metrics, id: "configuration-\(index)", [3], tenant: fixture.tenant)
            }
            let restarted = try await fixture.restarted()
            #expect(try restarted.bucket("b2", tenant: fixture.tenant).documents.all(.metrics).count == 600)
            try await restarted.deleteBucket("b2", tenant: fixture.tenant)
            // A bucket of the name starts anew, before and after the sweep.
            _ = try await restarted.createBucket("b2", tenant: fixture.tenant, options: CreateBucketOptions())
            #expect(try restarted.bucket("b2", tenant: fixture.tenant).documents.isEmpty)
            let again = try await fixture.restarted()
            #expect(try again.bucket("b2", tenant: fixture.tenant).documents.isEmpty)
            try await again.sweepToFree()
            for set in fixture.sets {
                for key in await set.rowKeys { #expect(!key.bytes.starts(with: StoreKeys.bucketDocuments)) }
            }
            await fixture.expectNoLeaks(large: 0)
        }
    }

    @Test func `limits of documents`() {
        Fixture.run { fixture async throws in
            let largest = pattern(BucketDocumentRecord.bytesMax)
            try await fixture.store.setBucketDocument(fixture.bucket, .policy, largest, tenant: fixture.tenant)
            let error = await failure { () async throws(ObjectError) in
                try await fixture.store.setBucketDocument(
                    fixture.bucket, .policy, largest + [0], tenant: fixture.tenant)
            }
            #expect(name(error) == "documentTooLarge")
            let info = try fixture.store.bucket(fixture.bucket, tenant: fixture.tenant)
            #expect(info.documents[.policy]?.bytes == largest)
            await fixture.expectNoLeaks(large: 0)
            let missing = await failure { () async throws(ObjectError) in
                try await fixture.store.setBucketDocument("nobody", .policy, [1], tenant: fixture.tenant)
            }
            #expect(name(missing) == "noSuchBucket")
        }
    }
}

struct BucketDocumentModel {
    struct Key: Hashable {
        var kind: BucketDocumentKind
        var id = ""
    }
    static let keys: [Key] = [
        Key(kind: .policy), Key(kind: .cors), Key(kind: .replication), Key(kind: .inventory, id: "a"),
        Key(kind: .inventory, id: "a0"), Key(kind: .inventory, id: "é"), Key(kind: .inventory, id: "B"),
        Key(kind: .metrics, id: "a"),
    ]
    var documents: [Key: [UInt8]] = [:]
}
