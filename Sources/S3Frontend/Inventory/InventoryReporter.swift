import AccessPolicy
package import Base
import Digests
import ObjectFormat
package import Objects
import S3Protocol

/// Writes the reports that buckets' inventory configurations ask for. What is due shows in the destination: the newest report there
/// says when the last one was made, so nothing else is kept, and a report that a crash cut short, which has no manifest, is made again.
package final class InventoryReporter: Sendable {
    private let store: ObjectStore
    private let time: any TimeSource
    private let random: any RandomSource
    private let interval: Duration

    package init(store: ObjectStore, time: any TimeSource, random: any RandomSource, interval: Duration) {
        self.store = store
        self.time = time
        self.random = random
        self.interval = interval
    }

    /// Looks at a timer for what is due, until cancelled. Started once.
    package func run(executor: any PinnedExecutor) async {
        while !Task.isCancelled {
            do { try await executor.sleep(for: interval) } catch { break }
            await report()
        }
    }

    /// Makes every report that is due, one after the other.
    package func report() async {
        var options = ListBucketsOptions()
        options.limit = .max
        let buckets = store.tenantIDs.flatMap { store.listBuckets(tenant: $0, options: options).buckets }
        for bucket in buckets {
            for document in bucket.documents.all(.inventory) {
                guard !Task.isCancelled else { return }
                // What was stored was read before.
                guard let configuration = try? InventoryConfiguration(parsing: document.bytes), configuration.isEnabled
                else { continue }
                do throws(ObjectError) {
                    let place = Place(configuration, source: bucket)
                    if try await isDue(configuration, place) { try await write(configuration, bucket, place) }
                } catch {
                    // The destination may be gone or the drives full: tried again at the next look.
                }
            }
        }
    }

    /// Where the reports of a configuration lie.
    private struct Place {
        var tenant: TenantID
        var bucket: String
        var root: String

        init(_ configuration: InventoryConfiguration, source: BucketInfo) {
            tenant = source.tenant
            bucket = configuration.destinationBucket
            var root = configuration.prefix ?? ""
            if !root.isEmpty, !root.hasSuffix("/") { root += "/" }
            self.root = root + "\(source.name)/\(configuration.id)/"
        }
    }

    private func isDue(_ configuration: InventoryConfiguration, _ place: Place) async throws(ObjectError) -> Bool {
        let age: Int64 = configuration.frequency == .daily ? 24 * 3600 : 7 * 24 * 3600
        // Folders are named by time, so those that count come after this one; `data/` comes after all of them.
        var options = ListOptions()
        options.prefix = ObjectKey(place.root)
        options.start = .after(ObjectKey(place.root + Self.folder(Timestamp(seconds: time.now().seconds - age))))
        options.limit = 1000
        while true {
            let page = try await store.list(place.bucket, tenant: place.tenant, options: options)
            for case .object(let object) in page.entries {
                let key = String(decoding: object.key.bytes, as: UTF8.self)
                if key.hasPrefix(place.root + "data/") { return true }
                if key.hasSuffix("/manifest.checksum") { return false }
            }
            guard let next = page.next else { return true }
            options.start = next
        }
    }

    private func write(
        _ configuration: InventoryConfiguration, _ source: BucketInfo, _ place: Place
    ) async throws(ObjectError) {
        let begun = time.now(), target = try store.bucket(place.bucket, tenant: place.tenant)
        var put = PutOptions()
        put.owner = target.owner
        put.attributes.headers.contentType = "application/gzip"
        let data = place.root + "data/" + UniqueID(random: random).description + ".csv.gz"
        let lines = InventoryLines(configuration, source: source, store: store)
        let body: InventoryBody
        do { body = try InventoryBody(lines) } catch { throw .slowDown(detail: "no memory for a report") }
        let stored = try await store.put(place.bucket, ObjectKey(data), tenant: place.tenant, options: put, body: body)
        put.attributes.headers.contentType = "application/json"
        let manifest = JSONValue.object([
            .init("sourceBucket", .string(source.name)),
            .init("destinationBucket", .string(configuration.destinationARN)),
            .init("version", .string("2016-11-30")),
            .init("creationTimestamp", .string(String(begun.seconds * 1000 + begun.milliseconds))),
            .init("fileFormat", .string("CSV")), .init("fileSchema", .string(lines.schema)),
            .init(
                "files",
                .array([
                    .object([
                        .init("key", .string(data)), .init("size", .number(String(stored.size))),
                        .init("MD5checksum", .string(stored.etag)),
                    ])
                ])),
        ])
        let folder = place.root + Self.folder(begun), text = Array(manifest.encoded.utf8)
        _ = try await store.put(
            place.bucket, ObjectKey(folder + "manifest.json"), tenant: place.tenant, options: put,
            body: ReportBody(text))
        // Last: a report with this object is whole.
        put.attributes.headers.contentType = "text/plain"
        _ = try await store.put(
            place.bucket, ObjectKey(folder + "manifest.checksum"), tenant: place.tenant, options: put,
            body: ReportBody(Array(Hex.encode(MD5.of(text)).utf8)))
    }

    /// `2026-11-24T01-00Z/`
    private static func folder(_ time: Timestamp) -> String {
        let civil = CivilTime(time)
        let day = [civil.month, civil.day].map(ServerAccessLine.pad).joined(separator: "-")
        return "\(civil.year)-\(day)T\(ServerAccessLine.pad(civil.hour))-\(ServerAccessLine.pad(civil.minute))Z/"
    }
}
