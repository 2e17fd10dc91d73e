import AccessPolicy
import Base
import ObjectFormat
import Objects
import S3Protocol

/// The condition keys of a request: those of all services (`aws:`) and those of S3 (`s3:`), worked out when a policy asks.
struct RequestFacts: FactSource {
    let context: RequestContext
    /// Tags of the object that the request is about, when some policy asks for them.
    var existingTags: [NameValue]?
    var resourceAccount: String?

    func values(of key: String) -> [String]? {
        guard let colon = key.firstIndex(of: ":") else { return nil }
        let name = key[key.index(after: colon)...]
        switch key[..<colon] {
        case "aws": return global(name)
        case "s3": return service(name)
        case "jwt", "ldap", "sts", "saml", "certificate": return context.signer.claims[key]
        default: return nil
        }
    }

    // MARK: aws:

    private func global(_ name: Substring) -> [String]? {
        let signer = context.signer, identity = signer.caller.identity
        if let slash = name.firstIndex(of: "/") {
            let tag = name[name.index(after: slash)...]
            guard name[..<slash] == "principaltag" else { return nil }
            return one(signer.principalTags.first { $0.name.lowercased() == tag }?.value)
        }
        switch name {
        case "sourceip": return one(context.remoteAddress)
        case "securetransport": return [context.isSecure ? "true" : "false"]
        case "useragent": return one(context.header("user-agent"))
        case "referer": return one(context.header("referer"))
        case "currenttime": return [ISO8601.formatSeconds(context.now)]
        case "epochtime": return [String(context.now.seconds)]
        case "username": return one(identity?.userName)
        case "userid": return one(identity?.userID)
        case "principalarn":
            if case .role(let role)? = identity?.kind { return [role] }
            return one(identity?.arn)
        case "principalaccount": return one(identity?.accountID)
        case "principaltype":
            switch identity?.kind {
            case .account?: return ["Account"]
            case .user?: return ["User"]
            case .role?: return ["AssumedRole"]
            case .federatedUser?: return ["FederatedUser"]
            case nil: return ["Anonymous"]
            }
        case "principalisawsservice", "viaawsservice": return ["false"]
        case "tokenissuetime": return one(signer.tokenIssued.map(ISO8601.formatSeconds))
        case "resourceaccount": return one(resourceAccount)
        default: return signer.claims["aws:" + name]
        }
    }

    // MARK: s3:

    private func service(_ name: Substring) -> [String]? {
        if let slash = name.firstIndex(of: "/") { return tag(name[..<slash], name[name.index(after: slash)...]) }
        switch name {
        case "prefix": return one(context.target.string("prefix"))
        case "delimiter": return one(context.target.string("delimiter"))
        case "max-keys": return one(context.target.string("max-keys"))
        case "versionid": return one(context.target.string("versionId"))
        case "signatureversion": return isAnonymous ? nil : [isVersionTwo ? "AWS" : "AWS4-HMAC-SHA256"]
        case "authtype": return authenticationType
        case "signatureage": return signatureAge
        case "x-amz-copy-source": return copySource
        case "requestobjecttagkeys": return requestTags?.map(\.name)
        case "resourceaccount": return one(resourceAccount)
        case "object-lock-mode": return one(context.header("x-amz-object-lock-mode"))
        case "object-lock-retain-until-date": return one(context.header("x-amz-object-lock-retain-until-date"))
        case "object-lock-legal-hold": return one(context.header("x-amz-object-lock-legal-hold"))
        case "object-lock-remaining-retention-days": return retentionDays
        case "x-amz-acl": return one(context.header("x-amz-acl"))
        case "x-amz-content-sha256": return one(context.header("x-amz-content-sha256"))
        case "x-amz-grant-read": return one(context.header("x-amz-grant-read"))
        case "x-amz-grant-write": return one(context.header("x-amz-grant-write"))
        case "x-amz-grant-read-acp": return one(context.header("x-amz-grant-read-acp"))
        case "x-amz-grant-write-acp": return one(context.header("x-amz-grant-write-acp"))
        case "x-amz-grant-full-control": return one(context.header("x-amz-grant-full-control"))
        case "x-amz-metadata-directive": return one(context.header("x-amz-metadata-directive"))
        case "x-amz-storage-class": return one(context.header("x-amz-storage-class"))
        case "x-amz-website-redirect-location": return one(context.header("x-amz-website-redirect-location"))
        case "x-amz-object-ownership": return one(context.header("x-amz-object-ownership"))
        case "x-amz-server-side-encryption": return one(context.header("x-amz-server-side-encryption"))
        case "x-amz-server-side-encryption-aws-kms-key-id":
            return one(context.header("x-amz-server-side-encryption-aws-kms-key-id"))
        case "x-amz-server-side-encryption-customer-algorithm":
            return one(context.header("x-amz-server-side-encryption-customer-algorithm"))
        case "if-match": return one(context.header("if-match"))
        case "if-none-match": return one(context.header("if-none-match"))
        default: return nil
        }
    }

    private func one(_ value: String?) -> [String]? { value.map { [$0] } }

    private var isAnonymous: Bool { context.signer.caller == .anonymous }

    private var isVersionTwo: Bool {
        context.header("authorization")?.hasPrefix("AWS ") ?? !context.target.contains("X-Amz-Algorithm")
    }

    private var authenticationType: [String]? {
        if isAnonymous { return nil }
        if context.request.operation == .postObject { return ["POST"] }
        return [context.header("authorization") == nil ? "REST-QUERY-STRING" : "REST-HEADER"]
    }

    /// Milliseconds since a presigned URL was signed.
    private var signatureAge: [String]? {
        guard let text = context.target.string("X-Amz-Date") ?? context.header("x-amz-date"),
            let signed = ISO8601.parseCompact(text)
        else { return nil }
        return [String((context.now.nanoseconds - signed.nanoseconds) / 1_000_000)]
    }

    /// `bucket/key`, decoded, without the version.
    private var copySource: [String]? {
        guard let text = context.header("x-amz-copy-source"),
            let source = try? S3Protocol.CopySource(parsing: text)  // The operation answers what is wrong with it.
        else { return nil }
        return [source.bucket + "/" + String(decoding: source.key, as: UTF8.self)]
    }

    private var retentionDays: [String]? {
        guard let text = context.header("x-amz-object-lock-retain-until-date"), let end = ISO8601.parse(text) else {
            return nil
        }
        return [String(max(0, (end.seconds - context.now.seconds + 86_399) / 86_400))]
    }

    /// Tag keys are case-sensitive, but condition keys are not, and neither is the way in which they are found here.
    private func tag(_ kind: Substring, _ name: Substring) -> [String]? {
        switch kind {
        case "existingobjecttag": one(existingTags?.first { $0.name.lowercased() == name }?.value)
        case "requestobjecttag": one(requestTags?.first { $0.name.lowercased() == name }?.value)
        default: nil
        }
    }

    private var requestTags: [NameValue]? {
        guard let text = context.header("x-amz-tagging") else { return nil }
        // The operation refuses what can't be read.
        guard let target = try? RequestTarget("/?" + text) else { return nil }
        return target.parameters.map { parameter in
            NameValue(
                name: String(decoding: target.name(of: parameter), as: UTF8.self),
                value: String(decoding: target.value(of: parameter), as: UTF8.self))
        }
    }
}
