package import Base
package import Runtime
import Synchronization

/// What the clients and the server did in the measured pass.
package struct LoadResult: Sendable {
    package struct Row: Sendable {
        package var operation: LoadOperation
        package var latencies: LatencyHistogram
        package var timeline = LoadTimeline()
        package var bodyBytes: Int
        package var items: Int

        package init(operation: LoadOperation, latencies: LatencyHistogram, bodyBytes: Int, items: Int) {
            self.operation = operation
            self.latencies = latencies
            self.bodyBytes = bodyBytes
            self.items = items
        }
    }
    package var rows: [Row] = []
    package var failures = 0
    package var firstFailure: String?
    /// Fewer operations than were asked for: by the limit on time, or because clients gave up.
    package var isCutShort = false
    package var seconds = 0.0
    package var clientCPUNanoseconds: UInt64 = 0
    package var serverCPUNanoseconds: UInt64?
    package var serverResidentBytes: Int?
    package var serverPeakBytes: Int?
    package var server = ServerTimeline()

    package init() {}

    package var operations: Int { rows.reduce(0) { $0 + $1.latencies.count } }
    package var bodyBytes: Int { rows.reduce(0) { $0 + $1.bodyBytes } }
    package var items: Int { rows.reduce(0) { $0 + $1.items } }
}

/// Runs a plan: a warm-up that is not counted, then the measured pass.
package struct LoadRun: Sendable {
    /// Often enough for a plot, and for a bar that is seen to move.
    private static let lookEvery: Duration = .milliseconds(100)

    let plan: LoadPlan
    let name: String
    let time: any TimeSource
    let loops: LoopGroup
    let progress: (@Sendable (LoadProgress) -> Void)?

    /// `progress` is told some ten times a second how far it is.
    package init(
        _ plan: LoadPlan, name: String, time: any TimeSource, loops: LoopGroup,
        progress: (@Sendable (LoadProgress) -> Void)? = nil
    ) {
        self.plan = plan
        self.name = name
        self.time = time
        self.loops = loops
        self.progress = progress
    }

    package func run() async -> LoadResult {
        let requests = PresignedRequests(plan.credentials, host: "\(plan.host):\(plan.port)", at: time.now())
        let pattern = LoadPattern(seed: plan.seed)
        if plan.warmUp != .operations(0), plan.warmUp != .seconds(0) {
            _ = await pass(plan.warmUp, requests, pattern, seed: plan.seed &+ 1, isWarmUp: true)
        }
        let server = ProcessUsage(of: plan.serverProcesses), client = ProcessUsage.own
        let started = time.monotonicNanoseconds()
        let (tally, samples) = await pass(plan.end, requests, pattern, seed: plan.seed, isWarmUp: false)
        var result = LoadResult()
        result.seconds = Double(tally.ended &- started) / 1e9
        let serverAfter = ProcessUsage(of: plan.serverProcesses), clientAfter = ProcessUsage.own
        if let server, let serverAfter {
            result.serverCPUNanoseconds = serverAfter.cpuNanoseconds &- server.cpuNanoseconds
            result.serverResidentBytes = serverAfter.residentBytes
            result.serverPeakBytes = serverAfter.peakBytes
        }
        if let client, let clientAfter {
            result.clientCPUNanoseconds = clientAfter.cpuNanoseconds &- client.cpuNanoseconds
        }
        for operation in LoadOperation.allCases {
            guard let row = tally.rows[operation] else { continue }
            var found = LoadResult.Row(
                operation: operation, latencies: row.latencies, bodyBytes: row.bodyBytes, items: row.items)
            found.timeline = row.timeline
            result.rows.append(found)
        }
        result.server = samples
        result.failures = tally.failures
        result.firstFailure = tally.firstFailure
        if case .operations(let wanted) = plan.end { result.isCutShort = result.operations + result.failures < wanted }
        return result
    }

    private func pass(
        _ end: LoadEnd, _ requests: PresignedRequests, _ pattern: LoadPattern, seed: UInt64, isWarmUp: Bool
    ) async -> (LoadTally, ServerTimeline) {
        var plan = plan
        plan.seed = seed
        let shared = LoadPass(
            end, limitSeconds: plan.limitSeconds, clients: plan.concurrency, now: time.monotonicNanoseconds())
        let sums = PassSums(), loops = loops
        for number in 0..<plan.concurrency {
            let loop = loops[number], time = time, planned = plan
            loop.spawn {
                let client = LoadClient(
                    planned, number: number, requests: requests, pattern: pattern, time: time, on: loop)
                sums.add(await client.run(shared))
                // Wakes the onlooker, which would sleep into the time that the server's CPU is read for.
                if shared.clientEnded() { loops[0].cancelTasks() }
            }
        }
        if progress != nil || !plan.serverProcesses.isEmpty {
            loops[0].spawn { await watch(shared, sums, isWarmUp: isWarmUp) }
        }
        for loop in loops.loops { await loop.drain() }
        return sums.taken
    }

    /// Looks at the server and reports progress while clients are at work.
    private func watch(_ pass: LoadPass, _ sums: PassSums, isWarmUp: Bool) async {
        var samples = ServerTimeline()
        while true {
            let elapsed = time.monotonicNanoseconds() &- pass.started
            // The last look always counts: a run of a few milliseconds has a beginning and an end too.
            if samples.isDue(at: elapsed) || !pass.isRunning, let usage = ProcessUsage(of: plan.serverProcesses) {
                samples.add(
                    ServerTimeline.Sample(
                        nanoseconds: elapsed, cpuNanoseconds: usage.cpuNanoseconds, residentBytes: usage.residentBytes))
            }
            progress?(
                LoadProgress(
                    name: name, isWarmUp: isWarmUp, done: pass.begun, limit: pass.limit,
                    elapsedSeconds: Double(elapsed) / 1e9, limitSeconds: pass.seconds))
            guard pass.isRunning else { break }
            // Cancelled by the last client: one more look, then the end.
            do { try await loops[0].sleep(for: Self.lookEvery) } catch {}
        }
        sums.add(samples)
    }
}

private final class PassSums: Sendable {
    private let state = Mutex((LoadTally(), ServerTimeline()))
    func add(_ tally: LoadTally) { state.withLock { $0.0.add(tally) } }
    func add(_ samples: ServerTimeline) { state.withLock { $0.1 = samples } }
    var taken: (LoadTally, ServerTimeline) { state.withLock { $0 } }
}
