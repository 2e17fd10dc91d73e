import AdminClient
import ArgumentParser
import S3Protocol

struct TenantCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tenant",
        abstract: "Tenants: namespaces of buckets and accounts that do not see each other. For the server's operator.",
        subcommands: [
            TenantCreate.self, TenantList.self, TenantShow.self, TenantSet.self, TenantSuspend.self, TenantResume.self,
            TenantDelete.self,
        ])
}

/// What a tenant may hold.
struct TenantLimitOptions: ParsableArguments {
    @Option(help: "Bytes that it may hold: a number, one with K, M, G, T or P for powers of 1024, or none.")
    var capacity: String?
    @Option(help: "Objects that it may hold, each version counted: a number or none.")
    var objects: String?
    @Option(help: "Buckets that it may have: a number or none.")
    var buckets: String?
    @Option(help: "Bytes in the buckets of each of its accounts.")
    var userCapacity: String?
    @Option(help: "Objects in the buckets of each of its accounts.")
    var userObjects: String?
    @Option(help: "Buckets of each of its accounts.")
    var userBuckets: String?

    private var byteLimits: [(option: String, name: String, text: String?)] {
        [("--capacity", "Bytes", capacity), ("--user-capacity", "UserBytes", userCapacity)]
    }

    private var counts: [(option: String, name: String, text: String?)] {
        [
            ("--objects", "Objects", objects), ("--buckets", "Buckets", buckets),
            ("--user-objects", "UserObjects", userObjects), ("--user-buckets", "UserBuckets", userBuckets),
        ]
    }

    func validate() throws {
        for limit in byteLimits {
            if let text = limit.text, text != "none", ByteCount.parse(text) == nil {
                throw ValidationError("\(limit.option) \(text) is neither a number of bytes nor none")
            }
        }
        for limit in counts {
            if let text = limit.text, text != "none", (Int64(text) ?? -1) < 0 {
                throw ValidationError("\(limit.option) \(text) is neither a number nor none")
            }
        }
    }

    func add(to parameters: inout AdminParameters) {
        for limit in byteLimits {
            parameters.add(limit.name, limit.text.map { ByteCount.parse($0).map(String.init) ?? "none" })
        }
        for limit in counts { parameters.add(limit.name, limit.text) }
    }

    var isEmpty: Bool { (byteLimits + counts).allSatisfy { $0.text == nil } }
}

struct TenantCreate: AdminLeaf {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract:
            "Makes a tenant, and an account in it whose access key is the tenant's root. What is not given is made up.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var name: NameArgument
    @Option(help: "A host name that is the tenant's; may be repeated. Buckets are found below it too.")
    var host: [String] = []
    @OptionGroup var limits: TenantLimitOptions
    @Option(help: "Name of its account (default: the tenant's).")
    var accountName: String?
    @Option(help: "E-mail address of its account.")
    var email: String?
    @Option(parsing: .unconditional, help: "Canonical id of its account.")
    var id: String?
    @Option(help: "Number of its account: twelve digits.")
    var number: String?
    @Option(parsing: .unconditional, help: "Display name of its account (default: the name).")
    var displayName: String?
    @Option(parsing: .unconditional, help: "The access key of its root.")
    var accessKey: String?
    @OptionGroup var secret: SecretOption

    func perform(_ session: AdminSession) async throws {
        var parameters: AdminParameters = [("Name", name.text)]
        parameters.add(list: "Hosts", host)
        limits.add(to: &parameters)
        parameters.add("AccountName", accountName)
        parameters.add("Email", email)
        parameters.add("Id", id)
        parameters.add("Number", number)
        parameters.add("DisplayName", displayName)
        parameters.add("AccessKey", accessKey)
        parameters.add("SecretKey", try secret.text())
        session.show(try await session.call("MartletCreateTenant", parameters), "Tenant")
    }
}

struct TenantList: AdminLeaf {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists tenants.")
    @OptionGroup var options: AdminOptions

    func perform(_ session: AdminSession) async throws {
        session.show(
            list: "Tenants", try await session.members(of: "Tenants", "MartletListTenants"),
            columns: ["Name", "Id", "Status", "Hosts", "Accounts", "Bytes", "Objects", "Buckets"])
    }
}

struct TenantShow: AdminLeaf {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows a tenant: hosts, limits, and what it and its accounts hold.",
        aliases: ["info"])
    @OptionGroup var options: AdminOptions
    @OptionGroup var name: NameArgument

    func perform(_ session: AdminSession) async throws {
        session.show(try await session.call("MartletGetTenant", [("Tenant", name.text)]), "Tenant")
    }
}

struct TenantSet: AdminLeaf {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Changes the hosts or the limits of a tenant. What is not named stays; none takes a limit away.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var name: NameArgument
    @Option(help: "A host name, in place of those it had; may be repeated.")
    var host: [String] = []
    @Flag(help: "Takes all host names away.")
    var noHosts = false
    @OptionGroup var limits: TenantLimitOptions

    func validate() throws {
        if noHosts, !host.isEmpty { throw ValidationError("give --host or --no-hosts") }
        if !noHosts, host.isEmpty, limits.isEmpty { throw ValidationError("say what to change") }
    }

    func perform(_ session: AdminSession) async throws {
        var parameters: AdminParameters = [("Tenant", name.text)]
        if noHosts { parameters.append(("Hosts", "")) }
        parameters.add(list: "Hosts", host)
        limits.add(to: &parameters)
        session.show(try await session.call("MartletUpdateTenant", parameters), "Tenant")
    }
}

struct TenantSuspend: AdminLeaf {
    static let configuration = CommandConfiguration(
        commandName: "suspend", abstract: "Refuses all requests to a tenant at once. Its data stays.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var name: NameArgument

    func perform(_ session: AdminSession) async throws {
        _ = try await session.call("MartletUpdateTenant", [("Tenant", name.text), ("Status", "Suspended")])
        session.done("suspended \(name.text)")
    }
}

struct TenantResume: AdminLeaf {
    static let configuration = CommandConfiguration(commandName: "resume", abstract: "Ends a suspension.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var name: NameArgument

    func perform(_ session: AdminSession) async throws {
        _ = try await session.call("MartletUpdateTenant", [("Tenant", name.text), ("Status", "Active")])
        session.done("resumed \(name.text)")
    }
}

struct TenantDelete: AdminLeaf {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Deletes a tenant with its accounts, users, policies and keys. One that has buckets is kept.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var name: NameArgument

    func perform(_ session: AdminSession) async throws {
        _ = try await session.call("MartletDeleteTenant", [("Tenant", name.text)])
        session.done("deleted \(name.text)")
    }
}
