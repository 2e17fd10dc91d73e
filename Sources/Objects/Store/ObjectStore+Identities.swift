import Drives
import ObjectFormat

/// Rows of identities: opaque to this layer, all on one set, so that a change of several is one commit.
extension ObjectStore {
    package struct IdentityRow: Sendable {
        package var name: [UInt8]
        /// nil deletes.
        package var payload: [UInt8]?
        package init(name: [UInt8], payload: [UInt8]?) {
            self.name = name
            self.payload = payload
        }
    }

    /// A commit holds 64 KiB; this leaves room for keys.
    package static let identityBytesMax = 56 << 10

    private var identityHome: SetHandle { placement.set(system: IndexKey(StoreKeys.identities)) }

    package func identityRows() async throws(ObjectError) -> [IdentityRow] {
        let home = identityHome
        var found: [IdentityRow] = []
        try await home.run { () async throws(ObjectError) in
            try await home.scan(prefix: StoreKeys.identities, page: 256) { row throws(ObjectError) in
                found.append(
                    IdentityRow(name: Array(row.key.bytes.dropFirst(StoreKeys.identities.count)), payload: row.payload))
            }
        }
        return found
    }

    package func changeIdentityRows(_ rows: [IdentityRow]) async throws(ObjectError) {
        let bytes = rows.reduce(0) { $0 + $1.name.count + ($1.payload?.count ?? 0) }
        guard bytes <= Self.identityBytesMax else { throw .documentTooLarge(limit: Self.identityBytesMax) }
        let home = identityHome
        let changes = rows.map { row in
            let key = IndexKey(StoreKeys.identities + row.name)
            return row.payload.map { SetChange.put(key: key, payload: $0, data: nil) } ?? .delete(key: key)
        }
        try await home.run { () async throws(ObjectError) in
            try await home.locked([LockName(StoreKeys.identities)]) { () async throws(ObjectError) in
                try await home.commit { _ in changes }
            }
        }
    }
}

extension StoreKeys {
    static let identities: [UInt8] = [KeySpace.system.rawValue, UInt8(ascii: "I")]
}
