package import Base

/// Tenants as the identities above define them: here they are namespaces of buckets with limits.
extension ObjectStore {
    /// From the next request on. A tenant that is over its limits already only stops growing.
    package func setLimits(_ limits: TenantLimits, tenant: TenantID) { self.tenant(tenant).setLimits(limits) }

    /// Refuses buckets from now on. False, and nothing changed, while the tenant has some.
    package func closeTenant(_ tenant: TenantID) async -> Bool { await self.tenant(tenant).close() }

    package func reopenTenant(_ tenant: TenantID) async { await self.tenant(tenant).reopen() }

    /// In order; every tenant that has or had buckets since the start.
    package var tenantIDs: [TenantID] { allTenants.map(\.id) }

    package func usage(tenant: TenantID) async throws(ObjectError) -> TenantUsage {
        var usage = TenantUsage()
        let owners = self.tenant(tenant).snapshot.idsByOwner.sorted { $0.key < $1.key }
        for (owner, buckets) in owners {
            let part = TenantUsage.Part(buckets: Int64(buckets.count), counter: try await self.usage(of: buckets))
            usage.owners.append((owner, part))
            usage.total.buckets += part.buckets
            usage.total.counter.add(part.counter)
        }
        return usage
    }
}
