package import Base
package import Runtime
import Synchronization

/// What the clients and the server did in the measured pass.
package struct LoadResult: Sendable {
    package struct Row: Sendable {
        package var operation: LoadOperation
        package var latencies: LatencyHistogram
        package var bodyBytes: Int
        package var items: Int
    }
    package var rows: [Row] = []
    package var failures = 0
    package var firstFailure: String?
    package var seconds = 0.0
    package var clientCPUNanoseconds: UInt64 = 0
    package var serverCPUNanoseconds: UInt64?
    package var serverResidentBytes: Int?
    package var serverPeakBytes: Int?

    package var operations: Int { rows.reduce(0) { $0 + $1.latencies.count } }
    package var bodyBytes: Int { rows.reduce(0) { $0 + $1.bodyBytes } }
    package var items: Int { rows.reduce(0) { $0 + $1.items } }
}

/// Runs a plan: a warm-up that is not counted, then the measured pass.
package struct LoadRun: Sendable {
    let plan: LoadPlan
    let time: any TimeSource
    let loops: LoopGroup

    package init(_ plan: LoadPlan, time: any TimeSource, loops: LoopGroup) {
        self.plan = plan
        self.time = time
        self.loops = loops
    }

    package func run() async -> LoadResult {
        let requests = PresignedRequests(plan.credentials, host: "\(plan.host):\(plan.port)", at: time.now())
        let pattern = LoadPattern(seed: plan.seed)
        if plan.warmUp != .operations(0), plan.warmUp != .seconds(0) {
            _ = await pass(plan.warmUp, requests, pattern, seed: plan.seed &+ 1)
        }
        let server = plan.serverProcess.flatMap { ProcessUsage(of: $0) }, client = ProcessUsage.own
        let started = time.monotonicNanoseconds()
        let tally = await pass(plan.end, requests, pattern, seed: plan.seed)
        var result = LoadResult()
        result.seconds = Double(tally.ended &- started) / 1e9
        let serverAfter = plan.serverProcess.flatMap { ProcessUsage(of: $0) }, clientAfter = ProcessUsage.own
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
            result.rows.append(
                LoadResult.Row(
                    operation: operation, latencies: row.latencies, bodyBytes: row.bodyBytes, items: row.items))
        }
        result.failures = tally.failures
        result.firstFailure = tally.firstFailure
        return result
    }

    private func pass(
        _ end: LoadEnd, _ requests: PresignedRequests, _ pattern: LoadPattern, seed: UInt64
    ) async -> LoadTally {
        var plan = plan
        plan.seed = seed
        let shared = LoadPass(end, now: time.monotonicNanoseconds())
        let sum = TallySum()
        for number in 0..<plan.concurrency {
            let loop = loops[number], time = time, planned = plan
            loop.spawn {
                let client = LoadClient(
                    planned, number: number, requests: requests, pattern: pattern, time: time, on: loop)
                sum.add(await client.run(shared))
            }
        }
        for loop in loops.loops { await loop.drain() }
        return sum.tally
    }
}

private final class TallySum: Sendable {
    private let state = Mutex(LoadTally())
    func add(_ tally: LoadTally) { state.withLock { $0.add(tally) } }
    var tally: LoadTally { state.withLock { $0 } }
}
