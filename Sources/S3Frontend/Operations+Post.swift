import Base
import HTTPServer
import Objects
import S3Protocol

/// Uploads by an HTML form: the fields say who uploads what, the file follows them.
extension Operations {
    /// `signer` looks up who signed the form's policy, and verifies it.
    func postObject(
        _ context: RequestContext, _ exchange: HTTPExchange,
        signer: (PostSignature, _ token: String?) throws(S3Error) -> SignerIdentity
    ) async throws(S3Error) -> Answer {
        guard exchange.bodyLength != nil, context.head.first("content-length") != nil else {
            throw S3Error(.missingContentLength)
        }
        var parser = try FormDataParser(contentType: context.header("content-type") ?? "")
        var form = FormFields(), fileType: String?
        reading: while true {
            switch try parser.next() {
            case nil:
                guard try await PostBodySource.feed(&parser, from: exchange, context.pass) else {
                    throw S3Error(.malformedPOSTRequest)
                }
            case .field(let name, let value)?: form.append(name, value)
            case .file(let name, let contentType)?:
                form.expand(fileName: Self.lastComponent(name ?? ""))
                fileType = contentType
                break reading
            case .end?:
                throw .invalidArgument(
                    "POST requires exactly one file upload per request.", name: "file", value: "0")
            }
        }
        let key = try Self.key(of: form), signature = try PostSignature(form)
        var upload = context
        upload.signer = try signer(signature, form["x-amz-security-token"])
        var lengths: ClosedRange<Int64> = 0...Self.singlePutBytesMax
        if let text = form["policy"], signature != .anonymous {
            let policy = try PostPolicy(parsing: Array(text.utf8))
            try policy.check(form, bucket: context.bucketOrEmpty, now: time.now())
            if let chosen = policy.lengths {
                lengths = chosen.lowerBound...max(chosen.lowerBound, min(chosen.upperBound, Self.singlePutBytesMax))
            }
        }
        upload.head = try RequestHead(form: form, contentType: fileType)
        var address = ResourceAddress(bucket: context.bucketOrEmpty, key: key)
        address.isVirtualHosted = context.request.address.isVirtualHosted
        upload.request = S3Request(
            operation: .putObject, address: address,
            target: try RequestTarget("/"))
        upload.payload = .plain
        let source = try PostBodySource(exchange, upload, parser, lengths: lengths)
        let stored = try await run(upload, body: RequestBody(exchange: exchange, context: upload, form: source))
        var place = context
        place.request = upload.request
        return finished(stored, form, upload, location: location(place))
    }

    private static func key(of form: FormFields) throws(S3Error) -> [UInt8] {
        guard let key = form["key"] else {
            throw .invalidArgument(
                "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields.",
                name: "key", value: "")
        }
        guard !key.isEmpty else {
            throw .invalidArgument("User key must have a length greater than 0.", name: "key", value: "")
        }
        try ObjectKeyRule.validate(Array(key.utf8))
        return Array(key.utf8)
    }

    /// Some browsers send the whole path.
    private static func lastComponent(_ name: String) -> String {
        guard let index = name.lastIndex(where: { $0 == "/" || $0 == "\\" }) else { return name }
        return String(name[name.index(after: index)...])
    }

    /// What the form wants to be told: a redirect, a document, or as little as can be.
    private func finished(
        _ stored: Answer, _ form: FormFields, _ upload: RequestContext, location place: String
    ) -> Answer {
        let etag = stored.fields.first { $0.name == "ETag" }?.value ?? ""
        var answer: Answer
        if let url = form["success_action_redirect"] ?? form["redirect"],
            url.hasPrefix("http://") || url.hasPrefix("https://")
        {
            func encoded(_ text: some Sequence<UInt8>) -> String {
                String(decoding: PercentEncoding.encode(text), as: UTF8.self)
            }
            let query =
                "bucket=\(encoded(upload.bucketOrEmpty.utf8))&key=\(encoded(upload.key))&etag=\(encoded(etag.utf8))"
            answer = Answer(303).with("Location", url + (url.contains("?") ? "&" : "?") + query)
        } else {
            switch form["success_action_status"] {
            case "200": answer = Answer(200)
            case "201":
                let bare = etag.filter { $0 != "\"" }
                answer = .xml(
                    postResponseDocument(
                        location: place, bucket: upload.bucketOrEmpty, key: upload.key, etag: bare), status: 201)
            default: answer = Answer(204)
            }
            answer.set("Location", place)
        }
        answer.fields += stored.fields
        return answer
    }
}
