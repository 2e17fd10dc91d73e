import Base
import Glibc
import HTTPServer
import Runtime
import Synchronization
import Testing

struct FixedClock: TimeSource {
    func now() -> Timestamp { Timestamp(seconds: 784_111_777) }
    func monotonicNanoseconds() -> UInt64 { 0 }
}

/// A value that the test and the server's loops share.
final class Shared<Value: Sendable>: Sendable {
    private let mutex: Mutex<Value>
    init(_ value: Value) { mutex = Mutex(value) }
    func withLock<Result: Sendable>(_ body: (inout Value) -> Result) -> Result {
        mutex.withLock { value in body(&value) }
    }
}

/// Answers by path, so that each test drives one behaviour.
struct TestHandler: HTTPHandler {
    let log = Shared<[String]>([])
    let started = Shared(0)

    func note(_ text: String) { log.withLock { $0.append(text) } }

    func handle(_ exchange: HTTPExchange) async {
        started.withLock { $0 += 1 }
        let path = exchange.head.string(exchange.head.target)
        do {
            try await answer(exchange, path)
        } catch {
            note("\(path): \(error)")
        }
    }

    func ended(_ exchange: HTTPExchange) {
        note("ended \(exchange.status ?? 0) in=\(exchange.bodyBytesReceived) out=\(exchange.bodyBytesSent)")
    }

    private func answer(_ exchange: HTTPExchange, _ path: String) async throws {
        var head = ResponseHead(status: 200)
        switch path {
        case "/echo":
            let body = try await readAll(exchange)
            for trailer in exchange.trailers { head.add(named: "x-trailer-" + trailer.name, trailer.value) }
            try await exchange.send(head, body)
        case "/refuse":
            try await exchange.send(ResponseHead(status: 403), Array("no".utf8))
        case "/empty":
            try await exchange.send(ResponseHead(status: 204))
        case "/stream":
            try await exchange.start(head, .unknown)
            for piece in ["  ", "hello", " world"] {
                let buffer = BufferPool().take(16)
                buffer.bytes.copyBytes(from: piece.utf8)
                try await exchange.write(buffer.slice(0, piece.utf8.count))
            }
            try await exchange.finish()
        case "/large":
            let buffer = BufferPool().take(1 << 20)
            for index in 0..<(1 << 20) { buffer.bytes[index] = UInt8(truncatingIfNeeded: index / 7) }
            try await exchange.start(head, .exactly(4 << 20))
            for _ in 0..<4 { try await exchange.write(buffer.slice(0, 1 << 20)) }
            try await exchange.finish()
        case "/head":
            head.add("ETag", "\"x\r\ny\"")
            try await exchange.start(head, .exactly(5_000_000_000))
            try await exchange.finish()
        case "/short":
            try await exchange.start(head, .exactly(10))
            try await exchange.flush()
        case "/long":
            try await exchange.start(head, .exactly(2))
            let buffer = BufferPool().take(16)
            try await exchange.write(buffer.slice(0, 3))
        case "/hang":
            try await exchange.loop.sleep(for: .milliseconds(100))
            try await exchange.send(head, Array("late".utf8))
        case "/silent": break
        default:
            try await exchange.send(head, Array(path.utf8))
        }
    }

    private func readAll(_ exchange: HTTPExchange) async throws -> [UInt8] {
        var body: [UInt8] = []
        let buffer = BufferPool().take(4096)
        do {
            while true {
                let count = try await exchange.readBody(into: buffer.bytes)
                if count == 0 { return body }
                body += buffer.bytes[..<count]
            }
        } catch {
            note("body \(error)")
            try await exchange.send(ResponseHead(status: 400), Array("\(error)".utf8))
            throw error
        }
    }
}

/// A server on a free port of the loopback, ended with `stop`.
struct LiveServer {
    let loops: LoopGroup
    let server: HTTPServer
    let handler = TestHandler()

    init(loops count: Int = 1, _ configure: (inout HTTPServerConfiguration) -> Void = { _ in }) throws {
        loops = try LoopGroup(count: count, configuration: LoopConfiguration(usesRing: false))
        var configuration = HTTPServerConfiguration(host: "127.0.0.1", port: 0)
        configure(&configuration)
        server = try HTTPServer(
            configuration, on: loops, buffers: BufferPool(), clock: FixedClock(), handler: handler)
    }

