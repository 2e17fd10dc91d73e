import CSignOn
package import Drives
import Glibc

package struct FetchError: Error, Hashable, Sendable {
    package var reason: String
    package init(_ reason: String) { self.reason = reason }
}

/// Gets the documents of providers: the real one over HTTP, tests' own from a table.
package protocol DocumentFetcher: Sendable {
    func get(_ url: String) async throws(FetchError) -> [UInt8]
}

/// Small documents over http and https. The calls block and run on a pool of their own; what is too slow or too large is given up.
package struct HTTPFetcher: DocumentFetcher {
    package static let bytesMax = 512 << 10
    private static let connectMilliseconds = 3_000
    private static let totalMilliseconds = 6_000
    private let pool: BlockingPool
    private let caFile: String?

    /// `caFile` holds the certificates that are trusted; nil trusts those of the system.
    package init(pool: BlockingPool, caFile: String?) {
        self.pool = pool
        self.caFile = caFile
    }

    package func get(_ url: String) async throws(FetchError) -> [UInt8] {
        let caFile = caFile
        return try await pool.perform { Self.fetch(url, caFile) }.get()
    }

    private static func fetch(_ url: String, _ caFile: String?) -> Result<[UInt8], FetchError> {
        var status = 0, body: UnsafeMutablePointer<UInt8>?, count = 0
        let number = csignon_get(url, caFile, connectMilliseconds, totalMilliseconds, bytesMax, &status, &body, &count)
        guard number == 0 else { return .failure(FetchError(String(cString: csignon_get_error(number)))) }
        defer { free(body) }
        guard status == 200 else { return .failure(FetchError("the answer's status is \(status)")) }
        return .success(Array(UnsafeBufferPointer(start: body, count: count)))
    }
}
