package import Base
package import ObjectFormat

extension ObjectStore {
    /// Replaces the access control list of a version; nil grants: its owner alone has full control. The result names the version.
    package func setGrants(
        _ bucket: String, _ key: ObjectKey, version: VersionID?, tenant: TenantID, grants: [AccessGrant]?
    ) async throws(ObjectError) -> VersionID {
        try await update(bucket, key, version: version, tenant: tenant) { record, _ throws(ObjectError) in
            record.grants = grants
        }
    }
}
