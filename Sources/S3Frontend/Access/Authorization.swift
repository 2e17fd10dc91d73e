import AccessPolicy
import Base
import ObjectFormat
import Objects
import S3Protocol

/// The one place that decides whether a request may run. Every operation comes through here before it runs, and before the client
/// is told to send its body; the operations that read keys from a body (DeleteObjects, a form) come back with each.
extension Operations {
    func authorize(_ context: RequestContext) async throws(S3Error) {
        let operation = context.request.operation
        // A browser asks these without credentials; a form brings its own.
        if operation == .preflight || operation == .postObject || operation == .writeGetObjectResponse { return }
        let needs = ActionTable.needs(operation, namesVersion: context.target.contains("versionId"))
        if operation == .listBuckets || operation == .listDirectoryBuckets || operation == .createBucket {
            return try authorizeOwnAccount(needs, context)
        }
        let info = try bucket(context)
        try checkExpectedOwner(context.header("x-amz-expected-bucket-owner"), info)
        if isUnrestricted(context, info) { return try await authorizeCopySource(context) }
        if context.signer.caller == .anonymous { try refuseAnonymousOverrides(context) }
        for need in needs + extraNeeds(context) {
            try await require(need, key: context.key, versionID: context.target.string("versionId"), info, context)
        }
        try await authorizeCopySource(context)
    }

    /// True for most requests, at no cost: the owner's own root, where neither a policy nor other writers' objects have a say.
    private func isUnrestricted(_ context: RequestContext, _ info: BucketInfo) -> Bool {
        guard context.signer.isAccountRoot, context.signer.canonicalID == info.owner else { return false }
        let access = access(of: info)
        return access.policy == nil && !access.listsCount
    }

    func access(of info: BucketInfo) -> BucketAccess { bucketAccess.access(of: info) }

    /// Listing one's buckets and creating one concern nobody's resource yet: the identity's own policies decide.
    private func authorizeOwnAccount(_ needs: [AccessNeed], _ context: RequestContext) throws(S3Error) {
        guard context.signer.caller != .anonymous else { throw S3Error(.accessDenied) }
        for need in needs {
            var combination = PolicyCombination(resourceOwner: context.signer.canonicalID)
            context.signer.policies.fill(&combination)
            let resource = context.bucketOrEmpty.isEmpty ? "*" : "arn:aws:s3:::" + context.bucketOrEmpty
            let request = AccessRequest(
                caller: context.signer.caller, action: need.action, resource: resource,
                facts: RequestFacts(context: context))
            guard combination.decide(request).isAllowed else { throw S3Error(.accessDenied) }
        }
    }

