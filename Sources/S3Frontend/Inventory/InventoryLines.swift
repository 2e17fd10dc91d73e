import Archives
import Base
import Digests
import ObjectFormat
import Objects
import S3Protocol

/// The lines of a report, a page of the listing at a time.
final class InventoryLines {
    private let configuration: InventoryConfiguration
    private let source: BucketInfo
    private let store: ObjectStore
    private var options = ListVersionsOptions()
    private var isOver = false

    init(_ configuration: InventoryConfiguration, source: BucketInfo, store: ObjectStore) {
        self.configuration = configuration
        self.source = source
        self.store = store
        options.prefix = ObjectKey(configuration.filterPrefix ?? "")
    }

    /// Names of the columns.
    var schema: String {
        let versions = configuration.allVersions ? ["VersionId", "IsLatest", "IsDeleteMarker"] : []
        return (["Bucket", "Key"] + versions + configuration.fields.map(\.rawValue)).joined(separator: ", ")
    }

    /// The next lines; nil behind the last. May be none.
    func next() async throws(ObjectError) -> [UInt8]? {
        guard !isOver else { return nil }
        let page = try await store.listVersions(source.name, tenant: source.tenant, options: options)
        var lines: [UInt8] = []
        for case .version(let object, let isLatest) in page.entries {
            if !configuration.allVersions, object.isDeleteMarker || !isLatest { continue }
            append(object, isLatest: isLatest, to: &lines)
        }
        if let next = page.next {
            (options.keyMarker, options.versionMarker) = (next.key, next.version)
        } else {
            isOver = true
        }
        return lines
    }

    private func append(_ object: ObjectInfo, isLatest: Bool, to lines: inout [UInt8]) {
        // Keys are percent-encoded, so that a line is a line whatever they hold.
        let key = String(decoding: PercentEncoding.encode(object.key.bytes, keepingSlash: true), as: UTF8.self)
        var values = [source.name, key]
        if configuration.allVersions {
            var version = ""
            if case .id = object.version { version = object.version.description }
            values += [version, isLatest ? "true" : "false", object.isDeleteMarker ? "true" : "false"]
        }
        values += configuration.fields.map { value(of: $0, object) }
        for (index, value) in values.enumerated() {
            if index > 0 { lines.append(UInt8(ascii: ",")) }
            lines.append(UInt8(ascii: "\""))
            for byte in value.utf8 {
                if byte == UInt8(ascii: "\"") { lines.append(byte) }
                lines.append(byte)
            }
            lines.append(UInt8(ascii: "\""))
        }
        lines.append(UInt8(ascii: "\n"))
    }

    private func value(of field: InventoryConfiguration.Field, _ object: ObjectInfo) -> String {
        switch field {
        case .lastModified: return ISO8601.format(object.lastModified)
        case .owner: return object.owner.isEmpty ? source.owner : object.owner
        default: break
        }
        // A delete marker has nothing else.
        guard !object.isDeleteMarker else { return "" }
        switch field {
        case .size: return String(object.size)
        case .etag: return object.etag
        case .storageClass: return object.attributes.storageClass.s3Name
        case .isMultipart: return object.partCount == nil ? "false" : "true"
        case .encryption: return "NOT-SSE"
        case .bucketKey: return "DISABLED"
        case .retainUntil: return object.lock.retention.map { ISO8601.format($0.until) } ?? ""
        case .lockMode: return object.lock.retention.map { ObjectLockMode($0.mode).rawValue } ?? ""
        case .legalHold: return object.lock.legalHold.map { $0 ? "On" : "Off" } ?? ""
        case .checksumAlgorithm: return object.checksum?.algorithm.name ?? ""
        case .replication, .tier, .accessControlList, .expiration, .lastModified, .owner: return ""
        }
    }
}

/// A report as it is written: compressed lines, made while they are stored.
final class InventoryBody: BodySource {
    let byteCount: Int64? = nil
    private let lines: InventoryLines
    private let encoder: Encoder
    private var made: [UInt8] = []
    private var taken = 0

    init(_ lines: InventoryLines) throws(ArchiveError) {
        self.lines = lines
        encoder = try Encoder()
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) async throws(BodyError) -> Int {
        while taken == made.count {
            guard !encoder.isFinished else { return 0 }
            made.removeAll(keepingCapacity: true)
            taken = 0
            do throws(ObjectError) {
                let page = try await lines.next()
                encoder.encode(page ?? [], to: &made, finish: page == nil)
            } catch { throw BodyError(error) }
        }
        let count = min(buffer.count, made.count - taken)
        made[taken..<taken + count].withUnsafeBytes { buffer.copyMemory(from: $0) }
        taken += count
        return count
    }

    func finish(_ digests: ComputedDigests) async throws(BodyError) {}
}
