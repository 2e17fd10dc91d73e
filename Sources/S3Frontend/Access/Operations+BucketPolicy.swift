import AccessPolicy
import Base
import ObjectFormat
import Objects
import S3Protocol

extension Operations {
    func getBucketPolicy(_ context: RequestContext) throws(S3Error) -> Answer {
        let info = try bucket(context)
        guard let document = info.documents[.policy] else { throw Self.missing(.noSuchBucketPolicy, info) }
        return Answer(200, body: .bytes(document.bytes)).with("Content-Type", "application/json")
    }

    func putBucketPolicy(_ context: RequestContext, _ body: RequestBody) async throws(S3Error) -> Answer {
        let info = try bucket(context)
        let bytes = try await body.document(limit: PolicyDocument.bytesMax + 1)
        let policy: PolicyDocument
        do throws(PolicyError) { policy = try PolicyDocument(parsing: bytes, use: .bucket(info.name)) } catch {
            throw S3Error(.malformedPolicy, error.message)
        }
        for arn in policy.principalARNs where !accounts.mayExist(principal: arn) {
            throw S3Error(.malformedPolicy, PolicyError.invalidPrincipal.message).with("Detail", arn)
        }
        let isPublic = policy.isPublic
        let changed = try await changing(context, .policy) { info in
            // Under the bucket's lock, so that a policy and the switch that forbids it can't pass each other.
            isPublic && BucketAccess(info).block?.blockPublicPolicy == true ? .keep : .store(bytes)
        }
        guard changed.documents[.policy]?.bytes == bytes else { throw S3Error(.accessDenied) }
        return Answer(204)
    }

    func deleteBucketPolicy(_ context: RequestContext) async throws(S3Error) -> Answer {
        try await changing(context, .policy) { _ in .delete }
        return Answer(204)
    }

    func getBucketPolicyStatus(_ context: RequestContext) throws(S3Error) -> Answer {
        let info = try bucket(context)
        guard info.documents[.policy] != nil else { throw Self.missing(.noSuchBucketPolicy, info) }
        var writer = XMLWriter(capacity: 256)
        writer.openRoot("PolicyStatus")
        writer.element("IsPublic", access(of: info).isPolicyPublic)
        writer.close("PolicyStatus")
        return .xml(writer.bytes)
    }

    static func missing(_ code: S3Error.Code, _ info: BucketInfo) -> S3Error {
        S3Error(code).with("BucketName", info.name)
    }
}

extension PolicyDocument {
    /// Users and roles that the policy names.
    var principalARNs: [String] {
        statements.flatMap { statement in
            (statement.principal?.members ?? []).compactMap { member in
                if case .arn(let arn) = member { arn } else { nil }
            }
        }
    }
}
