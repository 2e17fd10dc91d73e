import ArgumentParser
import Glibc
import Server

struct ServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "server",
        abstract: "Serves S3 from local drives.",
        discussion: """
            Drives are directories, each on a disk of its own: /mnt/drive{1...4}. They are formatted on the first start; a directory
            that holds anything else is refused. Every setting is also read from MARTLET_… and from --config.
            """)

    @OptionGroup var options: SettingsOptions
    @Argument(help: "Drive directories; {1...4} expands.")
    var drives: [String]

    func run() async throws {
        do {
            let settings = try await options.load()
            let server = Server(settings: settings, drives: try BraceExpansion.expand(drives))
            try await server.run(environment: { name in getenv(name).map { String(cString: $0) } })
        } catch let error as SettingsError {
            Console.write("martlet: \(error)\n", to: STDERR_FILENO)
            throw ExitCode(1)
        }
    }
}
