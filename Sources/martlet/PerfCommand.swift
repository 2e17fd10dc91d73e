import AdminClient
import ArgumentParser
import Base
import Glibc
import LoadGenerator
import Runtime
import S3Protocol
import Server

struct PerfCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "perf",
        abstract: "Puts load on an S3 endpoint and measures it.",
        discussion: """
            Several loads run one after the other: martlet perf put get list=90,head=10. \
            Requests are presigned, bodies unsigned, connections kept alive. Load is closed: each client sends its next request when it \
            has the answer. put makes the objects that get, head, list and delete use, so run it first with the same --objects. \
            Credentials: MARTLET_ROOT_USER and MARTLET_ROOT_PASSWORD, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
            """)

    @Argument(help: "put, get, head, delete, list, multipart; mixed, with shares: get=70,put=20,head=10.")
    var loads: [String]
    @Option(help: "HOST:PORT or http://HOST:PORT, or https://HOST:PORT for TLS.")
    var endpoint = "127.0.0.1:9000"
    @Option(
        help:
            "PEM file of the authorities that an https server is trusted by (default: MARTLET_CA_FILE, AWS_CA_BUNDLE, else the system's)."
    )
    var caFile: String?
    @Option(help: "Made when it is not there.")
    var bucket = "perf"
    @Option(
        help: """
            Size of the objects put: 4KiB; with shares: 4KiB:70,1MiB:25,64MiB:5; even over a range: 4KiB..1MiB; even in its \
            logarithm: log:4KiB..64MiB.
            """)
    var size = "4KiB"
    @Option(help: "Bytes of a multipart upload's parts.")
    var partSize = "8MiB"
    @Option(help: "Objects in use.")
    var objects = 10_000
    @Option(help: "Number of the first of them.")
    var first = 0
    @Option(help: "Start of every key.")
    var prefix = "perf/"
    @Option(help: "Keys in a folder; 0 for no folders.")
    var folder = 0
    @Option(help: "Delimiter of listings.")
    var delimiter = ""
    @Option(help: "Keys on a page of a listing.")
    var maxKeys = 1000
    @Option(help: "Clients.")
    var concurrency = 16
    @Option(help: "Threads that the clients share.")
    var threads = 1
    @Option(help: "Operations in all.")
    var count: Int?
    @Option(help: "Seconds, instead of a count.")
    var duration: Int?
    @Option(help: "Operations, or seconds with --duration, that are not counted.")
    var warmUp = 0
    @Option(help: "End by then, whatever the count; what is in flight has a minute more.")
    var timeLimit = 3600
    @Option(
        help:
            "Process of the server, on this machine: its CPU time and memory are shown. Again for each of several processes."
    )
    var serverPid: [Int32] = []
    @Option(help: "Write a report with plots to this file: one HTML page that needs nothing else.")
    var html: String?
    @Option(help: "Seed of what is chosen at random: the same load for the same seed.")
    var seed: UInt64 = 1
    @Option(help: "Append the result as a line of JSON to this file; - for standard output instead of the table.")
    var ndjson: String?
    @Option(help: "Name of the run in JSON and report.")
    var name: String?
    @Option(help: "Region of the signatures.")
    var region = "us-east-1"

    func run() async throws {
        var plan = try plan()
        let mixes = try loads.map { try mix($0) }
        let time = SystemTime()
        let loops = try LoopGroup(
            count: max(1, min(threads, concurrency)),
            configuration: LoopConfiguration(name: "perf", usesRing: false))
        // Writing to a connection that the server has closed is an error to count, not a signal to die of.
        signal(SIGPIPE, SIG_IGN)
        // Better now than when all is measured.
        if let html { try write("", to: html, mode: "w") }
        if let problem = await BucketSetup.run(plan, time: time, on: loops[0]) {
            Console.write("martlet: can't make the bucket \(bucket) at \(endpoint): \(problem)\n", to: STDERR_FILENO)
            throw ExitCode(1)
        }
        var reports: [LoadReport] = []
        for (load, mix) in zip(loads, mixes) {
            plan.mix = mix
            let runName = loads.count > 1 && name != nil ? "\(name ?? "") \(load)" : name ?? load
            let result = await LoadRun(plan, name: runName, time: time, loops: loops, progress: progressBar).run()
            if progressBar != nil { Console.write("\r\u{1B}[K", to: STDERR_FILENO) }
            let report = LoadReport(plan, result, name: runName)
            reports.append(report)
            if ndjson != "-" {
                Console.write((loads.count > 1 ? "\(runName)\n" : "") + report.table, to: STDOUT_FILENO)
            }
            if let ndjson { try append(report.line, to: ndjson) }
            // After every run, so that an interrupted series leaves what it has.
            if let html { try write(page(reports, at: time.now()), to: html, mode: "w") }
        }
        await loops.shutDown()
        if reports.contains(where: { $0.result.failures > 0 || $0.result.isCutShort }) { throw ExitCode(1) }
    }

    /// On a terminal only: in a log it would be noise.
    private var progressBar: (@Sendable (LoadProgress) -> Void)? {
        guard isatty(STDERR_FILENO) == 1 else { return nil }
        return { Console.write("\r\u{1B}[K" + $0.line, to: STDERR_FILENO) }
    }

    private func page(_ reports: [LoadReport], at time: Timestamp) -> String {
        HTMLReport.page(
            reports, title: "martlet perf: \(name ?? loads.joined(separator: ", "))",
            made: "Measured by martlet \(Version.text), \(HTTPDate.format(time)).")
    }

    private func plan() throws -> LoadPlan {
        var plan = LoadPlan()
        let isSecure: Bool
        do throws(AdminEndpoint.Refusal) {
            let place = try AdminEndpoint(endpoint)
            (plan.host, plan.port) = (place.host, place.port)
            isSecure = place.isSecure
        } catch { throw ValidationError("--endpoint is HOST:PORT, http://HOST:PORT or https://HOST:PORT") }
        if isSecure { plan.tls = try TrustedAuthorities.client(file: caFile) }
        plan.bucket = bucket
        guard let sizes = SizeChoice(size), let part = SizeChoice.bytes(partSize), part > 0 else {
            throw ValidationError("sizes are written 4KiB, 4KiB:80,1MiB:20, 4KiB..1MiB or log:4KiB..1MiB")
        }
        (plan.size, plan.partBytes) = (sizes, part)
        guard (1...1_000_000_000_000).contains(objects), (0...1_000_000_000_000).contains(first), concurrency > 0,
            concurrency <= 4096, threads > 0, warmUp >= 0, folder >= 0,
            count ?? 1 > 0, duration ?? 1 > 0, (1...(7 * 86_400)).contains(timeLimit)
        else {
            throw ValidationError(
                "--objects, --concurrency (up to 4096), --threads, --count, --duration and --time-limit (up to a week) are at least 1"
            )
        }
        plan.firstObject = first
        (plan.objects, plan.concurrency, plan.threads) = (objects, concurrency, threads)
        (plan.keyPrefix, plan.folderKeys) = (prefix, folder)
        (plan.listDelimiter, plan.listPageKeys) = (delimiter, maxKeys)
        if let duration {
            (plan.end, plan.warmUp) = (.seconds(duration), .seconds(warmUp))
        } else {
            (plan.end, plan.warmUp) = (.operations(count ?? objects), .operations(warmUp))
        }
        (plan.serverProcesses, plan.limitSeconds, plan.seed) = (serverPid, timeLimit, seed)
        func variable(_ names: [String]) -> String? {
            names.lazy.compactMap { getenv($0).map { String(cString: $0) } }.first
        }
        guard let user = variable(["MARTLET_ROOT_USER", "AWS_ACCESS_KEY_ID"]),
            let password = variable(["MARTLET_ROOT_PASSWORD", "AWS_SECRET_ACCESS_KEY"])
        else { throw ValidationError("no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY") }
        plan.credentials = RequestSigner(accessKey: user, secretKey: password, region: region)
        return plan
    }

    private func mix(_ load: String) throws -> [(operation: LoadOperation, weight: Int)] {
        try load.split(separator: ",").map { piece in
            let halves = piece.split(maxSplits: 1) { $0 == "=" || $0 == ":" }
            guard let name = halves.first, let operation = LoadOperation(rawValue: String(name)),
                let weight = halves.count == 2 ? Int(halves[1]) : 1, (1...1_000_000).contains(weight)
            else { throw ValidationError("\(piece) is none of put, get, head, delete, list, multipart") }
            return (operation, weight)
        }
    }

    private func append(_ line: String, to path: String) throws {
        if path == "-" { return Console.write(line, to: STDOUT_FILENO) }
        try write(line, to: path, mode: "a")
    }

    private func write(_ text: String, to path: String, mode: String) throws {
        guard let file = fopen(path, mode) else { throw ValidationError("can't write to \(path)") }
        let written = fputs(text, file)
        guard fclose(file) == 0, written >= 0 else { throw ValidationError("can't write to \(path)") }
    }
}
