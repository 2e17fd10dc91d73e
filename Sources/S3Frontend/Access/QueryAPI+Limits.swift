import Base
import Identity
import Limits
import ObjectFormat
import Objects

/// Limits of tenants, users and buckets. The server's operator sets them, with `martlet admin limit`.
extension QueryAPI {
    static let limitActions: Set<String> = [
        "MartletSetLimit", "MartletGetLimit", "MartletRemoveLimit", "MartletListLimits",
    ]

    func performOnLimits(_ call: QueryCall) async throws(IdentityError) -> [AnswerElement] {
        if call.action == "MartletListLimits" {
            return [.list("Limits", traffic.limits.sorted.map { Self.elements($0.subject, $0.record) })]
        }
        if call.action == "MartletRemoveLimit" {
            // What it was set on may have gone.
            let subject = try Self.subject(of: call, defaultTenant: traffic.tenantName(.default))
            guard traffic.limits.records[subject] != nil else { throw .noSuchEntity("No limit is set there.") }
            try await store(LimitRecord(), of: subject)
            return []
        }
        let subject = try Self.subject(of: call, defaultTenant: traffic.tenantName(.default))
        let bucket = try bucket(of: subject)
        var record = traffic.limits.records[subject] ?? LimitRecord()
        // Of a bucket that had the name before.
        if record.bucket != bucket?.id { record = LimitRecord() }
        if call.action == "MartletSetLimit" {
            record.bucket = bucket?.id
            record.requests = try Self.limit(call, "Requests", record.requests)
            record.bytesIn = try Self.limit(call, "BytesIn", record.bytesIn)
            record.bytesOut = try Self.limit(call, "BytesOut", record.bytesOut)
            if let text = call["Weight"] {
                guard case .tenant = subject else { throw .invalid("Only tenants have a weight.") }
                record.weight = try text == "none" ? nil : Int(Self.number("Weight", text, atMost: Int64(weightMax)))
            }
            try await store(record, of: subject)
        }
        return [.group("Limit", Self.elements(subject, record))]
    }

    private var weightMax: Int { FairQueue<Int>.weightMax }

    private func store(_ record: LimitRecord, of subject: LimitSubject) async throws(IdentityError) {
        let known = traffic.limits.records
        guard known[subject] != nil || known.count < TrafficControl.limitsMax else {
            throw IdentityError("LimitExceeded", 409, "There are \(TrafficControl.limitsMax) limits: remove some.")
        }
        do { try await traffic.set(subject, record) } catch { throw .serviceUnavailable }
    }

    private static func subject(
        of call: QueryCall, defaultTenant: String
    ) throws(IdentityError) -> LimitSubject {
        let tenant = call["Tenant"] ?? "", user = call["User"] ?? "", bucket = call["Bucket"] ?? ""
        guard [tenant, user, bucket].count(where: { !$0.isEmpty }) == 1 || (!tenant.isEmpty && !bucket.isEmpty),
            user.isEmpty || tenant.isEmpty
        else { throw .invalid("A limit is of one of Tenant, User and Bucket; Tenant may say whose the bucket is.") }
        if !user.isEmpty {
            guard user == LimitSubject.anonymous || user.hasPrefix("arn:aws:"), user.utf8.count <= 512 else {
                throw .invalid("A user is named by an ARN, or is \(LimitSubject.anonymous).")
            }
            return .user(user)
        }
        let name = tenant.isEmpty ? defaultTenant : tenant
        return bucket.isEmpty ? .tenant(name) : .bucket(tenant: name, name: bucket)
    }

    /// Refuses what is not there; the bucket, when it is one.
    private func bucket(of subject: LimitSubject) throws(IdentityError) -> BucketInfo? {
        switch subject {
        case .user(let user):
            guard user == LimitSubject.anonymous || directory.mayExist(principal: user) else {
                throw .noSuchEntity("\(user) cannot be found.")
            }
            return nil
        case .tenant(let name):
            _ = try tenant(named: name)
            return nil
        case .bucket(let tenant, let name):
            let id = try self.tenant(named: tenant)
            do throws(ObjectError) { return try operations.store.bucket(name, tenant: id) } catch {
                throw .noSuchEntity("The bucket cannot be found.")
            }
        }
    }

    private func tenant(named name: String) throws(IdentityError) -> TenantID {
        guard let tenant = iam.state.tenants.values.first(where: { $0.name == name }) else {
            throw .noSuchEntity("The tenant \(name) cannot be found.")
        }
        return tenant.id
    }

    /// What is set already stays where nothing is given; `none` takes it away.
    private static func limit(
        _ call: QueryCall, _ name: String, _ known: LimitRecord.Limit?
    ) throws(IdentityError) -> LimitRecord.Limit? {
        let rate = call[name + "PerSecond"], burst = call[name + "Burst"]
        var limit = known
        if let rate {
            if rate == "none" { return nil }
            limit = LimitRecord.Limit(perSecond: try number(name + "PerSecond", rate, atMost: 1 << 50))
        }
        if let burst {
            guard limit != nil else { throw .invalid("\(name)Burst needs \(name)PerSecond.") }
            limit?.burst = try number(name + "Burst", burst, atMost: 1 << 50)
        }
        return limit
    }

    private static func number(_ name: String, _ text: String, atMost limit: Int64) throws(IdentityError) -> Int64 {
        guard let value = Int64(text), (1...limit).contains(value) else {
            throw .invalid("\(name) is \(text); it must be a whole number from 1 to \(limit)")
        }
        return value
    }

    private static func elements(_ subject: LimitSubject, _ record: LimitRecord) -> [AnswerElement] {
        var elements: [AnswerElement]
        switch subject {
        case .tenant(let name): elements = [.text("Tenant", name)]
        case .user(let arn): elements = [.text("User", arn)]
        case .bucket(let tenant, let name): elements = [.text("Tenant", tenant), .text("Bucket", name)]
        }
        for (name, limit) in [
            ("Requests", record.requests), ("BytesIn", record.bytesIn), ("BytesOut", record.bytesOut),
        ] {
            guard let limit else { continue }
            let burst = limit.burst ?? Rate(perSecond: limit.perSecond).burst
            elements += [.text(name + "PerSecond", String(limit.perSecond)), .text(name + "Burst", String(burst))]
        }
        return elements + AnswerElement.optional("Weight", record.weight.map(String.init))
    }
}
