package import Base
import Digests

/// Reads the claim of a request. The caller looks the access key up and goes on with `AuthorizationClaim.verify`.
package func parseCredentials(_ head: RequestHead, target: RequestTarget) throws(S3Error) -> Authorization {
    let field = head.first("authorization")
    let isQueryV4 =
        target.firstFoldingCase("x-amz-algorithm") != nil || target.firstFoldingCase("x-amz-signature") != nil
        || target.firstFoldingCase("x-amz-credential") != nil
    let isQueryV2 = target.contains("Signature") && target.contains("AWSAccessKeyId")
    let count = head.count("authorization") + (isQueryV4 ? 1 : 0) + (isQueryV2 ? 1 : 0)
    guard count <= 1 else {
        throw .invalidArgument(
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, "
                + "Signature query string parameter or the Authorization header should be specified",
            name: "Authorization", value: field.map(head.string) ?? "")
    }
    if let field {
        let value = head.string(field)
        // An empty field claims nothing.
        guard !value.isEmpty else { throw S3Error(.accessDenied) }
        if value.hasPrefix("AWS ") { return .signedVersionTwo(try .header(head, value: value)) }
        return .signed(try parseHeader(head, value: value))
    }
    if isQueryV4 { return .signed(try parseQuery(head, target)) }
    if isQueryV2 { return .signedVersionTwo(try .query(head, target)) }
    return .anonymous(try declaredPayload(head) ?? .unsigned)
}

/// The claim of a request to another service than S3 on this endpoint, whose signature covers the hash of its body.
package func parseServiceCredentials(
    _ head: RequestHead, services: [String], body: [UInt8]
) throws(S3Error) -> AuthorizationClaim {
    guard let field = head.first("authorization") else { throw S3Error(.missingAuthenticationToken) }
    return try parseHeader(
        head, value: head.string(field), services: services, payload: .sha256(hex: Hex.encode(SHA256.of(body))))
}

private func declaredPayload(_ head: RequestHead) throws(S3Error) -> PayloadDeclaration? {
    guard let text = head.value("x-amz-content-sha256") else { return nil }
    return try PayloadDeclaration(parsing: text)
}

private enum AuthorizationMessage {
    static let missingDate = S3Error(
        .accessDenied, "AWS authentication requires a valid Date or x-amz-date header")

    static func malformed(_ message: String) -> S3Error {
        S3Error(.authorizationHeaderMalformed, "The authorization header is malformed; " + message)
    }

    static func query(_ message: String) -> S3Error { S3Error(.authorizationQueryParametersError, message) }
}

// MARK: - The Authorization field

private func parseHeader(
    _ head: RequestHead, value: String, services: [String] = ["s3"], payload known: PayloadDeclaration? = nil
) throws(S3Error) -> AuthorizationClaim {
    let scheme = value.prefix { $0 != " " }
    guard scheme == AuthorizationClaim.algorithm else {
        switch scheme {
        case "AWS4-ECDSA-P256-SHA256": throw .notImplemented(header: "Authorization")
        default: throw .invalidArgument("Unsupported Authorization Type", name: "Authorization", value: value)
        }
    }
    var credential: Substring?
    var signedHeaders: Substring?
    var signature: Substring?
    for piece in value.dropFirst(scheme.count).split(separator: ",") {
        let piece = piece.trimmingSpaces()
        guard let equals = piece.utf8.firstIndex(of: UInt8(ascii: "=")) else { continue }
        let text = piece[piece.utf8.index(after: equals)...]
        switch piece[..<equals] {
        case "Credential": credential = text
        case "SignedHeaders": signedHeaders = text
        case "Signature": signature = text
        default: continue
        }
    }
    guard let credential, let signedHeaders, let signature else {
        throw AuthorizationMessage.malformed(
            "the authorization header requires three components: Credential, SignedHeaders, and Signature.")
    }
    let (accessKey, scope) = try parseCredential(
        credential, AuthorizationMessage.malformed, where: "", services: services)
    let (time, timeText) = try requestTime(head)
    guard timeText.hasPrefix(scope.date) else {
        throw AuthorizationMessage.malformed(
            "Invalid credential date \"\(scope.date)\". This date is not the same as X-Amz-Date: \"\(timeText.prefix(8))\"."
        )
    }
    let declared: PayloadDeclaration?
    if let known { declared = known } else { declared = try declaredPayload(head) }
    guard let payload = declared else {
        throw S3Error(.invalidRequest, "Missing required header for this request: x-amz-content-sha256")
    }
    return AuthorizationClaim(
        placement: .header, accessKey: accessKey, scope: scope, signedHeaders: Array(signedHeaders.utf8),
        signature: Array(signature.utf8), time: time, timeText: timeText, expiresSeconds: nil,
        sessionToken: head.value("x-amz-security-token"), payload: payload)
}

/// x-amz-date; without it, Date. Either may have the compact form or the form of HTTP.
private func requestTime(_ head: RequestHead) throws(S3Error) -> (Timestamp, String) {
    guard let text = head.value("x-amz-date") ?? head.value("date") else { throw AuthorizationMessage.missingDate }
    if let time = ISO8601.parseCompact(text) { return (time, text) }
    guard let time = HTTPDate.parse(text) else { throw AuthorizationMessage.missingDate }
    return (time, ISO8601.formatCompact(time))
}

