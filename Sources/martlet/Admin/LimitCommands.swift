import AdminClient
import ArgumentParser
import S3Protocol

struct LimitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "limit",
        abstract: "Requests and bytes a second of tenants, users and buckets. With the server's root credentials.",
        discussion: "What is changed counts at once, on every connection and for transfers that are under way.",
        subcommands: [LimitSetCommand.self, LimitShowCommand.self, LimitRemoveCommand.self, LimitListCommand.self])
}

/// What a limit is of.
struct LimitSubjectOptions: ParsableArguments {
    @Option(help: "The tenant; with --bucket, whose bucket it is (default: default).")
    var tenant: String?
    @Option(
        help: ArgumentHelp("A user's, role's or account's ARN, or anonymous.", valueName: "arn"))
    var user: String?
    @Option(help: "The bucket.")
    var bucket: String?

    func validate() throws {
        let isOne = [tenant, user, bucket].count { $0 != nil } == 1
        guard isOne || (user == nil && tenant != nil && bucket != nil) else {
            throw ValidationError("give one of --tenant, --user and --bucket")
        }
    }

    var parameters: AdminParameters {
        var parameters: AdminParameters = []
        parameters.add("Tenant", tenant)
        parameters.add("User", user)
        parameters.add("Bucket", bucket)
        return parameters
    }
}

struct LimitSetCommand: AdminLeaf {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Sets what is given and leaves the rest; none takes a limit away.",
        discussion:
            "A burst is how far the use may run ahead after a pause (default: a quarter of a second's worth). SIZE is a number of "
            + "bytes, or one with K, M, G, T or P for powers of 1024.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var subject: LimitSubjectOptions
    @Option(help: "Requests a second; more are refused with SlowDown.")
    var requestsPerSecond: String?
    @Option(help: "Requests at once after a pause.")
    var requestsBurst: String?
    @Option(help: ArgumentHelp("Body bytes received a second.", valueName: "size"))
    var bytesInPerSecond: String?
    @Option(help: ArgumentHelp("Bytes received at once after a pause.", valueName: "size"))
    var bytesInBurst: String?
    @Option(help: ArgumentHelp("Body bytes sent a second.", valueName: "size"))
    var bytesOutPerSecond: String?
    @Option(help: ArgumentHelp("Bytes sent at once after a pause.", valueName: "size"))
    var bytesOutBurst: String?
    @Option(help: "Of a tenant beside others when the server is busy: 1 (the default) to 1000.")
    var weight: String?

    private var given: [(flag: String, name: String, value: String?)] {
        [
            ("--requests-per-second", "RequestsPerSecond", requestsPerSecond),
            ("--requests-burst", "RequestsBurst", requestsBurst),
            ("--bytes-in-per-second", "BytesInPerSecond", bytesInPerSecond),
            ("--bytes-in-burst", "BytesInBurst", bytesInBurst),
            ("--bytes-out-per-second", "BytesOutPerSecond", bytesOutPerSecond),
            ("--bytes-out-burst", "BytesOutBurst", bytesOutBurst), ("--weight", "Weight", weight),
        ]
    }

    func validate() throws {
        guard given.contains(where: { $0.value != nil }) else { throw ValidationError("give a limit or a weight") }
        for (flag, name, value) in given {
            guard let value, !(value == "none" && !name.hasSuffix("Burst")) else { continue }
            guard let number = ByteCount.parse(value), number >= 1 else {
                throw ValidationError("\(flag) must be a number from 1" + (name.hasSuffix("Burst") ? "" : ", or none"))
            }
        }
    }

    func perform(_ session: AdminSession) async throws {
        var parameters = subject.parameters
        for (_, name, value) in given {
            parameters.add(name, value.map { ByteCount.parse($0).map(String.init) ?? $0 })
        }
        session.show(try await session.call("MartletSetLimit", parameters), "Limit")
    }
}

struct LimitShowCommand: AdminLeaf {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Shows what is set for one.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var subject: LimitSubjectOptions

    func perform(_ session: AdminSession) async throws {
        session.show(try await session.call("MartletGetLimit", subject.parameters), "Limit")
    }
}

struct LimitRemoveCommand: AdminLeaf {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Takes all limits of one away, and its weight.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var subject: LimitSubjectOptions

    func perform(_ session: AdminSession) async throws {
        _ = try await session.call("MartletRemoveLimit", subject.parameters)
        session.done("removed")
    }
}

struct LimitListCommand: AdminLeaf {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists all limits.")
    @OptionGroup var options: AdminOptions

    func perform(_ session: AdminSession) async throws {
        session.show(
            list: "Limits", try await session.members(of: "Limits", "MartletListLimits"),
            columns: [
                "Tenant", "User", "Bucket", "RequestsPerSecond", "BytesInPerSecond", "BytesOutPerSecond", "Weight",
            ])
    }
}
