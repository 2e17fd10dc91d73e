import AccessPolicy
import Base
import Identity
import ObjectFormat
import Objects
import S3Protocol

/// Calls about buckets that S3 has none for: quotas, and a bucket's configuration as one document. The server's operator makes them,
/// with `martlet admin bucket`.
extension QueryAPI {
    static let bucketActions: Set<String> = [
        "MartletGetBucketQuota", "MartletSetBucketQuota", "MartletExportBucket", "MartletImportBucket",
    ]

    /// `operatorID`: the canonical id of the operator's account, which owns imported buckets that name no known owner.
    func performOnBuckets(_ call: QueryCall, operatorID: String) async throws(IdentityError) -> [AnswerElement] {
        let name = try call.required("Bucket"), store = operations.store
        let tenant = try IAM.tenant(call, in: iam.state).id
        switch call.action {
        case "MartletSetBucketQuota":
            let quota = BucketQuota(bytes: try Self.limit(call, "Bytes"), objects: try Self.limit(call, "Objects"))
            try await objects { () async throws(ObjectError) in
                try await store.setQuota(name, quota, tenant: tenant)
            }
            return try await quotaAndUsage(name, tenant)
        case "MartletExportBucket":
            let info = try await objects { () async throws(ObjectError) in try store.bucket(name, tenant: tenant) }
            return [.text("Document", BucketExport(info).json.encoded)]
        case "MartletImportBucket":
            let document = try call.required("Document")
            let notes = try await importBucket(name, tenant, Array(document.utf8), operatorID: operatorID)
            return [.text("Bucket", name), .texts("Imported", notes)]
        default: return try await quotaAndUsage(name, tenant)
        }
    }

    private func quotaAndUsage(
        _ name: String, _ tenant: TenantID
    ) async throws(IdentityError) -> [AnswerElement] {
        let store = operations.store
        let (info, used) = try await objects { () async throws(ObjectError) in
            (try store.bucket(name, tenant: tenant), try await store.usage(name, tenant: tenant))
        }
        let quota = info.quota ?? BucketQuota()
        return [
            .group(
                "Quota",
                [.text("Bucket", name)] + AnswerElement.optional("Bytes", quota.bytes.map(String.init))
                    + AnswerElement.optional("Objects", quota.objects.map(String.init)) + [
                        .text("UsedBytes", String(used.bytes)), .text("UsedObjects", String(used.versions)),
                    ])
        ]
    }

    private static func limit(_ call: QueryCall, _ name: String) throws(IdentityError) -> Int64? {
        guard let text = call[name], !text.isEmpty else { return nil }
        guard let value = Int64(text), value >= 0 else {
            throw .invalid("\(name) is \(text); it must be a whole number from 0")
        }
        return value
    }

    private func importBucket(
        _ name: String, _ tenant: TenantID, _ bytes: [UInt8], operatorID: String
    ) async throws(IdentityError) -> [String] {
        let export: BucketExport
        do throws(S3Error) {
            export = try BucketExport(parsing: bytes)
            try BucketName.validateForCreation(name)
            for document in export.documents { try operations.validate(document, of: name) }
        } catch { throw .invalidInput("\(error.code.name): \(error.message)") }
        let store = operations.store, accounts = operations.accounts.scoped(to: tenant)
        // Of an owner that the tenant does not have the bucket is its root's.
        let root = iam.state.tenants[tenant].flatMap { iam.state.accounts[$0.rootAccount]?.canonicalID }
        return try await objects { () async throws(ObjectError) in
            try await export.apply(
                to: name, store, tenant: tenant,
                owner: accounts.account(canonicalID: export.owner)?.canonicalID ?? root ?? operatorID,
                region: operations.region)
        }
    }

    private func objects<Value>(
        _ call: () async throws(ObjectError) -> Value
    ) async throws(IdentityError) -> Value {
        do throws(ObjectError) { return try await call() } catch {
            switch error {
            case .noSuchBucket: throw .noSuchEntity("The bucket cannot be found.")
            case .invalidBucketState(let detail): throw .invalidInput(detail)
            case .documentTooLarge(let limit): throw .invalidInput("A document is larger than \(limit) bytes.")
            case .slowDown, .readUnavailable, .writeUnavailable, .noSpace, .shuttingDown: throw .serviceUnavailable
            default: throw .serviceFailure
            }
        }
    }
}
