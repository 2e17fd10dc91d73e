import Base
import HTTPServer
import ObjectFormat
import Objects
import S3Protocol

/// Serves a bucket as a web site: to anybody who may read its objects without a signature, in HTML where AWS answers in HTML.
extension Operations {
    func website(_ bucket: String, _ exchange: HTTPExchange, _ record: RequestRecord) async -> Answer {
        do throws(S3Error) {
            return try await page(of: bucket, exchange, record)
        } catch {
            return WebsitePage.error(error, record, isHead: exchange.head.string(exchange.head.method) == "HEAD")
        }
    }

    private func page(
        of name: String, _ exchange: HTTPExchange, _ record: RequestRecord
    ) async throws(S3Error) -> Answer {
        let head = exchange.head, method = head.string(head.method)
        guard method == "GET" || method == "HEAD" else {
            throw .methodNotAllowed(method: method, resourceType: "OBJECT").with("Allow", "GET, HEAD")
        }
        let path = Array(try RequestTarget(head).path.dropFirst())
        guard let bucket = try? store.bucket(name, tenant: record.tenant) else { throw .noSuchBucket(name) }
        guard let site = try parsed.value(.website, of: bucket, WebsiteConfiguration.init(parsing:)) else {
            throw S3Error(.noSuchWebsiteConfiguration).with("BucketName", name)
        }
        let visitor = WebsiteVisitor(
            host: head.value("host") ?? "", isSecure: exchange.isSecure,
            query: head.string(head.target).split(separator: "?", maxSplits: 1).dropFirst().first.map(String.init))
        if let all = site.redirectAll {
            return visitor.redirect(301, scheme: all.scheme, host: all.host, key: path, keepsQuery: true)
        }
        if let rule = site.rule(for: path, error: nil) { return visitor.redirect(rule, key: path) }

        let suffix = Array((site.indexSuffix ?? "").utf8)
        let isFolder = path.isEmpty || path.last == UInt8(ascii: "/")
        func context(_ key: [UInt8], _ head: RequestHead, _ operation: S3Operation) throws(S3Error) -> RequestContext {
            try ObjectKeyRule.validate(key)
            return RequestContext(
                head: head,
                request: S3Request(
                    operation: operation, address: ResourceAddress(bucket: name, key: key),
                    target: try RequestTarget("/")),
                signer: .anonymous(in: record.tenant), payload: .plain, remoteAddress: exchange.remoteAddress,
                isSecure: exchange.isSecure, now: record.started)
        }
        func read(_ key: [UInt8], _ head: RequestHead, _ operation: S3Operation) async throws(S3Error) -> Answer {
            let context = try context(key, head, operation)
            return try await run(context, body: RequestBody(exchange: exchange, context: context))
        }
        let wanted: S3Operation = method == "HEAD" ? .headObject : .getObject
        let failure: S3Error
        do throws(S3Error) {
            let answer = try await read(isFolder ? path + suffix : path, head, wanted)
            guard let place = answer.fields.first(where: { $0.name == WebsitePage.redirectField })?.value else {
                return answer
            }
            await answer.discard()
            return Answer(301).with("Location", place)
        } catch { failure = error }

        let bare = try RequestHead(form: FormFields(), contentType: nil)
        if !isFolder, failure.status == 404 || failure.status == 403 {
            // A folder with an index, asked for without its slash.
            let index = path + [UInt8(ascii: "/")] + suffix
            if index.count <= ObjectKeyRule.bytesMax, (try? await read(index, bare, .headObject)) != nil {
                return Answer(302).with("Location", "/" + WebsiteVisitor.encoded(path) + "/")
            }
        }
        if let rule = site.rule(for: path, error: failure.status) { return visitor.redirect(rule, key: path) }
        guard let errorKey = site.errorKey, (400..<500).contains(failure.status) else { throw failure }
        do throws(S3Error) {
            var answer = try await read(Array(errorKey.utf8), bare, wanted)
            answer.status = failure.status
            return answer
        } catch {
            throw failure.with(WebsitePage.noErrorDocument, errorKey)
        }
    }
}

