import AdminClient
import ArgumentParser
import Glibc
import Runtime
import S3Protocol
import Server

struct AdminCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "admin",
        abstract: "Accounts, users, groups, roles, policies, keys and limits of a running server.",
        discussion: """
            The server is the one of MARTLET_ENDPOINT (default http://127.0.0.1:9000), the credentials those of MARTLET_ROOT_USER and \
            MARTLET_ROOT_PASSWORD, or of the files named by MARTLET_ROOT_USER_FILE and MARTLET_ROOT_PASSWORD_FILE. Commands about users, \
            groups, roles, policies and keys are about the account of these credentials; with the server's root credentials --account names \
            another, or --tenant a tenant's own. Secrets and documents are read from a file, or from standard input where - stands for one.
            Exit status: 0 done, 1 refused by the server, 2 no server reached, 3 a simulated request is denied, 64 wrong usage.
            """,
        subcommands: [
            TenantCommand.self, AccountCommand.self, UserCommand.self, GroupCommand.self, RoleCommand.self,
            PolicyCommand.self,
            KeyCommand.self, RootKeyCommand.self, BucketCommand.self,
            LimitCommand.self,
        ])
}

/// What all administration commands take.
struct AdminOptions: ParsableArguments {
    @Option(help: "The server (default: MARTLET_ENDPOINT, else http://127.0.0.1:9000).")
    var endpoint: String?
    @Option(help: "Region of the signatures (default: MARTLET_REGION, else us-east-1).")
    var region: String?
    @Option(
        help:
            "PEM file of the authorities that an https server is trusted by (default: MARTLET_CA_FILE, AWS_CA_BUNDLE, else the system's)."
    )
    var caFile: String?
    @Flag(help: "Answer with JSON.")
    var json = false
}

/// Commands that are about one account's identities.
struct AccountOption: ParsableArguments {
    @Option(help: "Name, number or canonical id of the account (default: the one of the credentials).")
    var account: String?
    @Option(help: "The tenant of the account; without --account the account that was made with the tenant.")
    var tenant: String?

    var scope: AdminScope { AdminScope(account: account, tenant: tenant) }
}

/// Whose identities calls are about, beside the caller's own.
struct AdminScope {
    var account: String?
    var tenant: String?
}

/// Commands about what lies in a tenant.
struct TenantOption: ParsableArguments {
    @Option(help: "The tenant (default: the operator's own).")
    var tenant: String?
}

/// A name, as argument or as --name.
struct NameArgument: ParsableArguments {
    @Argument(help: ArgumentHelp("The name.", valueName: "name"))
    var positional: String?
    @Option(name: .customLong("name"), help: "The name, instead of as an argument.")
    var named: String?

    func validate() throws {
        guard (positional == nil) != (named == nil) else { throw ValidationError("give one name") }
    }

    var text: String { positional ?? named ?? "" }
}

/// A command that calls the server: runs, prints, and turns what went wrong into a sentence and an exit status.
protocol AdminLeaf: AsyncParsableCommand {
    var options: AdminOptions { get }
    var actsFor: AdminScope { get }
    func perform(_ session: AdminSession) async throws
}

extension AdminLeaf {
    var actsFor: AdminScope { AdminScope() }

    func run() async throws {
        // Writing to a connection that the server has closed is an error to tell, not a signal to die of.
        signal(SIGPIPE, SIG_IGN)
        func environment(_ name: String) -> String? {
            getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
        }
        let endpoint: AdminEndpoint, credentials: AdminCredentials
        let place = options.endpoint ?? environment("MARTLET_ENDPOINT") ?? "http://127.0.0.1:9000"
        do throws(AdminEndpoint.Refusal) { endpoint = try AdminEndpoint(place) } catch {
            throw ValidationError("\(place) is not http://HOST:PORT or https://HOST:PORT")
        }
        do throws(AdminCredentials.Missing) { credentials = try AdminCredentials(environment: environment) } catch {
            throw ValidationError(error.description)
        }
        let loops = try LoopGroup(count: 1, configuration: LoopConfiguration(name: "admin", usesRing: false))
        let tls = endpoint.isSecure ? try TrustedAuthorities.client(file: options.caFile) : nil
        let client = AdminClient(
            endpoint: endpoint, accessKey: credentials.accessKey, secretKey: credentials.secretKey,
            region: options.region ?? environment("MARTLET_REGION") ?? "us-east-1", time: SystemTime(), tls: tls,
            on: loops[0])
        var status: Int32?
        do {
            try await perform(AdminSession(client: client, scope: actsFor, asJSON: options.json))
        } catch let error as AdminError {
            switch error {
            case .unreachable(let text):
                Console.write("martlet: \(text): is it running, and is MARTLET_ENDPOINT right?\n", to: STDERR_FILENO)
                status = 2
            case .refused(let code, let message):
                Console.write("martlet: \(code): \(message)\n", to: STDERR_FILENO)
                status = 1
            case .unreadable(let text):
                Console.write("martlet: \(text)\n", to: STDERR_FILENO)
                status = 2
            }
        }
        await loops.shutDown()
        if let status { throw ExitCode(status) }
    }
}

