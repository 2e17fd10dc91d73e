package import Runtime
import SimulationSupport

/// Runs schedules, and makes those that fail short.
package struct SimulationRunner: Sendable {
    /// Simulated time after which a schedule that has not ended never will.
    private static let limit: Duration = .seconds(4 * 3600)
    private let buffers: BufferPool

    package init(buffers: BufferPool = BufferPool()) { self.buffers = buffers }

    package func run(
        _ plan: SimulationPlan, canary: SimulationCanary? = nil, keepsTrace: Bool = false
    ) -> SimulationReport {
        let executor = SimulationExecutor(seed: plan.seed)
        let simulation = Simulation(plan, canary: canary, buffers: buffers, executor: executor)
        do {
            return try executor.run(limit: Self.limit) {
                if keepsTrace { await simulation.keepTrace() }
                await simulation.run()
                return await simulation.report
            }
        } catch {
            var report = SimulationReport()
            report.violation = "the schedule never ends: something waits for ever"
            return report
        }
    }

    /// A schedule with as few steps as still fail, found by leaving out ever smaller pieces.
    package func minimised(
        _ plan: SimulationPlan, canary: SimulationCanary? = nil, runsMax: Int = 200
    ) -> SimulationPlan {
        var best = plan, piece = max(1, plan.steps.count / 2), runs = 0
        while piece >= 1 {
            var start = 0, isShorter = false
            while start < best.steps.count, runs < runsMax {
                var shorter = best
                shorter.steps.removeSubrange(start..<min(best.steps.count, start + piece))
                runs += 1
                if run(shorter, canary: canary).violation != nil {
                    best = shorter
                    isShorter = true
                } else {
                    start += piece
                }
            }
            if runs >= runsMax { break }
            if piece == 1 && !isShorter { break }
            piece = piece == 1 ? 1 : piece / 2
        }
        return best
    }
}

extension Simulation {
    func keepTrace() { report.keepsLines = true }
}
