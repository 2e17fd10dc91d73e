import ArgumentParser
import Server

struct CertsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "certs", abstract: "Makes a local authority and a certificate for a quick start.",
        discussion: """
            Writes public.crt and private.key into the directory, signed by its ca.crt and ca.key, which are made when they are not there.
            Run it again to renew: a server that runs with --certs-dir takes the new certificate within a second.
            """)

    @Argument(help: "Directory, which `martlet server --certs-dir` takes.")
    var directory: String
    @Argument(help: "Host names and addresses of the server (default: localhost, 127.0.0.1 and ::1).")
    var names: [String] = ["localhost", "127.0.0.1", "::1"]
    @Option(help: "Days until the certificate expires, 1 to 825.")
    var days = 365

    func validate() throws {
        guard (1...825).contains(days) else { throw ValidationError("--days must lie between 1 and 825") }
    }

    func run() throws { print(try LocalCertificates.make(directory: directory, names: names, days: days)) }
}
