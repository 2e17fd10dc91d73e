package import Base
import Digests

/// The parts of a version 2 signature, from the Authorization field or from the query: well-formed, and not verified yet.
///
/// Older, and weaker in what it covers, than version 4: neither the body's hash nor the query's other parameters are signed. It
/// stays because `aws s3 presign` and boto3 still make such URLs unless they are told otherwise.
package struct VersionTwoClaim: Sendable {
    package enum Placement: Hashable, Sendable {
        /// Signed with the time of the request, which must be near.
        case header
        /// Good until this second.
        case query(expires: Int64)
    }

    package var placement: Placement
    package var accessKey: String
    /// Base64 of an HMAC-SHA1.
    package var signature: [UInt8]
    package var sessionToken: String?
}

extension VersionTwoClaim {
    static func header(_ head: RequestHead, value: String) throws(S3Error) -> VersionTwoClaim {
        let credentials = value.dropFirst(3).trimmingSpaces()
        guard let colon = credentials.lastIndex(of: ":"), colon > credentials.startIndex else {
            throw .invalidArgument(
                "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature", name: "Authorization",
                value: value)
        }
        return VersionTwoClaim(
            placement: .header, accessKey: String(credentials[..<colon]),
            signature: Array(credentials[credentials.index(after: colon)...].utf8),
            sessionToken: head.value("x-amz-security-token"))
    }

    static func query(_ head: RequestHead, _ target: RequestTarget) throws(S3Error) -> VersionTwoClaim {
        guard let accessKey = target.string("AWSAccessKeyId"), let signature = target.string("Signature"),
            let expires = target.string("Expires")
        else {
            throw S3Error(
                .accessDenied,
                "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters")
        }
        guard let seconds = Int64(expires) else {
            throw S3Error(.accessDenied, "Invalid date (should be seconds since epoch): \(expires)")
        }
        return VersionTwoClaim(
            placement: .query(expires: seconds), accessKey: accessKey, signature: Array(signature.utf8),
            sessionToken: target.string("x-amz-security-token") ?? head.value("x-amz-security-token"))
    }

    /// Verifies the claim against the request, and says how the body is to be read. `virtualBucket` is the bucket that the host
    /// names, if one does.
    package func verify(
        _ head: RequestHead, target: RequestTarget, virtualBucket: String?, secretKey: String, now: Timestamp
    ) throws(S3Error) -> PayloadMode {
        try checkTime(head, now)
        let text = stringToSign(head, target, virtualBucket: virtualBucket)
        let expected = Base64.encodeBytes(HMACSHA1.authenticate(text, key: Array(secretKey.utf8)))
        guard constantTimeEqual(expected, signature) else {
            throw S3Error(.signatureDoesNotMatch)
                .with("AWSAccessKeyId", accessKey)
                .with("StringToSign", String(decoding: text, as: UTF8.self))
                .with("SignatureProvided", String(decoding: signature, as: UTF8.self))
                .with("StringToSignBytes", S3Error.dump(text))
        }
        let payload = try head.value("x-amz-content-sha256").map { text throws(S3Error) in
            try PayloadDeclaration(parsing: text)
        }
        return try Authorization.unsignedPayload(payload ?? .unsigned, head: head)
    }

    private func checkTime(_ head: RequestHead, _ now: Timestamp) throws(S3Error) {
        switch placement {
        case .query(let expires):
            guard now.seconds < expires else {
                throw S3Error(.accessDenied, "Request has expired")
                    .with("Expires", ISO8601.formatSeconds(Timestamp(seconds: expires)))
                    .with("ServerTime", ISO8601.formatSeconds(now))
            }
        case .header:
            guard let text = head.value("x-amz-date") ?? head.value("date"),
                let time = HTTPDate.parse(Self.withZoneName(text)) ?? ISO8601.parseCompact(text)
            else { throw S3Error(.accessDenied, "AWS authentication requires a valid Date or x-amz-date header") }
            let skew = AuthorizationClaim.skewSecondsMax
            guard time.seconds >= now.seconds - skew, time.seconds <= now.seconds + skew else {
                throw S3Error(.requestTimeTooSkewed)
                    .with("RequestTime", text)
                    .with("ServerTime", ISO8601.formatSeconds(now))
                    .with("MaxAllowedSkewMilliseconds", String(skew * 1000))
            }
        }
    }

