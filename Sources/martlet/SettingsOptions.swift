import ArgumentParser
import Server

/// The flags that several commands share. What is not given comes from the environment or the configuration file.
struct SettingsOptions: ParsableArguments {
    @Option(help: "Where S3 is served (default 0.0.0.0:9000; MARTLET_ADDRESS).")
    var address: String?
    @Option(help: "Where health and metrics are served (default 127.0.0.1:9001; MARTLET_OPS_ADDRESS).")
    var opsAddress: String?
    @Option(
        help: "Directory for generated credentials (default .martlet-state beside the first drive; MARTLET_STATE_DIR).")
    var stateDir: String?
    @Option(
        help:
            "Drives in an erasure set, 1 to 16 (default: the largest divisor of the drives up to 16; MARTLET_SET_SIZE)."
    )
    var setSize: Int?
    @Option(help: "Directory with public.crt and private.key: S3 is served over TLS (MARTLET_CERTS_DIR).")
    var certsDir: String?
    @Option(help: "A JSON file with settings (MARTLET_CONFIG).")
    var config: String?

    func load() async throws -> Settings {
        var flags: [String: String] = [:]
        flags["address"] = address
        flags["opsAddress"] = opsAddress
        flags["stateDir"] = stateDir
        flags["certsDir"] = certsDir
        flags["setSize"] = setSize.map(String.init)
        return try await Settings.load(flags: flags, configFile: config)
    }
}
