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
    @Option(
        name: .customLong("replaced"),
        help: ArgumentHelp(
            "A drive directory, one of those named, whose old drive is gone for good: the blank one there is admitted at once and rebuilt. "
                + "Only needed when the server says that it does not admit a blank drive by itself.", valueName: "drive"
        ))
    var replaced: [String] = []
    @Flag(
        help:
            "The root key is gone for good: delete the accounts, users, keys and policies that it sealed and begin with another. Buckets and objects stay."
    )
    var forgetIdentities = false
    @Argument(help: "Drive directories; {1...4} expands.")
    var drives: [String]

    func run() async throws {
        do {
            let settings = try await options.load()
            let server = Server(
                settings: settings, drives: try BraceExpansion.expand(drives),
                replaced: try BraceExpansion.expand(replaced), forgetsIdentities: forgetIdentities)
            try await server.run(environment: { name in getenv(name).map { String(cString: $0) } })
        } catch let error as SettingsError {
            Console.write("martlet: \(error)\n", to: STDERR_FILENO)
            throw ExitCode(1)
        }
    }
}