    /// Version 2's own examples write `+0000` where HTTP has GMT.
    private static func withZoneName(_ text: String) -> String {
        text.hasSuffix("+0000") ? text.dropLast(5) + "GMT" : text
    }

    // MARK: What is signed

    /// Method, Content-MD5, Content-Type, time, the x-amz- fields, and the resource, a line each.
    private func stringToSign(_ head: RequestHead, _ target: RequestTarget, virtualBucket: String?) -> [UInt8] {
        var text = Array(head.bytes[head.method.range])
        text.append(contentsOf: "\n\(head.value("content-md5") ?? "")\n\(head.value("content-type") ?? "")\n".utf8)
        switch placement {
        case .query(let expires): text.append(contentsOf: "\(expires)".utf8)
        case .header where head.first("x-amz-date") == nil: text.append(contentsOf: (head.value("date") ?? "").utf8)
        case .header: break
        }
        text.append("\n")
        appendFields(head, to: &text)
        if let virtualBucket { text.append(contentsOf: "/\(virtualBucket)".utf8) }
        let path = Self.rawPath(head)
        text.append(contentsOf: path)
        // A bucket alone is signed with the slash that its path may lack.
        if virtualBucket == nil, path.count > 1, !path.dropFirst().contains(UInt8(ascii: "/")) { text.append("/") }
        appendParameters(target, to: &text)
        return text
    }

    /// In order of name, the values of one name joined by commas in the order sent.
    private func appendFields(_ head: RequestHead, to text: inout [UInt8]) {
        var fields: [(name: String, value: String)] = []
        for field in head.fields where head.hasAmzPrefix(field.name) {
            let name = head.lowercased(field.name), value = String(head.string(field.value).trimmingSpaces())
            if let index = fields.firstIndex(where: { $0.name == name }) {
                fields[index].value += ",\(value)"
            } else {
                fields.append((name, value))
            }
        }
        for field in fields.sorted(by: { $0.name < $1.name }) {
            text.append(contentsOf: "\(field.name):\(field.value)\n".utf8)
        }
    }

    /// The path as sent, still encoded.
    private static func rawPath(_ head: RequestHead) -> ArraySlice<UInt8> {
        var path = head.bytes[head.target.range]
        if path.first != UInt8(ascii: "/"), let scheme = path.firstIndex(of: UInt8(ascii: ":")) {
            let rest = path[scheme...].dropFirst(3)
            path = rest[(rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex)...]
        }
        return path[..<(path.firstIndex(of: UInt8(ascii: "?")) ?? path.endIndex)]
    }

    /// The sub-resources and overrides that version 2 covers, in order of name, decoded.
    private func appendParameters(_ target: RequestTarget, to text: inout [UInt8]) {
        var found: [(name: String, value: String)] = []
        for parameter in target.parameters {
            let name = String(decoding: target.name(of: parameter), as: UTF8.self)
            guard Self.signedParameters.contains(name) else { continue }
            found.append((name, String(decoding: target.value(of: parameter), as: UTF8.self)))
        }
        var separator = "?"
        for parameter in found.sorted(by: { $0.name < $1.name }) {
            text.append(contentsOf: (separator + parameter.name).utf8)
            if !parameter.value.isEmpty { text.append(contentsOf: "=\(parameter.value)".utf8) }
            separator = "&"
        }
    }

    private static let signedParameters: Set<String> = [
        "accelerate", "acl", "analytics", "cors", "defaultObjectAcl", "delete", "inventory", "lifecycle", "location",
        "logging",
        "metrics", "notification", "object-lock", "partNumber", "policy", "replication", "requestPayment",
        "response-cache-control", "response-content-disposition", "response-content-encoding",
        "response-content-language",
        "response-content-type", "response-expires", "restore", "select", "select-type", "storageClass", "tagging",
        "torrent",
        "uploadId", "uploads", "versionId", "versioning", "versions", "website",
    ]
}
