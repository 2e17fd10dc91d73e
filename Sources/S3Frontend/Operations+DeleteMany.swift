import Base
import ObjectFormat
import Objects
import S3Protocol

extension Operations {
    func deleteObjects(_ context: RequestContext, _ body: RequestBody) async throws(S3Error) -> Answer {
        _ = try bucket(context)
        try Unsupported.refuse(context)
        try RequiredDigest.check(context)
        let request = try DeleteObjectsRequest(parsing: try await body.document(limit: 4 << 20))
        let bypasses = try deleteBypassesGovernance(context)
        let refusals = try await refusals(of: request.objects, context)
        let planned = zip(request.objects, refusals).map { object, refusal in
            refusal.map { .failure($0) } ?? Self.plan(object, bypassesGovernance: bypasses)
        }
        let possible = planned.compactMap { try? $0.get() }  // The others are answered below, each with its own error.
        let results = try await translating(context) { () async throws(ObjectError) in
            try await store.deleteMany(context.bucketOrEmpty, possible, tenant: context.tenant)
        }
        var entries: [DeleteObjectsResult.Entry] = []
        var next = results.makeIterator()
        for (object, plan) in zip(request.objects, planned) {
            switch plan {
            case .failure(let error): entries.append(.failed(key: object.key, versionID: object.versionID, error))
            case .success:
                switch next.next() {
                case .success(let result)?:
                    entries.append(
                        .deleted(
                            key: object.key, versionID: object.versionID,
                            deleteMarkerVersionID: result.deleteMarker?.description))
                case .failure(.noSuchKey)?:
                    entries.append(.failed(key: object.key, versionID: object.versionID, .noSuchKey(object.key)))
                // Every object matches `*`: there is none.
                case .failure(.preconditionFailed(.ifMatch))? where object.conditions.ifMatch == .any:
                    entries.append(.failed(key: object.key, versionID: object.versionID, .noSuchKey(object.key)))
                case .failure(let error)?:
                    entries.append(.failed(key: object.key, versionID: object.versionID, S3Error(error, context)))
                case nil:
                    entries.append(.failed(key: object.key, versionID: object.versionID, S3Error(.internalError)))
                }
            }
        }
        return .xml(DeleteObjectsResult(entries: entries, isQuiet: request.isQuiet).document())
    }

    private static func plan(
        _ object: DeleteObjectsRequest.Object, bypassesGovernance: Bool
    ) -> Result<DeleteRequest, S3Error> {
        var options = DeleteOptions()
        options.bypassesGovernance = bypassesGovernance
        if let text = object.versionID {
            guard let version = VersionID(text) else {
                return .failure(.noSuchVersion(key: object.key, version: text))
            }
            options.version = version
        }
        do throws(S3Error) { try ObjectKeyRule.validate(object.key) } catch { return .failure(error) }
        options.conditions = Conditions.convert(object.conditions)
        return .success(DeleteRequest(key: ObjectKey(object.key), options: options))
    }
}
