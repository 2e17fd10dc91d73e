import Base
import HTTPServer
import S3Protocol

/// One line of a bucket's access log, in AWS's format: fields apart by a space, `-` for what there is nothing to say about.
struct ServerAccessLine {
    var bucketOwner: String
    var record: RequestRecord
    var head: RequestHead
    var remoteAddress: String
    var sentBytes: Int64
    var totalNanoseconds: UInt64
    var turnAroundNanoseconds: UInt64?

    var text: String {
        var fields: [String] = [bucketOwner, record.bucket, "[\(Self.time(record.started))]"]
        fields.append(Self.word(remoteAddress))
        fields.append(Self.word(record.requester))
        fields.append(record.requestID)
        fields.append(operation)
        fields.append(record.object.isEmpty ? "-" : Self.encoded(record.object))
        fields.append(Self.quoted(requestLine))
        fields.append(String(record.status))
        fields.append(Self.word(record.errorCode))
        fields.append(sentBytes == 0 ? "-" : String(sentBytes))
        fields.append(Self.number(record.objectBytes))
        fields.append(String(totalNanoseconds / 1_000_000))
        fields.append(Self.number(turnAroundNanoseconds.map { Int64(clamping: $0 / 1_000_000) }))
        fields.append(Self.quoted(head.value("referer") ?? "-"))
        fields.append(Self.quoted(head.value("user-agent") ?? "-"))
        fields.append(Self.word(version))
        fields.append(record.hostID)
        fields.append(record.accessKey.isEmpty ? "-" : "SigV4")
        // The cipher suite and the version of TLS are the connection's; nobody hands them up.
        fields.append("-")
        fields.append(authentication)
        fields.append(Self.word(head.value("host") ?? ""))
        fields += ["-", "-", "-"]
        return fields.joined(separator: " ") + "\n"
    }

    /// REST.METHOD.RESOURCE.
    private var operation: String {
        let target = try? RequestTarget(head)  // One that can't be parsed has no sub-resource.
        let method = head.string(head.method)
        var resource = record.object.isEmpty ? "BUCKET" : "OBJECT"
        if let name = target.flatMap({ target in Self.subresources.first { target.contains($0) } }) {
            resource = "\(name)".uppercased().replacing("-", with: "_")
            if resource == "UPLOADID" { resource = target?.contains("partNumber") == true ? "PART" : "UPLOAD" }
            if resource == "DELETE" { resource = "MULTI_OBJECT_DELETE" }
            if resource == "TAGGING", !record.object.isEmpty { resource = "OBJECT_TAGGING" }
        }
        if head.first("x-amz-copy-source") != nil { return "REST.COPY.\(resource)" }
        return "REST.\(method).\(resource)"
    }

    private static let subresources: [StaticString] = [
        "uploads", "uploadId", "delete", "acl", "tagging", "versions", "versioning", "location", "policy",
        "policyStatus",
        "lifecycle", "cors", "encryption", "attributes", "retention", "legal-hold", "object-lock", "logging", "website",
        "notification", "replication", "requestPayment", "accelerate", "inventory", "publicAccessBlock",
        "ownershipControls",
    ]

    /// Signatures and tokens of presigned URLs do not belong in a log.
    private var requestLine: String {
        let line = "\(head.string(head.method)) \(head.string(head.target)) HTTP/1.\(head.version == .http10 ? 0 : 1)"
        guard line.contains("?") else { return line }
        var pieces: [Substring] = []
        for piece in line.split(separator: "&", omittingEmptySubsequences: false) {
            let name = piece.split(separator: "?").last?.split(separator: "=").first?.lowercased() ?? ""
            guard ["x-amz-signature", "x-amz-security-token", "signature"].contains(name) else {
                pieces.append(piece)
                continue
            }
            let end = piece.firstIndex(of: "=") ?? piece.endIndex
            let rest = piece.lastIndex(of: " ").map { piece[$0...] } ?? ""
            pieces.append(piece[..<end] + "=-" + rest)
        }
        return pieces.joined(separator: "&")
    }

    private var version: String { (try? RequestTarget(head))?.string("versionId") ?? "" }

    private var authentication: String {
        if head.first("authorization") != nil { return "AuthHeader" }
        return record.accessKey.isEmpty ? "-" : "QueryString"
    }

    /// `06/Feb/2019:00:00:38 +0000`
    static func time(_ time: Timestamp) -> String {
        let civil = CivilTime(time)
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        return "\(pad(civil.day))/\(months[civil.month - 1])/\(civil.year):\(pad(civil.hour)):\(pad(civil.minute)):"
            + "\(pad(civil.second)) +0000"
    }

    static func pad(_ value: Int) -> String { value < 10 ? "0\(value)" : String(value) }

    private static func number(_ value: Int64?) -> String { value.map { String($0) } ?? "-" }

    private static func word(_ text: String) -> String {
        text.isEmpty ? "-" : String(text.map { $0.isWhitespace ? "_" : $0 })
    }

    private static func quoted(_ text: String) -> String {
        "\"" + text.replacing("\"", with: "%22").filter { !$0.isNewline } + "\""
    }

    private static func encoded(_ key: String) -> String {
        String(decoding: PercentEncoding.encode(key.utf8, keepingSlash: true), as: UTF8.self)
    }
}
