import Synchronization

/// Counts requests by operation and outcome, with a latency histogram an operation. Names of operations are a closed set, so the
/// number of series is bounded whatever clients send.
package final class RequestMetrics: RequestEventSink {
    /// Upper bounds in seconds; from a cached look-up to a large object over a slow line.
    static let bounds: [Double] = [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
    ]

    private struct Series {
        /// By status class: 2xx, 3xx, 4xx, 5xx; index 0 is everything else.
        var byClass = [UInt64](repeating: 0, count: 5)
        var buckets = [UInt64](repeating: 0, count: RequestMetrics.bounds.count + 1)
        var seconds = 0.0
        var firstByteSeconds = 0.0
        var received: UInt64 = 0
        var sent: UInt64 = 0
    }
    private struct State {
        var series: [String: Series] = [:]
        var errors: [String: UInt64] = [:]
    }
    private let state = Mutex(State())

    package init() {}

    package func record(_ event: RequestEvent) {
        let seconds = Double(event.durationNanoseconds) / 1e9
        let bucket = Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count
        let statusClass = (2...5).contains(event.status / 100) ? event.status / 100 - 1 : 0
        state.withLock { state in
            var series = state.series[event.api] ?? Series()
            series.byClass[statusClass] += 1
            series.buckets[bucket] += 1
            series.seconds += seconds
            series.firstByteSeconds += Double(event.timeToFirstByteNanoseconds) / 1e9
            series.received += UInt64(max(0, event.receivedBytes))
            series.sent += UInt64(max(0, event.sentBytes))
            state.series[event.api] = series
            if !event.errorCode.isEmpty { state.errors[event.errorCode, default: 0] += 1 }
        }
    }

    package func render(into text: inout PrometheusText) {
        let (series, errors) = state.withLock { state in
            (state.series.sorted { $0.key < $1.key }, state.errors.sorted { $0.key < $1.key })
        }
        text.family("martlet_s3_requests_total", .counter, "Requests by operation and status class.")
        for (api, series) in series {
            for (index, name) in ["other", "2xx", "3xx", "4xx", "5xx"].enumerated() where series.byClass[index] > 0 {
                text.sample([("api", api), ("class", name)], series.byClass[index])
            }
        }
        text.family("martlet_s3_errors_total", .counter, "Error answers by S3 error code.")
        for (code, count) in errors { text.sample([("code", code)], count) }
        text.family("martlet_s3_received_bytes_total", .counter, "Body bytes received.")
        for (api, series) in series { text.sample([("api", api)], series.received) }
        text.family("martlet_s3_sent_bytes_total", .counter, "Body bytes sent.")
        for (api, series) in series { text.sample([("api", api)], series.sent) }
        text.family("martlet_s3_first_byte_seconds_total", .counter, "Time to the first byte of the answer, summed.")
        for (api, series) in series { text.sample([("api", api)], series.firstByteSeconds) }
        text.family(
            "martlet_s3_request_seconds", .histogram, "Time from the end of the request head to the end of the answer.")
        for (api, series) in series {
            var total: UInt64 = 0
            for (index, count) in series.buckets.enumerated() {
                total += count
                let bound = index < Self.bounds.count ? "\(Self.bounds[index])" : "+Inf"
                text.sample([("api", api), ("le", bound)], suffix: "_bucket", total)
            }
            text.sample([("api", api)], suffix: "_sum", series.seconds)
            text.sample([("api", api)], suffix: "_count", total)
        }
    }
}