    func stop() async {
        await server.drain(within: .milliseconds(200))
        await loops.shutDown()
    }

    /// Runs the client's blocking calls on a thread of their own.
    func client<Value: Sendable>(_ body: @escaping @Sendable (Client) -> Value) async -> Value {
        let port = server.port
        let (value, waitedInVain) = await withCheckedContinuation { continuation in
            let work = Work {
                let client = Client(port: port)
                let value = body(client)
                client.close()
                continuation.resume(returning: (value, client.waitedInVain))
            }
            var thread = pthread_t()
            pthread_create(
                &thread, nil,
                { raw in
                    if let raw { Unmanaged<Work>.fromOpaque(raw).takeRetainedValue().body() }
                    return nil
                }, Unmanaged.passRetained(work).toOpaque())
            pthread_detach(thread)
        }
        #expect(waitedInVain == nil, "the server neither answered nor closed")
        return value
    }

    private final class Work {
        let body: () -> Void
        init(_ body: @escaping () -> Void) { self.body = body }
    }
}

/// A blocking client that shows what comes over the wire.
final class Client {
    private let descriptor: Int32
    private var received: [UInt8] = []
    /// What had been received when the server had been silent for ten seconds.
    private(set) var waitedInVain: String?

    init(port: UInt16) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        _ = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        // Heads and bodies are sent apart, and must not wait for an acknowledgement in between.
        var noDelay: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &noDelay, socklen_t(MemoryLayout<Int32>.size))
        // A server that does not answer fails the test instead of stopping it.
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    func close() { _ = Glibc.close(descriptor) }

    func send(_ text: String) { send(Array(text.utf8)) }

    /// Stops without complaint when the server has closed.
    func send(_ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { bytes in
                Glibc.send(
                    descriptor, bytes.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return }
            sent += count
        }
    }

    /// False at the end of the stream, a reset, or after ten seconds.
    private func receiveMore() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        if count < 0 && errno == EAGAIN { waitedInVain = String(decoding: received.suffix(200), as: UTF8.self) }
        guard count > 0 else { return false }
        received += buffer[..<count]
        return true
    }

    /// Everything until the server closes.
    func readToEnd() -> String {
        while receiveMore() {}
        defer { received = [] }
        return String(decoding: received, as: UTF8.self)
    }

    struct Response: Sendable {
        var head = ""
        var body: [UInt8] = []
        var text: String { String(decoding: body, as: UTF8.self) }
        var status: Int { Int(head.split(separator: " ").dropFirst().first ?? "") ?? 0 }
        func has(_ line: String) -> Bool { head.contains("\r\n" + line + "\r\n") }
    }

    /// One response, by its Content-Length or chunks. An empty head when the connection ended.
    func response(toHead: Bool = false) -> Response {
        var response = Response()
        guard let end = find([13, 10, 13, 10]) else { return response }
        response.head = take(end + 4)
        if toHead || response.status < 200 || response.status == 204 || response.status == 304 { return response }
        if response.has("Transfer-Encoding: chunked") {
            while let line = find([13, 10]) {
                let size = Int(take(line + 2).dropLast(1), radix: 16) ?? 0
                guard fill(size + 2) else { return response }
                response.body += received.prefix(size)
                received.removeFirst(size + 2)
                if size == 0 { return response }
            }
        }
        for line in response.head.split(separator: "\r\n") where line.hasPrefix("Content-Length: ") {
            let count = Int(line.dropFirst(16)) ?? 0
            _ = fill(count)
            response.body = Array(received.prefix(count))
            received.removeFirst(min(count, received.count))
        }
        return response
    }

    private func take(_ count: Int) -> String {
        defer { received.removeFirst(count) }
        return String(decoding: received.prefix(count), as: UTF8.self)
    }

    private func fill(_ count: Int) -> Bool {
        while received.count < count { if !receiveMore() { return false } }
        return true
    }

    private func find(_ pattern: [UInt8]) -> Int? {
        var start = 0
        while true {
            while start + pattern.count <= received.count {
                if received[start..<start + pattern.count].elementsEqual(pattern) { return start }
                start += 1
            }
            if !receiveMore() { return nil }
        }
    }
}
