import ObjectFormat

/// The versions of one key, each of which must stay until it is deleted.
struct HistoryModel {
    struct Version {
        var write: Int
        var isDeleted = false
        /// Its deletion was asked for, and the answer is not known.
        var mayBeDeleted = false
    }
    /// Acknowledged.
    var versions: [VersionID: Version] = [:]
    /// In the order in which they were acknowledged.
    var order: [VersionID] = []
    /// Writes whose answer is not known: they may have made a version.
    var unknown: Set<Int> = []
    var failed: Set<Int> = []

    mutating func add(_ id: VersionID, write: Int) {
        versions[id] = Version(write: write)
        order.append(id)
    }

    /// Compares with what is there, newest first; nil when all is well.
    func check(_ found: [(id: VersionID, write: Int)]) -> String? {
        for (id, write) in found {
            if let version = versions[id] {
                if version.write != write { return "version \(id) has the bytes of \(write), not of \(version.write)" }
                if version.isDeleted { return "version \(id) is there again, after its deletion" }
            } else if !unknown.contains(write) {
                return
                    "version \(id) of write \(write) was never acknowledged\(failed.contains(write) ? " and failed" : "")"
            }
        }
        let present = Set(found.map(\.id))
        for id in order {
            guard let version = versions[id], !version.isDeleted, !version.mayBeDeleted else { continue }
            if !present.contains(id) { return "version \(id) of write \(version.write) is gone" }
        }
        for (newer, older) in zip(found, found.dropFirst()) {
            guard case .id(let first) = newer.id, case .id(let second) = older.id else { continue }
            if first <= second { return "versions \(newer.id) and \(older.id) are out of order" }
        }
        return nil
    }
}
