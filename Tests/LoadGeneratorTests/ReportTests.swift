import LoadGenerator
import S3Protocol
import Testing

@Suite struct ReportTests {
    static func report(_ name: String) -> LoadReport {
        var result = LoadResult(),
            row = LoadResult.Row(operation: .put, latencies: LatencyHistogram(), bodyBytes: 0, items: 0)
        for number in 0..<2000 {
            let took = UInt64(500_000 + number * 1000)
            row.latencies.add(took)
            row.timeline.add(nanoseconds: took, bytes: 4096, endedAt: UInt64(number) * 1_000_000)
            row.bodyBytes += 4096
        }
        for tick in 0..<20 {
            result.server.add(
                .init(
                    nanoseconds: UInt64(tick) * 100_000_000, cpuNanoseconds: UInt64(tick) * 50_000_000,
                    residentBytes: tick << 20))
        }
        result.rows = [row]
        result.seconds = 2
        result.serverCPUNanoseconds = 1_000_000_000
        result.serverResidentBytes = 19 << 20
        return LoadReport(LoadPlan(), result, name: name)
    }

    /// The parser of request bodies refuses document types, so that line is taken off.
    static func parsed(_ page: String) throws -> XMLElement {
        let start = try #require(page.firstRange(of: "<html"))
        return try XMLReader.parse(Array(page[start.lowerBound...].utf8), limits: .longLists)
    }

    static func all(_ name: String, in element: XMLElement) -> [XMLElement] {
        (element.name == name ? [element] : []) + element.children.flatMap { all(name, in: $0) }
    }

    @Test func `a report is a well-formed page with the plots of every run`() throws {
        let page = HTMLReport.page([Self.report("first"), Self.report("second")], title: "runs", made: "now")
        let html = try Self.parsed(page)
        let sections = Self.all("section", in: html)
        #expect(sections.count == 2)
        for section in sections {
            // Operations, bytes, percentiles, histogram, slowest, CPU, memory.
            #expect(Self.all("svg", in: section).count == 7)
            #expect(Self.all("polyline", in: section).count == 6)
            #expect(Self.all("rect", in: section).count > 3)
        }
        #expect(page.contains("500.00"))  // 1 s of CPU by 2000 operations, in microseconds
    }

    @Test func `a report asks nothing of other places and runs nothing`() {
        let page = HTMLReport.page([Self.report("run")], title: "runs", made: "now")
        for spelling in ["<script", "src=", "href=", "url(", "@import"] { #expect(!page.contains(spelling)) }
        #expect(!page.contains("nan") && !page.contains("inf\""))
    }

    @Test func `what is written by others stays text`() throws {
        let name = "<b>&\"\u{1}]]>"
        let html = try Self.parsed(HTMLReport.page([Self.report(name)], title: name, made: name))
        #expect(Self.all("h2", in: html).map(\.text) == ["<b>&\"\u{FFFD}]]>"])
        #expect(Self.report("a\"b\\c\n").line.contains("\"scenario\":\"a\\\"b\\\\c \""))
    }

    @Test func `a run without one operation still makes a page`() throws {
        let html = try Self.parsed(
            HTMLReport.page([LoadReport(LoadPlan(), LoadResult(), name: "empty")], title: "t", made: "now"))
        #expect(Self.all("svg", in: html).isEmpty)
    }
}
