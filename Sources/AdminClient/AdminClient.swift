package import Base
import Digests
import HTTPClient
package import Runtime
package import S3Protocol
import Synchronization
package import TLS

/// Why a call of the administration did not succeed.
package enum AdminError: Error, Sendable {
    /// No server answered there.
    case unreachable(String)
    /// The server said no: its code and sentence.
    case refused(code: String, message: String)
    case unreadable(String)
}

/// Calls the IAM API of a Martlet server: a form, signed, over one connection for each call.
package struct AdminClient: Sendable {
    let endpoint: AdminEndpoint
    let signer: RequestSigner
    let time: any TimeSource
    let loop: Loop
    /// What is trusted; nil for an endpoint without TLS.
    let tls: TLSClient?

    package init(
        endpoint: AdminEndpoint, accessKey: String, secretKey: String, region: String, time: any TimeSource,
        tls: TLSClient?, on loop: Loop
    ) {
        self.tls = tls
        self.endpoint = endpoint
        signer = RequestSigner(accessKey: accessKey, secretKey: secretKey, region: region, service: "iam")
        self.time = time
        self.loop = loop
    }

    /// The result of an action: the element inside its response; empty when the action answers nothing.
    package func call(
        _ action: String, _ parameters: [(name: String, value: String)]
    ) async throws(AdminError) -> XMLElement {
        let (status, body) = try await send(Self.form([("Action", action), ("Version", "2010-05-08")] + parameters))
        let document: XMLElement
        do throws(S3Error) {
            document = try XMLReader.parse(body, limits: .longLists)
        } catch {
            throw .unreadable("status \(status) without a document that can be read: is this a Martlet server?")
        }
        if status == 200 {
            return document.children.first { $0.name == action + "Result" } ?? XMLElement(name: action + "Result")
        }
        // IAM's errors lie one level deeper than S3's.
        let error = document.children.first { $0.name == "Error" } ?? document
        func text(_ name: String) -> String { error.children.first { $0.name == name }?.text ?? "" }
        throw .refused(code: text("Code"), message: text("Message"))
    }

    /// All members of a list that comes in pages.
    package func members(
        of list: String, _ action: String, _ parameters: [(name: String, value: String)]
    ) async throws(AdminError) -> [XMLElement] {
        var members: [XMLElement] = [], marker: String?
        repeat {
            let page = try await call(action, parameters + (marker.map { [("Marker", $0)] } ?? []))
            members += page.children.first { $0.name == list }?.children ?? []
            let next = page.children.first { $0.name == "Marker" }?.text
            guard next != marker else { break }
            marker = next
        } while marker != nil
        return members
    }

    private static func form(_ parameters: [(name: String, value: String)]) -> [UInt8] {
        var bytes: [UInt8] = []
        for (name, value) in parameters {
            if !bytes.isEmpty { bytes.append(UInt8(ascii: "&")) }
            bytes += PercentEncoding.encode(name.utf8)
            bytes.append(UInt8(ascii: "="))
            bytes += PercentEncoding.encode(value.utf8)
        }
        return bytes
    }

    private func send(_ body: [UInt8]) async throws(AdminError) -> (Int, [UInt8]) {
        var request = "POST / HTTP/1.1\r\n"
        do throws(S3Error) {
            let signed = try signer.sign(
                method: "POST", target: "/",
                headers: [
                    ("host", endpoint.authority), ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
                ], payload: .sha256(hex: Hex.encode(SHA256.of(body))), at: time.now())
            for header in signed.headers { request += "\(header.name): \(header.value)\r\n" }
        } catch { throw .unreadable("the request can't be signed: \(error.message)") }
        request += "content-length: \(body.count)\r\n\r\n"
        let head = Array(request.utf8), outcome = Outcome(), endpoint = endpoint, loop = loop, tls = tls
        loop.spawn { outcome.set(await Self.exchange(head, body, endpoint, tls, loop)) }
        await loop.drain()
        return try outcome.get()
    }

    private static func exchange(
        _ head: [UInt8], _ body: [UInt8], _ endpoint: AdminEndpoint, _ tls: TLSClient?, _ loop: Loop
    ) async -> Result<(Int, [UInt8]), AdminError> {
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: head.count + body.count, alignment: 1)
        defer { bytes.deallocate() }
        bytes.copyBytes(from: head + body)
        let empty = UnsafeRawBufferPointer(start: nil, count: 0)
        do throws(ClientError) {
            let connection = try ClientConnection(host: endpoint.host, port: endpoint.port, tls: tls, on: loop)
            defer { connection.close() }
            let answer = try await connection.exchange(
                UnsafeRawBufferPointer(bytes), pattern: empty, bodyCount: 0, hasNoAnswerBody: false, keepsBody: true)
            return .success((answer.status, answer.body))
        } catch {
            switch error {
            case .unreachable(let number):
                return .failure(.unreachable("no server answers on \(endpoint.authority) (errno \(number))"))
            case .socket(let reason):
                return .failure(.unreachable("the connection to \(endpoint.authority) broke: \(reason)"))
            case .tls(let problem):
                return .failure(.unreachable("no trust in \(endpoint.authority): \(problem)"))
            case .malformed(let what):
                return .failure(.unreadable("\(endpoint.authority) does not answer as a server: \(what)"))
            }
        }
    }

    private final class Outcome: Sendable {
        private let state = Mutex<Result<(Int, [UInt8]), AdminError>>(.failure(.unreachable("nothing was sent")))
        func set(_ value: Result<(Int, [UInt8]), AdminError>) { state.withLock { $0 = value } }
        func get() throws(AdminError) -> (Int, [UInt8]) { try state.withLock { $0 }.get() }
    }
}
