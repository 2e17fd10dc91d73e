import Glibc
import Runtime

/// Measures what its arguments name (all without any; `list.` names a group) and prints a line of JSON for each. `Perf/microbenchmarks` runs
/// it and compares.
@main struct Microbenchmarks {
    static func main() async throws {
        let wanted = Array(CommandLine.arguments.dropFirst())
        // Everything on the thread of one loop, as a core of the server works.
        let loop = try Loop(configuration: LoopConfiguration(name: "benchmarks", usesRing: false))
        let problem = await withUnsafeContinuation { (done: UnsafeContinuation<String?, Never>) in
            loop.spawn {
                do {
                    try await run(wanted, on: loop)
                    done.resume(returning: nil)
                } catch { done.resume(returning: "\(error)") }
            }
        }
        await loop.drain()
        if let problem {
            say("\(problem)\n", to: STDERR_FILENO)
            exit(2)
        }
    }

    private static func run(_ wanted: [String], on loop: Loop) async throws {
        // Made one after the other, so that a store that is not measured any more takes no memory.
        let areas = ["calibration", "hash.", "erasure.", "sigv4.", "xml.", "index.", "engine.", "list."]
        for area in areas {
            guard wanted.isEmpty || wanted.contains(where: { $0.hasPrefix(area) || area.hasPrefix($0) })
            else {
                continue
            }
            for benchmark in try await benchmarks(of: area, on: loop) {
                guard wanted.isEmpty || wanted.contains(where: { benchmark.name.hasPrefix($0) }) else { continue }
                say(try await Measurement.of(benchmark).line(benchmark) + "\n", to: STDOUT_FILENO)
            }
        }
    }

    private static func benchmarks(of area: String, on loop: Loop) async throws -> [Benchmark] {
        switch area {
        case "hash.": return HashBenchmarks.all()
        case "erasure.": return ErasureBenchmarks.all()
        case "sigv4.": return try SignatureBenchmarks.all()
        case "xml.": return try DocumentBenchmarks.all()
        case "index.": return try await IndexBenchmarks.all()
        case "engine.": return try await EngineBenchmarks.all(on: loop)
        case "list.": return try await ListBenchmarks.all(on: loop)
        default: return [Benchmark("calibration", "step", 2_000_000) { _ = Calibration.nanosecondsPerStep() }]
        }
    }

    /// Unbuffered: what was measured before a crash is there.
    private static func say(_ text: String, to descriptor: Int32) {
        let bytes = Array(text.utf8)
        _ = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    }
}
