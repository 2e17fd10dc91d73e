import AdminClient
import ArgumentParser
import S3Protocol

struct PolicyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "Policies, and what they allow.",
        subcommands: [
            PolicyCreate.self, PolicyList.self, PolicyInfo.self, PolicyDelete.self, PolicyAttach.self,
            PolicyDetach.self, PolicyPut.self, PolicyRemove.self, PolicySimulate.self,
        ])
}

struct PolicyCreate: AdminLeaf {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Makes a managed policy, or a new version of it when there is one.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var about: AccountOption
    @OptionGroup var name: NameArgument
    @Option(help: ArgumentHelp("The policy; - for standard input.", valueName: "path"))
    var document: String
    @Option(help: "What it is for.")
    var description: String?
    @Option(help: "Path in its ARN.")
    var path: String?
    @Flag(help: "Replace the policy of that name: the document becomes its version that counts.")
    var replace = false
    var actsFor: AdminScope { about.scope }

    func perform(_ session: AdminSession) async throws {
        let text = try readDocument(document)
        if replace {
            let found = try await session.members(of: "Policies", "ListPolicies", [("Scope", "Local")])
            let policy = found.first { $0.children.contains { $0.name == "PolicyName" && $0.text == name.text } }
            if let arn = policy?.children.first(where: { $0.name == "Arn" })?.text {
                return try await replace(arn, text, session)
            }
        }
        var parameters: AdminParameters = [("PolicyName", name.text), ("PolicyDocument", text)]
        parameters.add("Description", description)
        parameters.add("Path", path)
        session.show(try await session.call("CreatePolicy", parameters), "Policy")
    }

    /// A policy keeps a few versions: the oldest that does not count makes room.
    private func replace(_ arn: String, _ text: String, _ session: AdminSession) async throws {
        let versions = try await session.members(of: "Versions", "ListPolicyVersions", [("PolicyArn", arn)])
        let spare = versions.last { $0.children.contains { $0.name == "IsDefaultVersion" && $0.text == "false" } }
        if versions.count >= 5, let id = spare?.children.first(where: { $0.name == "VersionId" })?.text {
            _ = try await session.call("DeletePolicyVersion", [("PolicyArn", arn), ("VersionId", id)])
        }
        session.show(
            try await session.call(
                "CreatePolicyVersion",
                [("PolicyArn", arn), ("PolicyDocument", text), ("SetAsDefault", "true")]), "PolicyVersion")
    }
}

struct PolicyList: AdminLeaf {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the account's policies and the canned ones.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var about: AccountOption
    @Option(help: "All, Local or AWS, the canned ones.")
    var scope = "All"
    var actsFor: AdminScope { about.scope }

    func perform(_ session: AdminSession) async throws {
        session.show(
            list: "Policies", try await session.members(of: "Policies", "ListPolicies", [("Scope", scope)]),
            columns: ["PolicyName", "Arn", "DefaultVersionId", "AttachmentCount"])
    }
}

struct PolicyInfo: AdminLeaf {
    static let configuration = CommandConfiguration(
        commandName: "info", abstract: "Shows a managed policy, its document, and who has it.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var about: AccountOption
    @OptionGroup var name: NameArgument
    var actsFor: AdminScope { about.scope }

    func perform(_ session: AdminSession) async throws {
        let arn = try await session.policyARN(name.text), wanted: AdminParameters = [("PolicyArn", arn)]
        var policy = try await session.call("GetPolicy", wanted).children.first ?? XMLElement(name: "Policy")
        let version = policy.children.first { $0.name == "DefaultVersionId" }?.text ?? "v1"
        let text = try await session.call("GetPolicyVersion", wanted + [("VersionId", version)]).children.first
        if let document = text?.children.first(where: { $0.name == "Document" }) { policy.children.append(document) }
        policy.decodeDocuments()
        let holders = try await session.call("ListEntitiesForPolicy", wanted)
        policy.children += holders.children.filter { $0.name.hasPrefix("Policy") }
        session.show(policy)
    }
}

struct PolicyDelete: AdminLeaf {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Deletes a managed policy that nobody has.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var about: AccountOption
    @OptionGroup var name: NameArgument
    var actsFor: AdminScope { about.scope }

    func perform(_ session: AdminSession) async throws {
        let arn = try await session.policyARN(name.text)
        _ = try await session.call("DeletePolicy", [("PolicyArn", arn), ("MartletCascade", "true")])
        session.done("deleted \(name.text)")
    }
}

/// Whom a policy is given to or taken from.
struct PolicyHolder: ParsableArguments {
    @Option(help: "A user.")
    var user: String?
    @Option(help: "A group.")
    var group: String?
    @Option(help: "A role.")
    var role: String?

    func validate() throws {
        guard [user, group, role].compactMap({ $0 }).count == 1 else {
            throw ValidationError("give one of --user, --group and --role")
        }
    }

