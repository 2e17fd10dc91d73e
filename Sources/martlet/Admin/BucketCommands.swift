import AdminClient
import ArgumentParser
import Glibc
import S3Protocol
import Server

struct BucketCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bucket",
        abstract: "Quotas of buckets, and their configuration as one document. With the server's root credentials.",
        subcommands: [BucketQuotaCommand.self, BucketExportCommand.self, BucketImportCommand.self])
}

struct BucketQuotaCommand: AdminLeaf {
    static let configuration = CommandConfiguration(
        commandName: "quota",
        abstract: "Shows a bucket's quota and what it holds; sets the quota when one is given.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var place: TenantOption
    @Argument(help: "The bucket.")
    var bucket: String
    @Option(help: "Bytes of all versions together: a number, or one with K, M, G, T or P for powers of 1024.")
    var bytes: String?
    @Option(help: "Objects, each version counted, delete markers not.")
    var objects: Int64?
    @Flag(help: "Removes the quota.")
    var clear = false

    func validate() throws {
        if clear, bytes != nil || objects != nil { throw ValidationError("--clear stands alone") }
        if let bytes, ByteCount.parse(bytes) == nil { throw ValidationError("\(bytes) is not a number of bytes") }
        if let objects, objects < 0 { throw ValidationError("--objects must be at least 0") }
    }

    func perform(_ session: AdminSession) async throws {
        var parameters: AdminParameters = [("Bucket", bucket)]
        parameters.add("Tenant", place.tenant)
        guard clear || bytes != nil || objects != nil else {
            return session.show(try await session.call("MartletGetBucketQuota", parameters), "Quota")
        }
        parameters.add("Bytes", bytes.flatMap(ByteCount.parse).map(String.init))
        parameters.add("Objects", objects.map(String.init))
        session.show(try await session.call("MartletSetBucketQuota", parameters), "Quota")
    }
}

/// Numbers of bytes as people write them.
enum ByteCount {
    static func parse(_ text: String) -> Int64? {
        let units = "KMGTP"
        guard let last = text.last, let index = units.firstIndex(of: last) else {
            return Int64(text).flatMap { $0 >= 0 ? $0 : nil }
        }
        guard let value = Int64(text.dropLast()), value >= 0 else { return nil }
        let shift = 10 * (units.distance(from: units.startIndex, to: index) + 1)
        let (count, overflow) = value.multipliedReportingOverflow(by: 1 << shift)
        return overflow ? nil : count
    }
}

struct BucketExportCommand: AdminLeaf {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Writes a bucket's configuration to standard output, as JSON.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var place: TenantOption
    @Argument(help: "The bucket.")
    var bucket: String

    func perform(_ session: AdminSession) async throws {
        var parameters: AdminParameters = [("Bucket", bucket)]
        parameters.add("Tenant", place.tenant)
        let answer = try await session.call("MartletExportBucket", parameters)
        let text = answer.children.first { $0.name == "Document" }?.text ?? ""
        Console.write(text + "\n", to: STDOUT_FILENO)
    }
}

struct BucketImportCommand: AdminLeaf {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract:
            "Configures a bucket as an export says, and makes it when there is none. What the export does not name stays."
    )
    @OptionGroup var options: AdminOptions
    @OptionGroup var place: TenantOption
    @Argument(help: "The bucket.")
    var bucket: String
    @Argument(help: "The export; - reads standard input.")
    var file: String

    func perform(_ session: AdminSession) async throws {
        var parameters: AdminParameters = [("Bucket", bucket), ("Document", try readDocument(file))]
        parameters.add("Tenant", place.tenant)
        session.show(try await session.call("MartletImportBucket", parameters))
    }
}
