import AccessPolicy
package import Base
import Digests
import HTTPServer
package import Identity
import S3Protocol
package import SignOn

/// IAM and STS on the S3 endpoint: `POST /` with a form, signed for the service `iam` or `sts`. S3 itself has no such request.
package struct QueryAPI: Sendable {
    let directory: IdentityDirectory
    let iam: IAM
    private let sts: STS
    /// Whose buckets explanations of access look at.
    let operations: Operations
    let traffic: TrafficControl
    private let rootKey: any RootKeyRotation
    /// Number of the account that may make accounts.
    private let operatorAccount: String
    private let signOn: SignOnAPI
    private let time: any TimeSource
    private static let bodyBytesMax = 256 << 10

    package init(
        _ directory: IdentityDirectory, signOn: SignOn, operatorAccount: String, operations: Operations,
        rootKey: any RootKeyRotation, traffic: TrafficControl, time: any TimeSource
    ) {
        self.signOn = SignOnAPI(
            signOn: signOn, store: directory.resolver.store, operatorAccount: operatorAccount,
            time: time)
        self.operations = operations
        self.traffic = traffic
        self.rootKey = rootKey
        self.directory = directory
        iam = IAM(directory.resolver.store)
        sts = STS(directory.resolver.store)
        self.operatorAccount = operatorAccount
        self.time = time
    }

    /// Whether a request is for here. Costs other requests a look at their method.
    static func isMeant(_ head: RequestHead) -> Bool {
        guard head.matches(head.method, "post"), head.target.count >= 1 else { return false }
        let path = head.string(head.target).prefix { $0 != "?" }
        guard path == "/" else { return false }
        // MinIO's clients sign on with everything in the query.
        if head.string(head.target).contains("Action=AssumeRoleWith") { return true }
        return head.value("content-type")?.lowercased().hasPrefix("application/x-www-form-urlencoded") == true
    }

    struct Outcome {
        var status: Int
        var document: [UInt8]
        var action = ""
        var tenant = TenantID.default
        var accessKey = ""
        var errorCode = ""
    }

    func answer(
        _ exchange: HTTPExchange, _ place: TenantGate.Place, _ tenants: TenantGate, requestID: String
    ) async throws(S3Error) -> Outcome {
        let body = try await Self.read(exchange)
        if let outcome = try await unsigned(body, exchange, place.tenant, requestID: requestID) { return outcome }
        let claim = try parseServiceCredentials(exchange.head, services: ["iam", "sts"], body: body)
        guard let service = QueryService(rawValue: claim.scope.service) else { throw S3Error(.accessDenied) }
        let call = QueryCall(try Self.parameters(body))
        var outcome = Outcome(
            status: 200, document: [], action: call.action, tenant: place.tenant, accessKey: claim.accessKey)
        do throws(IdentityError) {
            let identity = try authenticate(claim, exchange, place.named)
            outcome.tenant = identity.account.tenant
            do throws(S3Error) { try tenants.admit(outcome.tenant) } catch {
                throw IdentityError("AccessDenied", 403, error.message)
            }
            let elements = try await perform(call, service, identity, exchange)
            outcome.document = service.document(call.action, elements, requestID: requestID)
        } catch {
            outcome.status = error.status
            outcome.errorCode = error.code
            outcome.document = service.document(error, requestID: requestID)
        }
        return outcome
    }

    /// The calls that need no signature; nil when it is another.
    private func unsigned(
        _ body: [UInt8], _ exchange: HTTPExchange, _ tenant: TenantID, requestID: String
    ) async throws(S3Error) -> Outcome? {
        var pairs = try Self.parameters(body)
        let target = try RequestTarget(exchange.head)
        pairs += Self.parameters(target)
        let call = QueryCall(pairs)
        guard SignOnAPI.actions.contains(call.action) else { return nil }
        var outcome = Outcome(status: 200, document: [], action: call.action, tenant: tenant)
        do throws(IdentityError) {
            let facts = CallFacts(address: exchange.remoteAddress, isSecure: exchange.isSecure, now: time.now())
            let elements = try await signOn.perform(call, in: tenant, exchange, facts: facts)
            outcome.document = QueryService.sts.document(call.action, elements, requestID: requestID)
        } catch {
            outcome.status = error.status
            outcome.errorCode = error.code
            outcome.document = QueryService.sts.document(error, requestID: requestID)
        }
        return outcome
    }

    private func authenticate(
        _ claim: AuthorizationClaim, _ exchange: HTTPExchange, _ tenant: TenantID?
    ) throws(IdentityError) -> ResolvedIdentity {
        let unknown = IdentityError(
            "InvalidClientTokenId", 403, "The security token included in the request is invalid.")
        let resolver = directory.resolver, now = time.now()
        let identity: ResolvedIdentity
        if let token = claim.sessionToken {
            do throws(IdentityResolver.TokenError) {
                identity = try resolver.session(token, accessKey: claim.accessKey, now: now)
            } catch {
                if case .expired = error {
                    throw IdentityError("ExpiredToken", 403, "The security token included in the request is expired")
                }
                throw unknown
            }
        } else {
            guard let found = resolver.identity(accessKey: claim.accessKey) else { throw unknown }
            identity = found
        }
        // Another tenant's keys are not known on a tenant's host.
        guard tenant == nil || identity.account.tenant == tenant else { throw unknown }
        do throws(S3Error) {
            let target = try RequestTarget(exchange.head)
            _ = try claim.verify(
                exchange.head, target: target, secretKey: identity.secret, now: now, region: claim.scope.region)
        } catch {
            throw IdentityError(error.code.name, error.status, error.message)
        }
        return identity
    }

    private func perform(
        _ call: QueryCall, _ service: QueryService, _ identity: ResolvedIdentity, _ exchange: HTTPExchange
    ) async throws(IdentityError) -> [AnswerElement] {
        let facts = QueryFacts(
            identity: identity, call: call, address: exchange.remoteAddress, isSecure: exchange.isSecure,
            now: time.now())
        switch service {
        case .sts: return try sts.perform(call, identity, facts: facts)
        case .iam:
            return try await performIAM(call, identity, facts)
        }
    }

    private func performIAM(
        _ call: QueryCall, _ identity: ResolvedIdentity, _ facts: QueryFacts
    ) async throws(IdentityError) -> [AnswerElement] {
        // With the operator's own keys; a session of them, which a policy may bound, is not enough.
        let isOperator =
            identity.caller.kind == .account && identity.account.number == operatorAccount && identity.issued == nil
        if IAM.accountActions.contains(call.action) {
            guard isOperator else { throw .accessDenied }
            return try await iam.performOnAccounts(call)
        }
        if IAM.tenantActions.contains(call.action) {
            guard isOperator else { throw .accessDenied }
            return try await iam.performOnTenants(call)
        }
        if Self.bucketActions.contains(call.action) {
            guard isOperator else { throw .accessDenied }
            return try await performOnBuckets(call, operatorID: identity.account.canonicalID)
        }
        if Self.limitActions.contains(call.action) {
            guard isOperator else { throw .accessDenied }
            return try await performOnLimits(call)
        }
        if call.action == "MartletRotateRootKey" {
            guard isOperator else { throw .accessDenied }
            return [.text("Place", try await rootKey.rotate(directory.resolver.store))]
        }
        var caller = IAM.CallerName(
            account: identity.account.number, user: identity.caller.userName,
            isAccount: identity.caller.kind == .account, isOperator: isOperator)
        if call["MartletAccount"] != nil || call["MartletTenant"] != nil {
            // The operator acts for any account as that account itself.
            guard isOperator else { throw .accessDenied }
            caller.account = try account(of: call)
        } else {
            try authorize(call, caller, identity, facts)
        }
        if call.action == "MartletExplainAccess" { return try await explain(call, caller) }
        return try await iam.perform(call, caller)
    }

    /// The number of the account that the operator acts for: the one named, or the tenant's own.
    private func account(of call: QueryCall) throws(IdentityError) -> String {
        let state = iam.state
        var tenant: TenantInfo?
        if call["MartletTenant"] != nil { tenant = try IAM.tenant(call, "MartletTenant", in: state) }
        guard let wanted = call["MartletAccount"] else {
            guard let root = tenant?.rootAccount, state.accounts[root] != nil else {
                throw .noSuchEntity("The tenant has no account of its own: name one with --account.")
            }
            return root
        }
        guard let account = state.account(named: wanted, in: tenant?.id) else {
            throw .noSuchEntity("The account \(wanted) cannot be found.")
        }
        return account.number
    }

    private func authorize(
        _ call: QueryCall, _ caller: IAM.CallerName, _ identity: ResolvedIdentity, _ facts: QueryFacts
    ) throws(IdentityError) {
        let resource = iam.resource(of: call, caller)
        var combination = PolicyCombination(resourceOwner: identity.account.canonicalID)
        combination.identity = identity.attached
        combination.boundary = identity.boundary
        combination.session = identity.session
        let request = AccessRequest(
            caller: .identity(identity.caller), action: "iam:" + Self.action(call), resource: resource, facts: facts)
        guard combination.decide(request).isAllowed else {
            throw IdentityError(
                "AccessDenied", 403,
                "User: \(identity.caller.arn) is not authorized to perform: iam:\(call.action) on resource: \(resource)"
            )
        }
    }

    /// Explanations are what the simulators of AWS answer, and need the same.
    private static func action(_ call: QueryCall) -> String {
        call.action == "MartletExplainAccess" ? "SimulatePrincipalPolicy" : call.action
    }

    // MARK: The form

    private static func read(_ exchange: HTTPExchange) async throws(S3Error) -> [UInt8] {
        var bytes: [UInt8] = []
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 << 10, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let count: Int
            do throws(RequestBodyError) { count = try await exchange.readBody(into: buffer) } catch {
                throw S3Error(.incompleteBody)
            }
            if count == 0 { return bytes }
            guard bytes.count + count <= bodyBytesMax else { throw S3Error(.maxMessageLengthExceeded) }
            bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }

    private static func parameters(_ body: [UInt8]) throws(S3Error) -> [(name: String, value: String)] {
        var whole = Array("/?".utf8)
        whole += body
        return parameters(try RequestTarget(bytes: whole, range: 0..<whole.count))
    }

    private static func parameters(_ target: RequestTarget) -> [(name: String, value: String)] {
        target.parameters.map { parameter in
            (
                String(decoding: target.name(of: parameter), as: UTF8.self),
                String(decoding: target.value(of: parameter), as: UTF8.self)
            )
        }
    }
}