typealias AdminParameters = [(name: String, value: String)]

/// One command's calls and its answer.
struct AdminSession {
    let client: AdminClient
    let scope: AdminScope
    let asJSON: Bool

    private var base: AdminParameters {
        var parameters: AdminParameters = []
        parameters.add("MartletAccount", scope.account)
        parameters.add("MartletTenant", scope.tenant)
        return parameters
    }

    func call(_ action: String, _ parameters: AdminParameters = []) async throws -> XMLElement {
        try await client.call(action, base + parameters)
    }

    func members(of list: String, _ action: String, _ parameters: AdminParameters = []) async throws -> [XMLElement] {
        try await client.members(of: list, action, base + parameters)
    }

    /// The element inside a result that the answer is about.
    func show(_ result: XMLElement, _ name: String? = nil) {
        let shown = name.flatMap { name in result.children.first { $0.name == name } } ?? result
        if asJSON {
            Console.write(AdminDocument.json(shown) + "\n", to: STDOUT_FILENO)
        } else {
            for line in AdminDocument.lines(shown) { Console.write(line + "\n", to: STDOUT_FILENO) }
        }
    }

    func show(list: String, _ members: [XMLElement], columns: [String]) {
        if asJSON {
            Console.write(
                AdminDocument.json(XMLElement(name: "", children: [XMLElement(name: list, children: members)])) + "\n",
                to: STDOUT_FILENO)
        } else {
            for line in AdminDocument.table(members, columns: columns) { Console.write(line + "\n", to: STDOUT_FILENO) }
        }
    }

    /// For changes that answer nothing.
    func done(_ sentence: String) {
        Console.write(asJSON ? "{}\n" : sentence + "\n", to: STDOUT_FILENO)
    }

    /// A policy's ARN from its name: the account's own before the canned ones.
    func policyARN(_ name: String) async throws -> String {
        if name.hasPrefix("arn:") { return name }
        for policy in try await members(of: "Policies", "ListPolicies") {
            let found = policy.children.first { $0.name == "PolicyName" }?.text
            if found == name, let arn = policy.children.first(where: { $0.name == "Arn" })?.text { return arn }
        }
        throw AdminError.refused(code: "NoSuchEntity", message: "there is no policy named \(name)")
    }
}

/// A secret given as it is, as `-` for standard input, or in a file.
struct SecretOption: ParsableArguments {
    // Secrets may begin with a hyphen.
    @Option(
        parsing: .unconditional, help: ArgumentHelp("The secret; - reads it from standard input.", valueName: "secret"))
    var secretKey: String?
    @Option(help: ArgumentHelp("A file that holds the secret.", valueName: "path"))
    var secretKeyFile: String?

    func text() throws -> String? {
        if secretKey != nil, secretKeyFile != nil { throw ValidationError("give --secret-key or --secret-key-file") }
        if let secretKey, secretKey != "-" { return secretKey }
        guard let path = secretKey ?? secretKeyFile else { return nil }
        guard let text = SecretText.read(path: path) else {
            throw ValidationError(path == "-" ? "standard input holds no secret" : "\(path) can't be read or is empty")
        }
        return text
    }
}

func readDocument(_ path: String) throws -> String {
    guard let text = SecretText.read(path: path) else {
        throw ValidationError(path == "-" ? "standard input is empty" : "\(path) can't be read or is empty")
    }
    return text
}

extension AdminParameters {
    mutating func add(_ name: String, _ value: String?) {
        if let value { append((name, value)) }
    }

    /// `Name.member.1`, …
    mutating func add(list name: String, _ values: [String]) {
        for (index, value) in values.enumerated() { append(("\(name).member.\(index + 1)", value)) }
    }

    /// Tags written `key=value`.
    mutating func add(tags: [String]) throws {
        for (index, text) in tags.enumerated() {
            guard let equals = text.firstIndex(of: "=") else { throw ValidationError("a tag is written key=value") }
            append(("Tags.member.\(index + 1).Key", String(text[..<equals])))
            append(("Tags.member.\(index + 1).Value", String(text[text.index(after: equals)...])))
        }
    }
}
