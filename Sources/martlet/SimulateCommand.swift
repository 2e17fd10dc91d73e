import ArgumentParser
import Glibc
import Server
import Simulation

struct SimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Runs the engine on simulated drives with random faults, and checks that nothing is lost.",
        discussion: """
            Each seed is one schedule of requests, power cuts, kills and drive faults, and replays exactly in this build.
            A failure prints its seed and the shortest schedule found that still fails. Exit status 1 when any failed.

            --mode within keeps losses within parity: nothing acknowledged may be lost. --mode beyond loses more: reads may
            fail, but never show bytes that nobody wrote. --break RULE switches a rule of the commit protocol off, to see that
            the checks notice; --list-rules names them.
            """)

    @Option(help: "The first seed.")
    var seed: UInt64 = 0
    @Option(help: "How many seeds, each one schedule.")
    var schedules: UInt64 = 200
    @Option(help: "Events of a schedule.")
    var steps = 120
    @Option(help: "within or beyond.")
    var mode = FaultMode.within
    @Option(name: .customLong("break"), help: "A rule to switch off.")
    var broken: String?
    @Option(help: "Runs spent on making a failing schedule short.")
    var minimisingRuns = 200
    @Flag(help: "Prints the rules that can be switched off.")
    var listRules = false
    @Flag(help: "Prints what happened in each schedule.")
    var trace = false
    @Flag(help: "Prints each schedule's seed and digest: the same in every run of one build.")
    var digests = false
    @Flag(help: "Goes on after a failure.")
    var keepGoing = false

    func validate() throws {
        if steps < 1 || schedules < 1 { throw ValidationError("--steps and --schedules must be at least 1") }
        if let broken, SimulationCanary(name: broken) == nil {
            throw ValidationError("\(broken) is not a rule; --list-rules names them")
        }
    }

    func run() throws {
        if listRules {
            for canary in SimulationCanary.all { Console.write(canary.name + "\n", to: STDOUT_FILENO) }
            return
        }
        let canary = broken.flatMap(SimulationCanary.init(name:)), runner = SimulationRunner()
        let isTerminal = isatty(STDERR_FILENO) == 1
        var failures = 0, acknowledged = 0, reads = 0, losses = 0, digest: UInt64 = 0
        for number in seed..<seed + schedules {
            let plan = SimulationPlan(seed: number, mode: mode, stepCount: steps)
            let report = runner.run(plan, canary: canary, keepsTrace: trace)
            acknowledged += report.acknowledged
            reads += report.reads
            losses += report.losses
            digest = (digest ^ report.digest) &* 0x100_0000_01B3
            if digests { Console.write("seed \(number) digest \(hex(report.digest))\n", to: STDOUT_FILENO) }
            if trace { Console.write(report.lines.joined(separator: "\n") + "\n", to: STDOUT_FILENO) }
            if isTerminal, number % 10 == 9 {
                Console.write("\r\(number - seed + 1) of \(schedules)", to: STDERR_FILENO)
            }
            guard let violation = report.violation else { continue }
            failures += 1
            show(violation, plan, canary, runner)
            if !keepGoing { break }
        }
        if isTerminal { Console.write("\r", to: STDERR_FILENO) }
        Console.write(
            "\(failures == 0 ? "no violation" : "\(failures) violations"): \(acknowledged) acknowledged writes, \(reads) reads, "
                + "\(losses) losses, digest \(hex(digest))\n", to: STDOUT_FILENO)
        if failures > 0 { throw ExitCode(1) }
    }

    private func show(
        _ violation: String, _ plan: SimulationPlan, _ canary: SimulationCanary?, _ runner: SimulationRunner
    ) {
        let short = runner.minimised(plan, canary: canary, runsMax: minimisingRuns)
        let again = runner.run(short, canary: canary, keepsTrace: true)
        var lines = [
            "seed \(plan.seed), mode \(plan.mode.rawValue), \(plan.drivesText), \(Version.text): \(violation)",
            "\(short.steps.count) of \(plan.steps.count) steps still fail: \(again.violation ?? "")",
        ]
        lines += short.steps.map { "  \($0)" }
        lines.append("The course of the last run:")
        lines += again.lines.suffix(60).map { "    \($0)" }
        Console.write(lines.joined(separator: "\n") + "\n", to: STDOUT_FILENO)
    }

    private func hex(_ value: UInt64) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
    }
}

extension FaultMode: ExpressibleByArgument {}
