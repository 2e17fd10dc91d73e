import Base
import ObjectFormat
import Objects
import S3Protocol

extension Operations {
    func getBucketAcl(_ context: RequestContext) throws(S3Error) -> Answer {
        let info = try bucket(context), access = access(of: info)
        var writer = XMLWriter(capacity: 1024)
        writer.accessControlPolicy(access.listsCount ? access.list : .ownerOnly(info.owner), accounts)
        return .xml(writer.bytes)
    }

    func putBucketAcl(_ context: RequestContext, _ body: RequestBody) async throws(S3Error) -> Answer {
        let info = try bucket(context), access = access(of: info)
        let list = try await requestedList(context, body, owner: info.owner, info)
        guard access.listsCount else { return try Self.answerDisabled(list, context, info) }
        if list.isPublic, access.block?.blockPublicACLs == true { throw S3Error(.accessDenied) }
        let stored = list.stored
        let changed = try await changing(context, .acl) { info in
            let now = BucketAccess(info)
            return !now.listsCount || list.isPublic && now.block?.blockPublicACLs == true ? .keep : .store(stored)
        }
        guard changed.documents[.acl]?.bytes == stored else { throw S3Error(.operationAborted) }
        return Answer(200)
    }

    func getObjectAcl(_ context: RequestContext) async throws(S3Error) -> Answer {
        let info = try bucket(context)
        let object = try await describedObject(context)
        let owner = shownOwner(object.owner, info)
        var list = AccessControlList.ownerOnly(owner)
        if access(of: info).listsCount, let grants = object.grants {
            list = AccessControlList(owner: owner, grants: grants)
        }
        var writer = XMLWriter(capacity: 1024)
        writer.accessControlPolicy(list, accounts)
        var answer = Answer.xml(writer.bytes)
        if case .id = object.version { answer.set("x-amz-version-id", object.version.description) }
        return answer
    }

    func putObjectAcl(_ context: RequestContext, _ body: RequestBody) async throws(S3Error) -> Answer {
        let info = try bucket(context), access = access(of: info)
        let object = try await object(context)
        let owner = shownOwner(object.owner, info)
        let list = try await requestedList(context, body, owner: owner, info)
        guard access.listsCount else { return try Self.answerDisabled(list, context, info) }
        if list.isPublic, access.block?.blockPublicACLs == true { throw S3Error(.accessDenied) }
        let grants = list == .ownerOnly(owner) ? nil : list.grants
        let version = try context.versionID()
        let changed = try await translating(context) { () async throws(ObjectError) in
            try await store.setGrants(
                info.name, context.objectKey, version: version, tenant: context.tenant, grants: grants)
        }
        var answer = Answer(200)
        if case .id = changed { answer.set("x-amz-version-id", changed.description) }
        return answer
    }

    /// What a list can be put on.
    private func object(_ context: RequestContext) async throws(S3Error) -> ObjectInfo {
        var options = GetOptions()
        options.version = try context.versionID()
        let chosen = options
        do throws(ObjectError) {
            return try await store.head(
                context.bucketOrEmpty, context.objectKey, tenant: context.tenant, options: chosen
            ).object
        } catch { throw refusalOfPart(error, context) }
    }

    /// The list that a PutBucketAcl or PutObjectAcl asks for: canned, in headers or in the body, and only one of them.
    private func requestedList(
        _ context: RequestContext, _ body: RequestBody, owner: String, _ info: BucketInfo
    ) async throws(S3Error) -> AccessControlList {
        let reader = GrantReader(accounts: accounts)
        let fromHeaders = try reader.headerList(context.head, owner: owner, bucketOwner: info.owner)
        let document = try await body.document(limit: 256 << 10)
        if let fromHeaders {
            guard document.isEmpty else { throw S3Error(.unexpectedContent) }
            return fromHeaders
        }
        guard !document.isEmpty else {
            throw S3Error(.missingSecurityHeader, "Your request was missing a required header").with(
                "MissingHeaderName", "x-amz-acl")
        }
        let list = try reader.document(document)
        // A list can't give the resource away.
        guard list.owner == owner else { throw S3Error(.accessDenied) }
        return list
    }

    /// Where lists are disabled only the one that changes nothing is taken.
    private static func answerDisabled(
        _ list: AccessControlList, _ context: RequestContext, _ info: BucketInfo
    ) throws(S3Error) -> Answer {
        let name = context.header("x-amz-acl")
        guard
            name == CannedACL.bucketOwnerFullControl.rawValue || name == nil && list.isOnlyFullControl(for: info.owner)
        else { throw S3Error(.accessControlListNotSupported) }
        return Answer(200)
    }
}

extension Operations {
    /// What CreateBucket says of ownership and access: the value of the bucket's record, and its first documents.
    func newBucketAccess(
        _ context: RequestContext
    ) throws(S3Error) -> (ownership: ObjectOwnership, documents: [NewBucketDocument]) {
        var ownership = ObjectOwnership.bucketOwnerEnforced
        if let text = context.header("x-amz-object-ownership") {
            guard let known = ObjectOwnership(rawValue: text) else {
                throw .invalidArgument(
                    "Invalid x-amz-object-ownership header: \(text)", name: "x-amz-object-ownership", value: text)
            }
            ownership = known
        }
        let owner = context.signer.canonicalID
        let list = try GrantReader(accounts: accounts).headerList(context.head, owner: owner, bucketOwner: owner)
        guard let list, list != .ownerOnly(owner) else { return (ownership, []) }
        guard ownership != .bucketOwnerEnforced else { throw S3Error(.invalidBucketAclWithObjectOwnership) }
        return (ownership, [NewBucketDocument(.acl, list.stored)])
    }
}
