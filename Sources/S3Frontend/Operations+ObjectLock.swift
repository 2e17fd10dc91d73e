import Base
import ObjectFormat
import Objects
import S3Protocol

extension Operations {
    func getObjectLockConfiguration(_ context: RequestContext) throws(S3Error) -> Answer {
        let bucket = try bucket(context)
        guard bucket.objectLockEnabled else {
            throw S3Error(.objectLockConfigurationNotFoundError).with("BucketName", bucket.name)
        }
        let rule = bucket.defaultRetention.map { retention in
            ObjectLockConfiguration.Rule(
                mode: ObjectLockMode(retention.mode), period: ObjectLockConfiguration.Period(retention.period))
        }
        return .xml(ObjectLockConfiguration(rule: rule).document())
    }

    func putObjectLockConfiguration(_ context: RequestContext, _ body: RequestBody) async throws(S3Error) -> Answer {
        _ = try bucket(context)
        try requireDigest(context)
        let configuration = try ObjectLockConfiguration(parsing: try await body.document(limit: 64 << 10))
        let retention = configuration.rule.map { rule in
            DefaultRetention(mode: RetentionMode(rule.mode), period: DefaultRetention.Period(rule.period))
        }
        try await translating(context) { () async throws(ObjectError) in
            try await store.setObjectLock(context.bucketOrEmpty, tenant: context.tenant, default: retention)
        }
        return Answer(200)
    }

    func getObjectRetention(_ context: RequestContext) async throws(S3Error) -> Answer {
        let object = try await lockedObject(context)
        guard let retention = object.lock.retention else { throw S3Error(.noSuchObjectLockConfiguration) }
        return .xml(ObjectRetention(retention).document())
    }

    func putObjectRetention(_ context: RequestContext, _ body: RequestBody) async throws(S3Error) -> Answer {
        try requireObjectLock(try bucket(context))
        try requireDigest(context)
        let version = try context.versionID(), bypasses = bypassesGovernance(context)
        let parsed = try ObjectRetention.parse(try await body.document(limit: 64 << 10), now: time.now())
        do throws(ObjectError) {
            try await store.setRetention(
                context.bucketOrEmpty, context.objectKey, version: version, tenant: context.tenant,
                parsed.map(Retention.init), bypassingGovernance: bypasses)
        } catch { throw refusal(error, context) }
        return Answer(200)
    }

    func getObjectLegalHold(_ context: RequestContext) async throws(S3Error) -> Answer {
        let object = try await lockedObject(context)
        guard let isOn = object.lock.legalHold else { throw S3Error(.noSuchObjectLockConfiguration) }
        return .xml(ObjectLegalHold(isOn: isOn).document())
    }

    func putObjectLegalHold(_ context: RequestContext, _ body: RequestBody) async throws(S3Error) -> Answer {
        try requireObjectLock(try bucket(context))
        try requireDigest(context)
        let version = try context.versionID()
        let hold = try ObjectLegalHold(parsing: try await body.document(limit: 64 << 10))
        do throws(ObjectError) {
            try await store.setLegalHold(
                context.bucketOrEmpty, context.objectKey, version: version, tenant: context.tenant, isOn: hold.isOn)
        } catch { throw refusal(error, context) }
        return Answer(200)
    }

    private func lockedObject(_ context: RequestContext) async throws(S3Error) -> ObjectInfo {
        try requireObjectLock(try bucket(context))
        return try await describedObject(context)
    }

    private func requireObjectLock(_ bucket: BucketInfo) throws(S3Error) {
        guard bucket.objectLockEnabled else { throw .missingObjectLock }
    }

    /// Whether governance retention does not hold up the request: it asks for that. Whether its signer may,
    /// `s3:BypassGovernanceRetention`, was decided before the operation began.
    func bypassesGovernance(_ context: RequestContext) -> Bool {
        context.header("x-amz-bypass-governance-retention")?.lowercased() == "true"
    }

    /// The same for deletes, where the field makes sense in buckets with object lock only.
    func deleteBypassesGovernance(_ context: RequestContext) throws(S3Error) -> Bool {
        let name: StaticString = "x-amz-bypass-governance-retention"
        guard context.head.first(name) != nil else { return false }
        guard try bucket(context).objectLockEnabled else {
            throw S3Error(.invalidArgument, "\(name) is only applicable to Object Lock enabled buckets.")
                .with("ArgumentName", "\(name)")
        }
        return bypassesGovernance(context)
    }

    /// Retention and legal hold of a write into `bucket`.
    func lock(_ context: RequestContext, _ bucket: BucketInfo) throws(S3Error) -> VersionLock {
        let fields = try ObjectLockFields(context.head, now: time.now())
        guard fields.isEmpty || bucket.objectLockEnabled else { throw .missingObjectLock }
        return VersionLock(retention: fields.retention.map(Retention.init), legalHold: fields.legalHold)
    }

    /// What is kept for years must have arrived as it was sent: AWS wants a digest with every body that will be retained.
    func requireDigest(
        _ context: RequestContext, of operation: StaticString, in bucket: BucketInfo, _ lock: VersionLock
    ) throws(S3Error) {
        guard bucket.objectLockEnabled, !lock.isEmpty || bucket.defaultRetention != nil else { return }
        // A signature over the body's own SHA-256 says as much, and is all that some clients send over plain HTTP.
        if case .verified = context.payload { return }
        guard try declaresDigest(context) else {
            throw S3Error(
                .invalidRequest,
                "Content-MD5 OR x-amz-checksum- HTTP header is required for \(operation) requests with Object Lock parameters"
            )
        }
    }

    private func requireDigest(_ context: RequestContext) throws(S3Error) {
        guard try declaresDigest(context) else {
            throw S3Error(
                .invalidRequest,
                "Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
        }
    }

    private func declaresDigest(_ context: RequestContext) throws(S3Error) -> Bool {
        if context.head.first("content-md5") != nil { return true }
        return try DeclaredChecksum.parse(context.head) != nil
    }
}

extension S3Error {
    fileprivate static var missingObjectLock: S3Error {
        S3Error(.invalidRequest, "Bucket is missing Object Lock Configuration")
    }
}

extension Answer {
    mutating func setLock(_ lock: VersionLock) {
        if let retention = lock.retention {
            set("x-amz-object-lock-mode", ObjectLockMode(retention.mode).rawValue)
            set("x-amz-object-lock-retain-until-date", ISO8601.format(retention.until))
        }
        if let isOn = lock.legalHold { set("x-amz-object-lock-legal-hold", isOn ? "ON" : "OFF") }
    }
}

// MARK: The names that S3 gives to locks

extension ObjectLockMode {
    init(_ mode: RetentionMode) {
        switch mode {
        case .governance: self = .governance
        case .compliance: self = .compliance
        }
    }
}

extension RetentionMode {
    init(_ mode: ObjectLockMode) {
        switch mode {
        case .governance: self = .governance
        case .compliance: self = .compliance
        }
    }
}

extension ObjectRetention {
    init(_ retention: Retention) { self.init(mode: ObjectLockMode(retention.mode), until: retention.until) }
}

extension Retention {
    init(_ parsed: ObjectRetention) { self.init(mode: RetentionMode(parsed.mode), until: parsed.until) }
}

extension ObjectLockConfiguration.Period {
    init(_ period: DefaultRetention.Period) {
        switch period {
        case .days(let count): self = .days(count)
        case .years(let count): self = .years(count)
        }
    }
}

extension DefaultRetention.Period {
    init(_ period: ObjectLockConfiguration.Period) {
        switch period {
        case .days(let count): self = .days(count)
        case .years(let count): self = .years(count)
        }
    }
}
