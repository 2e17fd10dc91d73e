import Runtime

/// The header of the PROXY protocol, version 2, which a load balancer sends ahead of the client's bytes
/// (https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt, section 2.2).
package enum ProxyPreamble {
    package static let fixedBytes = 16
    /// Addresses take up to 216 bytes; what follows are records such as names and certificates' facts.
    static let restBytesMax = 4096
    private static let signature: [UInt8] = [
        0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A,
    ]

    package enum Refusal: Error, Hashable { case notProxied, version, tooLong, cutShort }

    /// How many bytes follow the first 16.
    package static func restCount(_ fixed: [UInt8]) throws(Refusal) -> Int {
        guard fixed.count == fixedBytes, fixed.starts(with: signature) else { throw .notProxied }
        guard fixed[12] >> 4 == 2, fixed[12] & 0x0F <= 1 else { throw .version }
        let count = Int(fixed[14]) << 8 | Int(fixed[15])
        guard count <= restBytesMax else { throw .tooLong }
        return count
    }

    /// The client; nil when the proxy speaks for itself (its health checks) or for what has no address.
    package static func origin(_ fixed: [UInt8], _ rest: [UInt8]) throws(Refusal) -> ClientOrigin? {
        guard fixed[12] & 0x0F == 1 else { return nil }
        let width: Int
        switch fixed[13] {
        case 0x11: width = 4
        case 0x21: width = 16
        default: return nil
        }
        let addresses = width * 2 + 4
        guard rest.count >= addresses else { throw .cutShort }
        let port = UInt16(rest[width * 2]) << 8 | UInt16(rest[width * 2 + 1])
        return ClientOrigin(
            address: text(rest[..<width]), port: port, isSecure: try isSecure(Array(rest[addresses...])))
    }

    /// Record 0x20 tells of the TLS that the proxy ended; its first bit says that there was one.
    private static func isSecure(_ records: [UInt8]) throws(Refusal) -> Bool {
        var place = 0
        while place < records.count {
            guard place + 3 <= records.count else { throw .cutShort }
            let count = Int(records[place + 1]) << 8 | Int(records[place + 2])
            guard place + 3 + count <= records.count else { throw .cutShort }
            if records[place] == 0x20, count > 0 { return records[place + 3] & 1 == 1 }
            place += 3 + count
        }
        return false
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String {
        if bytes.count == 4 { return bytes.map(String.init).joined(separator: ".") }
        let bytes = Array(bytes)
        if bytes[..<10].allSatisfy({ $0 == 0 }), bytes[10] == 0xFF, bytes[11] == 0xFF {
            return bytes[12...].map(String.init).joined(separator: ".")
        }
        let groups = (0..<8).map { String(UInt16(bytes[$0 * 2]) << 8 | UInt16(bytes[$0 * 2 + 1]), radix: 16) }
        return groups.joined(separator: ":")
    }

    /// Reads the header off a new connection, not a byte more.
    static func read(_ socket: LoopSocket, _ buffers: BufferPool) async throws -> ClientOrigin? {
        let fixed = try await read(fixedBytes, socket, buffers)
        let rest = try await read(try restCount(fixed), socket, buffers)
        return try origin(fixed, rest)
    }

    private static func read(_ count: Int, _ socket: LoopSocket, _ buffers: BufferPool) async throws -> [UInt8] {
        guard count > 0 else { return [] }
        let buffer = buffers.take(count)
        defer { withExtendedLifetime(buffer) {} }
        var filled = 0
        while filled < count {
            let taken = try await socket.receive(
                into: UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[filled..<count]))
            guard taken > 0 else { throw Refusal.cutShort }
            filled += taken
        }
        return Array(buffer.bytes[..<count])
    }
}
