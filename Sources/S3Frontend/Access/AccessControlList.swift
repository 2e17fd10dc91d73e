import AccessPolicy
import ObjectFormat
import S3Protocol

/// Who was granted what on a bucket or an object, and who owns it.
struct AccessControlList: Hashable, Sendable {
    /// Canonical id.
    var owner: String
    var grants: [AccessGrant]

    static func ownerOnly(_ owner: String) -> AccessControlList {
        AccessControlList(owner: owner, grants: [AccessGrant(.account(owner), .fullControl)])
    }

    /// Grants to everybody, signed or not.
    var isPublic: Bool { grants.contains { $0.grantee == .allUsers || $0.grantee == .authenticatedUsers } }

    func grants(_ permission: AccessGrant.Permission, toAccount id: String) -> Bool {
        grants.contains { $0.grantee == .account(id) && $0.covers(permission) }
    }

    /// Whether a group that the caller is in has the permission.
    func grantsToGroup(_ permission: AccessGrant.Permission, of caller: Caller) -> Bool {
        grants.contains { grant in
            guard grant.covers(permission) else { return false }
            switch grant.grantee {
            case .allUsers: return true
            case .authenticatedUsers: return caller != .anonymous
            case .account, .logDelivery: return false
            }
        }
    }

    /// Nothing but full control for this account, in whatever words: allowed where lists are disabled.
    func isOnlyFullControl(for account: String) -> Bool {
        grants.count == 1 && grants[0] == AccessGrant(.account(account), .fullControl)
    }
}

extension AccessGrant {
    func covers(_ wanted: Permission) -> Bool { permission == wanted || permission == .fullControl }
}

extension AccessGrant.Permission {
    var s3Name: String {
        switch self {
        case .read: "READ"
        case .write: "WRITE"
        case .readACP: "READ_ACP"
        case .writeACP: "WRITE_ACP"
        case .fullControl: "FULL_CONTROL"
        }
    }

    init?(s3Name: String) {
        guard let found = Self.allCases.first(where: { $0.s3Name == s3Name }) else { return nil }
        self = found
    }
}

extension AccessGrant.Grantee {
    var groupURI: String? {
        switch self {
        case .account: nil
        case .allUsers: "http://acs.amazonaws.com/groups/global/AllUsers"
        case .authenticatedUsers: "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
        case .logDelivery: "http://acs.amazonaws.com/groups/s3/LogDelivery"
        }
    }

    init?(groupURI: String) {
        let groups: [AccessGrant.Grantee] = [.allUsers, .authenticatedUsers, .logDelivery]
        guard let found = groups.first(where: { $0.groupURI == groupURI }) else { return nil }
        self = found
    }
}

extension CannedACL {
    /// The grants of a canned list. What makes no sense for a bucket grants nothing more than private does.
    func grants(owner: String, bucketOwner: String) -> [AccessGrant] {
        let own = AccessGrant(.account(owner), .fullControl)
        switch self {
        case .private, .awsExecRead: return [own]
        case .publicRead: return [own, AccessGrant(.allUsers, .read)]
        case .publicReadWrite: return [own, AccessGrant(.allUsers, .read), AccessGrant(.allUsers, .write)]
        case .authenticatedRead: return [own, AccessGrant(.authenticatedUsers, .read)]
        case .bucketOwnerRead:
            return owner == bucketOwner ? [own] : [own, AccessGrant(.account(bucketOwner), .read)]
        case .bucketOwnerFullControl:
            return owner == bucketOwner ? [own] : [own, AccessGrant(.account(bucketOwner), .fullControl)]
        case .logDeliveryWrite:
            return [own, AccessGrant(.logDelivery, .write), AccessGrant(.logDelivery, .readACP)]
        }
    }
}

// MARK: - As it is stored

extension AccessControlList {
    /// JSON, because a bucket's documents are text: `{"grants":[{"account":"…","permission":"READ"},{"group":"…",…}]}`.
    var stored: [UInt8] {
        let grants = grants.map { grant -> JSONValue in
            let who: JSONValue.Member
            switch grant.grantee {
            case .account(let id): who = .init("account", .string(id))
            default: who = .init("group", .string(grant.grantee.groupURI ?? ""))
            }
            return .object([who, .init("permission", .string(grant.permission.s3Name))])
        }
        return Array(JSONValue.object([.init("grants", .array(grants))]).encoded.utf8)
    }

    /// nil when the bytes are not such a document.
    init?(stored bytes: [UInt8], owner: String) {
        guard let root = try? JSONReader.parse(bytes),  // What is not JSON is damaged, and nil says so.
            case .array(let values)? = root["grants"]
        else { return nil }
        var grants: [AccessGrant] = []
        for value in values {
            guard let permission = value["permission"]?.text.flatMap(AccessGrant.Permission.init(s3Name:)) else {
                return nil
            }
            if let id = value["account"]?.text {
                grants.append(AccessGrant(.account(id), permission))
            } else if let group = value["group"]?.text.flatMap(AccessGrant.Grantee.init(groupURI:)) {
                grants.append(AccessGrant(group, permission))
            } else {
                return nil
            }
        }
        self.init(owner: owner, grants: grants)
    }
}
