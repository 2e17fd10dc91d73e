import AccessPolicy
import Base
import ObjectFormat
import Objects
import S3Protocol

/// Everything that a bucket is configured with, as one JSON document: for backups, and for making a bucket like another.
struct BucketExport: Sendable {
    struct Document: Sendable {
        var kind: BucketDocumentKind
        var id = ""
        var bytes: [UInt8]
    }

    var owner = ""
    var ownership: String?
    var versioning = Versioning.unversioned
    var objectLock = false
    var retention: DefaultRetention?
    var documents: [Document] = []

    /// The documents by the names that the export gives them. What nothing can be stored of is not among them.
    private static let names: [(kind: BucketDocumentKind, name: String)] = [
        (.policy, "policy"), (.acl, "acl"), (.ownershipControls, "ownershipControls"),
        (.publicAccessBlock, "publicAccessBlock"), (.cors, "cors"), (.tagging, "tagging"), (.website, "website"),
        (.logging, "logging"), (.accelerate, "accelerate"), (.requestPayment, "requestPayment"),
        (.inventory, "inventory"), (.quota, "quota"),
    ]

    init(_ info: BucketInfo) {
        owner = info.owner
        ownership = info.objectOwnership
        versioning = info.versioning
        objectLock = info.objectLockEnabled
        retention = info.defaultRetention
        for (kind, _) in Self.names {
            documents += info.documents.all(kind).map { Document(kind: kind, id: $0.id, bytes: $0.bytes) }
        }
    }

    var json: JSONValue {
        var members: [JSONValue.Member] = [.init("martletBucket", .number("1")), .init("owner", .string(owner))]
        if let ownership { members.append(.init("objectOwnership", .string(ownership))) }
        members.append(.init("versioning", .string(Self.text(versioning))))
        members.append(.init("objectLock", .bool(objectLock)))
        if let retention {
            let period: JSONValue.Member =
                switch retention.period {
                case .days(let count): .init("days", .number(String(count)))
                case .years(let count): .init("years", .number(String(count)))
                }
            members.append(
                .init(
                    "defaultRetention",
                    .object([.init("mode", .string(ObjectLockMode(retention.mode).rawValue)), period])))
        }
        for (kind, name) in Self.names {
            let found = documents.filter { $0.kind == kind }.map { String(decoding: $0.bytes, as: UTF8.self) }
            guard let first = found.first else { continue }
            members.append(.init(name, kind == .inventory ? .array(found.map { .string($0) }) : .string(first)))
        }
        return .object(members)
    }

    init(parsing bytes: [UInt8]) throws(S3Error) {
        let root: JSONValue
        do throws(JSONError) { root = try JSONReader.parse(bytes) } catch { throw Self.wrong("it is not JSON") }
        guard case .object(let members) = root, case .number("1")? = root["martletBucket"] else {
            throw Self.wrong("martletBucket must be 1")
        }
        for member in members { try take(member) }
    }

    private mutating func take(_ member: JSONValue.Member) throws(S3Error) {
        let value = member.value
        switch member.name {
        case "martletBucket": break
        case "owner": owner = value.text ?? ""
        case "objectOwnership":
            guard let text = value.text, ObjectOwnership(rawValue: text) != nil else { throw Self.wrong(member.name) }
            ownership = text
        case "versioning":
            guard let text = value.text, let state = Self.states.first(where: { $0.name == text })?.state else {
                throw Self.wrong(member.name)
            }
            versioning = state
        case "objectLock":
            guard case .bool(let isOn) = value else { throw Self.wrong(member.name) }
            objectLock = isOn
        case "defaultRetention": retention = try Self.retention(value)
        default:
            guard let kind = Self.names.first(where: { $0.name == member.name })?.kind else {
                throw Self.wrong("\(member.name) is not known")
            }
            if case .array(let values) = value, kind == .inventory {
                for value in values {
                    guard let text = value.text else { throw Self.wrong(member.name) }
                    let id = try InventoryConfiguration(parsing: Array(text.utf8)).id
                    documents.append(Document(kind: kind, id: id, bytes: Array(text.utf8)))
                }
            } else {
                guard let text = value.text else { throw Self.wrong(member.name) }
                documents.append(Document(kind: kind, bytes: Array(text.utf8)))
            }
        }
    }

