import Base
import HTTPClient
import Runtime

/// One client: one connection, one request at a time, until the pass is over. Lives in one task on its loop.
final class LoadClient {
    private static let failuresMax = 100

    private let plan: LoadPlan
    private let requests: PresignedRequests
    private let pattern: LoadPattern
    private let time: any TimeSource
    private let loop: Loop
    private var random: LoadRandom
    private var connection: ClientConnection?
    private let head = UnsafeMutableRawBufferPointer.allocate(byteCount: 8 << 10, alignment: 16)
    private var scratch: [UInt8] = []
    private var listToken: String?
    private var stopsAt = UInt64.max
    private var tally = LoadTally()

    init(
        _ plan: LoadPlan, number: Int, requests: PresignedRequests, pattern: LoadPattern, time: any TimeSource,
        on loop: Loop
    ) {
        self.plan = plan
        self.requests = requests
        self.pattern = pattern
        self.time = time
        self.loop = loop
        random = LoadRandom(seed: plan.seed &* 1_000_003 &+ UInt64(number))
    }

    deinit { head.deallocate() }

    func run(_ pass: LoadPass) async -> LoadTally {
        // The loop reads the same clock.
        stopsAt = pass.stopsAt
        while tally.failures < Self.failuresMax {
            let started = time.monotonicNanoseconds()
            guard let index = pass.claim(now: started) else { break }
            let operation = plan.operation(random.next())
            do throws(ClientError) {
                let (bytes, items) = try await perform(operation, index)
                let ended = time.monotonicNanoseconds()
                tally.rows[operation, default: LoadTally.Row()].record(
                    nanoseconds: ended &- started, bytes: bytes, items: items, at: ended &- pass.started)
            } catch {
                tally.failures += 1
                if tally.firstFailure == nil { tally.firstFailure = "\(operation): \(error)" }
                connection?.close()
                connection = nil
            }
        }
        connection?.close()
        connection = nil
        tally.ended = time.monotonicNanoseconds()
        return tally
    }

    /// Bytes of the object's body that went either way, and keys listed.
    private func perform(_ operation: LoadOperation, _ index: Int) async throws(ClientError) -> (Int, Int) {
        switch operation {
        case .put:
            let size = plan.size.choose(random.next(), within: random.next())
            _ = try await send("PUT", path(index % plan.objects), bodyCount: size, index: index)
            return (size, 0)
        case .get:
            return (try await send("GET", path(anyIndex())).bodyCount, 0)
        case .head:
            _ = try await send("HEAD", path(anyIndex()))
            return (0, 0)
        case .delete:
            _ = try await send("DELETE", path(index % plan.objects))
            return (0, 0)
        case .list:
            return (0, try await list())
        case .multipart:
            return (try await multipart(index), 0)
        }
    }

    private func anyIndex() -> Int { Int(random.next() % UInt64(max(1, plan.objects))) }
    private func path(_ index: Int) -> String { "/\(plan.bucket)/\(plan.key(index))" }

