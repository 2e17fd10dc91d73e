import CTLS
package import Runtime

/// What a client of TLS trusts, and shows of itself.
// SAFETY: OpenSSL's context is made for use by several threads; nothing here changes after init.
package final class TLSClient: @unchecked Sendable {
    let pointer: OpaquePointer
    private let buffers = BufferPool()

    /// `authorities` is a PEM document; nil trusts those of the system. `pair` is shown to servers that ask for it.
    package init(authorities: [UInt8]?, pair: TLSPair? = nil) throws(TLSError) {
        var made: OpaquePointer?
        let problem = TLSStore.text { error, errorCount in
            (authorities ?? []).withUnsafeBytes { authorityBytes in
                (pair?.certificate ?? []).withUnsafeBytes { certificate in
                    (pair?.key ?? []).withUnsafeBytes { key in
                        made = ctls_client_new(
                            authorities == nil ? nil : authorityBytes.baseAddress, authorityBytes.count,
                            pair == nil ? nil : certificate.baseAddress, certificate.count, key.baseAddress, key.count,
                            error, errorCount)
                    }
                }
            }
        }
        guard let made else { throw TLSError(what: problem) }
        pointer = made
    }

    deinit { ctls_client_free(pointer) }

    /// TLS over a connected socket, to the server whose certificate bears `host`; nil without memory.
    package func transport(over socket: LoopSocket, to host: String) -> TLSTransport? {
        guard let session = ctls_client_session_new(pointer, host) else { return nil }
        return TLSTransport(socket, session, buffers, role: .client(self))
    }
}
