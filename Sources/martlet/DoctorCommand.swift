import ArgumentParser
import Server

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Looks at the machine and the drives and says what to do.",
        discussion:
            "Changes nothing. Exit status 1 when something would keep the server from starting or put data at risk.")

    @OptionGroup var options: SettingsOptions
    @Argument(help: "Drive directories; {1...4} expands.")
    var drives: [String]

    func run() async throws {
        let settings = try await options.load()
        let findings = Doctor.examine(drives: try BraceExpansion.expand(drives), settings: settings)
        for finding in findings { print(finding.line) }
        if findings.contains(where: { $0.verdict == .bad }) { throw ExitCode(1) }
    }
}
