package import AccessPolicy
import Base

/// What a principal may do, answered without doing it: SimulatePrincipalPolicy and SimulateCustomPolicy.
extension IAM {
    /// Where a policy comes from, as the simulators name it.
    package struct PolicyName: Hashable, Sendable {
        package var id: String
        package var type: String
    }

    private static let casesMax = 1000

    func simulate(_ call: QueryCall, _ caller: CallerName) throws(IdentityError) -> [AnswerElement] {
        let account = try account(caller), actions = call.list("ActionNames")
        var resources = call.list("ResourceArns")
        if resources.isEmpty { resources = ["*"] }
        guard !actions.isEmpty else { throw .invalid("ActionNames must have at least one member.") }
        guard actions.count * resources.count <= Self.casesMax else {
            throw .invalid("At most \(Self.casesMax) combinations of actions and resources are simulated at once.")
        }
        for action in actions where !action.contains(":") {
            throw .invalidInput("\(action) is not a valid action: write service:Action.")
        }
        var identity: ResolvedIdentity, names: [PolicyName] = []
        if call.action == "SimulatePrincipalPolicy" {
            identity = try principal(try call.required("PolicySourceArn"), in: account)
            names = Self.policyNames(try call.required("PolicySourceArn"), account)
        } else {
            identity = IdentityResolver.account(account)
            identity.caller.kind = .user
            identity.caller.arn = call["CallerArn"] ?? "arn:aws:iam::\(account.number):user/simulated"
            guard !call.list("PolicyInputList").isEmpty else {
                throw .invalid("PolicyInputList must have at least one member.")
            }
        }
        for (index, text) in call.list("PolicyInputList").enumerated() {
            identity.attached.append(try Self.parsed(text, .identity))
            names.append(PolicyName(id: "PolicyInputList.\(index + 1)", type: "IAM Policy"))
        }
        for text in call.list("PermissionsBoundaryPolicyInputList").prefix(1) {
            identity.boundary = try Self.parsed(text, .identity)
        }
        let facts = try Self.facts(call, of: identity)
        var results: [[AnswerElement]] = []
        for action in actions {
            for resource in resources {
                var combination = PolicyCombination(resourceOwner: account.canonicalID)
                combination.identity = identity.attached
                combination.boundary = identity.boundary
                if let text = call["ResourcePolicy"], !text.isEmpty {
                    combination.resource = try Self.parsed(text, .bucket(Self.bucket(of: resource)))
                }
                let request = AccessRequest(
                    caller: .identity(identity.caller), action: action, resource: resource, facts: facts)
                results.append(Self.result(combination, request, names, facts))
            }
        }
        let page = try call.page(Array(results.enumerated())) { String($0.offset) }
        return [.list("EvaluationResults", page.items.map(\.element))] + page.end
    }

    private static func result(
        _ combination: PolicyCombination, _ request: AccessRequest, _ names: [PolicyName], _ facts: FactTable
    ) -> [AnswerElement] {
        let explained = combination.explain(request)
        var matched: [[AnswerElement]] = [], missing: [String] = []
        for policy in explained.policies {
            for key in policy.document.keys where facts.values(of: key) == nil && !missing.contains(key) {
                missing.append(key)
            }
            for outcome in policy.verdict.outcomes where outcome == .applies {
                let name = Self.name(of: policy.source, names)
                matched.append([.text("SourcePolicyId", name.id), .text("SourcePolicyType", name.type)])
            }
        }
        var elements: [AnswerElement] = [
            .text("EvalActionName", request.action), .text("EvalResourceName", request.resource),
            .text(
                "EvalDecision",
                explained.decision.isAllowed
                    ? "allowed" : explained.decision.isExplicitDeny ? "explicitDeny" : "implicitDeny"),
            .list("MatchedStatements", matched), .texts("MissingContextValues", missing),
        ]
        if let boundary = explained.policies.first(where: { $0.source == .boundary }) {
            elements.append(
                .group(
                    "PermissionsBoundaryDecisionDetail",
                    [.text("AllowedByPermissionsBoundary", boundary.verdict.isAllowed ? "true" : "false")]))
        }
        return elements
    }

