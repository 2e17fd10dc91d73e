import Base

/// Which host names are web sites: `BUCKET.DOMAIN` of a website domain serves the bucket as one.
package struct WebsiteHosts: Sendable {
    private let domains: [String]

    /// `domains` are host names without a port.
    package init(domains: [String] = []) {
        self.domains = domains.map { $0.lowercased() }.filter { !$0.isEmpty }
            .sorted { $0.utf8.count == $1.utf8.count ? $0 < $1 : $0.utf8.count > $1.utf8.count }
    }

    /// The bucket whose site the host is; nil for every other host.
    func bucket(host: String?) -> String? {
        guard !domains.isEmpty, let host else { return nil }
        let name = HostName.normalized(host)
        for domain in domains where name.hasSuffix("." + domain) { return String(name.dropLast(domain.count + 1)) }
        return nil
    }
}
