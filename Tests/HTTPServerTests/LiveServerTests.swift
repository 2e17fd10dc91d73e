import HTTPServer
import Runtime
import Testing

private func get(_ path: String, _ fields: String = "") -> String { "GET \(path) HTTP/1.1\r\nHost: h\r\n\(fields)\r\n" }

@Suite(.serialized, .timeLimit(.minutes(1))) struct LiveServerTests {
    @Test func `a connection serves one request after the other, and pipelined ones in order`() async throws {
        let live = try LiveServer()
        let texts = await live.client { client -> [String] in
            client.send(get("/one"))
            let first = client.response()
            client.send(
                get("/two") + get("/stream") + "PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
                    + get("/four"))
            return [first.head] + [first.text] + (0..<4).map { _ in client.response().text }
        }
        #expect(
            texts == [
                "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 4\r\n\r\n", "/one", "/two",
                "  hello world", "abc", "/four",
            ])
        await live.stop()
    }

    @Test func `a request on one loop makes no remote enqueue`() async throws {
        let live = try LiveServer(loops: 1)
        let remote = await live.client { client -> Int in
            client.send(get("/warm"))
            _ = client.response()
            let before = live.loops[0].enqueues.remote
            for _ in 0..<20 {
                client.send("PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 20000\r\n\r\n")
                client.send([UInt8](repeating: 65, count: 20_000))
                _ = client.response()
                client.send(get("/stream"))
                _ = client.response()
            }
            return live.loops[0].enqueues.remote - before
        }
        #expect(remote == 0)
        await live.stop()
    }

    @Test func `100 Continue is sent at the first read of the body and only then`() async throws {
        let live = try LiveServer()
        let heads = await live.client { client -> [String] in
            client.send("PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
            let interim = client.response()
            client.send("hello")
            let final = client.response()
            client.send("PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nworld")
            let plain = client.response()
            client.send("PUT /refuse HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
            let refused = client.response()
            return [
                interim.head, final.text, plain.text, "\(refused.status)", "\(refused.has("Connection: close"))",
                client.readToEnd(),
            ]
        }
        #expect(heads == ["HTTP/1.1 100 Continue\r\n\r\n", "hello", "world", "403", "true", ""])
        await live.stop()
    }

    @Test func `an empty body behind Expect gets a 100 with its success, and a refusal ends the connection`()
        async throws
    {
        let live = try LiveServer()
        let heads = await live.client { client -> [String] in
            client.send("PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nExpect: 100-continue\r\n\r\n")
            let interim = client.response(), final = client.response()
            client.send("PUT /refuse HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nExpect: 100-continue\r\n\r\n")
            let refused = client.response()
            return [
                interim.head, "\(final.status)", "\(refused.status)", "\(refused.has("Connection: close"))",
                client.readToEnd(),
            ]
        }
        #expect(heads == ["HTTP/1.1 100 Continue\r\n\r\n", "200", "403", "true", ""])
        await live.stop()
    }

    @Test func `a small body that nobody read is passed over and the next request answered`() async throws {
        let live = try LiveServer()
        let texts = await live.client { client -> [String] in
            client.send("PUT /refuse HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n")
            let refused = client.response()
            client.send([UInt8](repeating: 66, count: 100_000))
            client.send(get("/next"))
            return ["\(refused.status)", "\(refused.has("Connection: close"))", client.response().text]
        }
        #expect(texts == ["403", "false", "/next"])
        await live.stop()
    }

    @Test func `a large body that nobody read is answered and the connection closed`() async throws {
        let live = try LiveServer { $0.timeouts.linger = .seconds(5) }
        let (status, closes, rest) = await live.client { client -> (Int, Bool, String) in
            client.send("PUT /refuse HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000\r\n\r\n")
            client.send([UInt8](repeating: 66, count: 2_000_000))
            let response = client.response()
            return (response.status, response.has("Connection: close"), client.readToEnd())
        }
        #expect(status == 403)
        #expect(closes)
        #expect(rest == "")
        await live.stop()
    }

    @Test func `a chunked upload arrives whole, with its trailers`() async throws {
        let live = try LiveServer()
        let response = await live.client { client -> Client.Response in
            client.send("PUT /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel")
            client.send("lo\r\n6;x=y\r\n world\r\n0\r\nSum: 7\r\n\r\n" + get("/next"))
            var response = client.response()
            response.body += client.response().body
            return response
        }
        #expect(response.text == "hello world/next")
        #expect(response.has("x-trailer-Sum: 7"))
        await live.stop()
    }

    @Test func `malformed chunks and cut bodies are told to the handler, and close`() async throws {
        let live = try LiveServer()
        let text = await live.client { client -> String in
            client.send("PUT /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
            return client.readToEnd()
        }
        #expect(text.hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
        #expect(text.contains("Connection: close\r\n"))
        await live.client { client in client.send("PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhel") }
        while live.handler.started.withLock({ $0 }) < 2 { await Task.yield() }
        await live.stop()
        #expect(live.handler.log.withLock { $0.contains("body truncated") })
    }

    @Test func `a large response arrives whole and unread bytes hold the sender back`() async throws {
        let live = try LiveServer()
        let body = await live.client { client -> [UInt8] in
            client.send(get("/large"))
            return client.response().body
        }
        #expect(body.count == 4 << 20)
        #expect(body.enumerated().allSatisfy { $1 == UInt8(truncatingIfNeeded: ($0 & 0xFFFFF) / 7) })
        await live.stop()
    }

    @Test func `HEAD and 204 have no body, and a value cannot end its field`() async throws {
        let live = try LiveServer()
        let responses = await live.client { client -> [Client.Response] in
            client.send("HEAD /head HTTP/1.1\r\nHost: h\r\n\r\n")
            let head = client.response(toHead: true)
            client.send("HEAD /plain HTTP/1.1\r\nHost: h\r\n\r\n")
            let plain = client.response(toHead: true)
            client.send(get("/empty") + get("/after"))
            return [head, plain, client.response(), client.response()]
        }
        #expect(responses[0].has("Content-Length: 5000000000"))
        #expect(responses[0].has("ETag: \"x  y\""))
        #expect(responses[1].has("Content-Length: 6"))
        #expect(responses[2].status == 204)
        #expect(!responses[2].head.contains("Content-Length"))
        #expect(responses[3].text == "/after")
        await live.stop()
    }

    @Test func `HTTP 1 0 closes unless asked to stay, and gets no chunks`() async throws {
        let live = try LiveServer()
        let texts = await live.client { client -> [String] in
            client.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            let kept = client.response()
            client.send("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            return ["\(kept.has("Connection: keep-alive"))", kept.text, client.readToEnd()]
        }
        #expect(texts[0] == "true")
        #expect(texts[1] == "/a")
        #expect(texts[2].hasSuffix("Connection: close\r\n\r\n  hello world"))
        let closed = await live.client { client -> String in
            client.send("GET /b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" + get("/never"))
            return client.readToEnd()
        }
        #expect(closed.hasSuffix("/b"))
        await live.stop()
    }

    @Test func `a response shorter or longer than declared breaks the connection`() async throws {
        let live = try LiveServer()
        for path in ["/short", "/long", "/silent"] {
            let text = await live.client { client -> String in
                client.send(get(path))
                return client.readToEnd()
            }
            // The reset may overtake the head.
            if path == "/silent" {
                #expect(text.hasPrefix("HTTP/1.1 500 "))
            } else {
                #expect(!text.hasSuffix("\0\0\0"))
            }
        }
        await live.stop()
        let log = live.handler.log.withLock { $0 }
        #expect(log.contains { $0.hasPrefix("/long: lengthMismatch(declared: 2, written: 3)") })
    }

    @Test func `heads that are refused, too large or never finished close the connection`() async throws {
        let live = try LiveServer()
        let impatient = try LiveServer { $0.timeouts.head = .milliseconds(50) }
        for (server, sent, status) in [
            (live, "GET / HTTP/1.1\r\n\r\n", 400), (live, "\u{16}\u{3}\u{1}", 400),
            (live, get("/", "A: " + String(repeating: "b", count: 70_000) + "\r\n"), 431),
            (live, get("/" + String(repeating: "b", count: 20_000)), 414), (impatient, "GET /slow HTT", 408),
        ] {
            let response = await server.client { client -> (Int, String) in
                client.send(sent)
                let response = client.response()
                return (response.status, client.readToEnd())
            }
            #expect(response.0 == status)
            #expect(response.1 == "")
        }
        #expect(live.handler.started.withLock { $0 } == 0)
        await live.stop()
        await impatient.stop()
    }

    @Test func `a body that does not progress, and an idle connection, meet their deadlines`() async throws {
        let live = try LiveServer {
            $0.timeouts.body = .milliseconds(50)
            $0.timeouts.idle = .milliseconds(50)
        }
        let (status, rest) = await live.client { client -> (Int, String) in
            client.send("PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhel")
            let response = client.response()
            return (response.status, client.readToEnd())
        }
        #expect(status == 400)
        #expect(rest == "")
        let idle = await live.client { client -> String in
            client.send(get("/x"))
            _ = client.response()
            return client.readToEnd()
        }
        #expect(idle == "")
        await live.stop()
        #expect(live.handler.log.withLock { $0.contains("body timedOut") })
    }

    @Test func `a connection beyond the limit is told to come back`() async throws {
        let live = try LiveServer { $0.limits.connections = 1 }
        let refused = await live.client { first -> String in
            first.send(get("/x"))
            _ = first.response()
            let second = Client(port: live.server.port)
            defer { second.close() }
            return second.readToEnd()
        }
        #expect(refused.hasPrefix("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"))
        await live.stop()
    }

    @Test func `a drain lets the request in flight finish and closes the idle connection`() async throws {
        let live = try LiveServer()
        let started = live.handler.started
        async let busy = live.client { client -> String in
            client.send(get("/hang"))
            return client.readToEnd()
        }
        async let idle = live.client { client -> String in
            client.send(get("/x"))
            _ = client.response()
            return client.readToEnd()
        }
        while started.withLock({ $0 }) < 2 { await Task.yield() }
        await live.server.drain(within: .seconds(5))
        let (busyText, idleText) = (await busy, await idle)
        #expect(busyText.hasSuffix("Connection: close\r\nContent-Length: 4\r\n\r\nlate"))
        #expect(idleText == "")
        #expect(live.server.connections == 0)
        await live.loops.shutDown()
    }

    @Test func `a second server on the same port is refused`() async throws {
        let live = try LiveServer()
        #expect(throws: ListenError.self) { _ = try LiveServer { $0.port = live.server.port } }
        await live.stop()
    }

    @Test func `connections spread over the loops`() async throws {
        let live = try LiveServer(loops: 2)
        let loads = await live.client { first -> [Int] in
            let others = (0..<7).map { _ in Client(port: live.server.port) }
            defer { for other in others { other.close() } }
            for client in [first] + others {
                client.send(get("/x"))
                _ = client.response()
            }
            return live.loops.loops.map(\.load)
        }
        #expect(loads.reduce(0, +) == 8)
        #expect(loads.allSatisfy { $0 >= 3 })
        await live.stop()
    }
}
