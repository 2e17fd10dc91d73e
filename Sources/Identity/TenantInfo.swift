package import Base
import Digests
package import Objects

/// A tenant: a namespace of accounts and of buckets, with host names and limits of its own. Nothing of it is seen from another.
package struct TenantInfo: Hashable, Sendable {
    package var id: TenantID
    /// What the operator calls it; it stays.
    package var name: String
    /// Of the account that was made with it, whose keys are the tenant's root credentials. Empty: it has gone, or is the operator's.
    package var rootAccount = ""
    /// Names as `HostName` writes them, in the order in which they were given; no two tenants have one name.
    package var hosts: [String] = []
    /// False while it is suspended.
    package var isActive = true
    package var limits = TenantLimits()
    package var created = Timestamp(seconds: 0)

    package init(id: TenantID, name: String) {
        self.id = id
        self.name = name
    }

    /// A number that a name stands for, for ever: buckets carry it, so that a tenant made again after its identities were lost has its
    /// buckets. A name whose number is taken has to be another.
    package static func id(of name: String) -> TenantID {
        let value = SHA256.of(Array("martlet tenant \(name)".utf8)).prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        return TenantID(rawValue: max(1, value))
    }

    /// The tenant of everything that was made before there were others; never suspended or deleted.
    package static let `default` = TenantInfo(id: .default, name: "default")
}

/// Tenants by id and by host name. Made anew with every change of identities, and read by every request.
package final class TenantDirectory: Sendable {
    package struct HostMatch: Hashable, Sendable {
        package var tenant: TenantID
        /// What stands before the tenant's host, without the dot; nil when nothing does.
        package var prefix: String?
        package init(tenant: TenantID, prefix: String? = nil) { (self.tenant, self.prefix) = (tenant, prefix) }
    }

    private let tenants: [TenantID: TenantInfo]
    private let hosts: [(name: String, tenant: TenantID)]

    package init(_ tenants: [TenantID: TenantInfo]) {
        self.tenants = tenants
        // The longest first: of `a.example` and `b.a.example`, `c.b.a.example` belongs to the latter.
        hosts = tenants.values.flatMap { tenant in tenant.hosts.map { (name: $0, tenant: tenant.id) } }
            .sorted { ($1.name.utf8.count, $0.name) < ($0.name.utf8.count, $1.name) }
    }

    /// False on a server without tenants that have hosts: then no request has to be looked at.
    package var hasHosts: Bool { !hosts.isEmpty }

    package subscript(id: TenantID) -> TenantInfo? { tenants[id] }

    /// Whose host it is: the tenant that has it, or the longest one that it lies below.
    package func match(host: String?) -> HostMatch? {
        guard !hosts.isEmpty, let host else { return nil }
        let name = HostName.normalized(host)
        for entry in hosts {
            if name == entry.name { return HostMatch(tenant: entry.tenant) }
            if name.utf8.count > entry.name.utf8.count + 1, name.hasSuffix("." + entry.name) {
                return HostMatch(tenant: entry.tenant, prefix: String(name.dropLast(entry.name.count + 1)))
            }
        }
        return nil
    }
}
