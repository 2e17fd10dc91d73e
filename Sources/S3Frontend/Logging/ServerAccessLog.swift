package import Base
import Digests
import HTTPServer
import ObjectFormat
package import Objects
import S3Protocol
import Synchronization

/// Delivers the access logs that buckets ask for, as objects in their target buckets. Best effort, as on AWS: lines are gathered in
/// memory, bounded, and written at a timer; what a crash or a full memory loses is lost.
package final class ServerAccessLog: Sendable {
    /// What goes into one object.
    private struct Destination: Hashable, Comparable {
        var tenant: TenantID
        var target: String
        var prefix: String
        /// Account, region and bucket, and the day when lines are parted by the day of the event.
        var partition: String
        var day: String

        static func < (lhs: Destination, rhs: Destination) -> Bool {
            (lhs.tenant, lhs.target, lhs.prefix, lhs.partition, lhs.day)
                < (rhs.tenant, rhs.target, rhs.prefix, rhs.partition, rhs.day)
        }
    }

    private struct Pending {
        var lines: [Destination: [UInt8]] = [:]
        var byteCount = 0
    }

    private let store: ObjectStore
    private let region: String
    private let time: any TimeSource
    private let random: any RandomSource
    private let interval: Duration
    private let parsed = DocumentCache()
    private let pending = Mutex(Pending())

    /// About 100,000 lines: a server that is asked for more than that between two deliveries drops lines.
    private static let pendingBytesMax = 32 << 20

    package init(
        store: ObjectStore, region: String, time: any TimeSource, random: any RandomSource, interval: Duration
    ) {
        self.store = store
        self.region = region
        self.time = time
        self.random = random
        self.interval = interval
    }

    /// Called on the request's loop, when it has been answered.
    func record(_ record: RequestRecord, _ exchange: HTTPExchange, now: UInt64) {
        guard !record.bucket.isEmpty, let bucket = try? store.bucket(record.bucket, tenant: record.tenant),
            let logging = try? parsed.value(.logging, of: bucket, BucketLogging.init(parsing:)),
            let target = logging.target
        else { return }
        let line = ServerAccessLine(
            bucketOwner: bucket.owner, record: record, head: exchange.head, remoteAddress: exchange.remoteAddress,
            sentBytes: exchange.bodyBytesSent, totalNanoseconds: now &- record.startedMonotonic,
            turnAroundNanoseconds: exchange.firstByteNanoseconds.map { $0 &- record.startedMonotonic })
        var destination = Destination(
            tenant: record.tenant, target: target.bucket, prefix: target.prefix, partition: "", day: "")
        if case .partitioned(let byEventTime) = target.format {
            destination.partition = "\(AccountInfo.number(of: bucket.owner))/\(region)/\(bucket.name)/"
            if byEventTime { destination.day = Self.day(record.started) }
        }
        let bytes = Array(line.text.utf8)
        pending.withLock { pending in
            guard pending.byteCount + bytes.count <= Self.pendingBytesMax else { return }
            pending.byteCount += bytes.count
            pending.lines[destination, default: []] += bytes
        }
    }

    /// Delivers at a timer until cancelled. Started once.
    package func run(executor: any PinnedExecutor) async {
        while !Task.isCancelled {
            do { try await executor.sleep(for: interval) } catch { break }
            await deliver()
        }
    }

    /// Writes what has been gathered.
    package func deliver() async {
        let lines = pending.withLock { pending in
            defer { pending = Pending() }
            return pending.lines
        }
        for (destination, bytes) in lines.sorted(by: { $0.key < $1.key }) { await write(bytes, to: destination) }
    }

    private func write(_ bytes: [UInt8], to destination: Destination) async {
        guard let bucket = try? store.bucket(destination.target, tenant: destination.tenant) else { return }
        let now = time.now()
        var key = destination.prefix
        if !destination.partition.isEmpty {
            let day = destination.day.isEmpty ? Self.day(now) : destination.day
            key += destination.partition + day.replacing("-", with: "/") + "/"
        }
        key += Self.stamp(now) + "-" + Self.unique(random.next())
        var options = PutOptions()
        options.attributes.headers.contentType = "text/plain"
        options.owner = bucket.owner
        do {
            _ = try await store.put(
                destination.target, ObjectKey(key), tenant: destination.tenant, options: options,
                body: ReportBody(bytes))
        } catch {
            // Best effort: the target may be gone or the drives full, and the next delivery has other lines.
        }
    }

    /// `2013-11-01`
    private static func day(_ time: Timestamp) -> String {
        let civil = CivilTime(time)
        return "\(civil.year)-\(ServerAccessLine.pad(civil.month))-\(ServerAccessLine.pad(civil.day))"
    }

    /// `2013-11-01-21-32-16`
    private static func stamp(_ time: Timestamp) -> String {
        let civil = CivilTime(time)
        return day(time) + "-"
            + [civil.hour, civil.minute, civil.second].map(ServerAccessLine.pad)
            .joined(separator: "-")
    }

    private static func unique(_ value: UInt64) -> String {
        let digits = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

/// A small document in memory, as a body.
final class ReportBody: BodySource {
    private let bytes: [UInt8]
    private var taken = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var byteCount: Int64? { Int64(bytes.count) }

    func read(into buffer: UnsafeMutableRawBufferPointer) async throws(BodyError) -> Int {
        let count = min(buffer.count, bytes.count - taken)
        guard count > 0 else { return 0 }
        bytes[taken..<taken + count].withUnsafeBytes { buffer.copyMemory(from: $0) }
        taken += count
        return count
    }

    func finish(_ digests: ComputedDigests) async throws(BodyError) {}
}
