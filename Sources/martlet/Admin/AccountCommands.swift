import AdminClient
import ArgumentParser
import S3Protocol

struct AccountCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "account", abstract: "Accounts, which own buckets: for the server's operator.",
        subcommands: [
            AccountCreate.self, AccountList.self, AccountInfo.self, AccountUpdate.self, AccountSuspend.self,
            AccountResume.self, AccountDelete.self,
        ])
}

struct AccountCreate: AdminLeaf {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Makes an account with an access key. What is not given is made up.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var place: TenantOption
    @OptionGroup var name: NameArgument
    @Option(help: "E-mail address; access control lists can name the account by it.")
    var email: String?
    @Option(parsing: .unconditional, help: "Canonical id: the ID of owners and grantees.")
    var id: String?
    @Option(help: "Twelve digits: the account of ARNs.")
    var number: String?
    @Option(parsing: .unconditional, help: "Shown as the DisplayName of owners and grantees (default: the name).")
    var displayName: String?
    @Option(parsing: .unconditional, help: "Its access key.")
    var accessKey: String?
    @OptionGroup var secret: SecretOption

    func perform(_ session: AdminSession) async throws {
        var parameters: AdminParameters = [("Name", name.text)]
        parameters.add("Tenant", place.tenant)
        parameters.add("Email", email)
        parameters.add("Id", id)
        parameters.add("Number", number)
        parameters.add("DisplayName", displayName)
        parameters.add("AccessKey", accessKey)
        parameters.add("SecretKey", try secret.text())
        session.show(try await session.call("MartletCreateAccount", parameters), "Account")
    }
}

struct AccountList: AdminLeaf {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists accounts.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var place: TenantOption

    func perform(_ session: AdminSession) async throws {
        var parameters: AdminParameters = []
        parameters.add("Tenant", place.tenant)
        let accounts = try await session.members(of: "Accounts", "MartletListAccounts", parameters)
        let hasTenants = accounts.contains { $0.children.contains { $0.name == "Tenant" } }
        session.show(
            list: "Accounts", accounts,
            columns: ["Name"] + (hasTenants ? ["Tenant"] : []) + [
                "Number", "Id", "DisplayName", "Email", "Status", "AccessKeys",
            ])
    }
}

struct AccountInfo: AdminLeaf {
    static let configuration = CommandConfiguration(
        commandName: "info", abstract: "Shows an account, by name, number or canonical id.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var place: TenantOption
    @OptionGroup var name: NameArgument

    func perform(_ session: AdminSession) async throws {
        session.show(try await session.call("MartletGetAccount", place.parameters(account: name.text)), "Account")
    }
}

struct AccountUpdate: AdminLeaf {
    static let configuration = CommandConfiguration(
        commandName: "update", abstract: "Changes the name, display name or e-mail address of an account.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var place: TenantOption
    @Argument(help: "Name, number or canonical id.")
    var account: String
    @Option(help: "The new name.")
    var newName: String?
    @Option(parsing: .unconditional, help: "The new display name; old objects show it too.")
    var displayName: String?
    @Option(help: "The new e-mail address; empty for none.")
    var email: String?

    func perform(_ session: AdminSession) async throws {
        var parameters = place.parameters(account: account)
        parameters.add("Name", newName)
        parameters.add("DisplayName", displayName)
        parameters.add("Email", email)
        session.show(try await session.call("MartletUpdateAccount", parameters), "Account")
    }
}

struct AccountSuspend: AdminLeaf {
    static let configuration = CommandConfiguration(
        commandName: "suspend", abstract: "Stops all keys and sessions of an account at once. Its data stays.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var place: TenantOption
    @OptionGroup var name: NameArgument

    func perform(_ session: AdminSession) async throws {
        _ = try await session.call(
            "MartletUpdateAccount", place.parameters(account: name.text) + [("Status", "Suspended")])
        session.done("suspended \(name.text)")
    }
}

struct AccountResume: AdminLeaf {
    static let configuration = CommandConfiguration(commandName: "resume", abstract: "Ends a suspension.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var place: TenantOption
    @OptionGroup var name: NameArgument

    func perform(_ session: AdminSession) async throws {
        _ = try await session.call(
            "MartletUpdateAccount", place.parameters(account: name.text) + [("Status", "Active")])
        session.done("resumed \(name.text)")
    }
}

struct AccountDelete: AdminLeaf {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Deletes an account with its users, groups, roles, policies and keys. One that owns buckets is kept.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var place: TenantOption
    @OptionGroup var name: NameArgument

    func perform(_ session: AdminSession) async throws {
        _ = try await session.call("MartletDeleteAccount", place.parameters(account: name.text))
        session.done("deleted \(name.text)")
    }
}

extension TenantOption {
    func parameters(account: String) -> AdminParameters {
        var parameters: AdminParameters = [("Account", account)]
        parameters.add("Tenant", tenant)
        return parameters
    }
}
