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
            Requests are presigned, bodies unsigned, connections kept alive. Load is closed: each client sends its next request when it \
            has the answer. put makes the objects that get, head, list and delete use, so run it first with the same --objects. \
            Credentials: MARTLET_ROOT_USER and MARTLET_ROOT_PASSWORD, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
            """)

    @Argument(help: "put, get, head, delete, list, multipart; several with weights: get=70,put=20,head=10.")
    var operation: String
    @Option(help: "HOST:PORT or http://HOST:PORT, or https://HOST:PORT for TLS.")
    var endpoint = "127.0.0.1:9000"
    @Option(
        help:
            "PEM file of the authorities that an https server is trusted by (default: MARTLET_CA_FILE, AWS_CA_BUNDLE, else the system's)."
    )
    var caFile: String?
    @Option(help: "Made when it is not there.")
    var bucket = "perf"
    @Option(help: "Size of the objects put: 4KiB; several with weights: 4KiB=80,1MiB=20.")
    var size = "4KiB"
    @Option(help: "Bytes of a multipart upload's parts.")
    var partSize = "8MiB"
    @Option(help: "Objects in use.")
    var objects = 10_000
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
    @Option(help: "Process of the server, on this machine: its CPU time and memory are shown.")
    var serverPid: Int32?
    @Option(help: "Append the result as a line of JSON to this file; - for standard output instead of the table.")
    var ndjson: String?
    @Option(help: "Name of the run in the JSON.")
    var name: String?
    @Option(help: "Region of the signatures.")
    var region = "us-east-1"

    func run() async throws {
        let plan = try plan()
        let time = SystemTime()
        let loops = try LoopGroup(
            count: max(1, min(threads, concurrency)),
            configuration: LoopConfiguration(name: "perf", usesRing: false))
        // Writing to a connection that the server has closed is an error to count, not a signal to die of.
        signal(SIGPIPE, SIG_IGN)
        if let problem = await BucketSetup.run(plan, time: time, on: loops[0]) {
            Console.write("martlet: can't make the bucket \(bucket) at \(endpoint): \(problem)\n", to: STDERR_FILENO)
            throw ExitCode(1)
        }
        let result = await LoadRun(plan, time: time, loops: loops).run()
        await loops.shutDown()
        let report = LoadReport(plan, result, name: name ?? operation)
        if ndjson != "-" { Console.write(report.table, to: STDOUT_FILENO) }
        if let ndjson { try append(report.line, to: ndjson) }
        if result.failures > 0 { throw ExitCode(1) }
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
        plan.mix = try mix()
        guard let sizes = SizeChoice(size), let part = SizeChoice.bytes(partSize), part > 0 else {
            throw ValidationError("sizes are written 4KiB, 1MiB or 4KiB=80,1MiB=20")
        }
        (plan.size, plan.partBytes) = (sizes, part)
        guard objects > 0, concurrency > 0, concurrency <= 4096, threads > 0, warmUp >= 0, folder >= 0 else {
            throw ValidationError("--objects, --concurrency (up to 4096) and --threads are at least 1")
        }
        (plan.objects, plan.concurrency, plan.threads) = (objects, concurrency, threads)
        (plan.keyPrefix, plan.folderKeys) = (prefix, folder)
        (plan.listDelimiter, plan.listPageKeys) = (delimiter, maxKeys)
        if let duration {
            (plan.end, plan.warmUp) = (.seconds(duration), .seconds(warmUp))
        } else {
            (plan.end, plan.warmUp) = (.operations(count ?? objects), .operations(warmUp))
        }
        plan.serverProcess = serverPid
        func variable(_ names: [String]) -> String? {
            names.lazy.compactMap { getenv($0).map { String(cString: $0) } }.first
        }
        guard let user = variable(["MARTLET_ROOT_USER", "AWS_ACCESS_KEY_ID"]),
            let password = variable(["MARTLET_ROOT_PASSWORD", "AWS_SECRET_ACCESS_KEY"])
        else { throw ValidationError("no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY") }
        plan.credentials = RequestSigner(accessKey: user, secretKey: password, region: region)
        return plan
    }

    private func mix() throws -> [(operation: LoadOperation, weight: Int)] {
        try operation.split(separator: ",").map { piece in
            let halves = piece.split(separator: "=", maxSplits: 1)
            guard let name = halves.first, let operation = LoadOperation(rawValue: String(name)),
                let weight = halves.count == 2 ? Int(halves[1]) : 1, weight > 0
            else { throw ValidationError("\(piece) is none of put, get, head, delete, list, multipart") }
            return (operation, weight)
        }
    }

    private func append(_ line: String, to path: String) throws {
        if path == "-" { return Console.write(line, to: STDOUT_FILENO) }
        guard let file = fopen(path, "a") else { throw ValidationError("can't write to \(path)") }
        defer { fclose(file) }
        fputs(line, file)
    }
}
