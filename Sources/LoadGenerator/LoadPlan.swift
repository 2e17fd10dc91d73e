package import S3Protocol
package import TLS

/// What a load is made of.
package enum LoadOperation: String, CaseIterable, Sendable {
    case put, get, head, delete, list, multipart
}

/// One run of the load generator: against what, what, how much and for how long.
package struct LoadPlan: Sendable {
    package var host = "127.0.0.1"
    package var port: UInt16 = 9000
    /// What is trusted; nil for an endpoint without TLS.
    package var tls: TLSClient?
    package var bucket = "perf"
    package var credentials = RequestSigner(accessKey: "", secretKey: "", region: "us-east-1")
    /// What is done, with weights: one entry for a plain load, several for a mixed one.
    package var mix: [(operation: LoadOperation, weight: Int)] = [(.get, 1)]
    package var size = SizeChoice(bytes: 4096)
    package var partBytes = 8 << 20
    /// Keys are numbered from `firstObject`; a put beyond the last one starts again at the first.
    package var objects = 10_000
    /// The number of the first key: a store grows by runs that begin where the one before ended.
    package var firstObject = 0
    package var keyPrefix = "perf/"
    /// With a number above 0, keys lie in folders of this many, for listing with a delimiter.
    package var folderKeys = 0
    package var listPageKeys = 1000
    package var listDelimiter = ""
    package var concurrency = 16
    package var threads = 1
    package var end = LoadEnd.operations(10_000)
    package var warmUp = LoadEnd.operations(0)
    /// No pass lasts longer, whatever its end is; requests in flight then have `graceSeconds` more.
    package var limitSeconds = 3600
    /// The processes whose CPU and memory are watched, all on this machine.
    package var serverProcesses: [Int32] = []
    package var seed: UInt64 = 1

    /// What requests that are in flight at the end of a pass may still take.
    static let graceSeconds = 60

    package init() {}

    /// `get=70,put=20`, or the name alone when there is nothing to share.
    package var load: String {
        mix.count == 1
            ? mix[0].operation.rawValue : mix.map { "\($0.operation.rawValue)=\($0.weight)" }.joined(separator: ",")
    }

    func operation(_ random: UInt64) -> LoadOperation {
        var left = Int(random % UInt64(max(1, mix.reduce(0) { $0 + $1.weight })))
        for entry in mix {
            left -= entry.weight
            if left < 0 { return entry.operation }
        }
        return mix.first?.operation ?? .get
    }

    func key(_ offset: Int) -> String {
        let index = firstObject + offset
        guard folderKeys > 0 else { return keyPrefix + Self.number(index) }
        return keyPrefix + Self.number(index / folderKeys) + "/" + Self.number(index % folderKeys)
    }

    /// Ten digits, so that keys sort by number.
    private static func number(_ value: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, 10 - digits.utf8.count)) + digits
    }
}

/// Every run ends by itself.
package enum LoadEnd: Hashable, Sendable {
    case operations(Int)
    case seconds(Int)
}
