import Drives
package import ObjectFormat

/// Rows of limits: kept here beside everything else that is durable, and known to those who enforce them.
extension ObjectStore {
    package struct LimitRow: Sendable {
        /// What they limit, in words of whoever enforces them.
        package var name: String
        /// nil deletes.
        package var limits: LimitRecord?
        package init(name: String, limits: LimitRecord?) {
            self.name = name
            self.limits = limits
        }
    }

    private var limitHome: SetHandle { placement.set(system: IndexKey(StoreKeys.limits)) }

    package func limitRows() async throws(ObjectError) -> [LimitRow] {
        let home = limitHome
        var found: [LimitRow] = []
        try await home.run { () async throws(ObjectError) in
            try await home.scan(prefix: StoreKeys.limits, page: 256) { row throws(ObjectError) in
                let name = String(decoding: row.key.bytes.dropFirst(StoreKeys.limits.count), as: UTF8.self)
                do throws(FormatError) {
                    found.append(LimitRow(name: name, limits: try LimitRecord(decoding: row.payload)))
                } catch { throw .damaged(detail: "limits of \(name)") }
            }
        }
        return found
    }

    package func changeLimits(_ rows: [LimitRow]) async throws(ObjectError) {
        let home = limitHome
        let changes = rows.map { row in
            let key = IndexKey(StoreKeys.limits + Array(row.name.utf8))
            return row.limits.map { SetChange.put(key: key, payload: $0.encoded(), data: nil) } ?? .delete(key: key)
        }
        try await home.run { () async throws(ObjectError) in
            try await home.locked([LockName(StoreKeys.limits)]) { () async throws(ObjectError) in
                try await home.commit { _ in changes }
            }
        }
    }
}

extension StoreKeys {
    static let limits: [UInt8] = [KeySpace.system.rawValue, UInt8(ascii: "L")]
}
