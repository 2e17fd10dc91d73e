import Base
import Testing

import Telemetry

@Suite struct TelemetryTests {
    static func event(api: String = "GetObject", status: Int = 200, error: String = "", object: String = "k")
        -> RequestEvent
    {
        RequestEvent(
            time: Timestamp(nanoseconds: 1_709_210_096_789_000_000), requestID: "1", api: api, tenant: "acme",
            bucket: "b", object: object, method: "GET", status: status, errorCode: error, receivedBytes: 1,
            sentBytes: 2,
            timeToFirstByteNanoseconds: 1_000_000, durationNanoseconds: 2_000_000, remoteAddress: "127.0.0.1",
            host: "h",
            userAgent: "a\"b", accessKey: "AK")
    }

    @Test func `an access log line is JSON with escaped values`() {
        let line = String(decoding: AccessLog.line(Self.event(object: "a\u{1}\"\\é")), as: UTF8.self)
        #expect(line.contains(#""object":"a\u0001\"\\é""#))
        #expect(line.contains(#""time":"2024-02-29T12:34:56.789Z""#))
        #expect(line.hasSuffix("}\n"))
    }

    @Test func `times before and after leap days are right`() {
        #expect(RFC3339.text(Timestamp(seconds: 0)) == "1970-01-01T00:00:00.000Z")
        #expect(RFC3339.text(Timestamp(seconds: 951_782_400)) == "2000-02-29T00:00:00.000Z")
        #expect(RFC3339.text(Timestamp(seconds: 4_107_542_399)) == "2100-02-28T23:59:59.000Z")
    }

    @Test func `lines beyond the bound are dropped and counted`() {
        let log = AccessLog()
        let long = Self.event(object: String(repeating: "x", count: 1 << 20))
        for _ in 0..<20 { log.record(long) }
        let text = String(decoding: log.take(), as: UTF8.self)
        #expect(text.utf8.count <= AccessLog.pendingBytesMax + 1_000)
        #expect(text.contains("dropped"))
        #expect(log.take().isEmpty)
    }

    @Test func `the histogram is cumulative and its count equals the requests`() {
        let metrics = RequestMetrics()
        metrics.record(Self.event())
        metrics.record(Self.event(status: 404, error: "NoSuchKey"))
        var text = PrometheusText()
        metrics.render(into: &text)
        #expect(text.text.contains("martlet_s3_requests_total{api=\"GetObject\",class=\"4xx\"} 1\n"))
        #expect(text.text.contains("martlet_s3_errors_total{code=\"NoSuchKey\"} 1\n"))
        #expect(text.text.contains("martlet_s3_request_seconds_bucket{api=\"GetObject\",le=\"0.001\"} 0\n"))
        #expect(text.text.contains("martlet_s3_request_seconds_bucket{api=\"GetObject\",le=\"+Inf\"} 2\n"))
    }
}
