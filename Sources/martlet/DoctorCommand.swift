import ArgumentParser
import Glibc
import Server

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Looks at the machine and the drives and says what to do.",
        discussion: """
            Changes nothing on the drives but for a probe file that it removes. Exit status 1 when something would keep the server from \
            starting or puts data at risk.
            With --verify the drives must not be in use: it reads all of them and checks the allocator against the index and every checksum \
            of manifest, log, tables, packed data and extents. It writes nothing at all.
            """)

    @OptionGroup var options: SettingsOptions
    @Flag(help: "Read the drives whole and check every checksum; no server may be using them.")
    var verify = false
    @Argument(help: "Drive directories; {1...4} expands.")
    var drives: [String]

    func run() async throws {
        do {
            let settings = try await options.load()
            let paths = try BraceExpansion.expand(drives)
            if verify { try await verify(paths, settings) } else { try examine(paths, settings) }
        } catch let error as SettingsError {
            Console.write("martlet: \(error)\n", to: STDERR_FILENO)
            throw ExitCode(1)
        }
    }

    private func examine(_ paths: [String], _ settings: Settings) throws {
        let findings = Doctor.examine(drives: paths, settings: settings)
        for finding in findings { print(finding.line) }
        if findings.contains(where: { $0.verdict == .bad }) { throw ExitCode(1) }
    }

    private func verify(_ paths: [String], _ settings: Settings) async throws {
        var isClean = true
        var damages: [String] = []
        var outcomes: [(path: String, outcome: DriveVerify.Outcome)] = []
        for path in paths {
            let outcome = try await DriveVerify.run(path, settings: settings, time: SystemTime()) { line in
                Console.write(line + "\n", to: STDERR_FILENO)
            }
            for finding in outcome.findings { print(finding.line) }
            damages += outcome.damages
            outcomes.append((path, outcome))
            isClean = isClean && outcome.isClean
        }
        let disagreements = DriveVerify.compare(outcomes.map { ($0.path, $0.outcome.identity) })
        for finding in disagreements { print(finding.line) }
        if !disagreements.isEmpty { isClean = false }
        if !damages.isEmpty {
            print("\nFound:")
            for damage in damages { print("  \(damage)") }
        }
        if !isClean { throw ExitCode(1) }
    }
}