/// `key/date/region/service/aws4_request`. The access key may itself contain slashes.
func parseCredential(
    _ text: some StringProtocol, _ error: (String) -> S3Error, where place: String, services: [String] = ["s3"]
) throws(S3Error) -> (accessKey: String, scope: CredentialScope) {
    // By bytes, from the end: every request comes this way, and splitting text costs as much as the signature.
    let bytes = Array(text.utf8)
    var slashes: [Int] = []
    slashes.reserveCapacity(4)
    for index in bytes.indices.reversed() where bytes[index] == UInt8(ascii: "/") {
        slashes.append(index)
        if slashes.count == 4 { break }
    }
    guard slashes.count == 4 else {
        throw error(
            "\(place)the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".")
    }
    func piece(_ from: Int, _ to: Int) -> String { String(decoding: bytes[from..<to], as: UTF8.self) }
    let accessKey = piece(0, slashes[3]), date = piece(slashes[3] + 1, slashes[2])
    let region = piece(slashes[2] + 1, slashes[1]), service = piece(slashes[1] + 1, slashes[0])
    let terminal = piece(slashes[0] + 1, bytes.count)
    guard terminal == "aws4_request" else {
        throw error("\(place)incorrect terminal \"\(terminal)\". This endpoint uses \"aws4_request\".")
    }
    guard services.contains(service) else {
        throw error("\(place)incorrect service \"\(service)\". This endpoint belongs to \"\(services[0])\".")
    }
    guard date.utf8.count == 8, date.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
        throw error(
            "\(place)incorrect date format \"\(date)\". This date in the credential must be in the format \"yyyyMMdd\"."
        )
    }
    guard !accessKey.isEmpty else {
        throw error(
            "\(place)the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".")
    }
    return (accessKey, CredentialScope(date: date, region: region, service: service))
}

// MARK: - The query of a presigned URL

private func parseQuery(_ head: RequestHead, _ target: RequestTarget) throws(S3Error) -> AuthorizationClaim {
    guard let algorithm = target.stringFoldingCase("x-amz-algorithm"),
        let credential = target.stringFoldingCase("x-amz-credential"),
        let signature = target.stringFoldingCase("x-amz-signature"),
        let timeText = target.stringFoldingCase("x-amz-date"),
        let signedHeaders = target.stringFoldingCase("x-amz-signedheaders"),
        let expires = target.stringFoldingCase("x-amz-expires")
    else {
        throw AuthorizationMessage.query(
            "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, "
                + "X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.")
    }
    if algorithm == "AWS4-ECDSA-P256-SHA256" { throw .notImplemented(header: "X-Amz-Algorithm") }
    guard algorithm == AuthorizationClaim.algorithm else {
        throw AuthorizationMessage.query("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"")
    }
    let (accessKey, scope) = try parseCredential(
        credential, AuthorizationMessage.query, where: "Error parsing the X-Amz-Credential parameter; ")
    guard let time = ISO8601.parseCompact(timeText) else {
        throw AuthorizationMessage.query(
            "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
    }
    guard timeText.hasPrefix(scope.date) else {
        throw AuthorizationMessage.query(
            "Error parsing the X-Amz-Credential parameter; Invalid credential date \"\(scope.date)\". "
                + "This date is not the same as X-Amz-Date: \"\(timeText.prefix(8))\".")
    }
    let seconds = try parseExpires(expires)
    // The hash of the body can be given as a parameter or as a signed field; a URL for anybody's body has neither.
    var payload = PayloadDeclaration.unsigned
    if let text = target.stringFoldingCase("x-amz-content-sha256") {
        payload = try PayloadDeclaration(parsing: text)
    } else if let declared = try declaredPayload(head) {
        payload = declared
    }
    return AuthorizationClaim(
        placement: .query, accessKey: accessKey, scope: scope, signedHeaders: Array(signedHeaders.utf8),
        signature: Array(signature.utf8), time: time, timeText: timeText, expiresSeconds: seconds,
        sessionToken: target.stringFoldingCase("x-amz-security-token"), payload: payload)
}

/// Zero is taken, as AWS takes it: such a URL has expired as soon as the clock moves on.
private func parseExpires(_ text: String) throws(S3Error) -> Int64 {
    guard let seconds = Int64(text) else {
        throw AuthorizationMessage.query("X-Amz-Expires should be a number")
    }
    guard seconds >= 0 else { throw AuthorizationMessage.query("X-Amz-Expires must be non-negative") }
    guard seconds <= AuthorizationClaim.expiresSecondsMax else {
        throw AuthorizationMessage.query(
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds"
        )
    }
    return seconds
}

extension StringProtocol {
    /// Without spaces and tabs at either end.
    func trimmingSpaces() -> Substring {
        func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        let text = Substring(self)
        guard let first = text.utf8.firstIndex(where: { !isSpace($0) }),
            let last = text.utf8.lastIndex(where: { !isSpace($0) })
        else { return "" }
        return text[first...last]
    }
}
