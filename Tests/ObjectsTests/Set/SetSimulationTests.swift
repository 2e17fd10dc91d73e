import Glibc
import Objects
import Testing

@Suite struct SetSimulationTests {
    private static func setting(_ name: String, _ fallback: Int) -> Int {
        getenv(name).flatMap { Int(String(cString: $0)) } ?? fallback
    }

    @Test func `random schedules lose nothing and show nothing undecided`() throws {
        let first = Self.setting("SIM_SEED", 0), count = Self.setting("SIM_SEEDS", 200)
        var reads = 0, writes = 0
        for seed in first..<first + count {
            let outcome = try SetSchedule.run(seed: UInt64(seed))
            reads += outcome.reads
            writes += outcome.writes
            if let violation = outcome.violation {
                Issue.record(
                    "seed \(seed): \(violation)\n\(outcome.trace.suffix(count == 1 ? 400 : 25).joined(separator: "\n"))"
                )
                break
            }
        }
        #expect(reads > count && writes > count, "schedules that read and write nothing prove nothing")
    }

    @Test(arguments: BrokenRule.allCases)
    func `the checker sees a broken rule`(_ rule: BrokenRule) throws {
        let count = Self.setting("SIM_CANARY_SEEDS", 1_500)
        for seed in 0..<count where try SetSchedule.run(seed: UInt64(seed), broken: [rule]).violation != nil { return }
        Issue.record("\(count) schedules without \(rule.rawValue) found nothing")
    }
}
