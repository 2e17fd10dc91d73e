import Synchronization
package import Telemetry

/// How often limits had their say, by tenant. Touched only when they have.
final class TrafficCounters: Sendable {
    struct Counts {
        /// By what refused: tenant, user, bucket, bytes, queue.
        var throttled: [String: UInt64] = [:]
        /// Received and sent.
        var pacedBytes: [UInt64] = [0, 0]
        var pacedNanoseconds: [UInt64] = [0, 0]
    }
    private let counts = Mutex<[String: Counts]>([:])

    func throttled(_ tenant: String, by limit: String) {
        counts.withLock { $0[tenant, default: Counts()].throttled[limit, default: 0] += 1 }
    }

    func paced(_ tenant: String, _ direction: TrafficControl.Direction, bytes: Int, nanoseconds: UInt64) {
        counts.withLock { counts in
            counts[tenant, default: Counts()].pacedBytes[direction.rawValue] += UInt64(bytes)
            counts[tenant, default: Counts()].pacedNanoseconds[direction.rawValue] += nanoseconds
        }
    }

    var sorted: [(tenant: String, counts: Counts)] {
        counts.withLock { $0.map { (tenant: $0.key, counts: $0.value) } }.sorted { $0.tenant < $1.tenant }
    }
}

extension TrafficControl {
    /// Tenants are made by the operator alone; with very many of them, those after the first thousand by name are left out.
    private static let tenantsShown = 1000

    package func render(into text: inout PrometheusText) {
        let counts = counters.sorted.prefix(Self.tenantsShown), loads = loads.prefix(Self.tenantsShown)
        let records = limits.sorted
        text.family("martlet_limits", .gauge, "Limits that are set, by what they are of.")
        for kind in ["bucket", "tenant", "user"] {
            text.sample([("kind", kind)], records.count { $0.subject.kind == kind })
        }
        text.family(
            "martlet_throttled_requests_total", .counter, "Requests refused with SlowDown, by what refused them.")
        for (tenant, counts) in counts {
            for (limit, count) in counts.throttled.sorted(by: { $0.key < $1.key }) {
                text.sample([("tenant", tenant), ("limit", limit)], count)
            }
        }
        let directions = ["received", "sent"]
        text.family("martlet_paced_bytes_total", .counter, "Body bytes that were delayed by a limit.")
        for (tenant, counts) in counts {
            for (index, direction) in directions.enumerated() {
                text.sample([("tenant", tenant), ("direction", direction)], counts.pacedBytes[index])
            }
        }
        text.family("martlet_paced_seconds_total", .counter, "Time that bodies were delayed by a limit, summed.")
        for (tenant, counts) in counts {
            for (index, direction) in directions.enumerated() {
                text.sample(
                    [("tenant", tenant), ("direction", direction)], Double(counts.pacedNanoseconds[index]) / 1e9)
            }
        }
        text.family("martlet_requests_under_way", .gauge, "Requests that the server works for.")
        for load in loads { text.sample([("tenant", load.tenant)], load.underWay) }
        text.family("martlet_requests_waiting", .gauge, "Requests that wait for their turn.")
        for load in loads { text.sample([("tenant", load.tenant)], load.waiting) }
        text.family("martlet_request_waits_total", .counter, "Requests that had to wait for their turn.")
        for load in loads { text.sample([("tenant", load.tenant)], load.waits) }
        text.family("martlet_request_wait_seconds_total", .counter, "Time that requests waited for their turn, summed.")
        for load in loads { text.sample([("tenant", load.tenant)], Double(load.waitedNanoseconds) / 1e9) }
    }
}