    private func checkExpectedOwner(_ expected: String?, _ info: BucketInfo) throws(S3Error) {
        guard let expected else { return }
        let number = accounts.account(canonicalID: info.owner)?.number ?? AccountInfo.number(of: info.owner)
        if expected == number || expected == info.owner { return }
        guard expected.utf8.count >= 12, expected.utf8.allSatisfy({ Self.isHexDigit($0) }) else {
            throw S3Error(.invalidBucketOwnerAWSAccountID).with("BucketOwner", expected)
        }
        throw S3Error(.accessDenied)
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte | 0x20)
    }

    private func refuseAnonymousOverrides(_ context: RequestContext) throws(S3Error) {
        for name: StaticString in [
            "response-content-type", "response-content-encoding", "response-content-disposition",
            "response-content-language", "response-cache-control", "response-expires",
        ] where context.target.contains(name) {
            throw S3Error(
                .invalidRequest, "Request specific response headers cannot be used for anonymous GET requests.")
        }
    }

    /// What headers of a request ask for beyond its operation.
    private func extraNeeds(_ context: RequestContext) -> [AccessNeed] {
        var needs: [AccessNeed] = []
        if Self.writes.contains(context.request.operation) {
            // Whoever may write may say who reads what he writes; a policy can take that away.
            if context.header("x-amz-acl") != nil || GrantReader.hasGrantHeaders(context.head) {
                needs.append(.object("PutObjectAcl", .onBucket(.write)))
            }
            if context.header("x-amz-tagging") != nil { needs.append(.object("PutObjectTagging", .onBucket(.write))) }
            if context.header("x-amz-object-lock-mode") != nil { needs.append(.object("PutObjectRetention")) }
            if context.header("x-amz-object-lock-legal-hold") != nil { needs.append(.object("PutObjectLegalHold")) }
        }
        // Who asks for a certain state of the object learns whether it is in it.
        if Self.conditionals.contains(context.request.operation), let wanted = context.header("if-match"), wanted != "*"
        {
            needs.append(.object("GetObject", .onObject(.read)))
        }
        switch context.request.operation {
        case .deleteObject, .putObjectRetention:
            if context.header("x-amz-bypass-governance-retention")?.lowercased() == "true" {
                needs.append(.object("BypassGovernanceRetention"))
            }
        default: break
        }
        return needs
    }

    private static let writes: [S3Operation] = [.putObject, .copyObject, .createMultipartUpload]
    private static let conditionals: [S3Operation] = [.putObject, .copyObject, .completeMultipartUpload, .deleteObject]

    private func authorizeCopySource(_ context: RequestContext) async throws(S3Error) {
        guard context.request.operation == .copyObject || context.request.operation == .uploadPartCopy else { return }
        let source = try S3Protocol.CopySource(parsing: context.header("x-amz-copy-source") ?? "")
        let info: BucketInfo
        do throws(ObjectError) { info = try store.bucket(source.bucket, tenant: context.tenant) } catch {
            throw .noSuchBucket(source.bucket)
        }
        try checkExpectedOwner(context.header("x-amz-source-expected-bucket-owner"), info)
        if isUnrestricted(context, info) { return }
        let action = source.versionID == nil ? "GetObject" : "GetObjectVersion"
        try await require(
            .object(action, .onObject(.read)), key: source.key, versionID: source.versionID, info, context)
    }

    /// Refuses with AccessDenied unless the caller has what is needed.
    func require(
        _ need: AccessNeed, key: [UInt8], versionID: String?, _ info: BucketInfo, _ context: RequestContext
    ) async throws(S3Error) {
        switch try await decide(need, key: key, versionID: versionID, info, context) {
        case .allowed: return
        case .refused: throw S3Error(.accessDenied)
        case .refusedMissing:
            // Who may list may know that there is nothing.
            if try await may(.listBucket, info, context) { throw .noSuchKey(key) }
            throw S3Error(.accessDenied)
        }
    }

    /// For objects that a request's body names.
    func authorizeWrite(of key: [UInt8], _ context: RequestContext) async throws(S3Error) {
        let info = try bucket(context)
        if isUnrestricted(context, info) { return }
        try await require(.putObject, key: key, versionID: nil, info, context)
    }

    /// Whether the caller has what is needed on the bucket itself.
    func may(_ need: AccessNeed, _ info: BucketInfo, _ context: RequestContext) async throws(S3Error) -> Bool {
        try await decide(need, key: [], versionID: nil, info, context) == .allowed
    }

    enum Verdict: Equatable { case allowed, refused, refusedMissing }

    /// Judges a read again by the very version that it opened, when the first decision was made by what was found just before: an
    /// object's own list, owner or tags may be another's by now.
    func confirm(_ object: ObjectInfo, _ context: RequestContext) async throws(S3Error) {
        let info = try bucket(context)
        if isUnrestricted(context, info) { return }
        let access = access(of: info)
        for need in ActionTable.needs(context.request.operation, namesVersion: context.target.contains("versionId"))
        where need.target == .object && needsObject(need, access, context.signer) {
            let verdict = try await decide(
                need, key: context.key, versionID: nil, info, context, opened: object)
            guard verdict == .allowed else { throw S3Error(.accessDenied) }
        }
    }

    private func decide(
        _ need: AccessNeed, key: [UInt8], versionID: String?, _ info: BucketInfo, _ context: RequestContext,
        opened: ObjectInfo? = nil
    ) async throws(S3Error) -> Verdict {
        let access = access(of: info), caller = context.signer.caller
        var facts = RequestFacts(context: context)
        facts.resourceAccount = accounts.account(canonicalID: info.owner)?.number ?? AccountInfo.number(of: info.owner)
        var combination = PolicyCombination(resourceOwner: access.owner)
        context.signer.policies.fill(&combination)
        combination.resource = access.policy
        if access.block?.restrictPublicBuckets == true, access.isPolicyPublic,
            context.signer.canonicalID != access.owner
        {
            combination.resourceAllowsCount = false
        }
        if case .onBucket(let permission)? = need.list {
            fill(&combination, access.list, permission, access, caller, context.signer.canonicalID)
        }
        var isMissing = false
        if need.target == .object, needsObject(need, access, context.signer) {
            var found = opened
            if found == nil { found = try await existing(key, versionID, info, context) }
            if let object = found {
                facts.existingTags = object.attributes.tags
                if case .onObject(let permission)? = need.list, access.listsCount {
                    let owner = object.owner.isEmpty ? access.owner : object.owner
                    let list = object.grants.map { AccessControlList(owner: owner, grants: $0) } ?? .ownerOnly(owner)
                    fill(&combination, list, permission, access, caller, context.signer.canonicalID)
                    if owner != access.owner {
                        combination.resourceOwner = owner
                        combination.resourceAllowsCount = false
                    }
                    // An owner can always read and change the list of what is his.
                    if permission == .readACP || permission == .writeACP, context.signer.canonicalID == owner {
                        combination.isGrantedToAccount = true
                    }
                }
            } else {
                isMissing = true
            }
        }
        var resource = "arn:aws:s3:::" + info.name
        if need.target == .object { resource += "/" + String(decoding: key, as: UTF8.self) }
        let decision = combination.decide(
            AccessRequest(caller: caller, action: need.action, resource: resource, facts: facts))
        if decision.isAllowed { return .allowed }
        return isMissing && !decision.isExplicitDeny ? .refusedMissing : .refused
    }

    /// Grants of a list, as far as lists count here and public ones are not switched off.
    private func fill(
        _ combination: inout PolicyCombination, _ list: AccessControlList, _ permission: AccessGrant.Permission,
        _ access: BucketAccess, _ caller: Caller, _ account: String
    ) {
        guard access.listsCount else { return }
        combination.isGrantedToAccount = caller != .anonymous && list.grants(permission, toAccount: account)
        combination.isGrantedToGroup =
            access.block?.ignorePublicACLs != true && list.grantsToGroup(permission, of: caller)
    }

    /// Whether the decision depends on what is stored: the object's own list and owner, or its tags.
    private func needsObject(_ need: AccessNeed, _ access: BucketAccess, _ signer: SignerIdentity) -> Bool {
        if case .onObject? = need.list, access.listsCount { return true }
        let prefix = "s3:existingobjecttag/"
        return access.policy?.asksFor(prefix: prefix) == true || signer.policies.asksFor(prefix: prefix)
    }

    private func existing(
        _ key: [UInt8], _ versionID: String?, _ info: BucketInfo, _ context: RequestContext
    ) async throws(S3Error) -> ObjectInfo? {
        var options = GetOptions()
        if let versionID {
            guard let version = VersionID(versionID) else { return nil }
            options.version = version
        }
        do throws(ObjectError) {
            return try await store.head(info.name, ObjectKey(key), tenant: context.tenant, options: options).object
        } catch {
            switch error {
            case .noSuchKey, .noSuchVersion, .methodNotAllowedOnDeleteMarker, .keyTooLong: return nil
            default: throw S3Error(error, context)
            }
        }
    }

    /// One answer for each key of a DeleteObjects: nil where it may be deleted.
    func refusals(
        of objects: [DeleteObjectsRequest.Object], _ context: RequestContext
    ) async throws(S3Error) -> [S3Error?] {
        let info = try bucket(context)
        if isUnrestricted(context, info) { return Array(repeating: nil, count: objects.count) }
        let bypasses = context.header("x-amz-bypass-governance-retention")?.lowercased() == "true"
        var refusals: [S3Error?] = []
        for object in objects {
            let action = object.versionID == nil ? "DeleteObject" : "DeleteObjectVersion"
            var needs: [AccessNeed] = [.object(action, .onBucket(.write))]
            if bypasses, object.versionID != nil { needs.append(.object("BypassGovernanceRetention")) }
            if let wanted = object.conditions.ifMatch, wanted != .any {
                needs.append(.object("GetObject", .onObject(.read)))
            }
            do throws(S3Error) {
                for need in needs {
                    try await require(need, key: object.key, versionID: object.versionID, info, context)
                }
                refusals.append(nil)
            } catch { refusals.append(error) }
        }
        return refusals
    }

    /// What a caller who may not list is told of an object that is not there.
    func concealed(_ error: S3Error, _ context: RequestContext) async -> S3Error {
        guard error.code == .noSuchKey || error.code == .noSuchVersion, !context.bucketOrEmpty.isEmpty else {
            return error
        }
        do throws(S3Error) {
            let info = try bucket(context)
            if isUnrestricted(context, info) { return error }
            return try await may(.listBucket, info, context) ? error : S3Error(.accessDenied)
        } catch { return error }
    }
}
