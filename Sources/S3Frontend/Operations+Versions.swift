import Base
import ObjectFormat
import Objects
import S3Protocol

extension Operations {
    func getBucketVersioning(_ context: RequestContext) throws(S3Error) -> Answer {
        let status: VersioningConfiguration.Status? =
            switch try bucket(context).versioning {
            case .unversioned: nil
            case .enabled: .enabled
            case .suspended: .suspended
            }
        return .xml(VersioningConfiguration(status: status).document())
    }

    func putBucketVersioning(_ context: RequestContext, _ body: RequestBody) async throws(S3Error) -> Answer {
        _ = try bucket(context)
        let configuration = try VersioningConfiguration(parsing: try await body.document(limit: 64 << 10))
        if configuration.wantsMFADelete {
            guard context.header("x-amz-mfa") == nil else { throw .notImplemented(header: "x-amz-mfa") }
            throw S3Error(.accessDenied, "Mfa Authentication must be used for this request")
        }
        try await translating(context) { () async throws(ObjectError) in
            try await store.setVersioning(
                context.bucketOrEmpty, tenant: context.tenant, enabled: configuration.status == .enabled)
        }
        return Answer(200)
    }
}

extension BucketInfo {
    /// Whether answers name versions, the null version among them.
    var namesVersions: Bool { versioning != .unversioned }
}

extension Answer {
    /// Names the version that a request read or changed.
    mutating func setVersion(_ version: VersionID, in bucket: BucketInfo) {
        if bucket.namesVersions { set("x-amz-version-id", version.description) }
    }
}
