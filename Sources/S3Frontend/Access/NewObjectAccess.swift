import Base
import ObjectFormat
import Objects
import S3Protocol

/// Who will own an object that a request writes, and its list: nil when the owner alone has full control.
struct NewObjectAccess: Sendable {
    var owner: String
    var grants: [AccessGrant]?
}

extension Operations {
    /// Judges the ACL headers of a request that writes an object. Throws what AWS answers where lists are disabled or public ones
    /// blocked.
    func newObjectAccess(_ context: RequestContext) throws(S3Error) -> NewObjectAccess {
        try newObjectAccess(context, canned: nil)
    }

    /// The same where the canned list comes from a form field instead of a header.
    func newObjectAccess(_ context: RequestContext, canned: CannedACL?) throws(S3Error) -> NewObjectAccess {
        let info = try bucket(context), access = access(of: info), writer = context.signer.canonicalID
        let reader = GrantReader(accounts: accounts)
        var list = try reader.headerList(context.head, owner: writer, bucketOwner: info.owner)
        if let canned {
            list = AccessControlList(owner: writer, grants: canned.grants(owner: writer, bucketOwner: info.owner))
        }
        let name = canned?.rawValue ?? context.header("x-amz-acl")
        guard access.listsCount else {
            guard
                list == nil || name == CannedACL.bucketOwnerFullControl.rawValue
                    || list?.isOnlyFullControl(for: info.owner) == true && name == nil
            else { throw S3Error(.accessControlListNotSupported) }
            return NewObjectAccess(owner: info.owner, grants: nil)
        }
        if let list, list.isPublic, access.block?.blockPublicACLs == true { throw S3Error(.accessDenied) }
        if access.ownership == .bucketOwnerPreferred, name == CannedACL.bucketOwnerFullControl.rawValue {
            return NewObjectAccess(owner: info.owner, grants: nil)
        }
        guard let list, list != .ownerOnly(writer) else { return NewObjectAccess(owner: writer, grants: nil) }
        return NewObjectAccess(owner: writer, grants: list.grants)
    }

    /// Whom listings show as the owner of an object: the bucket's, where it owns everything in it.
    func shownOwner(_ stored: String, _ info: BucketInfo) -> String {
        stored.isEmpty || !access(of: info).listsCount ? info.owner : stored
    }

    func writeOwner(_ writer: inout XMLWriter, id: String, as name: StaticString = "Owner") {
        writer.open(name)
        writer.element("ID", id)
        writer.element(ifPresent: "DisplayName", accounts.account(canonicalID: id)?.displayName)
        writer.close(name)
    }
}
