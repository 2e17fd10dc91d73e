/// A result as people and as programs read it.
package struct LoadReport: Sendable {
    let plan: LoadPlan
    let result: LoadResult
    let name: String

    package init(_ plan: LoadPlan, _ result: LoadResult, name: String) {
        self.plan = plan
        self.result = result
        self.name = name
    }

    /// Lines for a terminal.
    package var table: String {
        var lines = [
            Self.columns(["operation", "count", "per s", "MiB/s", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "max ms"])
        ]
        for row in result.rows {
            let seconds = max(result.seconds, 1e-9), latencies = row.latencies
            lines.append(
                Self.columns([
                    row.operation.rawValue, String(latencies.count), Self.number(Double(latencies.count) / seconds, 0),
                    Self.number(Double(row.bodyBytes) / seconds / 1_048_576, 1),
                    Self.milliseconds(latencies.percentile(0.5)), Self.milliseconds(latencies.percentile(0.9)),
                    Self.milliseconds(latencies.percentile(0.99)), Self.milliseconds(latencies.percentile(0.999)),
                    Self.milliseconds(latencies.largest),
                ]))
        }
        for (name, value) in figures where name != "seconds" { lines.append("\(name): \(value)") }
        if result.failures > 0 { lines.append("failures: \(result.failures), the first: \(result.firstFailure ?? "")") }
        return lines.joined(separator: "\n") + "\n"
    }

    /// One line of JSON.
    package var line: String {
        var fields = [
            "\"scenario\":\"\(name)\"", "\"concurrency\":\(plan.concurrency)", "\"objects\":\(plan.objects)",
            "\"object_bytes\":\(plan.size.largest)", "\"operations\":\(result.operations)",
            "\"failures\":\(result.failures)",
        ]
        fields += figures.map { "\"\($0.name)\":\($0.value)" }
        for row in result.rows {
            let prefix = row.operation.rawValue
            fields.append("\"\(prefix)_count\":\(row.latencies.count)")
            for (label, share) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999)] {
                fields.append("\"\(prefix)_\(label)_ms\":\(Self.milliseconds(row.latencies.percentile(share)))")
            }
        }
        return "{" + fields.joined(separator: ",") + "}\n"
    }

    /// CPU per request comes first: on one machine it is what can be compared.
    private var figures: [(name: String, value: String)] {
        let operations = Double(max(1, result.operations)), gibibytes = Double(result.bodyBytes) / 1_073_741_824
        var figures: [(name: String, value: String)] = []
        if let cpu = result.serverCPUNanoseconds {
            figures.append(("server_cpu_us_per_operation", Self.number(Double(cpu) / 1000 / operations, 2)))
            if gibibytes > 0.001 {
                figures.append(("server_cpu_seconds_per_gib", Self.number(Double(cpu) / 1e9 / gibibytes, 3)))
            }
            if result.items > 0 {
                figures.append(
                    ("keys_per_server_cpu_second", Self.number(Double(result.items) / (Double(cpu) / 1e9), 0)))
            }
        }
        if let bytes = result.serverResidentBytes {
            figures.append(("server_resident_mib", Self.number(Double(bytes) / 1_048_576, 1)))
        }
        if let bytes = result.serverPeakBytes {
            figures.append(("server_peak_mib", Self.number(Double(bytes) / 1_048_576, 1)))
        }
        figures.append(
            ("client_cpu_us_per_operation", Self.number(Double(result.clientCPUNanoseconds) / 1000 / operations, 2)))
        figures.append(("seconds", Self.number(result.seconds, 3)))
        figures.append(("operations_per_second", Self.number(operations / max(result.seconds, 1e-9), 1)))
        figures.append(("mib_per_second", Self.number(gibibytes * 1024 / max(result.seconds, 1e-9), 1)))
        return figures
    }

    private static func columns(_ texts: [String]) -> String {
        texts.map { String(repeating: " ", count: max(0, 10 - $0.utf8.count)) + $0 }.joined(separator: " ")
    }

    private static func milliseconds(_ nanoseconds: UInt64) -> String { number(Double(nanoseconds) / 1e6, 3) }

    /// `digits` after the point.
    private static func number(_ value: Double, _ digits: Int) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = (value * scale).rounded()
        guard scaled.isFinite, scaled.magnitude < 1e18 else { return "0" }
        let whole = Int64(scaled) / Int64(scale), rest = (Int64(scaled) % Int64(scale)).magnitude
        guard digits > 0 else { return String(whole) }
        let text = String(rest)
        return "\(whole)." + String(repeating: "0", count: digits - text.utf8.count) + text
    }
}
