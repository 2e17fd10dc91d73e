import AdminClient
import ArgumentParser
import S3Protocol

struct KeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "Access keys of users and, without --user, of the account itself.",
        subcommands: [KeyCreate.self, KeyList.self, KeyDisable.self, KeyEnable.self, KeyDelete.self])
}

struct KeyOwner: ParsableArguments {
    @OptionGroup var about: AccountOption
    @Option(help: "The user whose keys they are.")
    var user: String?

    var parameters: AdminParameters { user.map { [("UserName", $0)] } ?? [] }
}

struct KeyCreate: AdminLeaf {
    static let configuration = CommandConfiguration(commandName: "create", abstract: "Makes an access key.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var owner: KeyOwner
    @Option(parsing: .unconditional, help: "Its id; made up when it is not given.")
    var accessKey: String?
    @OptionGroup var secret: SecretOption
    var actsFor: AdminScope { owner.about.scope }

    func perform(_ session: AdminSession) async throws {
        var parameters = owner.parameters
        parameters.add("MartletAccessKey", accessKey)
        parameters.add("MartletSecretKey", try secret.text())
        session.show(try await session.call("CreateAccessKey", parameters), "AccessKey")
    }
}

struct KeyList: AdminLeaf {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "Lists access keys.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var owner: KeyOwner
    var actsFor: AdminScope { owner.about.scope }

    func perform(_ session: AdminSession) async throws {
        session.show(
            list: "AccessKeyMetadata",
            try await session.members(of: "AccessKeyMetadata", "ListAccessKeys", owner.parameters),
            columns: ["AccessKeyId", "UserName", "Status", "CreateDate"])
    }
}

struct KeyDisable: AdminLeaf {
    static let configuration = CommandConfiguration(commandName: "disable", abstract: "Stops a key at once.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var owner: KeyOwner
    @Argument(help: "The key's id.")
    var key: String
    var actsFor: AdminScope { owner.about.scope }

    func perform(_ session: AdminSession) async throws {
        _ = try await session.call(
            "UpdateAccessKey", owner.parameters + [("AccessKeyId", key), ("Status", "Inactive")])
        session.done("disabled \(key)")
    }
}

struct KeyEnable: AdminLeaf {
    static let configuration = CommandConfiguration(commandName: "enable", abstract: "Lets a key count again.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var owner: KeyOwner
    @Argument(help: "The key's id.")
    var key: String
    var actsFor: AdminScope { owner.about.scope }

    func perform(_ session: AdminSession) async throws {
        _ = try await session.call("UpdateAccessKey", owner.parameters + [("AccessKeyId", key), ("Status", "Active")])
        session.done("enabled \(key)")
    }
}

struct KeyDelete: AdminLeaf {
    static let configuration = CommandConfiguration(commandName: "delete", abstract: "Deletes a key.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var owner: KeyOwner
    @Argument(help: "The key's id.")
    var key: String
    var actsFor: AdminScope { owner.about.scope }

    func perform(_ session: AdminSession) async throws {
        _ = try await session.call("DeleteAccessKey", owner.parameters + [("AccessKeyId", key)])
        session.done("deleted \(key)")
    }
}

struct RootKeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "root-key", abstract: "The key under which identities are sealed.",
        subcommands: [RootKeyRotate.self])
}

struct RootKeyRotate: AdminLeaf {
    static let configuration = CommandConfiguration(
        commandName: "rotate",
        abstract: "Has the server make a new root key and wrap the identities' key under it.",
        discussion: """
            The new key takes the place of the old one in its file; keep a copy of it. Sessions and access keys go on. A key that comes from \
            MARTLET_ROOT_KEY is exchanged by a start with the new one there and the old one in MARTLET_ROOT_KEY_PREVIOUS.
            """)
    @OptionGroup var options: AdminOptions

    func perform(_ session: AdminSession) async throws {
        let answer = try await session.call("MartletRotateRootKey")
        if session.asJSON { return session.show(answer) }
        let place = answer.children.first { $0.name == "Place" }?.text ?? ""
        session.done("the new root key is in \(place) of the server: copy it to where you keep the old one")
    }
}
