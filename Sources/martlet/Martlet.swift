import ArgumentParser
import Server

@main
struct Martlet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "martlet",
        abstract: "An S3-compatible object store.",
        discussion: """
            Start with:  martlet server /mnt/drive{1...4}
            Every setting of the server is also read from MARTLET_… in the environment and from a JSON file (--config).
            """,
        version: Version.text,
        subcommands: [
            ServerCommand.self, AdminCommand.self, DoctorCommand.self, CertsCommand.self, PerfCommand.self,
            SimulateCommand.self, VersionCommand.self,
        ])
}

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Prints the version.")
    func run() { print(Version.text) }
}
