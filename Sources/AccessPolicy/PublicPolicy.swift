import Base

extension PolicyDocument {
    /// True when some statement allows something to everybody: what GetBucketPolicyStatus shows and BlockPublicPolicy refuses.
    ///
    /// A statement for everybody is not public when a condition fixes who or from where: one of the keys below with values that
    /// have no wildcard or variable, or source addresses that are not half the Internet.
    package var isPublic: Bool { statements.contains { $0.isPublic } }
}

extension PolicyDocument.Statement {
    var isPublic: Bool {
        guard effect == .allow else { return false }
        let isForEveryone = isPrincipalNegated || (principal?.members.contains(.everyone) ?? false)
        return isForEveryone && !conditions.contains { $0.fixesCaller }
    }
}

extension Condition {
    private static let fixingKeys: Set<String> = [
        "aws:principalorgid", "aws:principalorgpaths", "aws:principalaccount", "aws:principalarn", "aws:sourcearn",
        "aws:sourcevpc", "aws:sourcevpce", "aws:sourceowner", "aws:sourceaccount", "aws:sourceorgid",
        "aws:sourceorgpaths", "aws:userid", "aws:username", "aws:viaawsservice", "s3:dataaccesspointaccount",
        "s3:dataaccesspointarn", "s3:x-amz-server-side-encryption-aws-kms-key-id", "aws:sourceip", "aws:calledvia",
    ]

    /// The shortest prefix of a network that is not the public: AWS's own line is /8 for IPv4 and /32 for IPv6.
    private static let prefixMin = (four: 8, six: 32)

    var fixesCaller: Bool {
        guard Self.fixingKeys.contains(lowercasedKey), !comparing.isNegated, !comparing.ifExists,
            comparing.quantifier != .forAll, !values.isEmpty
        else { return false }
        return values.allSatisfy { value in
            switch value {
            case .network(let network):
                return network.prefixLength >= (network.isIPv4 ? Self.prefixMin.four : Self.prefixMin.six)
            case .text(let pattern), .arn(let pattern, _):
                return lowercasedKey != "aws:sourceip" && !pattern.hasVariables && Self.isFixed(pattern, lowercasedKey)
            case .bool: return true
            case .number, .date, .binary, .deferred: return false
            }
        }
    }

    /// An ARN may have wildcards in its resource, as long as its account is fixed.
    private static func isFixed(_ pattern: Pattern, _ key: String) -> Bool {
        guard pattern.hasWildcards else { return true }
        guard key.hasSuffix("arn") else { return key == "aws:userid" && !pattern.source.hasPrefix("*") }
        let parts = pattern.source.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
        return parts.count == 6 && !parts[4].isEmpty && !parts[4].contains("*") && !parts[4].contains("?")
    }
}