    /// `User`, `Group` or `Role`, as it stands in actions.
    var kind: String { user != nil ? "User" : group != nil ? "Group" : "Role" }
    var name: String { user ?? group ?? role ?? "" }
    var parameters: AdminParameters { [("\(kind)Name", name)] }
}

struct PolicyAttach: AdminLeaf {
    static let configuration = CommandConfiguration(
        commandName: "attach", abstract: "Gives a managed policy to a user, group or role.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var about: AccountOption
    @OptionGroup var holder: PolicyHolder
    @Argument(help: "The policy's name or ARN.")
    var policy: String
    var actsFor: AdminScope { about.scope }

    func perform(_ session: AdminSession) async throws {
        let arn = try await session.policyARN(policy)
        _ = try await session.call("Attach\(holder.kind)Policy", holder.parameters + [("PolicyArn", arn)])
        session.done("attached \(arn) to \(holder.name)")
    }
}

struct PolicyDetach: AdminLeaf {
    static let configuration = CommandConfiguration(
        commandName: "detach", abstract: "Takes a managed policy from a user, group or role.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var about: AccountOption
    @OptionGroup var holder: PolicyHolder
    @Argument(help: "The policy's name or ARN.")
    var policy: String
    var actsFor: AdminScope { about.scope }

    func perform(_ session: AdminSession) async throws {
        let arn = try await session.policyARN(policy)
        _ = try await session.call("Detach\(holder.kind)Policy", holder.parameters + [("PolicyArn", arn)])
        session.done("detached \(arn) from \(holder.name)")
    }
}

struct PolicyPut: AdminLeaf {
    static let configuration = CommandConfiguration(
        commandName: "put", abstract: "Writes an inline policy of a user, group or role.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var about: AccountOption
    @OptionGroup var holder: PolicyHolder
    @OptionGroup var name: NameArgument
    @Option(help: ArgumentHelp("The policy; - for standard input.", valueName: "path"))
    var document: String
    var actsFor: AdminScope { about.scope }

    func perform(_ session: AdminSession) async throws {
        let text = try readDocument(document)
        _ = try await session.call(
            "Put\(holder.kind)Policy", holder.parameters + [("PolicyName", name.text), ("PolicyDocument", text)])
        session.done("put \(name.text) of \(holder.name)")
    }
}

struct PolicyRemove: AdminLeaf {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Deletes an inline policy of a user, group or role.")
    @OptionGroup var options: AdminOptions
    @OptionGroup var about: AccountOption
    @OptionGroup var holder: PolicyHolder
    @OptionGroup var name: NameArgument
    var actsFor: AdminScope { about.scope }

    func perform(_ session: AdminSession) async throws {
        _ = try await session.call("Delete\(holder.kind)Policy", holder.parameters + [("PolicyName", name.text)])
        session.done("removed \(name.text) of \(holder.name)")
    }
}

struct PolicySimulate: AdminLeaf {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Says whether a request would be allowed, and which statement of which policy decides.",
        discussion: """
            Looks at the policies of the principal, its boundary, and the policy and list of the bucket. Exit status 3 when the request would \
            be denied. Example: martlet admin policy simulate --user alice --action s3:GetObject --resource arn:aws:s3:::b/k \
            --context aws:SourceIp=10.0.0.1
            """)
    @OptionGroup var options: AdminOptions
    @OptionGroup var about: AccountOption
    @Option(help: "A user of the account.")
    var user: String?
    @Option(help: "A role of the account.")
    var role: String?
    @Option(help: "An ARN, or anonymous (default: the account itself).")
    var principal: String?
    @Option(help: "The action, like s3:GetObject.")
    var action: String
    @Option(help: "The resource, like arn:aws:s3:::bucket/key.")
    var resource = "*"
    @Option(help: "A condition key and its value, key=value; may be repeated, also for several values of one key.")
    var context: [String] = []
    var actsFor: AdminScope { about.scope }

    func perform(_ session: AdminSession) async throws {
        guard [user, role, principal].compactMap({ $0 }).count <= 1 else {
            throw ValidationError("give one of --user, --role and --principal")
        }
        var parameters: AdminParameters = [
            ("ActionName", action), ("ResourceArn", resource), ("Principal", try await principalName(session)),
        ]
        var keys: [(key: String, values: [String])] = []
        for text in context {
            guard let equals = text.firstIndex(of: "=") else { throw ValidationError("--context is key=value") }
            let key = String(text[..<equals]), value = String(text[text.index(after: equals)...])
            if let index = keys.firstIndex(where: { $0.key == key }) {
                keys[index].values.append(value)
            } else {
                keys.append((key, [value]))
            }
        }
        for (index, entry) in keys.enumerated() {
            parameters.add("ContextEntries.member.\(index + 1).ContextKeyName", entry.key)
            parameters.add(list: "ContextEntries.member.\(index + 1).ContextKeyValues", entry.values)
        }
        let answer = try await session.call("MartletExplainAccess", parameters)
        session.show(answer)
        if answer.children.first(where: { $0.name == "Decision" })?.text != "allowed" { throw ExitCode(3) }
    }

    private func principalName(_ session: AdminSession) async throws -> String {
        if let principal { return principal }
        let result: XMLElement
        if let user {
            result = try await session.call("GetUser", [("UserName", user)])
        } else if let role {
            result = try await session.call("GetRole", [("RoleName", role)])
        } else {
            result = try await session.call("GetUser")
        }
        return result.children.first?.children.first { $0.name == "Arn" }?.text ?? ""
    }
}
