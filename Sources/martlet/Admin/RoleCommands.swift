import AdminClient
import ArgumentParser
import S3Protocol

struct RoleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "role", abstract: "Roles, which others assume for a while.",
        subcommands: [RoleCreate.self, RoleList.self, RoleInfo.self, RoleDelete.self])
}

struct RoleCreate: AdminLeaf {
    static let configuration = CommandConfiguration(commandName: "create", abstract: "Makes a role.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var about: AccountOption
    @OptionGroup var name: NameArgument
    @Option(help: ArgumentHelp("The trust policy: who may assume it; - for standard input.", valueName: "path"))
    var trust: String
    @Option(help: "Path in its ARN.")
    var path: String?
    @Option(help: "What it is for.")
    var description: String?
    @Option(help: "The longest session, 3600 to 43200 seconds.")
    var maxSession: Int?
    @Option(help: "A tag, key=value; may be repeated.")
    var tag: [String] = []
    var actsFor: AdminScope { about.scope }

    func perform(_ session: AdminSession) async throws {
        var parameters: AdminParameters = [
            ("RoleName", name.text), ("AssumeRolePolicyDocument", try readDocument(trust)),
        ]
        parameters.add("Path", path)
        parameters.add("Description", description)
        parameters.add("MaxSessionDuration", maxSession.map(String.init))
        try parameters.add(tags: tag)
        session.show(try await session.call("CreateRole", parameters), "Role")
    }
}

struct RoleList: AdminLeaf {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists roles.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var about: AccountOption
    var actsFor: AdminScope { about.scope }

    func perform(_ session: AdminSession) async throws {
        session.show(
            list: "Roles", try await session.members(of: "Roles", "ListRoles"),
            columns: ["RoleName", "RoleId", "Arn", "CreateDate"])
    }
}

struct RoleInfo: AdminLeaf {
    static let configuration = CommandConfiguration(
        commandName: "info", abstract: "Shows a role with its trust policy and policies.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var about: AccountOption
    @OptionGroup var name: NameArgument
    var actsFor: AdminScope { about.scope }

    func perform(_ session: AdminSession) async throws {
        let wanted: AdminParameters = [("RoleName", name.text)]
        var role = try await session.call("GetRole", wanted).children.first ?? XMLElement(name: "Role")
        role.decodeDocuments()
        for (list, action) in [("AttachedPolicies", "ListAttachedRolePolicies"), ("PolicyNames", "ListRolePolicies")] {
            let members = try await session.members(of: list, action, wanted)
            role.children.append(XMLElement(name: list, children: members))
        }
        session.show(role)
    }
}

struct RoleDelete: AdminLeaf {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Deletes a role: its sessions stop at once.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var about: AccountOption
    @OptionGroup var name: NameArgument
    var actsFor: AdminScope { about.scope }

    func perform(_ session: AdminSession) async throws {
        _ = try await session.call("DeleteRole", [("RoleName", name.text), ("MartletCascade", "true")])
        session.done("deleted \(name.text)")
    }
}

extension XMLElement {
    /// Policies come percent-encoded; people read them plain.
    mutating func decodeDocuments() {
        for index in children.indices where children[index].name.hasSuffix("Document") {
            let text = children[index].text
            if let bytes = PercentEncoding.decode(Array(text.utf8)) {
                children[index].text = String(decoding: bytes, as: UTF8.self)
            }
        }
    }
}
