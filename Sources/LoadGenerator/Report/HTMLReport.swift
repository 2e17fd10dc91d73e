import Glibc

/// Runs side by side as one page that needs nothing else: plots are inline SVG, there is no script.
package enum HTMLReport {
    private static let style = """
        :root{color-scheme:light dark}body{font:14px/1.45 system-ui,sans-serif;max-width:1180px;margin:2em auto;padding:0 1em}\
        h1{font-size:1.5em}h2{font-size:1.2em;margin-top:2em;border-bottom:1px solid #8886}\
        table{border-collapse:collapse;margin:.6em 0;font-variant-numeric:tabular-nums}\
        th,td{padding:.2em .7em;text-align:right;border-bottom:1px solid #8884}th:first-child,td:first-child{text-align:left}\
        .plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(460px,1fr));gap:1em}\
        figure{margin:0}figcaption{font-weight:600}svg{width:100%;height:auto}\
        svg text{font:11px system-ui,sans-serif;fill:currentColor}.grid{stroke:#8883}.axis{stroke:#888}\
        .legend{margin:0;white-space:pre-wrap}.bad{color:#c22}
        """

    /// `made` says when and by what.
    package static func page(_ reports: [LoadReport], title: String, made: String) -> String {
        var page = Markup()
        page.element("html", [("lang", "en")]) { html in
            html.element("head") { head in
                head.element("meta", [("charset", "utf-8")])
                head.element("meta", [("name", "viewport"), ("content", "width=device-width")])
                head.element("title", text: title)
                head.element("style", text: style)
            }
            html.raw("\n")
            html.element("body") { body in
                body.element("h1", text: title)
                body.element("p", text: made)
                writeSummary(reports, to: &body)
                for (number, report) in reports.enumerated() { writeRun(report, number: number, to: &body) }
            }
        }
        return "<!DOCTYPE html>\n" + page.text + "\n"
    }

    /// CPU of the server first: on one machine it is what can be compared.
    private static func writeSummary(_ reports: [LoadReport], to body: inout Markup) {
        body.table(
            [
                "run", "CPU \u{B5}s a request", "CPU-s/GiB", "operations/s", "MiB/s", "p50 ms", "p99 ms",
                "resident MiB",
                "failures",
            ],
            reports.map { report in
                let figures = report.figures, result = report.result
                func figure(_ name: String) -> String { figures.first { $0.name == name }?.value ?? "\u{2013}" }
                let all = result.rows.reduce(into: LatencyHistogram()) { $0.add($1.latencies) }
                return [
                    report.name, figure("server_cpu_us_per_operation"), figure("server_cpu_seconds_per_gib"),
                    figure("operations_per_second"), figure("mib_per_second"), Figure.milliseconds(all.percentile(0.5)),
                    Figure.milliseconds(all.percentile(0.99)), figure("server_resident_mib"), String(result.failures),
                ]
            })
    }

    private static func writeRun(_ report: LoadReport, number: Int, to body: inout Markup) {
        let result = report.result
        body.element("section", [("id", "run\(number + 1)")]) { section in
            section.element("h2", text: report.name)
            if let failure = result.firstFailure {
                section.element("p", [("class", "bad")], text: "\(result.failures) failures, the first: \(failure)")
            }
            if result.isCutShort {
                section.element("p", [("class", "bad")], text: "Ended before all operations were done.")
            }
            section.table(["plan", ""], report.planRows)
            section.table(
                [
                    "operation", "count", "per s", "MiB/s", "mean ms", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms",
                    "max ms",
                ], latencyRows(result))
            section.table(["figure", ""], report.figures.map { [$0.name, $0.value] })
            section.element("div", [("class", "plots")]) { plots in
                for chart in charts(result) { chart.write(to: &plots) }
            }
        }
        body.raw("\n")
    }

    private static func latencyRows(_ result: LoadResult) -> [[String]] {
        result.rows.map { row in
            let seconds = max(result.seconds, 1e-9), latencies = row.latencies
            return [
                row.operation.rawValue, String(latencies.count), Figure.text(Double(latencies.count) / seconds, 0),
                Figure.text(Double(row.bodyBytes) / seconds / 1_048_576, 1), Figure.milliseconds(latencies.mean),
            ] + [0.5, 0.9, 0.99, 0.999].map { Figure.milliseconds(latencies.percentile($0)) }
                + [Figure.milliseconds(latencies.largest)]
        }
    }

    // MARK: Plots

    private static func charts(_ result: LoadResult) -> [Chart] {
        var charts = [
            overTime(result, "Operations per second", "per s") { Double($0.operations) / $1 }
        ]
        if result.bodyBytes > 0 {
            charts.append(
                overTime(result, "Bytes per second", "MiB/s") { Double($0.bodyBytes) / 1_048_576 / $1 })
        }
        charts.append(percentiles(result))
        charts.append(histogram(result))
        var slowest = overTime(result, "Slowest operation of each slice", "ms") { slice, _ in
            Double(slice.largestNanoseconds) / 1e6
        }
        slowest.yScale = .logarithmic
        charts.append(slowest)
        return charts + serverCharts(result)
    }

    /// A point in the middle of each slice. The last slice is as long as the pass left it.
    private static func overTime(
        _ result: LoadResult, _ title: String, _ unit: String, _ value: (LoadTimeline.Slice, Double) -> Double
    ) -> Chart {
        let series = result.rows.map { row in
            let width = Double(row.timeline.sliceNanoseconds) / 1e9
            let points = row.timeline.slices.enumerated().compactMap { index, slice -> (x: Double, y: Double)? in
                let start = Double(index) * width, length = min(width, result.seconds - start)
                // A sliver at the end would show as a peak or a hole.
                guard length > width / 4 || index == 0 else { return nil }
                return (start + length / 2, value(slice, max(length, 1e-6)))
            }
            return Chart.Series(name: row.operation.rawValue, points: points)
        }
        return Chart(title: title, xLabel: "seconds", yLabel: unit, series: series)
    }

    private static let shares: [(share: Double, label: String)] = [
        (0, "0"), (0.25, ""), (0.5, "50 %"), (0.75, ""), (0.9, "90 %"), (0.95, ""), (0.99, "99 %"), (0.995, ""),
        (0.999, "99.9 %"), (0.9995, ""), (0.9999, "99.99 %"), (0.99999, "99.999 %"),
    ]

    /// Each nine as wide as the next; no further than there are operations to tell.
    private static func percentiles(_ result: LoadResult) -> Chart {
        func place(_ share: Double) -> Double { -log10(1 - share) }
        let series = result.rows.map { row in
            let known = shares.filter { 1 - $0.share >= 1 / Double(max(1, row.latencies.count)) }
            return Chart.Series(
                name: row.operation.rawValue,
                points: known.map { (place($0.share), max(Double(row.latencies.percentile($0.share)) / 1e6, 1e-4)) })
        }
        return Chart(
            title: "Latency percentiles", xLabel: "share of the operations", yLabel: "ms", series: series,
            yScale: .logarithmic, xTicks: shares.filter { !$0.label.isEmpty }.map { (place($0.share), $0.label) })
    }

    private static func histogram(_ result: LoadResult) -> Chart {
        let series = result.rows.map { row in
            Chart.Series(
                name: row.operation.rawValue,
                points: row.latencies.bars.map { (max(Double($0.from) / 1e6, 1e-4), Double($0.count)) })
        }
        return Chart(
            title: "Latency histogram", xLabel: "ms", yLabel: "operations", series: series, shape: .bars,
            xScale: .logarithmic)
    }

    private static func serverCharts(_ result: LoadResult) -> [Chart] {
        let samples = result.server.samples
        guard samples.count > 1 else { return [] }
        let cores = zip(samples, samples.dropFirst()).compactMap { before, after -> (x: Double, y: Double)? in
            let length = Double(after.nanoseconds &- before.nanoseconds)
            guard length > 10_000_000 else { return nil }
            return (
                (Double(before.nanoseconds) + length / 2) / 1e9,
                Double(after.cpuNanoseconds &- before.cpuNanoseconds) / length
            )
        }
        let resident = samples.map { (Double($0.nanoseconds) / 1e9, Double($0.residentBytes) / 1_048_576) }
        return [
            Chart(
                title: "CPU of the server", xLabel: "seconds", yLabel: "cores",
                series: [Chart.Series(name: "server", points: cores)]),
            Chart(
                title: "Resident memory of the server", xLabel: "seconds", yLabel: "MiB",
                series: [Chart.Series(name: "server", points: resident)]),
        ]
    }
}

extension LoadReport {
    fileprivate var planRows: [[String]] {
        func text(_ end: LoadEnd) -> String {
            switch end {
            case .operations(let count): "\(count) operations"
            case .seconds(let seconds): "\(seconds) s"
            }
        }
        return [
            ["endpoint", "\(plan.tls == nil ? "http" : "https")://\(plan.host):\(plan.port)"],
            ["load", plan.load], ["object size", plan.size.text], ["objects", String(plan.objects)],
            ["bucket and prefix", "\(plan.bucket)/\(plan.keyPrefix)"],
            ["clients", "\(plan.concurrency) on \(plan.threads) threads"], ["warm-up", text(plan.warmUp)],
            ["until", text(plan.end)], ["seed", String(plan.seed)],
        ]
    }
}
