import AccessPolicy
package import Base
import HTTPServer
import Limits
import ObjectFormat
package import Objects
package import Runtime
import S3Protocol
import Synchronization

/// Limits and fairness of a server: what is set, what is enforced on every connection, and how often it was.
///
/// Without a limit a request pays for one look at a flag. With one it looks its tenant, user and bucket up at its start and with each
/// piece of its body, so that a change counts at once for what is under way too.
package final class TrafficControl: Sendable {
    enum Direction: Int, Sendable { case received = 0, sent = 1 }

    let store: ObjectStore
    let time: any TimeSource
    /// The name that limits and metrics know a tenant by.
    let tenantName: @Sendable (TenantID) -> String
    private let gates: [(loop: Loop, gate: AdmissionGate)]
    private let hasLimits = Atomic<Bool>(false)
    /// Rises with every change: what pauses goes on, and finds out what holds now.
    private let changes = Atomic<UInt64>(0)
    private let isStopping = Atomic<Bool>(false)
    private let table: Mutex<LimitTable>
    let counters = TrafficCounters()

    /// A transfer is refused when what others owe already would delay its first byte for longer.
    static let delayNanosecondsMax: UInt64 = 10_000_000_000
    /// Sleeps are cut, so that the end of the server is noticed.
    private static let sleepNanosecondsMax: UInt64 = 1_000_000_000
    /// Limits in all: they are kept in memory.
    static let limitsMax = 10_000

    package static func open(
        store: ObjectStore, time: any TimeSource, loops: LoopGroup, admission: AdmissionParameters,
        tenantName: @escaping @Sendable (TenantID) -> String
    ) async throws(ObjectError) -> TrafficControl {
        var table = LimitTable()
        for row in try await store.limitRows() {
            if let subject = LimitSubject(rowName: row.name) { table.set(subject, row.limits) }
        }
        return TrafficControl(store, time, loops, admission, table, tenantName)
    }

    private init(
        _ store: ObjectStore, _ time: any TimeSource, _ loops: LoopGroup, _ admission: AdmissionParameters,
        _ table: LimitTable, _ tenantName: @escaping @Sendable (TenantID) -> String
    ) {
        self.store = store
        self.time = time
        self.tenantName = tenantName
        gates = loops.loops.map { ($0, AdmissionGate(admission, weights: table.weights)) }
        hasLimits.store(table.limitsAnything, ordering: .releasing)
        self.table = Mutex(table)
    }

    /// Transfers that are slowed down are slowed down no longer: the server ends.
    package func stop() { isStopping.store(true, ordering: .relaxed) }

    // MARK: Requests

    /// Lets a request in whose signature holds: within its limits, and when it is its turn.
    func admit(_ context: RequestContext, _ exchange: HTTPExchange) async throws(S3Error) -> TrafficPass {
        let claim = TrafficClaim(
            tenant: context.tenant, tenantName: tenantName(context.tenant), user: Self.user(context.signer),
            bucket: context.bucketOrEmpty)
        if hasLimits.load(ordering: .acquiring) { try take(claim, context.request.operation, exchange) }
        let gate = gates.first { $0.loop === exchange.loop }?.gate ?? gates[0].gate
        guard let index = await gate.enter(claim.tenantName, at: exchange.loop.now) else {
            counters.throttled(claim.tenantName, by: "queue")
            throw S3Error(.slowDown).with("Retry-After", "1")
        }
        return TrafficPass(control: self, gate: gate, index: index, loop: exchange.loop, claim: claim)
    }

    static func user(_ signer: SignerIdentity) -> String {
        guard let identity = signer.caller.identity else { return LimitSubject.anonymous }
        if case .role(let role) = identity.kind { return role }
        return identity.arn
    }

    /// One request of each limit, or of none.
    private func take(
        _ claim: TrafficClaim, _ operation: S3Operation, _ exchange: HTTPExchange
    ) throws(S3Error) {
        let scopes = scopes(claim), now = time.monotonicNanoseconds()
        for (index, scope) in scopes.enumerated() {
            guard let wait = scope.requests?.take(1, at: now) else { continue }
            for taken in scopes[..<index] { taken.requests?.giveBack(1) }
            counters.throttled(claim.tenantName, by: scope.kind)
            throw Self.slowDown(after: wait)
        }
        let direction: Direction? = exchange.bodyLength != 0 ? .received : operation == .getObject ? .sent : nil
        guard let direction else { return }
        let delay = scopes.map { $0.bytes(direction)?.backlog(at: now) ?? 0 }.max() ?? 0
        guard delay > Self.delayNanosecondsMax else { return }
        counters.throttled(claim.tenantName, by: "bytes")
        throw Self.slowDown(after: delay - Self.delayNanosecondsMax)
    }

    /// Whole seconds, never too few.
    private static func slowDown(after nanoseconds: UInt64) -> S3Error {
        let seconds = max(1, (nanoseconds + 999_999_999) / 1_000_000_000)
        return S3Error(.slowDown).with("Retry-After", String(seconds))
    }

    private func scopes(_ claim: TrafficClaim) -> [ScopeLimits] {
        table.withLock { table in
            var found: [ScopeLimits] = []
            if let scope = table.scopes[.tenant(claim.tenantName)] { found.append(scope) }
            if let scope = table.scopes[.user(claim.user)] { found.append(scope) }
            if table.hasBucketLimits, !claim.bucket.isEmpty,
                let scope = table.scopes[.bucket(tenant: claim.tenantName, name: claim.bucket)],
                // The name alone may be another bucket's by now.
                scope.bucket == (try? store.bucket(claim.bucket, tenant: claim.tenant))?.id
            {
                found.append(scope)
            }
            return found
        }
    }

    // MARK: Bytes

    /// How much of a body may be moved at once: all of it without a limit, else what an eighth of a second holds, so that the use is
    /// even and nobody sleeps for long.
    func piece(_ count: Int, _ direction: Direction, _ claim: TrafficClaim) -> Int {
        guard hasLimits.load(ordering: .acquiring) else { return count }
        let rates = scopes(claim).compactMap { $0.bytes(direction)?.rate.perSecond }
        guard let least = rates.min() else { return count }
        return min(count, Int(clamping: max(least / 8, 4 << 10)))
    }

    /// For how long a transfer has to pause for bytes that it moves now. Nanoseconds; 0 without a limit.
    func charge(_ count: Int, _ direction: Direction, _ claim: TrafficClaim) -> UInt64 {
        guard count > 0, hasLimits.load(ordering: .acquiring) else { return 0 }
        let now = time.monotonicNanoseconds()
        var wait: UInt64 = 0
        for scope in scopes(claim) {
            if let bucket = scope.bytes(direction) { wait = max(wait, bucket.charge(Int64(count), at: now)) }
        }
        if wait > 0 { counters.paced(claim.tenantName, direction, bytes: count, nanoseconds: wait) }
        return wait
    }

    /// By the loop's timer.
    func pause(_ nanoseconds: UInt64, on loop: Loop) async {
        var left = nanoseconds
        let began = changes.load(ordering: .relaxed)
        while left > 0, !isStopping.load(ordering: .relaxed), changes.load(ordering: .relaxed) == began {
            let step = min(left, Self.sleepNanosecondsMax)
            do { try await loop.sleep(for: .nanoseconds(Int64(step))) } catch { return }
            left -= step
        }
    }

    // MARK: Setting

    var limits: LimitTable { table.withLock { $0 } }

    /// Stores it, then lets it count.
    func set(_ subject: LimitSubject, _ record: LimitRecord) async throws(ObjectError) {
        let kept = record.isEmpty ? nil : record
        try await store.changeLimits([.init(name: subject.rowName, limits: kept)])
        let weights = table.withLock { table in
            table.set(subject, kept)
            hasLimits.store(table.limitsAnything, ordering: .releasing)
            return table.weights
        }
        changes.add(1, ordering: .relaxed)
        for (_, gate) in gates { gate.setWeights(weights) }
    }

    /// What tenants have on all loops together, by name.
    var loads: [AdmissionGate.Load] {
        var sums: [String: AdmissionGate.Load] = [:]
        for load in gates.flatMap(\.gate.loads) {
            guard var sum = sums[load.tenant] else {
                sums[load.tenant] = load
                continue
            }
            sum.underWay += load.underWay
            sum.waiting += load.waiting
            sum.waits += load.waits
            sum.waitedNanoseconds += load.waitedNanoseconds
            sum.refusals += load.refusals
            sums[load.tenant] = sum
        }
        return sums.values.sorted { $0.tenant < $1.tenant }
    }
}
