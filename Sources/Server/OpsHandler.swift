import Base
import Digests
package import HTTPServer
import Objects
import Runtime
import S3Frontend
import Telemetry
import TLS

/// The ops address: health for everyone, metrics on loopback or with the bearer token.
package struct OpsHandler: HTTPHandler {
    let health: ServerHealth
    let requests: RequestMetrics
    let store: Store
    let buffers: BufferPool
    let process: ProcessMetrics
    let traffic: TrafficControl
    /// Open connections of the S3 port.
    let connections: @Sendable () -> Int
    /// nil without TLS.
    let certificates: TLSCertificates?
    /// `MARTLET_METRICS_TOKEN`; without one metrics are for loopback only.
    let token: String?

    package func handle(_ exchange: HTTPExchange) async {
        let head = exchange.head
        let path = String(head.string(head.target).prefix { $0 != "?" })
        guard head.matches(head.method, "get") || head.matches(head.method, "head") else {
            return await answer(405, "GET or HEAD only\n", exchange)
        }
        switch path {
        case let health where health.hasPrefix("/health/"):
            await HealthPaths.answer(String(path.dropFirst("/health/".count)), exchange, self.health)
        case "/metrics":
            guard isAllowed(exchange) else { return await answer(403, "metrics need the bearer token\n", exchange) }
            await answer(200, await metrics(), exchange)
        default: await answer(404, "not here: /health/live, /health/ready, /health/cluster, /metrics\n", exchange)
        }
    }

    private func isAllowed(_ exchange: HTTPExchange) -> Bool {
        if exchange.remoteAddress.hasPrefix("127.") || exchange.remoteAddress == "::1" { return true }
        guard let token, let given = exchange.head.value("authorization") else { return false }
        return constantTimeEqual(Array(given.utf8), Array(("Bearer " + token).utf8))
    }

    private func answer(_ status: Int, _ text: String, _ exchange: HTTPExchange) async {
        var head = ResponseHead(status: status)
        head.add("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        // The client is gone when this fails; there is nobody to tell.
        try? await exchange.send(head, Array(text.utf8))
    }

    private func metrics() async -> String {
        var text = PrometheusText()
        process.render(into: &text)
        text.family("martlet_http_connections", .gauge, "Open connections of the S3 port.")
        text.sample([], connections())
        requests.render(into: &text)
        traffic.render(into: &text)
        await DriveMetrics.render(store, into: &text)
        if let certificates {
            text.family(
                "martlet_tls_certificate_expiry_timestamp_seconds", .gauge, "When a certificate in use expires.")
            for (name, seconds) in certificates.store.expiries { text.sample([("name", name)], Int(seconds)) }
            let handshakes = certificates.handshakes
            text.family("martlet_tls_handshakes_total", .counter, "TLS handshakes of the S3 port.")
            text.sample([("result", "full")], handshakes.full)
            text.sample([("result", "resumed")], handshakes.resumed)
            text.sample([("result", "failed")], handshakes.failed)
        }
        text.family("martlet_buffer_bytes", .gauge, "Bytes of I/O buffers, mapped from the kernel and handed out.")
        text.sample([("state", "mapped")], buffers.usage.mapped)
        text.sample([("state", "out")], buffers.usage.out)
        return text.text
    }
}
