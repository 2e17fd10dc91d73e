import Base
import Limits
import ObjectFormat

/// What a limit is of.
package enum LimitSubject: Hashable, Sendable {
    case tenant(String)
    /// By ARN: a user, a role (all its sessions together), an account's root; or `anonymous`, whoever does not sign.
    case user(String)
    case bucket(tenant: String, name: String)

    package static let anonymous = "anonymous"

    /// Of the row that keeps it. Names of tenants hold no slash.
    var rowName: String {
        switch self {
        case .tenant(let name): "t/\(name)"
        case .user(let arn): "u/\(arn)"
        case .bucket(let tenant, let name): "b/\(tenant)/\(name)"
        }
    }

    init?(rowName: String) {
        let rest = String(rowName.dropFirst(2))
        switch rowName.prefix(2) {
        case "t/": self = .tenant(rest)
        case "u/": self = .user(rest)
        case "b/":
            guard let slash = rest.firstIndex(of: "/") else { return nil }
            self = .bucket(tenant: String(rest[..<slash]), name: String(rest[rest.index(after: slash)...]))
        default: return nil
        }
    }

    /// Which of the three, for metrics and messages.
    var kind: String {
        switch self {
        case .tenant: "tenant"
        case .user: "user"
        case .bucket: "bucket"
        }
    }
}

/// The limits of one tenant, user or bucket at work.
final class ScopeLimits: Sendable {
    let kind: String
    let requests: SharedBucket?
    let bytesIn: SharedBucket?
    let bytesOut: SharedBucket?
    let bucket: BucketID?

    /// What was taken under the limits before these stays taken.
    init(_ subject: LimitSubject, _ record: LimitRecord, after old: ScopeLimits?) {
        func shared(_ limit: LimitRecord.Limit?, _ old: SharedBucket?) -> SharedBucket? {
            limit.map { SharedBucket(Rate(perSecond: $0.perSecond, burst: $0.burst), after: old) }
        }
        kind = subject.kind
        requests = shared(record.requests, old?.requests)
        bytesIn = shared(record.bytesIn, old?.bytesIn)
        bytesOut = shared(record.bytesOut, old?.bytesOut)
        bucket = record.bucket
    }

    func bytes(_ direction: TrafficControl.Direction) -> SharedBucket? { direction == .received ? bytesIn : bytesOut }
}

/// All limits that are set, as requests look them up.
struct LimitTable: Sendable {
    private(set) var records: [LimitSubject: LimitRecord] = [:]
    private(set) var scopes: [LimitSubject: ScopeLimits] = [:]
    private(set) var hasBucketLimits = false

    var isEmpty: Bool { records.isEmpty }
    /// Whether anything but weights is set.
    var limitsAnything: Bool { !scopes.isEmpty }

    mutating func set(_ subject: LimitSubject, _ record: LimitRecord?) {
        records[subject] = record
        let old = scopes.removeValue(forKey: subject)
        if let record, record.requests != nil || record.bytesIn != nil || record.bytesOut != nil {
            scopes[subject] = ScopeLimits(subject, record, after: old)
        }
        hasBucketLimits = scopes.keys.contains { $0.kind == "bucket" }
    }

    var weights: [String: Int] {
        var weights: [String: Int] = [:]
        for case (.tenant(let name), let record) in records { weights[name] = record.weight }
        return weights
    }

    /// In order of their rows' names.
    var sorted: [(subject: LimitSubject, record: LimitRecord)] {
        records.map { (subject: $0.key, record: $0.value) }.sorted { $0.subject.rowName < $1.subject.rowName }
    }
}
