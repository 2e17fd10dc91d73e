package import Base
import Digests

/// The fields of an upload form, in the order sent. Names are compared without regard to case; the first of a name counts.
package struct FormFields: Hashable, Sendable {
    package struct Field: Hashable, Sendable {
        /// In lower case.
        package var name: String
        package var value: String
    }

    package private(set) var fields: [Field] = []

    package init() {}

    package mutating func append(_ name: String, _ value: String) {
        fields.append(Field(name: name.lowercased(), value: value))
    }

    package subscript(name: String) -> String? { fields.first { $0.name == name }?.value }

    /// Every `${filename}` becomes the file's name: before anything is compared or used.
    package mutating func expand(fileName: String) {
        for index in fields.indices where fields[index].value.contains("${filename}") {
            fields[index].value = fields[index].value.split(separator: "${filename}", omittingEmptySubsequences: false)
                .joined(separator: fileName)
        }
    }
}

/// Who signed an upload form's policy.
package enum PostSignature: Hashable, Sendable {
    case anonymous
    case versionTwo(accessKey: String, signature: [UInt8], policy: [UInt8])
    case versionFour(accessKey: String, scope: CredentialScope, signature: [UInt8], policy: [UInt8])

    package var accessKey: String? {
        switch self {
        case .anonymous: nil
        case .versionTwo(let accessKey, _, _), .versionFour(let accessKey, _, _, _): accessKey
        }
    }

    package init(_ fields: FormFields) throws(S3Error) {
        func required(_ name: String, shown: String) throws(S3Error) -> String {
            guard let value = fields[name], !value.isEmpty else {
                throw .invalidArgument(
                    "Bucket POST must contain a field named '\(shown)'.  If it is specified, please check the order of the fields.",
                    name: shown, value: "")
            }
            return value
        }
        let isFour = ["x-amz-signature", "x-amz-credential", "x-amz-algorithm"].contains { fields[$0] != nil }
        let isTwo = fields["awsaccesskeyid"] != nil || fields["signature"] != nil
        guard isFour || isTwo || fields["policy"] != nil else {
            self = .anonymous
            return
        }
        let policy = Array(try required("policy", shown: "policy").utf8)
        guard isFour else {
            self = .versionTwo(
                accessKey: try required("awsaccesskeyid", shown: "AWSAccessKeyId"),
                signature: Array(try required("signature", shown: "signature").utf8), policy: policy)
            return
        }
        let algorithm = try required("x-amz-algorithm", shown: "X-Amz-Algorithm")
        guard algorithm == AuthorizationClaim.algorithm else {
            throw .invalidArgument(
                "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"", name: "X-Amz-Algorithm", value: algorithm)
        }
        let credential = try required("x-amz-credential", shown: "X-Amz-Credential")
        let (accessKey, scope) = try parseCredential(
            credential, { .invalidArgument($0, name: "X-Amz-Credential", value: credential) }, where: "")
        let date = try required("x-amz-date", shown: "X-Amz-Date")
        guard ISO8601.parseCompact(date) != nil, date.hasPrefix(scope.date) else {
            throw .invalidArgument(
                "X-Amz-Date must be formatted via ISO8601 Long format, and of the day of the credential",
                name: "X-Amz-Date", value: date)
        }
        self = .versionFour(
            accessKey: accessKey, scope: scope,
            signature: Array(try required("x-amz-signature", shown: "X-Amz-Signature").utf8), policy: policy)
    }

    package func verify(secretKey: String, region: String) throws(S3Error) {
        let expected: [UInt8], found: [UInt8], policy: [UInt8], accessKey: String
        switch self {
        case .anonymous: return
        case .versionTwo(let key, let signature, let text):
            (accessKey, found, policy) = (key, signature, text)
            expected = Base64.encodeBytes(HMACSHA1.authenticate(text, key: Array(secretKey.utf8)))
        case .versionFour(let key, let scope, let signature, let text):
            guard scope.region == region else {
                throw S3Error(
                    .authorizationQueryParametersError,
                    "Error parsing the X-Amz-Credential parameter; the region '\(scope.region)' is wrong; expecting '\(region)'"
                ).with("Region", region)
            }
            (accessKey, found, policy) = (key, signature, text)
            expected = SigningKey(secretKey: secretKey, scope: scope).sign(text)
        }
        guard constantTimeEqual(expected, found) else {
            throw S3Error(.signatureDoesNotMatch).with("AWSAccessKeyId", accessKey)
                .with("StringToSign", String(decoding: policy, as: UTF8.self))
                .with("SignatureProvided", String(decoding: found, as: UTF8.self))
                .with("StringToSignBytes", S3Error.dump(Array(policy)))
        }
    }
}

extension RequestHead {
    /// The fields of a form that stand for headers, as the head of the PUT that they describe: the rest of the server then reads
    /// them as it reads any other. A value that could not be a header's is refused.
    package init(form: FormFields, contentType: String?) throws(S3Error) {
        var bytes = Array("PUT / HTTP/1.1\r\n".utf8), fields: [RequestHead.Field] = []
        func add(_ name: String, _ value: String) {
            let start = bytes.count
            bytes.append(contentsOf: name.utf8)
            let nameEnd = bytes.count
            bytes.append(contentsOf: ": ".utf8)
            let valueStart = bytes.count
            bytes.append(contentsOf: value.utf8)
            fields.append(
                RequestHead.Field(
                    name: Slice(start: start, count: nameEnd - start),
                    value: Slice(start: valueStart, count: bytes.count - valueStart)))
            bytes.append(contentsOf: "\r\n".utf8)
        }
        for field in form.fields {
            let isHeader =
                field.name.hasPrefix("x-amz-") && !Self.ofSignature.contains(field.name)
                || Self.contentFields.contains(field.name)
            guard isHeader || field.name == "acl" else { continue }
            let isToken = field.name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ":") }
            guard isToken, field.value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
                throw .invalidArgument("The value of a form field is not valid", name: field.name, value: "")
            }
            add(field.name == "acl" ? "x-amz-acl" : field.name, String(field.value.trimmingSpaces()))
        }
        if form["content-type"] == nil, let contentType { add("content-type", contentType) }
        if let tagging = form["tagging"] { add("x-amz-tagging", try Self.taggingQuery(tagging)) }
        bytes.append(contentsOf: "\r\n".utf8)
        self.init(
            bytes: bytes, method: Slice(start: 0, count: 3), target: Slice(start: 4, count: 1), version: .http11,
            fields: fields)
    }

    private static let ofSignature: Set<String> = [
        "x-amz-signature", "x-amz-credential", "x-amz-algorithm", "x-amz-date", "x-amz-security-token",
    ]
    private static let contentFields: Set<String> = [
        "cache-control", "content-type", "content-disposition", "content-encoding", "content-language", "content-md5",
        "expires",
    ]

    /// A form has tags as a document, a PUT has them as a query.
    private static func taggingQuery(_ document: String) throws(S3Error) -> String {
        let tags = try ObjectTagSet(parsing: Array(document.utf8)).tags
        return tags.map { tag in
            let key = String(decoding: PercentEncoding.encode(tag.key.utf8), as: UTF8.self)
            return key + "=" + String(decoding: PercentEncoding.encode(tag.value.utf8), as: UTF8.self)
        }.joined(separator: "&")
    }
}

/// The body of 201 Created.
package func postResponseDocument(location: String, bucket: String, key: [UInt8], etag: String) -> [UInt8] {
    var writer = XMLWriter(capacity: 512 + key.count)
    writer.declaration()
    writer.open("PostResponse")
    writer.element("Location", location)
    writer.element("Bucket", bucket)
    writer.element("Key", bytes: key)
    writer.etag(etag)
    writer.close("PostResponse")
    return writer.bytes
}
