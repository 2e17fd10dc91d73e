import Base

/// What a request is about: the service, a bucket, or an object.
package struct ResourceAddress: Hashable, Sendable {
    package var bucket: String?
    /// Never empty.
    package var key: [UInt8]?
    /// The host named the bucket, not the path.
    package var isVirtualHosted = false

    package init(bucket: String? = nil, key: [UInt8]? = nil) {
        self.bucket = bucket
        self.key = key
    }
}

/// Finds the bucket in the host name or in the path.
///
/// A host that is one of the domains, an IP address, or anything unknown is path style; a host below a domain names the
/// bucket. Unknown hosts are never bucket names, so that a server behind `minio.<namespace>.svc` works without
/// settings.
package struct Addressing: Sendable {
    private let domains: [String]

    /// `domains` are host names without a port. A leading dot or `*.` is dropped.
    package init(domains: [String] = []) {
        self.domains =
            domains.map { domain in
                var name = domain.lowercased()
                if name.hasPrefix("*") { name.removeFirst() }
                if name.hasPrefix(".") { name.removeFirst() }
                return name
            }
            .filter { !$0.isEmpty }
            // The longest first: of `s3.example.com` and `example.com`, `b.s3.example.com` belongs to the former.
            .sorted { $0.utf8.count == $1.utf8.count ? $0 < $1 : $0.utf8.count > $1.utf8.count }
    }

    /// What is known of the host before its name is looked at here.
    package enum HostStyle: Hashable, Sendable {
        /// Nothing: it may lie below one of the domains.
        case unknown
        /// It names no bucket, or this one.
        case known(bucket: String?)
    }

    package func resolve(
        host: String?, path: ArraySlice<UInt8>, style: HostStyle = .unknown
    ) throws(S3Error) -> ResourceAddress {
        let rest = path.dropFirst()
        let named: String?
        switch style {
        case .unknown: named = virtualBucket(host)
        case .known(let bucket): named = bucket
        }
        if let bucket = named {
            var address = try Self.address(bucket: bucket, key: rest)
            address.isVirtualHosted = true
            return address
        }
        guard !rest.isEmpty else { return ResourceAddress() }
        let slash = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
        let bucket = String(decoding: rest[..<slash], as: UTF8.self)
        return try Self.address(bucket: bucket, key: rest[slash...].dropFirst())
    }

    /// The bucket that the host names, when it lies below one of the domains.
    private func virtualBucket(_ host: String?) -> String? {
        guard !domains.isEmpty, let host else { return nil }
        let name = HostName.normalized(host)
        for domain in domains {
            if name == domain { return nil }
            if name.hasSuffix("." + domain) { return String(name.dropLast(domain.count + 1)) }
        }
        return nil
    }

    private static func address(bucket: String, key: ArraySlice<UInt8>) throws(S3Error) -> ResourceAddress {
        guard !key.isEmpty else { return ResourceAddress(bucket: bucket) }
        let key = Array(key)
        try ObjectKeyRule.validate(key)
        return ResourceAddress(bucket: bucket, key: key)
    }
}
