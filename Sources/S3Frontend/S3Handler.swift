import AccessPolicy
package import Base
package import HTTPServer
import Identity
import Objects
package import S3Protocol
import Synchronization
package import Telemetry

/// One S3 request from its head to its answer: find the operation, verify who asks, run it, render the answer, tell the event.
package struct S3Handler: HTTPHandler {
    private let operations: Operations
    private let router: Router
    private let authenticator: Authenticator
    private let sinks: [any RequestEventSink]
    private let time: any TimeSource
    private let random: any RandomSource
    private let health: any HealthReporter
    private let websites: WebsiteHosts
    private let accessLog: ServerAccessLog?
    /// Names this server in the HostId of errors.
    private let hostID: String
    private let query: QueryAPI?
    private let traffic: TrafficControl
    private let tenants: TenantGate

    package init(
        operations: Operations, router: Router, authenticator: Authenticator, tenants: TenantGate,
        sinks: [any RequestEventSink],
        time: any TimeSource, random: any RandomSource, health: any HealthReporter, hostID: String,
        traffic: TrafficControl,
        websites: WebsiteHosts = WebsiteHosts(), accessLog: ServerAccessLog? = nil, query: QueryAPI? = nil
    ) {
        self.query = query
        self.traffic = traffic
        self.tenants = tenants
        self.operations = operations
        self.router = router
        self.authenticator = authenticator
        self.sinks = sinks
        self.time = time
        self.random = random
        self.health = health
        self.hostID = hostID
        self.websites = websites
        self.accessLog = accessLog
    }

    package func handle(_ exchange: HTTPExchange) async {
        if await HealthPaths.answer(exchange, health) { return }
        var record = RequestRecord(
            requestID: Self.requestID(random), hostID: hostID, started: time.now(),
            startedMonotonic: time.monotonicNanoseconds())
        do throws(S3Error) {
            let answer = try await perform(exchange, &record)
            record.status = answer.status
            record.objectBytes = answer.objectBytes
            await AnswerWriter.send(answer, to: exchange, record)
        } catch {
            record.status = error.status
            record.errorCode = error.code.name
            await AnswerWriter.send(error, to: exchange, record)
        }
        emit(record, exchange)
    }

    package func refusal(status: Int) -> (head: ResponseHead, body: [UInt8]) {
        AnswerWriter.refusal(status: status, requestID: Self.requestID(random), hostID: hostID)
    }

    private func perform(_ exchange: HTTPExchange, _ record: inout RequestRecord) async throws(S3Error) -> Answer {
        let head = exchange.head
        let place = try tenants.place(of: exchange)
        record.tenant = place.tenant
        // A tenant's host is never another name's site.
        if let site = place.named == nil ? websites.bucket(host: head.value("host")) : place.website {
            record.api = "WebsiteGetObject"
            record.bucket = site
            let visit = try RequestContext(visit: exchange, of: site, in: place.tenant, now: record.started)
            record.pass = try await traffic.admit(visit, exchange)
            return await operations.website(site, exchange, record)
        }
        if let query, QueryAPI.isMeant(head) { return try await answer(query, exchange, place, &record) }
        let target = try RequestTarget(head)
        let request = try router.route(head, target: target, style: place.style)
        record.api = request.operation.name
        record.bucket = request.address.bucket ?? ""
        record.object = request.address.key.map { String(decoding: $0, as: UTF8.self) } ?? ""
        if request.operation == .preflight {
            return try operations.preflight(head, request.address, tenant: place.tenant)
        }
        record.cors = operations.corsFields(head, bucket: record.bucket, tenant: place.tenant)
        if request.operation == .postObject { return try await post(exchange, request, place, &record) }
        let (signer, payload) = try authenticator.authenticate(head, request, tenant: place.named, now: time.now())
        record.accessKey = signer.accessKey
        if signer.tenant != record.tenant {
            record.tenant = signer.tenant
            try tenants.admit(signer.tenant)
            record.cors = operations.corsFields(head, bucket: record.bucket, tenant: signer.tenant)
        }
        record.requester = signer.caller == .anonymous ? "" : signer.canonicalID
        var context = RequestContext(
            head: head, request: request, signer: signer, payload: payload, remoteAddress: exchange.remoteAddress,
            isSecure: exchange.isSecure, now: record.started)
        let pass = try await traffic.admit(context, exchange)
        (context.pass, record.pass) = (pass, pass)
        return try await operations.run(context, body: RequestBody(exchange: exchange, context: context))
    }

    private func answer(
        _ query: QueryAPI, _ exchange: HTTPExchange, _ place: TenantGate.Place, _ record: inout RequestRecord
    ) async throws(S3Error) -> Answer {
        let outcome = try await query.answer(exchange, place, tenants, requestID: record.requestID)
        record.tenant = outcome.tenant
        record.api = IAM.isKnown(outcome.action) ? outcome.action : "Unknown"
        record.accessKey = outcome.accessKey
        record.errorCode = outcome.errorCode
        return Answer(outcome.status, body: .bytes(outcome.document)).with("Content-Type", "text/xml")
    }

    /// A form brings its own credentials, among its fields.
    private func post(
        _ exchange: HTTPExchange, _ request: S3Request, _ place: TenantGate.Place, _ record: inout RequestRecord
    ) async throws(S3Error) -> Answer {
        let now = time.now(), authenticator = authenticator, tenants = tenants
        var context = RequestContext(
            head: exchange.head, request: request, signer: .anonymous(in: place.tenant), payload: .plain,
            remoteAddress: exchange.remoteAddress, isSecure: exchange.isSecure, now: record.started)
        let pass = try await traffic.admit(context, exchange)
        (context.pass, record.pass) = (pass, pass)
        var accessKey = "", tenant = place.tenant
        defer {
            record.accessKey = accessKey
            if tenant != record.tenant {
                record.tenant = tenant
                record.cors = operations.corsFields(exchange.head, bucket: record.bucket, tenant: tenant)
            }
        }
        return try await operations.postObject(context, exchange) { signature, token throws(S3Error) in
            accessKey = signature.accessKey ?? ""
            let signer = try authenticator.authenticate(signature, token: token, tenant: place.named, now: now)
            tenant = signer.tenant
            try tenants.admit(tenant)
            return signer
        }
    }

    private func emit(_ record: RequestRecord, _ exchange: HTTPExchange) {
        let head = exchange.head, now = time.monotonicNanoseconds()
        let event = RequestEvent(
            time: record.started, requestID: record.requestID, api: record.api, tenant: tenants.name(of: record.tenant),
            bucket: record.bucket,
            object: record.object, method: head.string(head.method), status: record.status, errorCode: record.errorCode,
            receivedBytes: exchange.bodyBytesReceived, sentBytes: exchange.bodyBytesSent,
            timeToFirstByteNanoseconds: exchange.firstByteNanoseconds.map { $0 &- record.startedMonotonic } ?? 0,
            durationNanoseconds: now &- record.startedMonotonic, remoteAddress: exchange.remoteAddress,
            host: head.value("host") ?? "", userAgent: head.value("user-agent") ?? "", accessKey: record.accessKey)
        for sink in sinks { sink.record(event) }
        accessLog?.record(record, exchange, now: now)
    }

    /// 16 upper-case hex digits, as AWS shows them.
    private static func requestID(_ random: any RandomSource) -> String {
        let digits = String(random.next(), radix: 16, uppercase: true)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

/// What is known of a request so far, for its answer and its event.
struct RequestRecord {
    var requestID: String
    var hostID: String
    var started: Timestamp
    var startedMonotonic: UInt64
    var api = "Unknown"
    var tenant = TenantID.default
    var bucket = ""
    var object = ""
    var accessKey = ""
    /// Canonical id of the account that asked; empty when nobody signed.
    var requester = ""
    /// Size of the object that was answered with, when it was.
    var objectBytes: Int64?
    var status = 0
    var errorCode = ""
    /// Fields of every answer to a page of another origin.
    var cors: [Answer.Field] = []
    /// Once the request was let in.
    var pass: TrafficPass?
}
