import Base
import HTTPServer
package import Identity
import S3Protocol

/// Which tenant a request is for, and whether it is let in: the host decides, else the key, else it is the default tenant's.
package struct TenantGate: Sendable {
    let store: IdentityStore

    package init(_ store: IdentityStore) { self.store = store }

    /// What the host of a request says.
    struct Place: Sendable {
        /// The tenant that has the host; nil when no tenant has it, and the access key decides.
        var named: TenantID?
        /// The bucket whose site the host is.
        var website: String?
        var style = Addressing.HostStyle.unknown

        /// As long as nobody has signed.
        var tenant: TenantID { named ?? .default }
    }

    /// Below a tenant's host, what buckets are served as web sites by.
    private static let websiteLabel = "s3-website"

    /// Throws when the host's tenant is suspended, or when the connection was made for another tenant's host.
    func place(of exchange: HTTPExchange) throws(S3Error) -> Place {
        let tenants = store.tenants
        guard tenants.hasHosts else { return Place() }
        let match = tenants.match(host: exchange.head.value("host"))
        // A proxy that the operator trusts makes connections under a name of its own.
        if let asked = exchange.serverName, !exchange.isFromTrustedProxy {
            guard (tenants.match(host: asked)?.tenant ?? .default) == (match?.tenant ?? .default) else {
                throw S3Error(.misdirectedRequest)
            }
        }
        guard let match else { return Place() }
        try admit(match.tenant)
        var place = Place(named: match.tenant, style: .known(bucket: match.prefix))
        guard let prefix = match.prefix else { return place }
        if prefix.hasSuffix("." + Self.websiteLabel) {
            place.website = String(prefix.dropLast(Self.websiteLabel.count + 1))
        }
        return place
    }

    /// Refuses whatever has to do with a suspended tenant.
    func admit(_ tenant: TenantID) throws(S3Error) {
        guard tenant != .default else { return }
        // One that is not there any more was deleted a moment ago.
        guard store.tenants[tenant]?.isActive == true else { throw S3Error(.accessDenied, Self.suspended) }
    }

    /// For logs.
    func name(of tenant: TenantID) -> String {
        tenant == .default ? TenantInfo.default.name : store.tenants[tenant]?.name ?? String(tenant.rawValue)
    }

    static let suspended = "The tenant is suspended. Ask the operator of this server."
}
