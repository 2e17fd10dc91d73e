package import Base
import Digests
package import S3Protocol

/// Makes the heads of presigned requests, at a fraction of what a general signer costs: all that does not change with the request
/// is prepared once. Keys and parameters are of characters that need no encoding.
package struct PresignedRequests: Sendable {
    private let key: SigningKey
    private let parameters: String
    private let stringStart: [UInt8]
    private let canonicalEnd: [UInt8]
    private let headEnd: [UInt8]

    /// Signatures are good for a day from `time`.
    package init(_ signer: RequestSigner, host: String, at time: Timestamp) {
        let text = ISO8601.formatCompact(time)
        let scope = CredentialScope(date: String(text.prefix(8)), region: signer.region, service: signer.service)
        key = SigningKey(secretKey: signer.secretKey, scope: scope)
        let credential = PercentEncoding.encode("\(signer.accessKey)/\(scope.text)".utf8)
        parameters =
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=\(String(decoding: credential, as: UTF8.self))"
            + "&X-Amz-Date=\(text)&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        stringStart = Array("AWS4-HMAC-SHA256\n\(text)\n\(scope.text)\n".utf8)
        canonicalEnd = Array("\nhost:\(host)\n\nhost\nUNSIGNED-PAYLOAD".utf8)
        headEnd = Array(" HTTP/1.1\r\nHost: \(host)\r\n".utf8)
    }

    /// Writes a head into `bytes`. `query` holds sorted, encoded parameters, each `name=value`, all after "X-Amz" in order.
    package func write(
        method: String, path: String, query: String = "", bodyCount: Int? = nil, to bytes: inout [UInt8]
    ) {
        var canonical: [UInt8] = []
        canonical.reserveCapacity(512)
        canonical.append(contentsOf: method.utf8)
        canonical.append(0x0A)
        canonical.append(contentsOf: path.utf8)
        canonical.append(0x0A)
        canonical.append(contentsOf: parameters.utf8)
        if !query.isEmpty {
            canonical.append(UInt8(ascii: "&"))
            canonical.append(contentsOf: query.utf8)
        }
        canonical.append(contentsOf: canonicalEnd)
        let signature = key.sign(stringStart + Hex.encodeBytes(SHA256.of(canonical)))

        bytes.removeAll(keepingCapacity: true)
        bytes.append(contentsOf: method.utf8)
        bytes.append(0x20)
        bytes.append(contentsOf: path.utf8)
        bytes.append(UInt8(ascii: "?"))
        bytes.append(contentsOf: parameters.utf8)
        if !query.isEmpty {
            bytes.append(UInt8(ascii: "&"))
            bytes.append(contentsOf: query.utf8)
        }
        bytes.append(contentsOf: "&X-Amz-Signature=".utf8)
        bytes.append(contentsOf: signature)
        bytes.append(contentsOf: headEnd)
        if let bodyCount { bytes.append(contentsOf: "Content-Length: \(bodyCount)\r\n".utf8) }
        bytes.append(contentsOf: "\r\n".utf8)
    }
}
