package import Base
import Digests

/// Signs requests with version 4: for tests, and for Martlet as a client of other stores.
package struct RequestSigner: Sendable {
    package var accessKey: String
    package var secretKey: String
    package var region: String
    package var service: String
    package var sessionToken: String?

    package init(
        accessKey: String, secretKey: String, region: String, service: String = "s3", sessionToken: String? = nil
    ) {
        self.accessKey = accessKey
        self.secretKey = secretKey
        self.region = region
        self.service = service
        self.sessionToken = sessionToken
    }

    package struct Signed: Sendable {
        /// The fields given and those that signing adds, Authorization last.
        package var headers: [(name: String, value: String)]
        package var signature: String
        /// For the chunks, when the payload is in signed chunks.
        package var chunkSigner: ChunkSigner
    }

    /// Signs a request. `target` is the path and query as they will be sent; `headers` must have Host and are all
    /// signed.
    package func sign(
        method: String, target: String, headers: [(name: String, value: String)], payload: PayloadDeclaration,
        at time: Timestamp
    ) throws(S3Error) -> Signed {
        let timeText = ISO8601.formatCompact(time)
        var headers = headers
        headers.append(("x-amz-content-sha256", payload.text))
        headers.append(("x-amz-date", timeText))
        if let sessionToken { headers.append(("x-amz-security-token", sessionToken)) }
        let signedHeaders = Self.signedHeaders(headers)
        let signature = try signature(
            method: method, target: target, headers: headers, signedHeaders: signedHeaders, payload: payload,
            timeText: timeText)
        let scope = scope(timeText)
        headers.append(
            (
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=\(accessKey)/\(scope.text), SignedHeaders=\(signedHeaders), Signature=\(signature)"
            ))
        let chunkSigner = ChunkSigner(
            key: SigningKey(secretKey: secretKey, scope: scope), timeText: timeText, scope: scope,
            seed: Array(signature.utf8))
        return Signed(headers: headers, signature: signature, chunkSigner: chunkSigner)
    }

    /// The target with which anybody may make the request until it expires. `target` may have a query of its own.
    package func presign(
        method: String, target: String, host: String, headers: [(name: String, value: String)] = [],
        expiresSeconds: Int, at time: Timestamp
    ) throws(S3Error) -> String {
        let timeText = ISO8601.formatCompact(time)
        let headers = [("host", host)] + headers
        let signedHeaders = Self.signedHeaders(headers)
        func encoded(_ text: String) -> String { String(decoding: PercentEncoding.encode(text.utf8), as: UTF8.self) }
        var target = target + (target.contains("?") ? "&" : "?")
        target += "X-Amz-Algorithm=AWS4-HMAC-SHA256"
        target += "&X-Amz-Credential=" + encoded("\(accessKey)/\(scope(timeText).text)")
        target += "&X-Amz-Date=\(timeText)&X-Amz-Expires=\(expiresSeconds)"
        if let sessionToken { target += "&X-Amz-Security-Token=" + encoded(sessionToken) }
        target += "&X-Amz-SignedHeaders=" + encoded(signedHeaders)
        let signature = try signature(
            method: method, target: target, headers: headers, signedHeaders: signedHeaders, payload: .unsigned,
            timeText: timeText)
        return target + "&X-Amz-Signature=" + signature
    }

    private func scope(_ timeText: String) -> CredentialScope {
        CredentialScope(date: String(timeText.prefix(8)), region: region, service: service)
    }

    private static func signedHeaders(_ headers: [(name: String, value: String)]) -> String {
        var names = headers.map { $0.name.lowercased() }.sorted()
        var last: String?
        names.removeAll { name in
            defer { last = name }
            return name == last
        }
        return names.joined(separator: ";")
    }

    private func signature(
        method: String, target: String, headers: [(name: String, value: String)], signedHeaders: String,
        payload: PayloadDeclaration, timeText: String
    ) throws(S3Error) -> String {
        let head = RequestHead(method: method, target: target, headers: headers)
        let canonical = CanonicalRequest(
            head, try RequestTarget(head), signedHeaders: Array(signedHeaders.utf8), payload: payload, omitting: nil)
        let scope = scope(timeText)
        let text = "AWS4-HMAC-SHA256\n\(timeText)\n\(scope.text)\n\(Hex.encode(SHA256.of(canonical.bytes)))"
        let key = SigningKey(secretKey: secretKey, scope: scope)
        return String(decoding: key.sign(Array(text.utf8)), as: UTF8.self)
    }
}

extension RequestHead {
    /// The head that a client would send: what signing and verifying both read.
    package init(method: String, target: String, headers: [(name: String, value: String)]) {
        var bytes: [UInt8] = []
        func append(_ text: String) -> Slice {
            let start = bytes.count
            bytes.append(contentsOf: text.utf8)
            return Slice(start: start, count: bytes.count - start)
        }
        let method = append(method)
        bytes.append(" ")
        let target = append(target)
        bytes.append(" HTTP/1.1\r\n")
        var fields: [Field] = []
        for (name, value) in headers {
            let name = append(name)
            bytes.append(": ")
            let value = append(String(value.trimmingSpaces()))
            bytes.append("\r\n")
            fields.append(Field(name: name, value: value))
        }
        bytes.append("\r\n")
        self.init(bytes: bytes, method: method, target: target, version: .http11, fields: fields)
    }
}