    /// The next page of a listing that goes round and round.
    private func list() async throws(ClientError) -> Int {
        func encoded(_ text: String) -> String {
            text.utf8.reduce(into: "") { result, byte in
                let isPlain =
                    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                    || "-._~".utf8.contains(byte)
                result +=
                    isPlain
                    ? String(UnicodeScalar(byte))
                    : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        var query = ""
        if let listToken { query += "continuation-token=\(encoded(listToken))&" }
        if !plan.listDelimiter.isEmpty { query += "delimiter=\(encoded(plan.listDelimiter))&" }
        query += "list-type=2&max-keys=\(plan.listPageKeys)&prefix=\(encoded(plan.keyPrefix))"
        let answer = try await send("GET", "/\(plan.bucket)", query: query, keepsBody: true)
        listToken = ListAnswer.text(of: "NextContinuationToken", in: answer.body)
        return ListAnswer.text(of: "KeyCount", in: answer.body).flatMap { Int($0) } ?? 0
    }

    private func multipart(_ index: Int) async throws(ClientError) -> Int {
        let path = path(index % plan.objects), size = plan.size.choose(random.next(), within: random.next())
        let created = try await send("POST", path, query: "uploads=", bodyCount: 0, keepsBody: true)
        guard let id = ListAnswer.text(of: "UploadId", in: created.body) else {
            throw .malformed("no upload id")
        }
        var document = "<CompleteMultipartUpload>", left = size, number = 1
        repeat {
            let count = min(left, plan.partBytes)
            let part = try await send(
                "PUT", path, query: "partNumber=\(number)&uploadId=\(id)", bodyCount: count, index: index + number)
            document += "<Part><PartNumber>\(number)</PartNumber><ETag>\(part.etag ?? "")</ETag></Part>"
            left -= count
            number += 1
        } while left > 0
        document += "</CompleteMultipartUpload>"
        let body = UnsafeMutableRawBufferPointer.allocate(byteCount: document.utf8.count, alignment: 1)
        defer { body.deallocate() }
        body.copyBytes(from: document.utf8)
        _ = try await send(
            "POST", path, query: "uploadId=\(id)", bodyCount: body.count, keepsBody: true,
            document: UnsafeRawBufferPointer(body))
        return size
    }

    private func send(
        _ method: String, _ path: String, query: String = "", bodyCount: Int? = nil, index: Int = 0,
        keepsBody: Bool = false, document: UnsafeRawBufferPointer? = nil
    ) async throws(ClientError) -> ClientAnswer {
        requests.write(method: method, path: path, query: query, bodyCount: bodyCount, to: &scratch)
        guard scratch.count <= head.count else { throw .malformed("a request head beyond \(head.count) bytes") }
        head.copyBytes(from: scratch)
        let connection: ClientConnection
        if let open = self.connection {
            connection = open
        } else {
            connection = try ClientConnection(host: plan.host, port: plan.port, tls: plan.tls, on: loop)
            connection.stopsAt = stopsAt
            self.connection = connection
        }
        let answer = try await connection.exchange(
            UnsafeRawBufferPointer(rebasing: head[..<scratch.count]), pattern: document ?? pattern.bytes(from: index),
            bodyCount: bodyCount ?? 0, hasNoAnswerBody: method == "HEAD", keepsBody: keepsBody)
        if connection.mustClose {
            connection.close()
            self.connection = nil
        }
        guard answer.isOK else {
            throw .malformed("status \(answer.status) \(String(decoding: answer.body.prefix(300), as: UTF8.self))")
        }
        return answer
    }
}

/// Bytes of bodies, which no server can compress or recognise: random, and begun at another place for each object.
// SAFETY: the bytes are written in `init` and only read afterwards.
final class LoadPattern: @unchecked Sendable {
    private static let count = 1 << 20
    private static let spread = 4096
    private let storage: UnsafeMutableRawBufferPointer

    init(seed: UInt64) {
        storage = .allocate(byteCount: Self.count + Self.spread, alignment: 64)
        var random = LoadRandom(seed: seed)
        for offset in stride(from: 0, to: storage.count, by: 8) {
            storage.storeBytes(of: random.next(), toByteOffset: offset, as: UInt64.self)
        }
    }

    deinit { storage.deallocate() }

    func bytes(from index: Int) -> UnsafeRawBufferPointer {
        let start = index * 61 % Self.spread
        return UnsafeRawBufferPointer(rebasing: storage[start..<start + Self.count])
    }
}

enum ListAnswer {
    /// The text of the first element of that name, which holds no entities in what is looked for here.
    static func text(of name: String, in body: [UInt8]) -> String? {
        let open = Array("<\(name)>".utf8)
        var at = 0
        while at + open.count <= body.count {
            guard let start = body[at...].firstIndex(of: 0x3C) else { return nil }
            if body[start...].starts(with: open) {
                let text = body[(start + open.count)...].prefix { $0 != 0x3C }
                return String(decoding: text, as: UTF8.self)
            }
            at = start + 1
        }
        return nil
    }
}