    private static func retention(_ value: JSONValue) throws(S3Error) -> DefaultRetention {
        func count(_ name: String) -> Int? {
            if case .number(let text)? = value[name] { Int(text) } else { nil }
        }
        guard let mode = value["mode"]?.text.flatMap(ObjectLockMode.init(rawValue:)) else {
            throw wrong("defaultRetention")
        }
        switch (count("days"), count("years")) {
        case (let days?, nil) where (1...36_500).contains(days):
            return DefaultRetention(mode: RetentionMode(mode), period: .days(days))
        case (nil, let years?) where (1...100).contains(years):
            return DefaultRetention(mode: RetentionMode(mode), period: .years(years))
        default: throw wrong("defaultRetention")
        }
    }

    private static let states: [(state: Versioning, name: String)] = [
        (.unversioned, "Unversioned"), (.enabled, "Enabled"), (.suspended, "Suspended"),
    ]

    private static func text(_ state: Versioning) -> String { states.first { $0.state == state }?.name ?? "" }

    private static func wrong(_ what: String) -> S3Error {
        S3Error(.invalidRequest, "The document is not the export of a bucket: \(what)")
    }

    /// Makes the bucket when there is none, then its configuration what the document says; what the document does not name stays.
    /// Answers what was set.
    func apply(
        to name: String, _ store: ObjectStore, tenant: TenantID, owner: String, region: String
    ) async throws(ObjectError) -> [String] {
        var notes: [String] = []
        var exists = true
        do throws(ObjectError) { _ = try store.bucket(name, tenant: tenant) } catch { exists = false }
        if !exists {
            var options = CreateBucketOptions()
            (options.owner, options.region) = (owner, region)
            options.objectOwnership = ownership
            options.objectLockEnabled = objectLock
            _ = try await store.createBucket(name, tenant: tenant, options: options)
            notes.append("bucket")
        }
        let info = try store.bucket(name, tenant: tenant)
        if versioning != .unversioned, info.versioning != versioning {
            try await store.setVersioning(name, tenant: tenant, enabled: versioning == .enabled)
            notes.append("versioning")
        }
        if objectLock {
            try await store.setObjectLock(name, tenant: tenant, default: retention)
            notes.append("objectLock")
        }
        for document in documents {
            try await store.setBucketDocument(
                name, document.kind, id: document.id, document.bytes, tenant: tenant)
            notes.append(Self.names.first { $0.kind == document.kind }?.name ?? "")
        }
        return notes
    }
}

extension Operations {
    /// Whether a document of an export is what the operation that stores its kind would take.
    func validate(_ document: BucketExport.Document, of bucket: String) throws(S3Error) {
        let bytes = document.bytes
        switch document.kind {
        case .policy:
            do throws(PolicyError) { _ = try PolicyDocument(parsing: bytes, use: .bucket(bucket)) } catch {
                throw S3Error(.malformedPolicy, error.message)
            }
        case .acl: try Self.require(AccessControlList(stored: bytes, owner: "") != nil, "acl")
        case .ownershipControls:
            try Self.require(
                bytes == BucketAccess.deletedOwnership
                    || ObjectOwnership(rawValue: String(decoding: bytes, as: UTF8.self)) != nil, "ownershipControls")
        case .publicAccessBlock: try Self.require(PublicAccessBlock(stored: bytes) != nil, "publicAccessBlock")
        case .cors: _ = try CORSConfiguration(parsing: bytes)
        case .tagging: _ = try BucketTagSet(parsing: bytes)
        case .website: _ = try WebsiteConfiguration(parsing: bytes)
        case .logging: _ = try BucketLogging(parsing: bytes)
        case .accelerate:
            try Self.require(try TransferAcceleration(parsing: bytes) == .suspended, "accelerate")
        case .requestPayment: _ = try RequestPayment(parsing: bytes)
        case .inventory: _ = try InventoryConfiguration(parsing: bytes)
        case .quota: try Self.require(BucketQuota(stored: bytes) != nil, "quota")
        case .metrics, .analytics, .intelligentTiering, .notification, .lifecycle, .encryption, .replication,
            .attributeBasedAccess:
            throw S3Error(.notImplemented)
        }
    }

    private static func require(_ isRight: Bool, _ name: String) throws(S3Error) {
        guard isRight else { throw S3Error(.invalidRequest, "\(name) of the export can't be read") }
    }
}
