import AdminClient
import ArgumentParser
import S3Protocol

struct GroupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "group", abstract: "Groups of users.",
        subcommands: [
            GroupCreate.self, GroupList.self, GroupInfo.self, GroupDelete.self, GroupAdd.self, GroupRemove.self,
        ])
}

struct GroupCreate: AdminLeaf {
    static let configuration = CommandConfiguration(commandName: "create", abstract: "Makes a group.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var about: AccountOption
    @OptionGroup var name: NameArgument
    @Option(help: "Path in its ARN.")
    var path: String?
    var actsFor: AdminScope { about.scope }

    func perform(_ session: AdminSession) async throws {
        var parameters: AdminParameters = [("GroupName", name.text)]
        parameters.add("Path", path)
        session.show(try await session.call("CreateGroup", parameters), "Group")
    }
}

struct GroupList: AdminLeaf {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists groups.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var about: AccountOption
    var actsFor: AdminScope { about.scope }

    func perform(_ session: AdminSession) async throws {
        session.show(
            list: "Groups", try await session.members(of: "Groups", "ListGroups"),
            columns: ["GroupName", "GroupId", "Arn", "CreateDate"])
    }
}

struct GroupInfo: AdminLeaf {
    static let configuration = CommandConfiguration(
        commandName: "info", abstract: "Shows a group with its members and policies.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var about: AccountOption
    @OptionGroup var name: NameArgument
    var actsFor: AdminScope { about.scope }

    func perform(_ session: AdminSession) async throws {
        let wanted: AdminParameters = [("GroupName", name.text)]
        var group = try await session.call("GetGroup", wanted).children.first ?? XMLElement(name: "Group")
        for (list, action) in [
            ("Users", "GetGroup"), ("AttachedPolicies", "ListAttachedGroupPolicies"),
            ("PolicyNames", "ListGroupPolicies"),
        ] {
            let members = try await session.members(of: list, action, wanted)
            group.children.append(XMLElement(name: list, children: members))
        }
        session.show(group)
    }
}

struct GroupDelete: AdminLeaf {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Deletes a group; its members stay.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var about: AccountOption
    @OptionGroup var name: NameArgument
    var actsFor: AdminScope { about.scope }

    func perform(_ session: AdminSession) async throws {
        _ = try await session.call("DeleteGroup", [("GroupName", name.text), ("MartletCascade", "true")])
        session.done("deleted \(name.text)")
    }
}

struct GroupAdd: AdminLeaf {
    static let configuration = CommandConfiguration(commandName: "add", abstract: "Adds users to a group.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var about: AccountOption
    @Argument(help: "The group.")
    var group: String
    @Argument(help: "Users.")
    var users: [String]
    var actsFor: AdminScope { about.scope }

    func perform(_ session: AdminSession) async throws {
        for user in users {
            _ = try await session.call("AddUserToGroup", [("GroupName", group), ("UserName", user)])
        }
        session.done("added to \(group)")
    }
}

struct GroupRemove: AdminLeaf {
    static let configuration = CommandConfiguration(commandName: "remove", abstract: "Takes users out of a group.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var about: AccountOption
    @Argument(help: "The group.")
    var group: String
    @Argument(help: "Users.")
    var users: [String]
    var actsFor: AdminScope { about.scope }

    func perform(_ session: AdminSession) async throws {
        for user in users {
            _ = try await session.call("RemoveUserFromGroup", [("GroupName", group), ("UserName", user)])
        }
        session.done("removed from \(group)")
    }
}
