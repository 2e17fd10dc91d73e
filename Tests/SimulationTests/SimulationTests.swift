import Drives
import Glibc
import Objects
import Simulation
import Testing

/// The whole engine below the front end on simulated drives. `martlet simulate` runs the same schedules.
@Suite struct SimulationTests {
    private static func setting(_ name: String, _ fallback: Int) -> Int {
        getenv(name).flatMap { Int(String(cString: $0)) } ?? fallback
    }

    private static let seeds = setting("MARTLET_SIMULATION_SCHEDULES", 400)

    @Test(arguments: FaultMode.allCases)
    func `schedules within parity lose nothing, and beyond it nothing lies`(_ mode: FaultMode) {
        let runner = SimulationRunner()
        var acknowledged = 0, reads = 0, losses = 0
        for seed in 0..<Self.seeds {
            let report = runner.run(SimulationPlan(seed: UInt64(seed), mode: mode))
            acknowledged += report.acknowledged
            reads += report.reads
            losses += report.losses
            if let violation = report.violation {
                Issue.record("martlet simulate --mode \(mode.rawValue) --seed \(seed) --schedules 1: \(violation)")
                return
            }
        }
        #expect(acknowledged > Self.seeds && reads > Self.seeds, "schedules that do nothing prove nothing")
        #expect(losses > Self.seeds / 20, "\(losses) losses")
    }

    @Test(arguments: SimulationCanary.all)
    func `the checks see a broken rule`(_ canary: SimulationCanary) {
        let runner = SimulationRunner(), count = Self.setting("MARTLET_SIMULATION_CANARY_SCHEDULES", 2_000)
        for seed in 0..<count
        where runner.run(SimulationPlan(seed: UInt64(seed)), canary: canary).violation != nil { return }
        Issue.record("\(count) schedules without \(canary.name) found nothing")
    }

    @Test func `a seed is one course of events`() {
        let runner = SimulationRunner(), plan = SimulationPlan(seed: 5)
        #expect(runner.run(plan).digest == SimulationRunner().run(plan).digest)
        #expect(runner.run(plan).digest != runner.run(SimulationPlan(seed: 6)).digest)
    }

    @Test func `a schedule that fails is made short and still fails`() {
        let runner = SimulationRunner(), canary = SimulationCanary.drive(.logNotSynced)
        for seed in 0..<50 {
            let plan = SimulationPlan(seed: UInt64(seed))
            guard runner.run(plan, canary: canary).violation != nil else { continue }
            let short = runner.minimised(plan, canary: canary, runsMax: 60)
            #expect(short.steps.count < plan.steps.count / 2)
            #expect(runner.run(short, canary: canary).violation != nil)
            return
        }
        Issue.record("nothing to make short")
    }
}
