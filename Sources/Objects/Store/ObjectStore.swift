package import Base
import Drives
import ObjectFormat
package import Runtime
import Synchronization

/// Buckets, objects and uploads over one or more erasure sets: what the S3 front end calls.
///
/// Stateless towards requests: every call takes the tenant, names the bucket by name, and may be made from any executor. Bodies
/// are read and hashed on the caller's executor; the rest crosses to the set's loop once. The operations are in the files
/// `ObjectStore+….swift`.
package final class ObjectStore: Sendable {
    let placement: Placement
    let time: any TimeSource
    let random: any RandomSource
    let buffers: BufferPool
    let limits: ObjectLimits
    let pins = PinTable()
    let lanes = HashLanes()
    let sweepRequests = SweepRequests()
    private let tenants: Mutex<[TenantID: Tenant]>

    /// Opens the store: reads the partition map and the buckets, and undoes what a crash left half done.
    package init(
        sets: [any SetStore], time: any TimeSource, random: any RandomSource, buffers: BufferPool,
        limits: ObjectLimits = ObjectLimits()
    ) async throws(ObjectError) {
        placement = try await Placement.load(sets)
        self.time = time
        self.random = random
        self.buffers = buffers
        self.limits = limits
        let found = try await Self.loadBuckets(placement)
        for bucket in found { await bucket.undoClosing() }
        var byTenant: [TenantID: [Bucket]] = [:]
        for bucket in found { byTenant[bucket.info.tenant, default: []].append(bucket) }
        tenants = Mutex([:])
        for (id, buckets) in byTenant.sorted(by: { $0.key < $1.key }) {
            let tenant = Tenant(id, placement: placement, buckets: buckets)
            tenants.withLock { $0[id] = tenant }
        }
    }

    private static func loadBuckets(_ placement: Placement) async throws(ObjectError) -> [Bucket] {
        var buckets: [Bucket] = []
        for set in placement.sets {
            try await set.run { () async throws(ObjectError) in
                let documents = try await BucketDocuments.loadAll(from: set)
                try await set.scan(prefix: StoreKeys.buckets) { row throws(ObjectError) in
                    let record = try row.bucket()
                    buckets.append(
                        Bucket(record, documents: documents[record.id] ?? BucketDocuments(), placement: placement))
                }
            }
        }
        return buckets
    }

    func tenant(_ id: TenantID) -> Tenant {
        tenants.withLock { tenants in
            if let tenant = tenants[id] { return tenant }
            let tenant = Tenant(id, placement: placement, buckets: [])
            tenants[id] = tenant
            return tenant
        }
    }
}

/// Limits of S3, and what an operator may choose.
package struct ObjectLimits: Sendable {
    /// Of one PUT, one part, one copy.
    package var putBytesMax: Int64 = 5 << 30
    package var partBytesMin: Int64 = 5 << 20
    /// Names and values of user metadata together.
    package var metadataBytesMax = 2048
    /// How long a completed upload answers retries.
    package var completedUploadAge = Duration.seconds(24 * 3600)
    /// Uploads that nobody completed or aborted are aborted at this age; nil: never, as on AWS without a lifecycle rule.
    package var staleUploadAge: Duration? = .seconds(14 * 24 * 3600)
    package init() {}
}

extension SetHandle {
    /// All rows with `prefix`, in pages.
    func scan(
        prefix: [UInt8], page: Int = 1000, _ visit: (SetRow) async throws(ObjectError) -> Void
    ) async throws(ObjectError) {
        let end = IndexKey(StoreKeys.successor(prefix))
        var start = IndexKey(prefix)
        while true {
            let rows = try await rows(from: start, to: end, limit: page)
            for row in rows { try await visit(row) }
            guard rows.count == page, let last = rows.last else { return }
            start = IndexKey(last.key.bytes + [0])
        }
    }
}

extension ObjectStore {
    var allTenants: [Tenant] { tenants.withLock { $0.sorted { $0.key < $1.key }.map(\.value) } }

    /// In order of tenant and name.
    func allBuckets() -> [Bucket] {
        allTenants.flatMap { tenant in
            let snapshot = tenant.snapshot
            return snapshot.names.compactMap { snapshot.buckets[$0] }
        }
    }
}