/// Exchanges the root key for another, wherever it is kept. Answers where the new one lies.
package protocol RootKeyRotation: Sendable {
    func rotate(_ store: IdentityStore) async throws(IdentityError) -> String
}

/// What conditions may ask of a call to IAM or STS.
struct QueryFacts: FactSource {
    let identity: ResolvedIdentity
    let call: QueryCall
    let address: String
    let isSecure: Bool
    let now: Timestamp

    func values(of key: String) -> [String]? {
        if let slash = key.firstIndex(of: "/") { return tag(key[..<slash], key[key.index(after: slash)...]) }
        return switch key {
        case "aws:sourceip": [address]
        case "aws:securetransport": [isSecure ? "true" : "false"]
        case "aws:currenttime": [ISO8601.formatSeconds(now)]
        case "aws:epochtime": [String(now.seconds)]
        case "aws:username": identity.caller.userName.map { [$0] }
        case "aws:userid": [identity.caller.userID]
        case "aws:principalarn": [identity.caller.arn]
        case "aws:principalaccount": [identity.account.number]
        case "aws:tokenissuetime": identity.issued.map { [ISO8601.formatSeconds($0)] }
        case "aws:tagkeys": requestTags.isEmpty ? nil : requestTags.map(\.key)
        case "sts:externalid": call["ExternalId"].map { [$0] }
        case "sts:rolesessionname": call["RoleSessionName"].map { [$0] }
        case "iam:policyarn": call["PolicyArn"].map { [$0] }
        case "iam:permissionsboundary": call["PermissionsBoundary"].map { [$0] }
        default: identity.claims[key]
        }
    }

    /// The call refuses tags that can't be read.
    private var requestTags: [IdentityTag] { (try? call.tags()) ?? [] }

    private func tag(_ kind: Substring, _ name: Substring) -> [String]? {
        let tags: [IdentityTag]
        switch kind {
        case "aws:principaltag": tags = identity.tags
        case "aws:requesttag": tags = requestTags
        default: return nil
        }
        return tags.first { $0.key.lowercased() == name }.map { [$0.value] }
    }
}
