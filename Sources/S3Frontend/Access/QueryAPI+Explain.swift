import AccessPolicy
import Base
import Identity
import ObjectFormat
import Objects

/// Why somebody may or may not do something, with every policy that has a say: asked for with `martlet admin policy simulate`.
extension QueryAPI {
    func explain(_ call: QueryCall, _ caller: IAM.CallerName) async throws(IdentityError) -> [AnswerElement] {
        guard let account = directoryState.accounts[caller.account] else { throw .accessDenied }
        let action = try call.required("ActionName"), resource = call["ResourceArn"] ?? "*"
        guard action.contains(":") else { throw .invalidInput("\(action) is not an action: write service:Action.") }
        let wanted = try call.required("Principal")
        let identity = wanted == "anonymous" ? nil : try iam.principal(wanted, in: account)
        let facts =
            try identity.map { found throws(IdentityError) in try IAM.facts(call, of: found) }
            ?? IAM.anonymousFacts(call)
        var combination = PolicyCombination(resourceOwner: account.canonicalID)
        if let identity {
            combination.identity = identity.attached
            combination.boundary = identity.boundary
        }
        var notes: [String] = []
        try fill(&combination, resource, identity, action, caller, account, &notes)
        let request = AccessRequest(
            caller: identity.map { .identity($0.caller) } ?? .anonymous, action: action, resource: resource,
            facts: facts)
        let explained = combination.explain(request)
        let names = IAM.policyNames(wanted, account)
        return [
            .text("Decision", explained.decision.isAllowed ? "allowed" : "denied"),
            .text("Reason", Self.reason(explained, names)),
            .list("Policies", explained.policies.map { Self.describe($0, names) }), .texts("Notes", notes),
        ]
    }

    private var directoryState: IdentityState { iam.state }

    /// The bucket's policy and list, when the resource lies in a bucket that the account owns.
    private func fill(
        _ combination: inout PolicyCombination, _ resource: String, _ identity: ResolvedIdentity?, _ action: String,
        _ caller: IAM.CallerName, _ account: Account, _ notes: inout [String]
    ) throws(IdentityError) {
        let name = IAM.bucket(of: resource)
        guard !name.isEmpty, !name.contains("*") else { return }
        let info: BucketInfo
        do throws(ObjectError) { info = try operations.store.bucket(name, tenant: account.tenant) } catch {
            notes.append("There is no bucket \(name): it is judged as a new one of the account.")
            return
        }
        guard info.owner == account.canonicalID || caller.isOperator else {
            // Its policy is its owner's to see.
            combination.resourceOwner = info.owner
            notes.append("The bucket \(name) belongs to another account, whose policy is not shown.")
            return
        }
        let access = operations.access(of: info)
        combination.resourceOwner = access.owner
        combination.resource = access.policy
        if access.block?.restrictPublicBuckets == true, access.isPolicyPublic,
            identity?.account.canonicalID != access.owner
        {
            combination.resourceAllowsCount = false
            notes.append("The public access block of the bucket keeps its public policy from others.")
        }
        guard access.listsCount else { return }
        notes.append("Access control lists count in this bucket; those of single objects are not looked at.")
        guard let permission = Self.listPermission(action) else { return }
        let who: Caller = identity.map { .identity($0.caller) } ?? .anonymous
        combination.isGrantedToAccount =
            identity.map { access.list.grants(permission, toAccount: $0.account.canonicalID) } ?? false
        combination.isGrantedToGroup =
            access.block?.ignorePublicACLs != true && access.list.grantsToGroup(permission, of: who)
    }

    /// What a bucket's list has to grant for an action.
    private static func listPermission(_ action: String) -> AccessGrant.Permission? {
        switch action.lowercased() {
        case "s3:listbucket", "s3:listbucketversions", "s3:listbucketmultipartuploads": .read
        case "s3:putobject", "s3:deleteobject", "s3:deleteobjectversion", "s3:abortmultipartupload": .write
        case "s3:getbucketacl": .readACP
        case "s3:putbucketacl": .writeACP
        default: nil
        }
    }

    private static func describe(
        _ policy: AccessExplanation.Policy, _ names: [IAM.PolicyName]
    ) -> [AnswerElement] {
        let name = IAM.name(of: policy.source, names)
        let statements = zip(policy.document.statements, policy.verdict.outcomes).enumerated().map { index, pair in
            [
                AnswerElement.text("Statement", pair.0.sid ?? String(index + 1)),
                .text("Effect", pair.0.effect.rawValue), .text("Outcome", text(pair.1)),
            ]
        }
        let answer: String
        switch policy.verdict.answer {
        case .denied: answer = "denies"
        case .allowed: answer = "allows"
        case .silent: answer = "says nothing"
        }
        return [
            .text("Policy", name.id), .text("Type", name.type), .text("Answer", answer),
            .list("Statements", statements),
        ]
    }

    private static func text(_ outcome: StatementOutcome) -> String {
        switch outcome {
        case .applies: "applies"
        case .otherPrincipal: "is about another principal"
        case .otherAction: "is about another action"
        case .otherResource: "is about another resource"
        case .failedCondition(let name, let key): "condition \(name) of \(key) does not hold"
        }
    }

    private static func reason(_ explained: AccessExplanation, _ names: [IAM.PolicyName]) -> String {
        switch explained.decision.reason {
        case .deniedBy(let source, let index):
            let policy = explained.policies.first { $0.source == source }
            let sid = policy.flatMap {
                $0.document.statements.indices.contains(index) ? $0.document.statements[index].sid : nil
            }
            return "denied by statement \(sid ?? String(index + 1)) of \(IAM.name(of: source, names).id)"
        case .allowedBy(.accountRoot): return "allowed: the account may do everything with what is its own"
        case .allowedBy(let source): return "allowed by \(IAM.name(of: source, names).id)"
        case .notAllowed(.identityPolicy): return "denied: no policy of the principal allows it"
        case .notAllowed(.boundary): return "denied: the permissions boundary does not allow it"
        case .notAllowed(.sessionPolicy): return "denied: no policy of the session allows it"
        case .notAllowed(.bucketPolicy): return "denied: the account that owns the bucket does not allow it"
        case .notAllowed: return "denied: nothing allows it"
        }
    }
}
