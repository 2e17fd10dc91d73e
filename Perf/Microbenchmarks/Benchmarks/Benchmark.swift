import CAllocations
import Glibc

/// One thing to measure: a call does `units` of it.
struct Benchmark {
    var name: String
    var unit: String
    var units: Int
    /// The kernel that was selected at run time, where there is a choice.
    var kernel: String?
    var call: () async throws -> Void

    init(_ name: String, _ unit: String, _ units: Int, kernel: String? = nil, _ call: @escaping () async throws -> Void)
    {
        (self.name, self.unit, self.units, self.kernel, self.call) = (name, unit, units, kernel, call)
    }
}

/// A benchmark found something else than it expected: what it measures would mean nothing.
struct BenchmarkError: Error {
    var fact: String
    init(_ fact: String) { self.fact = fact }
}

/// CPU time as a multiple of a loop that was measured right before it, so that figures of machines and of minutes compare; and allocations,
/// which are the same everywhere.
struct Measurement {
    private static let samples = 7
    private static let sampleNanoseconds: UInt64 = 40_000_000

    var nanosecondsPerUnit = 0.0
    var ratio = 0.0
    var allocationsPerUnit = 0.0

    static func of(_ benchmark: Benchmark) async throws -> Measurement {
        // Caches, pools and lazily made tables are filled first.
        try await benchmark.call()
        let started = cpuNanoseconds()
        try await benchmark.call()
        let once = max(1, cpuNanoseconds() &- started)
        let calls = max(1, Int(min(1_000_000, sampleNanoseconds / once)))
        var found: [(nanoseconds: Double, ratio: Double, allocations: Double)] = []
        for _ in 0..<samples {
            let step = Calibration.nanosecondsPerStep()
            let allocations = callocations_count(), start = cpuNanoseconds()
            for _ in 0..<calls { try await benchmark.call() }
            let used = Double(cpuNanoseconds() &- start), units = Double(calls * benchmark.units)
            let allocated = Double(callocations_count() &- allocations)
            found.append((used / units, used / units / step, allocated / units))
        }
        var result = Measurement()
        result.nanosecondsPerUnit = median(found.map(\.nanoseconds))
        result.ratio = median(found.map(\.ratio))
        // Growth of a table now and then is in some samples only.
        result.allocationsPerUnit = median(found.map(\.allocations))
        return result
    }

    private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

    func line(_ benchmark: Benchmark) -> String {
        func text(_ value: Double) -> String {
            let scaled = Int((value * 1000).rounded()), rest = String(scaled % 1000)
            return "\(scaled / 1000)." + String(repeating: "0", count: 3 - rest.utf8.count) + rest
        }
        let kernel = benchmark.kernel.map { ",\"kernel\":\"\($0)\"" } ?? ""
        return "{\"benchmark\":\"\(benchmark.name)\",\"unit\":\"\(benchmark.unit)\",\"ns\":\(text(nanosecondsPerUnit)),"
            + "\"ratio\":\(text(ratio)),\"allocations\":\(text(allocationsPerUnit))\(kernel)}"
    }
}

func cpuNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// The yardstick: a chain of multiplications and table look-ups that no compiler shortens.
enum Calibration {
    private static let steps = 2_000_000

    static func nanosecondsPerStep() -> Double {
        let start = cpuNanoseconds()
        let result = chain(steps)
        let used = Double(cpuNanoseconds() &- start)
        // Never the case; keeps the work from being left out.
        if result == 0 { print("") }
        return max(used, 1) / Double(steps)
    }

    @inline(never) private static func chain(_ steps: Int) -> UInt64 {
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 2048) { table in
            for index in 0..<2048 { table.initializeElement(at: index, to: UInt64(index) &* 0x9E37_79B9_7F4A_7C15) }
            var value: UInt64 = 1
            for _ in 0..<steps { value = (value ^ table[Int(value >> 53)]) &* 0xBF58_476D_1CE4_E5B9 &+ 1 }
            return value
        }
    }
}
