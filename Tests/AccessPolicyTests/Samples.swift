import AccessPolicy

/// Callers, requests and policies that tests write often.
enum Sample {
    static let account = "111111111111", otherAccount = "222222222222"
    static let canonical = "c1", otherCanonical = "c2"

    static func root(_ account: String = account, _ canonical: String = canonical) -> Caller {
        .identity(
            CallerIdentity(
                kind: .account, arn: "arn:aws:iam::\(account):root", accountID: account, canonicalID: canonical,
                userID: account))
    }

    static func user(_ name: String = "alice", _ account: String = account, _ canonical: String = canonical) -> Caller {
        .identity(
            CallerIdentity(
                kind: .user, arn: "arn:aws:iam::\(account):user/\(name)", accountID: account, canonicalID: canonical,
                userID: "AIDA\(name)", userName: name))
    }

    static func session(_ role: String = "reader") -> Caller {
        .identity(
            CallerIdentity(
                kind: .role("arn:aws:iam::\(account):role/\(role)"),
                arn: "arn:aws:sts::\(account):assumed-role/\(role)/s1", accountID: account, canonicalID: canonical,
                userID: "AROA:s1"))
    }

    static let otherRoot = root(otherAccount, otherCanonical)
    static let otherUser = user("bob", otherAccount, otherCanonical)

    static func request(
        _ caller: Caller, _ action: String = "s3:GetObject", _ resource: String = "arn:aws:s3:::b/k",
        _ facts: [String: [String]] = [:]
    ) -> AccessRequest {
        AccessRequest(caller: caller, action: action, resource: resource, facts: FactTable(facts))
    }

    static func statement(
        _ effect: String = "Allow", principal: String? = "\"*\"", action: String = "s3:GetObject",
        resource: String = "arn:aws:s3:::b/*", condition: String? = nil
    ) -> String {
        var text = "{\"Effect\":\"\(effect)\""
        if let principal { text += ",\"Principal\":\(principal)" }
        text += ",\"Action\":\"\(action)\",\"Resource\":\"\(resource)\""
        if let condition { text += ",\"Condition\":\(condition)" }
        return text + "}"
    }

    static func bucket(_ statements: String...) throws -> PolicyDocument {
        let text = "{\"Version\":\"2012-10-17\",\"Statement\":[\(statements.joined(separator: ","))]}"
        return try PolicyDocument(parsing: Array(text.utf8), use: .bucket("b"))
    }

    static func identity(_ statements: String...) throws -> PolicyDocument {
        let text = "{\"Version\":\"2012-10-17\",\"Statement\":[\(statements.joined(separator: ","))]}"
        return try PolicyDocument(parsing: Array(text.utf8), use: .identity)
    }
}
