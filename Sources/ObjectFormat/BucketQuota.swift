/// How large a bucket may become: of all versions together, delete markers not counted. The document of kind `quota`:
/// `bytes=<number> objects=<number>`, each only where there is a limit.
package struct BucketQuota: Hashable, Sendable {
    package var bytes: Int64?
    package var objects: Int64?

    package init(bytes: Int64? = nil, objects: Int64? = nil) {
        self.bytes = bytes
        self.objects = objects
    }

    package var isEmpty: Bool { bytes == nil && objects == nil }

    package var stored: [UInt8] {
        var words: [String] = []
        if let bytes { words.append("bytes=\(bytes)") }
        if let objects { words.append("objects=\(objects)") }
        return Array(words.joined(separator: " ").utf8)
    }

    /// nil for bytes that are no quota.
    package init?(stored: [UInt8]) {
        self.init()
        for word in String(decoding: stored, as: UTF8.self).split(separator: " ") {
            let parts = word.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, let value = Int64(parts[1]), value >= 0 else { return nil }
            switch parts[0] {
            case "bytes": bytes = value
            case "objects": objects = value
            default: return nil
            }
        }
    }
}
