import Base
package import HTTPServer

/// Whether the store can serve, for probes of load balancers and Kubernetes.
package protocol HealthReporter: Sendable {
    /// Drives are open and reads are served.
    var isReady: Bool { get }
    /// Every set has its write quorum; the number of drives that a write needs.
    var cluster: (canWrite: Bool, writeQuorum: Int) { get }
}

/// `/minio/health/…` beside S3 and `/health/…` on the ops address: open, without a signature, GET and HEAD.
package enum HealthPaths {
    static let paths: Set<String> = ["live", "ready", "cluster"]

    /// Answers and says true when the request is for a health path.
    package static func answer(_ exchange: HTTPExchange, _ health: any HealthReporter) async -> Bool {
        let head = exchange.head
        // Cheap for every other request: no string is made.
        guard head.target.count >= 18, head.bytes[Int(head.target.start) + 1] == UInt8(ascii: "m") else { return false }
        let path = head.string(head.target).prefix { $0 != "?" }
        guard path.hasPrefix("/minio/health/") else { return false }
        await answer(String(path.dropFirst("/minio/health/".count)), exchange, health)
        return true
    }

    package static func answer(_ name: String, _ exchange: HTTPExchange, _ health: any HealthReporter) async {
        var head: ResponseHead
        switch name {
        case "live": head = ResponseHead(status: 200)
        case "ready": head = ResponseHead(status: health.isReady ? 200 : 503)
        case "cluster":
            let state = health.cluster
            head = ResponseHead(status: state.canWrite ? 200 : 503)
            head.add("X-Minio-Write-Quorum", Int64(state.writeQuorum))
        case "cluster/read": head = ResponseHead(status: health.isReady ? 200 : 503)
        default: head = ResponseHead(status: 404)
        }
        do { try await exchange.send(head) } catch {}
    }
}
