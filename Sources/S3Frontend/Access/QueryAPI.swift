import AccessPolicy
package import Base
import Digests
import HTTPServer
import Identity
import S3Protocol
package import SignOn

/// IAM and STS on the S3 endpoint: `POST /` with a form, signed for the service `iam` or `sts`. S3 itself has no such request.
package struct QueryAPI: Sendable {
    private let directory: IdentityDirectory
    private let iam: IAM
    private let sts: STS
    /// Number of the account that may make accounts.
    private let operatorAccount: String
    private let signOn: SignOnAPI
    private let time: any TimeSource
    private static let bodyBytesMax = 256 << 10

    package init(_ directory: IdentityDirectory, signOn: SignOn, operatorAccount: String, time: any TimeSource) {
        self.signOn = SignOnAPI(
            signOn: signOn, store: directory.resolver.store, operatorAccount: operatorAccount)
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
        var accessKey = ""
        var errorCode = ""
    }

    func answer(_ exchange: HTTPExchange, requestID: String) async throws(S3Error) -> Outcome {
        let body = try await Self.read(exchange)
        if let outcome = try await unsigned(body, exchange, requestID: requestID) { return outcome }
        let claim = try parseServiceCredentials(exchange.head, services: ["iam", "sts"], body: body)
        guard let service = QueryService(rawValue: claim.scope.service) else { throw S3Error(.accessDenied) }
        let call = QueryCall(try Self.parameters(body))
        var outcome = Outcome(status: 200, document: [], action: call.action, accessKey: claim.accessKey)
        do throws(IdentityError) {
            let identity = try authenticate(claim, exchange)
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
        _ body: [UInt8], _ exchange: HTTPExchange, requestID: String
    ) async throws(S3Error) -> Outcome? {
        var pairs = try Self.parameters(body)
        let target = try RequestTarget(exchange.head)
        pairs += Self.parameters(target)
        let call = QueryCall(pairs)
        guard SignOnAPI.actions.contains(call.action) else { return nil }
        var outcome = Outcome(status: 200, document: [], action: call.action)
        do throws(IdentityError) {
            let facts = CallFacts(address: exchange.remoteAddress, isSecure: exchange.isSecure, now: time.now())
            let elements = try await signOn.perform(call, facts: facts)
            outcome.document = QueryService.sts.document(call.action, elements, requestID: requestID)
        } catch {
            outcome.status = error.status
            outcome.errorCode = error.code
            outcome.document = QueryService.sts.document(error, requestID: requestID)
        }
        return outcome
    }

    private func authenticate(
        _ claim: AuthorizationClaim, _ exchange: HTTPExchange
    ) throws(IdentityError) -> ResolvedIdentity {
        let resolver = directory.resolver, now = time.now()
        let identity: ResolvedIdentity
        if let token = claim.sessionToken {
            do throws(IdentityResolver.TokenError) {
                identity = try resolver.session(token, accessKey: claim.accessKey, now: now)
            } catch {
                if case .expired = error {
                    throw IdentityError("ExpiredToken", 403, "The security token included in the request is expired")
                }
                throw IdentityError(
                    "InvalidClientTokenId", 403, "The security token included in the request is invalid.")
            }
        } else {
            guard let found = resolver.identity(accessKey: claim.accessKey) else {
                throw IdentityError(
                    "InvalidClientTokenId", 403, "The security token included in the request is invalid.")
            }
            identity = found
        }
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
            identity: identity, address: exchange.remoteAddress, isSecure: exchange.isSecure, now: time.now())
        switch service {
        case .sts: return try sts.perform(call, identity, facts: facts)
        case .iam:
            if IAM.accountActions.contains(call.action) {
                guard identity.caller.kind == .account, identity.account.number == operatorAccount else {
                    throw .accessDenied
                }
                return try await iam.performOnAccounts(call)
            }
            let caller = IAM.CallerName(account: identity.account.number, user: identity.caller.userName)
            try authorize(call, caller, identity, facts)
            return try await iam.perform(call, caller)
        }
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
            caller: .identity(identity.caller), action: "iam:" + call.action, resource: resource, facts: facts)
        guard combination.decide(request).isAllowed else {
            throw IdentityError(
                "AccessDenied", 403,
                "User: \(identity.caller.arn) is not authorized to perform: iam:\(call.action) on resource: \(resource)"
            )
        }
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

/// What conditions may ask of a call to IAM or STS.
struct QueryFacts: FactSource {
    let identity: ResolvedIdentity
    let address: String
    let isSecure: Bool
    let now: Timestamp

    func values(of key: String) -> [String]? {
        switch key {
        case "aws:sourceip": [address]
        case "aws:securetransport": [isSecure ? "true" : "false"]
        case "aws:currenttime": [ISO8601.formatSeconds(now)]
        case "aws:epochtime": [String(now.seconds)]
        case "aws:username": identity.caller.userName.map { [$0] }
        case "aws:userid": [identity.caller.userID]
        case "aws:principalarn": [identity.caller.arn]
        case "aws:principalaccount": [identity.account.number]
        default: identity.claims[key]
        }
    }
}
