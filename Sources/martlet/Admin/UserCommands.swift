import AdminClient
import ArgumentParser
import S3Protocol

struct UserCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user", abstract: "Users of an account.",
        subcommands: [
            UserCreate.self, UserList.self, UserInfo.self, UserDelete.self, UserTag.self,
        ])
}

struct UserCreate: AdminLeaf {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Makes a user; with --key or --access-key an access key too.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var about: AccountOption
    @OptionGroup var name: NameArgument
    @Option(help: "Path in its ARN, like /team/.")
    var path: String?
    @Option(help: "A policy to attach, by name or ARN; may be repeated.")
    var policy: [String] = []
    @Option(help: "A group to join; may be repeated.")
    var group: [String] = []
    @Option(help: "A tag, key=value; may be repeated.")
    var tag: [String] = []
    @Flag(help: "Make an access key.")
    var key = false
    @Option(parsing: .unconditional, help: "The id of its access key.")
    var accessKey: String?
    @OptionGroup var secret: SecretOption

    var actsFor: AdminScope { about.scope }

    func perform(_ session: AdminSession) async throws {
        let secretText = try secret.text()
        var parameters: AdminParameters = [("UserName", name.text)]
        parameters.add("Path", path)
        try parameters.add(tags: tag)
        // Policies are looked up before anything is made.
        var arns: [String] = []
        for name in policy { arns.append(try await session.policyARN(name)) }
        var user = try await session.call("CreateUser", parameters).children.first ?? XMLElement(name: "User")
        do {
            for arn in arns {
                _ = try await session.call("AttachUserPolicy", [("UserName", name.text), ("PolicyArn", arn)])
            }
            for group in group {
                _ = try await session.call("AddUserToGroup", [("UserName", name.text), ("GroupName", group)])
            }
            if key || accessKey != nil || secretText != nil {
                var parameters: AdminParameters = [("UserName", name.text)]
                parameters.add("MartletAccessKey", accessKey)
                parameters.add("MartletSecretKey", secretText)
                let made = try await session.call("CreateAccessKey", parameters).children.first
                user.children += (made?.children ?? []).filter {
                    $0.name == "AccessKeyId" || $0.name == "SecretAccessKey"
                }
            }
        } catch {
            // All or nothing: a user without the key that was asked for is in the way of the next try.
            _ = try? await session.call("DeleteUser", [("UserName", name.text), ("MartletCascade", "true")])
            throw error
        }
        session.show(user)
    }
}

struct UserList: AdminLeaf {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists users.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var about: AccountOption
    @Option(help: "Only users whose path begins so.")
    var path: String?
    var actsFor: AdminScope { about.scope }

    func perform(_ session: AdminSession) async throws {
        var parameters: AdminParameters = []
        parameters.add("PathPrefix", path)
        session.show(
            list: "Users", try await session.members(of: "Users", "ListUsers", parameters),
            columns: ["UserName", "UserId", "Arn", "CreateDate"])
    }
}

struct UserInfo: AdminLeaf {
    static let configuration = CommandConfiguration(
        commandName: "info", abstract: "Shows a user with its groups, policies and keys.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var about: AccountOption
    @OptionGroup var name: NameArgument
    var actsFor: AdminScope { about.scope }

    func perform(_ session: AdminSession) async throws {
        let wanted: AdminParameters = [("UserName", name.text)]
        var user = try await session.call("GetUser", wanted).children.first ?? XMLElement(name: "User")
        for (list, action) in [
            ("Groups", "ListGroupsForUser"), ("AttachedPolicies", "ListAttachedUserPolicies"),
            ("PolicyNames", "ListUserPolicies"), ("AccessKeyMetadata", "ListAccessKeys"),
        ] {
            let members = try await session.members(of: list, action, wanted)
            user.children.append(XMLElement(name: list, children: members))
        }
        session.show(user)
    }
}

struct UserDelete: AdminLeaf {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Deletes a user with its keys, inline policies and memberships.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var about: AccountOption
    @OptionGroup var name: NameArgument
    var actsFor: AdminScope { about.scope }

    func perform(_ session: AdminSession) async throws {
        _ = try await session.call("DeleteUser", [("UserName", name.text), ("MartletCascade", "true")])
        session.done("deleted \(name.text)")
    }
}

struct UserTag: AdminLeaf {
    static let configuration = CommandConfiguration(
        commandName: "tag",
        abstract: "Sets tags of a user, which policies see as aws:PrincipalTag/key, and removes others.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var about: AccountOption
    @Argument(help: "The user.")
    var name: String
    @Argument(help: "key=value")
    var tags: [String] = []
    @Option(help: "The key of a tag to remove; may be repeated.")
    var remove: [String] = []
    var actsFor: AdminScope { about.scope }

    func perform(_ session: AdminSession) async throws {
        var set: AdminParameters = [("UserName", name)], gone: AdminParameters = [("UserName", name)]
        try set.add(tags: tags)
        gone.add(list: "TagKeys", remove)
        if !remove.isEmpty { _ = try await session.call("UntagUser", gone) }
        if !tags.isEmpty { _ = try await session.call("TagUser", set) }
        session.show(
            list: "Tags", try await session.members(of: "Tags", "ListUserTags", [("UserName", name)]),
            columns: ["Key", "Value"])
    }
}
