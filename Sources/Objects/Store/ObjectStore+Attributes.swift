package import Base
import Drives
package import ObjectFormat

/// A part of a completed object.
package struct ObjectPartInfo: Sendable {
    package var number: Int
    package var size: Int64
    package var checksum: ObjectChecksum?
}

package struct ObjectPartsPage: Sendable {
    /// Of the whole object.
    package var totalCount: Int
    package var parts: [ObjectPartInfo]
    /// The next marker; nil when nothing is left.
    package var next: Int?
}

extension ObjectStore {
    /// What GetObjectAttributes tells. The parts are nil when they are not asked for or the object was made in one piece.
    package func attributes(
        _ bucket: String, _ key: ObjectKey, version: VersionID?, tenant: TenantID, parts: ListPartsOptions?
    ) async throws(ObjectError) -> (object: ObjectInfo, parts: ObjectPartsPage?) {
        let bucket = try self.tenant(tenant).bucket(bucket).id
        let set = placement.set(bucket: bucket, key: key)
        return try await set.run { () async throws(ObjectError) in
            for _ in 0..<Self.readAttemptsMax {
                let found = try await VersionLookup(set: set, bucket: bucket, key: key).readable(version)
                guard let parts, case .parts(let reference) = found.record.layout else { return (found.info, nil) }
                let map = PartMap(set: set, bucket: bucket, map: reference)
                if let page = try await map.page(of: parts) { return (found.info, page) }
            }
            throw .slowDown(detail: "the object is being replaced too fast to be read")
        }
    }
}

extension PartMap {
    /// Parts with numbers above the marker; nil when the map is gone because the object was replaced.
    fileprivate func page(of options: ListPartsOptions) async throws(ObjectError) -> ObjectPartsPage? {
        var result = ObjectPartsPage(totalCount: map.partCount, parts: [], next: nil)
        guard options.limit > 0 else { return result }
        var index = map.pages.lastIndex { $0.number <= options.marker } ?? 0
        while index < map.pages.count {
            guard let page = try await page(index) else { return nil }
            for entry in page.entries where entry.number > options.marker {
                guard result.parts.count < options.limit else {
                    result.next = result.parts.last?.number
                    return result
                }
                result.parts.append(
                    ObjectPartInfo(number: entry.number, size: entry.size, checksum: entry.checksum))
            }
            index += 1
        }
        return result
    }
}
