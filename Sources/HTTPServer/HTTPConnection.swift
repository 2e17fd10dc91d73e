import Base
import Runtime
import TLS

/// What all connections of a server share.
struct ServerContext: Sendable {
    let handler: any HTTPHandler
    let clock: any TimeSource
    let timeouts: HTTPTimeouts
    let limits: HTTPLimits
    let buffers: BufferPool
    let registry: ConnectionRegistry
    let trustedProxies: TrustedProxies
}

/// One connection: reads heads, lets the handler answer each, and decides whether the connection goes on.
///
/// Lives in one task on its loop. While it is idle it holds no input buffer. One timer serves all its deadlines, since it waits
/// for one thing at a time.
final class HTTPConnection {
    private enum Head {
        case request(ParsedHead)
        case end
    }

    let context: ServerContext
    let transport: any Transport
    let loop: Loop
    /// Who is connected, by its own word if it is a load balancer.
    let origin: ClientOrigin
    let output = OutputBuffer(capacity: 1024)
    private let entry: ConnectionRegistry.Entry
    private let timer: TimerHandle
    private var parser: RequestParser
    private var input: IOBuffer?
    private var inputStart = 0
    private var inputEnd = 0
    /// What is received is thrown away: a client that does not send it gets no patience.
    var isDiscarding = false
    private var dateSecond: Int64 = .min
    private var date: [UInt8] = []

    init(
        _ transport: any Transport, origin: ClientOrigin, on loop: Loop,
        entry: ConnectionRegistry.Entry,
        context: ServerContext
    ) {
        self.transport = transport
        self.origin = origin
        self.loop = loop
        self.entry = entry
        self.context = context
        parser = RequestParser(limits: context.limits.head)
        timer = loop.timer { [weak transport] in transport?.interrupt(.timedOut) }
    }

    func run() async {
        timer.arm(after: context.timeouts.head)
        var isFirst = true
        while case .request(let parsed) = await nextHead(isFirst: isFirst) {
            isFirst = false
            let exchange = HTTPExchange(parsed, on: self)
            await context.handler.handle(exchange)
            let goesOn = await exchange.end()
            context.handler.ended(exchange)
            guard goesOn else { break }
        }
        timer.invalidate()
        transport.close()
    }

    var isDraining: Bool { context.registry.isDraining }

    /// The bytes of `Date:` for now; made anew once a second.
    func dateBytes() -> [UInt8] {
        let now = context.clock.now()
        if now.seconds != dateSecond {
            dateSecond = now.seconds
            date = HTTPDate.bytes(now)
        }
        return date
    }

    // MARK: Heads

    private func nextHead(isFirst: Bool) async -> Head {
        do {
            while true {
                if inputEnd > inputStart {
                    switch try parse() {
                    case .head(let parsed, let consumed):
                        inputStart += consumed
                        timer.cancel()
                        return .request(parsed)
                    case .needsMore: break
                    }
                    guard try await receiveMoreOfHead() else { return .end }
                } else {
                    guard try await receiveStartOfHead(isFirst: isFirst) else { return .end }
                }
            }
        } catch let error as HeadError {
            await refuse(error.status)
        } catch SocketError.timedOut where inputEnd > inputStart {
            await refuse(408)
        } catch {
            // The client has gone, was idle for too long, or the server ends: nobody is owed an answer.
        }
        return .end
    }

    private func parse() throws(HeadError) -> RequestParser.Outcome {
        try parser.parse(buffered)
    }

    /// False at the end of the stream.
    private func receiveStartOfHead(isFirst: Bool) async throws(SocketError) -> Bool {
        (inputStart, inputEnd) = (0, 0)
        while true {
            let buffer = input ?? context.buffers.take(Self.inputBytes)
            if let count = try transport.tryReceive(into: buffer.bytes) {
                guard count > 0 else { return false }
                (input, inputEnd) = (buffer, count)
                if !isFirst { timer.arm(after: context.timeouts.head) }
                return true
            }
            input = nil
            // A connection without a request has nothing to finish.
            if isDraining { return false }
            if !isFirst { timer.arm(after: context.timeouts.idle) }
            entry.isIdle = true
            defer { entry.isIdle = false }
            try await transport.waitReadable()
        }
    }

    private static let inputBytes = 16 << 10

    private func receiveMoreOfHead() async throws(SocketError) -> Bool {
        guard let buffer = input else { return false }
        if inputEnd == buffer.capacity { makeRoom(buffer) }
        guard let room = input else { return false }
        let count = try await transport.receive(into: UnsafeMutableRawBufferPointer(rebasing: room.bytes[inputEnd...]))
        inputEnd += count
        return count > 0
    }

    /// Moves the head to the start of a buffer that has room behind it. The parser refuses heads above its limit before the buffer
    /// could grow beyond twice that.
    private func makeRoom(_ buffer: IOBuffer) {
        let kept = buffered
        let larger = context.buffers.take(kept.count * 2)
        larger.bytes.copyMemory(from: kept)
        (input, inputStart, inputEnd) = (larger, 0, kept.count)
    }

    private func refuse(_ status: Int) async {
        transport.clearInterruption()
        let (head, body) = context.handler.refusal(status: status)
        output.clear()
        StatusLine.append(head.status, to: output)
        output.append("Date: ")
        output.append(dateBytes())
        output.append("\r\n")
        output.append(head.fieldBytes)
        output.append("Content-Length: ")
        output.appendDecimal(Int64(body.count))
        output.append("\r\nConnection: close\r\n\r\n")
        output.append(body)
        do {
            try await send(output.bytes)
            await linger()
        } catch {
            // The connection closes either way.
        }
    }

    // MARK: Bytes

    /// Received and not yet used.
    var buffered: UnsafeRawBufferPointer {
        guard let input, inputEnd > inputStart else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(rebasing: input.bytes[inputStart..<inputEnd])
    }

    func consume(_ count: Int) { inputStart += count }

    /// Body bytes straight into `buffer`; 0 at the end of the stream. The buffered bytes have been used up.
    func receive(into buffer: UnsafeMutableRawBufferPointer) async throws(SocketError) -> Int {
        timer.arm(after: isDiscarding ? context.timeouts.linger : context.timeouts.body)
        defer { timer.cancel() }
        return try await transport.receive(into: buffer)
    }

    /// Receives chunk framing, and what comes with it, into the connection's buffer, which is empty.
    func receiveFraming() async throws(SocketError) -> Int {
        let buffer = input ?? context.buffers.take(Self.inputBytes)
        (input, inputStart, inputEnd) = (buffer, 0, 0)
        inputEnd = try await receive(into: buffer.bytes)
        return inputEnd
    }

    func send(
        _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)
    ) async throws(SocketError) {
        let timeout = context.timeouts.write
        timer.arm(after: timeout)
        defer { timer.cancel() }
        try await transport.send(first, second) { _ in timer.arm(after: timeout) }
    }

    /// Ends our side and throws away what the client still sends, within bounds. Closing with unread bytes would reset the
    /// connection, and the client might never see the answer.
    func linger() async {
        transport.shutDownSending()
        timer.arm(after: context.timeouts.linger)
        defer { timer.cancel() }
        let waste = context.buffers.take(64 << 10)
        var left = context.limits.lingerBytes
        do {
            while left > 0 {
                let count = try await transport.receive(into: waste.bytes)
                if count == 0 { return }
                left -= Int64(count)
            }
        } catch {
            // Closed, reset or out of time: all the same now.
        }
    }
}
