/// A result as people and as programs read it.
package struct LoadReport: Sendable {
    package let plan: LoadPlan
    package let result: LoadResult
    package let name: String

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
                    row.operation.rawValue, String(latencies.count), Figure.text(Double(latencies.count) / seconds, 0),
                    Figure.text(Double(row.bodyBytes) / seconds / 1_048_576, 1),
                    Figure.milliseconds(latencies.percentile(0.5)), Figure.milliseconds(latencies.percentile(0.9)),
                    Figure.milliseconds(latencies.percentile(0.99)), Figure.milliseconds(latencies.percentile(0.999)),
                    Figure.milliseconds(latencies.largest),
                ]))
        }
        for (name, value) in figures where name != "seconds" { lines.append("\(name): \(value)") }
        if result.failures > 0 { lines.append("failures: \(result.failures), the first: \(result.firstFailure ?? "")") }
        if result.isCutShort { lines.append("ended early: \(result.operations) of \(wanted) operations") }
        return lines.joined(separator: "\n") + "\n"
    }

    private var wanted: Int {
        switch plan.end {
        case .operations(let count): count
        case .seconds: result.operations
        }
    }

    /// One line of JSON.
    package var line: String {
        var fields = [
            "\"scenario\":\(Self.quoted(name))", "\"load\":\"\(plan.load)\"", "\"size\":\"\(plan.size.text)\"",
            "\"cut_short\":\(result.isCutShort)", "\"concurrency\":\(plan.concurrency)", "\"objects\":\(plan.objects)",
            "\"object_bytes\":\(plan.size.largest)", "\"operations\":\(result.operations)",
            "\"failures\":\(result.failures)",
        ]
        fields += figures.map { "\"\($0.name)\":\($0.value)" }
        for row in result.rows {
            let prefix = row.operation.rawValue
            fields.append("\"\(prefix)_count\":\(row.latencies.count)")
            for (label, share) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999)] {
                fields.append("\"\(prefix)_\(label)_ms\":\(Figure.milliseconds(row.latencies.percentile(share)))")
            }
        }
        return "{" + fields.joined(separator: ",") + "}\n"
    }

    /// CPU per request comes first: on one machine it is what can be compared.
    var figures: [(name: String, value: String)] {
        let operations = Double(max(1, result.operations)), gibibytes = Double(result.bodyBytes) / 1_073_741_824
        var figures: [(name: String, value: String)] = []
        if let cpu = result.serverCPUNanoseconds {
            figures.append(("server_cpu_us_per_operation", Figure.text(Double(cpu) / 1000 / operations, 2)))
            if gibibytes > 0.001 {
                figures.append(("server_cpu_seconds_per_gib", Figure.text(Double(cpu) / 1e9 / gibibytes, 3)))
            }
            if result.items > 0 {
                figures.append(
                    ("keys_per_server_cpu_second", Figure.text(Double(result.items) / (Double(cpu) / 1e9), 0)))
            }
        }
        if let bytes = result.serverResidentBytes {
            figures.append(("server_resident_mib", Figure.text(Double(bytes) / 1_048_576, 1)))
        }
        if let bytes = result.serverPeakBytes {
            figures.append(("server_peak_mib", Figure.text(Double(bytes) / 1_048_576, 1)))
        }
        figures.append(
            ("client_cpu_us_per_operation", Figure.text(Double(result.clientCPUNanoseconds) / 1000 / operations, 2)))
        figures.append(("seconds", Figure.text(result.seconds, 3)))
        figures.append(("operations_per_second", Figure.text(operations / max(result.seconds, 1e-9), 1)))
        figures.append(("mib_per_second", Figure.text(gibibytes * 1024 / max(result.seconds, 1e-9), 1)))
        return figures
    }

    private static func quoted(_ text: String) -> String {
        let escaped = text.unicodeScalars.map { scalar in
            switch scalar {
            case "\"": "\\\""
            case "\\": "\\\\"
            case _ where scalar.value < 0x20: " "
            default: String(scalar)
            }
        }
        return "\"" + escaped.joined() + "\""
    }

    private static func columns(_ texts: [String]) -> String {
        texts.map { String(repeating: " ", count: max(0, 10 - $0.utf8.count)) + $0 }.joined(separator: " ")
    }
}
