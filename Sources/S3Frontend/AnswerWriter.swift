import Base
import HTTPServer
import Objects
import Runtime
import S3Protocol

/// Puts an answer on the wire. Failures here are the connection's end: nobody is left to tell.
enum AnswerWriter {
    static func send(_ answer: Answer, to exchange: HTTPExchange, _ record: RequestRecord) async {
        var head = self.head(status: answer.status, record)
        for field in answer.fields { head.add(named: field.name, field.value) }
        // What follows is the client's time, but for reading the next piece of an object.
        record.pass?.leave()
        do {
            switch answer.body {
            case .none: try await exchange.send(head)
            case .bytes(let bytes):
                await record.pass?.paceAnswer(of: bytes.count)
                try await exchange.send(head, bytes)
            case .xml(let bytes):
                head.add("Content-Type", "application/xml")
                await record.pass?.paceAnswer(of: bytes.count)
                try await exchange.send(head, bytes)
            case .withheld(let count):
                try await exchange.start(head, .exactly(count))
                try await exchange.finish()
            case .object(let reader, let count): try await stream(reader, count, head, exchange, record.pass)
            case .expanded(let member, let count): try await stream(member, count, head, exchange, record.pass)
            }
        } catch {}
    }

    /// A reader that fails after the head was sent can only cut the connection: the client sees a short body, never wrong bytes.
    private static func stream(
        _ reader: ObjectReader, _ count: Int64, _ head: ResponseHead, _ exchange: HTTPExchange, _ pass: TrafficPass?
    ) async throws {
        do {
            try await exchange.start(head, .exactly(count))
            while true {
                await pass?.reenter()
                let next: BufferSlice?
                do throws(ObjectError) { next = try await reader.next() } catch {
                    pass?.leave()
                    throw error
                }
                pass?.leave()
                guard let slice = next else { break }
                guard let pass else {
                    try await exchange.write(slice)
                    continue
                }
                // A pointer does not keep its buffer alive while the call is under way.
                defer { withExtendedLifetime(slice) {} }
                try await pass.send(slice.bytes, to: exchange)
            }
            try await exchange.finish()
            await reader.close()
        } catch {
            await reader.close()
            exchange.abort()
            throw error
        }
    }

    private static func stream(
        _ member: ExpandedMember, _ count: Int64, _ head: ResponseHead, _ exchange: HTTPExchange, _ pass: TrafficPass?
    ) async throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 128 << 10, alignment: 64)
        defer { buffer.deallocate() }
        do {
            try await exchange.start(head, .exactly(count))
            while true {
                let made = try await member.read(into: buffer)
                guard made > 0 else { break }
                let piece = UnsafeRawBufferPointer(rebasing: buffer[..<made])
                if let pass {
                    try await pass.send(piece, to: exchange)
                } else {
                    try await exchange.write(piece)
                }
            }
            try await exchange.finish()
            await member.close()
        } catch {
            await member.close()
            exchange.abort()
            throw error
        }
    }

    static func send(_ error: S3Error, to exchange: HTTPExchange, _ record: RequestRecord) async {
        record.pass?.leave()
        var head = self.head(status: error.status, record)
        // Details with the names of fields are fields, and not in the document.
        for detail in error.details where isField(detail) { head.add(named: detail.name, detail.value) }
        if error.status == 503, error.detail("Retry-After") == nil { head.add("Retry-After", "1") }
        head.add("Content-Type", "application/xml")
        let path = exchange.head.string(exchange.head.target).prefix { $0 != "?" }
        let shown = S3Error(error.code, error.message, details: error.details.filter { !isField($0) })
        let document = shown.document(resource: String(path), requestID: record.requestID, hostID: record.hostID)
        do { try await exchange.send(head, document) } catch {}
    }

    /// The answer to bytes that are not HTTP as the server wants it: the same document, for want of a path without a resource.
    static func refusal(
        status: Int, requestID: String, hostID: String
    ) -> (head: ResponseHead, body: [UInt8]) {
        let error =
            switch status {
            case 408: S3Error(.requestTimeout)
            case 414, 431: S3Error(.requestHeaderSectionTooLarge)
            case 501: S3Error(.notImplemented)
            default: S3Error(.badRequest, "An error occurred when parsing the HTTP request.")
            }
        var head = ResponseHead(status: status == 505 ? 505 : error.status)
        head.add("Server", "Martlet")
        head.add("x-amz-request-id", requestID)
        head.add("x-amz-id-2", hostID)
        head.add("Content-Type", "application/xml")
        return (head, error.document(resource: "", requestID: requestID, hostID: hostID))
    }

    private static func isField(_ detail: S3Error.Detail) -> Bool {
        detail.name.hasPrefix("x-amz-") || detail.name == "Last-Modified" || detail.name == "Allow"
            || detail.name == "Retry-After"
    }

    private static func head(status: Int, _ record: RequestRecord) -> ResponseHead {
        var head = ResponseHead(status: status)
        head.add("Server", "Martlet")
        head.add("x-amz-request-id", record.requestID)
        head.add("x-amz-id-2", record.hostID)
        for field in record.cors { head.add(named: field.name, field.value) }
        return head
    }
}