/// What is needed of a request to send its sender elsewhere.
private struct WebsiteVisitor {
    var host: String
    var isSecure: Bool
    var query: String?

    func redirect(_ rule: WebsiteConfiguration.RoutingRule, key: [UInt8]) -> Answer {
        var target = key
        if let whole = rule.replaceKey {
            target = Array(whole.utf8)
        } else if let prefix = rule.replaceKeyPrefix {
            target = Array(prefix.utf8) + key.dropFirst(rule.keyPrefix?.utf8.count ?? 0)
        }
        return redirect(rule.redirectCode ?? 301, scheme: rule.scheme, host: rule.host, key: target, keepsQuery: false)
    }

    func redirect(
        _ status: Int, scheme: WebsiteConfiguration.Scheme?, host: String?, key: [UInt8], keepsQuery: Bool
    ) -> Answer {
        let scheme = scheme?.rawValue ?? (isSecure ? "https" : "http")
        let query = keepsQuery ? self.query.map { "?" + $0 } ?? "" : ""
        return Answer(status).with("Location", "\(scheme)://\(host ?? self.host)/\(Self.encoded(key))\(query)")
    }

    static func encoded(_ key: [UInt8]) -> String {
        String(decoding: PercentEncoding.encode(key, keepingSlash: true), as: UTF8.self)
    }
}

extension WebsiteConfiguration {
    /// The first rule for a key, before anything is read (`error` nil) or after the read failed with that status.
    fileprivate func rule(for key: [UInt8], error: Int?) -> RoutingRule? {
        rules.first { $0.errorCode == error && key.starts(with: ($0.keyPrefix ?? "").utf8) }
    }
}

extension Answer {
    /// Lets go of what the answer would have read.
    fileprivate func discard() async {
        switch body {
        case .object(let reader, _): await reader.close()
        case .expanded(let member, _): await member.close()
        case .none, .xml, .bytes, .withheld: break
        }
    }
}

enum WebsitePage {
    static let redirectField = "x-amz-website-redirect-location"
    /// A detail that is not shown in the list: the error document could not be read either.
    fileprivate static let noErrorDocument = "x-error-document"

    static func error(_ error: S3Error, _ record: RequestRecord, isHead: Bool) -> Answer {
        let title = "\(error.status) \(reason(error.status))"
        var items = [("Code", error.code.name), ("Message", error.message)]
        items += error.details.filter { !$0.name.hasPrefix("x-") }.map { ($0.name, $0.value) }
        items += [("RequestId", record.requestID), ("HostId", record.hostID)]
        var html = "<html>\n<head><title>\(title)</title></head>\n<body>\n<h1>\(title)</h1>\n<ul>\n"
        for (name, value) in items { html += "<li>\(name): \(escaped(value))</li>\n" }
        html += "</ul>\n"
        if error.detail(noErrorDocument) != nil {
            html += "<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>\n"
        }
        html += "<hr/>\n</body>\n</html>\n"
        let bytes = Array(html.utf8)
        var answer = Answer(error.status, body: isHead ? .withheld(count: Int64(bytes.count)) : .bytes(bytes))
        answer.set("Content-Type", "text/html; charset=utf-8")
        answer.set("x-amz-error-code", error.code.name)
        answer.set("x-amz-error-message", error.message)
        answer.set("Allow", error.detail("Allow"))
        return answer
    }

    private static func escaped(_ text: String) -> String {
        var writer = XMLWriter(capacity: text.utf8.count + 16)
        writer.escape(text)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    private static func reason(_ status: Int) -> String {
        switch status {
        case 400: "Bad Request"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 412: "Precondition Failed"
        case 416: "Requested Range Not Satisfiable"
        case 500: "Internal Server Error"
        case 503: "Service Unavailable"
        default: "Error"
        }
    }
}
