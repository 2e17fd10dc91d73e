package import S3Protocol
package import TLS

/// What a load is made of.
package enum LoadOperation: String, CaseIterable, Sendable {
    case put, get, head, delete, list, multipart
}

/// The sizes of the objects that are put, drawn per object.
package struct SizeChoice: Hashable, Sendable {
    /// Each size with its weight.
    package var sizes: [(bytes: Int, weight: Int)]

    package init(bytes: Int) { sizes = [(bytes, 1)] }

    /// `4KiB`, or several with weights: `4KiB=80,1MiB=19,16MiB=1`.
    package init?(_ text: String) {
        sizes = []
        for piece in text.split(separator: ",") {
            let halves = piece.split(separator: "=", maxSplits: 1)
            guard let first = halves.first, let bytes = Self.bytes(first) else { return nil }
            guard let weight = halves.count == 2 ? Int(halves[1]) : 1, weight > 0 else { return nil }
            sizes.append((bytes, weight))
        }
        if sizes.isEmpty { return nil }
    }

    package static func bytes(_ text: some StringProtocol) -> Int? {
        let units: [(String, Int)] = [
            ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("K", 1 << 10), ("M", 1 << 20), ("G", 1 << 30),
            ("B", 1),
        ]
        for (suffix, factor) in units where text.hasSuffix(suffix) {
            guard let count = Int(text.dropLast(suffix.count)), count >= 0 else { return nil }
            let (bytes, overflow) = count.multipliedReportingOverflow(by: factor)
            return overflow ? nil : bytes
        }
        guard let count = Int(text), count >= 0 else { return nil }
        return count
    }

    func choose(_ random: UInt64) -> Int {
        var left = Int(random % UInt64(sizes.reduce(0) { $0 + $1.weight }))
        for size in sizes {
            left -= size.weight
            if left < 0 { return size.bytes }
        }
        return 0
    }

    var largest: Int { sizes.reduce(0) { max($0, $1.bytes) } }

    package static func == (lhs: Self, rhs: Self) -> Bool {
        lhs.sizes.elementsEqual(rhs.sizes) { $0 == $1 }
    }

    package func hash(into hasher: inout Hasher) {
        for size in sizes { hasher.combine(size.bytes) }
    }
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
    /// Keys are numbered from 0; a put beyond the last one starts again at the first.
    package var objects = 10_000
    package var keyPrefix = "perf/"
    /// With a number above 0, keys lie in folders of this many, for listing with a delimiter.
    package var folderKeys = 0
    package var listPageKeys = 1000
    package var listDelimiter = ""
    package var concurrency = 16
    package var threads = 1
    package var end = LoadEnd.operations(10_000)
    package var warmUp = LoadEnd.operations(0)
    /// The process whose CPU and memory are watched.
    package var serverProcess: Int32?
    package var seed: UInt64 = 1

    package init() {}

    func operation(_ random: UInt64) -> LoadOperation {
        var left = Int(random % UInt64(max(1, mix.reduce(0) { $0 + $1.weight })))
        for entry in mix {
            left -= entry.weight
            if left < 0 { return entry.operation }
        }
        return mix.first?.operation ?? .get
    }

    func key(_ index: Int) -> String {
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
