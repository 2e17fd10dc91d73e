/// What a client's certificate says of it, once an authority that clients are asked for has vouched for the certificate.
package struct PeerCertificate: Hashable, Sendable {
    /// The subject's only common name; empty when it has none or several.
    package var commonName: String
    package var expires: Timestamp
    /// Its extended key usage names clients. A certificate without that extension is for nothing in particular.
    package var isForClients: Bool

    package init(commonName: String, expires: Timestamp, isForClients: Bool) {
        (self.commonName, self.expires, self.isForClients) = (commonName, expires, isForClients)
    }
}
