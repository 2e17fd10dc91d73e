import AccessPolicy
import Base
import ObjectFormat
import Objects
import Synchronization

/// Who owns new objects, and whether access control lists count.
enum ObjectOwnership: String, Hashable, Sendable {
    case bucketOwnerEnforced = "BucketOwnerEnforced"
    case bucketOwnerPreferred = "BucketOwnerPreferred"
    case objectWriter = "ObjectWriter"
}

/// The four switches of PutPublicAccessBlock.
struct PublicAccessBlock: Hashable, Sendable {
    var blockPublicACLs = false
    var ignorePublicACLs = false
    var blockPublicPolicy = false
    var restrictPublicBuckets = false

    /// `1010`: one digit for each switch, in the order above.
    var stored: [UInt8] {
        [blockPublicACLs, ignorePublicACLs, blockPublicPolicy, restrictPublicBuckets].map { $0 ? 0x31 : 0x30 }
    }

    init() {}

    init?(stored bytes: [UInt8]) {
        guard bytes.count == 4, bytes.allSatisfy({ $0 == 0x30 || $0 == 0x31 }) else { return nil }
        blockPublicACLs = bytes[0] == 0x31
        ignorePublicACLs = bytes[1] == 0x31
        blockPublicPolicy = bytes[2] == 0x31
        restrictPublicBuckets = bytes[3] == 0x31
    }
}

/// Everything about a bucket that decides who may do what, read out of its documents.
struct BucketAccess: Sendable {
    var owner: String
    /// nil when ownership controls were deleted: then lists count, and writers own what they write.
    var configuredOwnership: ObjectOwnership?
    var list: AccessControlList
    var policy: PolicyDocument?
    var isPolicyPublic: Bool
    var block: PublicAccessBlock?
    /// A stored document does not parse: nobody gets in but the owner, who can replace it.
    var isDamaged = false

    var ownership: ObjectOwnership { configuredOwnership ?? .objectWriter }
    var listsCount: Bool { ownership != .bucketOwnerEnforced }

    /// The document that says "deleted", which is not the same as "never changed".
    static let deletedOwnership: [UInt8] = Array("none".utf8)

    init(_ info: BucketInfo) {
        owner = info.owner
        list = .ownerOnly(info.owner)
        isPolicyPublic = false
        if let document = info.documents[.ownershipControls] {
            configuredOwnership = ObjectOwnership(rawValue: String(decoding: document.bytes, as: UTF8.self))
            if configuredOwnership == nil, document.bytes != Self.deletedOwnership { isDamaged = true }
        } else {
            configuredOwnership = ObjectOwnership(rawValue: info.objectOwnership) ?? .bucketOwnerEnforced
        }
        if let document = info.documents[.acl] {
            if let stored = AccessControlList(stored: document.bytes, owner: info.owner) {
                list = stored
            } else {
                isDamaged = true
            }
        }
        if let document = info.documents[.publicAccessBlock] {
            block = PublicAccessBlock(stored: document.bytes)
            if block == nil { isDamaged = true }
        }
        if let document = info.documents[.policy] {
            do {
                let parsed = try PolicyDocument(parsing: document.bytes, use: .bucket(info.name))
                policy = parsed
                isPolicyPublic = parsed.isPublic
            } catch { isDamaged = true }
        }
    }
}

/// What was read of buckets' documents, kept as long as they stay the same.
final class BucketAccessCache: Sendable {
    private struct Entry {
        var revisions: [Position]
        var ownership: String
        var access: BucketAccess
    }
    /// Buckets beyond this many have their documents read on each request until some are forgotten.
    private static let entriesMax = 4096
    private static let kinds: [BucketDocumentKind] = [.policy, .acl, .ownershipControls, .publicAccessBlock]
    private let entries = Mutex<[BucketID: Entry]>([:])

    func access(of info: BucketInfo) -> BucketAccess {
        let revisions = Self.kinds.map { info.documents[$0]?.revision ?? .zero }
        if let found = entries.withLock({ $0[info.id] }), found.revisions == revisions,
            found.ownership == info.objectOwnership
        {
            return found.access
        }
        let access = BucketAccess(info)
        entries.withLock { entries in
            if entries.count >= Self.entriesMax { entries.removeAll(keepingCapacity: true) }
            entries[info.id] = Entry(revisions: revisions, ownership: info.objectOwnership, access: access)
        }
        return access
    }
}
