import Base

/// Addresses of proxies and load balancers whose word on a client is taken.
package struct TrustedProxies: Hashable, Sendable {
    private let networks: [Network]
    /// Forwarded addresses that are looked at, from the nearest: no chain of proxies is longer.
    private static let hopsMax = 64

    package static let none = TrustedProxies(networks: [])
    private init(networks: [Network]) { self.networks = networks }

    /// Addresses and blocks such as `10.0.0.0/8`; throws the first that is neither.
    package init(_ texts: [String]) throws(NotANetwork) {
        var networks: [Network] = []
        for text in texts {
            guard let network = Network(text) else { throw NotANetwork(text: text) }
            networks.append(network)
        }
        self.networks = networks
    }

    package struct NotANetwork: Error { package let text: String }

    package var isEmpty: Bool { networks.isEmpty }

    package func contains(_ address: String) -> Bool {
        guard !networks.isEmpty, let address = Network(address) else { return false }
        return networks.contains { $0.contains(address) }
    }

    /// Whose request it is, when `peer` is a trusted proxy: the last address of X-Forwarded-For that is not a trusted one, and whether
    /// the client spoke TLS to the first proxy that says so. What stands before an address that is not trusted may be forged.
    func origin(of head: RequestHead, from peer: ClientOrigin) -> ClientOrigin {
        guard contains(peer.address) else { return peer }
        var origin = peer
        var hops = 0
        search: for field in head.fields.reversed() where head.matches(field.name, "x-forwarded-for") {
            for entry in head.string(field.value).split(separator: ",").reversed() {
                hops += 1
                guard hops <= Self.hopsMax, let found = Self.address(entry) else { break search }
                (origin.address, origin.port) = found
                if !contains(found.0) { break search }
            }
        }
        if let scheme = head.value("x-forwarded-proto") {
            origin.isSecure =
                scheme.split(separator: ",").last.map { Self.trimmed($0).lowercased() == "https" } ?? false
        }
        return origin
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }

    /// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1` or `[2001:db8::1]:4711`.
    private static func address(_ entry: Substring) -> (String, UInt16)? {
        var text = trimmed(entry), port: UInt16 = 0
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            port = UInt16(text[text.index(after: end)...].dropFirst()) ?? 0
            text = text[text.index(after: text.startIndex)..<end]
        } else if let colon = text.firstIndex(of: ":"), text.lastIndex(of: ":") == colon {
            port = UInt16(text[text.index(after: colon)...]) ?? 0
            text = text[..<colon]
        }
        guard !text.contains("/"), Network(String(text)) != nil else { return nil }
        return (String(text), port)
    }
}

/// Where a request comes from, as policies and logs see it.
package struct ClientOrigin: Hashable, Sendable {
    package var address: String
    package var port: UInt16
    /// The client's bytes are under TLS, here or before a trusted proxy.
    package var isSecure: Bool

    package init(address: String, port: UInt16, isSecure: Bool) {
        (self.address, self.port, self.isSecure) = (address, port, isSecure)
    }
}