    package static func name(of source: AccessDecision.Source, _ names: [PolicyName]) -> PolicyName {
        switch source {
        case .identityPolicy(let index) where index < names.count: names[index]
        case .identityPolicy: PolicyName(id: "identity policies", type: "IAM Policy")
        case .boundary: PolicyName(id: "permissions boundary", type: "Permissions Boundary Policy")
        case .sessionPolicy(let index): PolicyName(id: "session policy \(index + 1)", type: "IAM Policy")
        case .bucketPolicy: PolicyName(id: "bucket policy", type: "Resource Policy")
        case .accessControlList: PolicyName(id: "access control list", type: "Resource Policy")
        case .accountRoot: PolicyName(id: "account root", type: "none")
        case .nothing: PolicyName(id: "no policy", type: "none")
        }
    }

    func contextKeys(_ call: QueryCall, _ caller: CallerName) throws(IdentityError) -> [AnswerElement] {
        var documents: [PolicyDocument] = []
        for text in call.list("PolicyInputList") { documents.append(try Self.parsed(text, .identity)) }
        if call.action == "GetContextKeysForPrincipalPolicy" {
            documents += try principal(try call.required("PolicySourceArn"), in: try account(caller)).attached
        }
        var names: [String] = []
        for document in documents { for key in document.keys where !names.contains(key) { names.append(key) } }
        return [.texts("ContextKeyNames", names.sorted())]
    }

    // MARK: Principals and facts, also for explanations of access

    /// A user or role by ARN, the account itself by `…:root`, its number or its name.
    package func principal(_ text: String, in account: Account) throws(IdentityError) -> ResolvedIdentity {
        if text == "arn:aws:iam::\(account.number):root" || text == account.number || text == account.name {
            return IdentityResolver.account(account)
        }
        guard let holder = account.holders.values.first(where: { account.arn(of: $0) == text }) else {
            throw .noSuchEntity("The principal \(text) cannot be found.")
        }
        guard holder.kind != .group else {
            var group = IdentityResolver.holder(holder, of: account)
            group.caller.kind = .user
            return group
        }
        return IdentityResolver.holder(holder, of: account)
    }

    /// Names of the policies of a principal, in the order in which they are asked.
    package static func policyNames(_ arn: String, _ account: Account) -> [PolicyName] {
        guard let holder = account.holders.values.first(where: { account.arn(of: $0) == arn }) else { return [] }
        var holders = [holder]
        if holder.kind == .user { holders += account.holders(.group).filter { $0.members.contains(holder.name) } }
        return holders.flatMap { holder in
            let kind = holder.kind.rawValue.lowercased()
            return holder.inline.keys.sorted().map { PolicyName(id: "\(kind)_\(holder.name)_\($0)", type: kind) }
                + holder.attached.map { arn in
                    PolicyName(
                        id: arn.split(separator: "/").last.map(String.init) ?? arn,
                        type: arn.hasPrefix(CannedPolicies.arnPrefix) ? "aws-managed" : "user-managed")
                }
        }
    }

    /// `ContextEntries`, over what is known of the principal.
    package static func facts(_ call: QueryCall, of identity: ResolvedIdentity) throws(IdentityError) -> FactTable {
        var table: [String: [String]] = [
            "aws:userid": [identity.caller.userID], "aws:principalarn": [identity.caller.arn],
            "aws:principalaccount": [identity.account.number],
        ]
        if let name = identity.caller.userName { table["aws:username"] = [name] }
        for tag in identity.tags { table["aws:principaltag/" + tag.key.lowercased()] = [tag.value] }
        var index = 1
        while let key = call["ContextEntries.member.\(index).ContextKeyName"] {
            table[key.lowercased()] = call.list("ContextEntries.member.\(index).ContextKeyValues")
            index += 1
        }
        return FactTable(table)
    }

    private static func parsed(_ text: String, _ use: PolicyUse) throws(IdentityError) -> PolicyDocument {
        do throws(PolicyError) { return try PolicyDocument(parsing: Array(text.utf8), use: use) } catch {
            throw .invalidInput("The policy is not valid: \(error.message)")
        }
    }

    /// `bucket` of `arn:aws:s3:::bucket/key`.
    package static func bucket(of resource: String) -> String {
        guard resource.hasPrefix("arn:aws:s3:::") else { return "" }
        return String(resource.dropFirst("arn:aws:s3:::".count).prefix { $0 != "/" })
    }
}

extension IAM {
    package var state: IdentityState { store.state }

    /// `ContextEntries` of a request that nobody signed.
    package static func anonymousFacts(_ call: QueryCall) -> FactTable {
        var table: [String: [String]] = [:], index = 1
        while let key = call["ContextEntries.member.\(index).ContextKeyName"] {
            table[key.lowercased()] = call.list("ContextEntries.member.\(index).ContextKeyValues")
            index += 1
        }
        return FactTable(table)
    }
}
