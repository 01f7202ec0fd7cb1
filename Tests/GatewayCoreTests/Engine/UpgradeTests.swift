import GatewayCore
import Testing

@Suite struct UpgradeTests {
    private func status(_ client: TestClient) -> String? {
        client.takeHead().flatMap { String($0.utf8.prefix { $0 != UInt8(ascii: "\r") }) }
    }

    private func refused(_ rig: Rig, _ head: String) -> String? {
        let client = rig.accept()
        client.sendRaw(head)
        #expect(client.isClosed && client.lingered)
        #expect(client.closed?.code == 0)
        return status(client)
    }

    @Test("a client gets its 101, byte by byte or at once")
    func upgrade() throws {
        let rig = try Rig()
        for chunk in [1, 7, 10_000] {
            let client = rig.accept()
            let head = Array(Rig.head().utf8)
            for start in stride(from: 0, to: head.count, by: chunk) {
                client.sendRaw(Array(head[start..<min(start + chunk, head.count)]))
            }
            #expect(
                client.takeHead()
                    == "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                    + "Connection: Upgrade\r\n"
                    + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
        }
    }

    @Test("frames in the same segment as the request are answered")
    func frameBehindHead() throws {
        let rig = try Rig()
        let client = rig.accept()
        let frame = ClientFrame(opcode: 2, payload: Request.ping(1, "early"))
        client.sendRaw(Array(Rig.head().utf8) + frame.bytes)
        #expect(client.takeHead() != nil)
        #expect(try client.takeReplies() == [Response(Request.pong(1, "early"))])
    }

    @Test(
        "pubsub.t 2, kafka.t 2: hit route (with HTTP request): 400",
        arguments: ["/kafka", "/kafka?x=1"])
    func plainHTTP(_ path: String) throws {
        let rig = try Rig()
        let client = rig.accept()
        client.sendRaw("GET \(path) HTTP/1.1\r\nHost: gateway\r\n\r\n")
        #expect(status(client) == "HTTP/1.1 400 Bad Request")
        #expect(client.restText.contains("Upgrade: websocket"))
        #expect(client.closed?.httpStatus == 400)
    }

    @Test func refusals() throws {
        let rig = try Rig()
        #expect(refused(rig, Rig.head("/none")) == "HTTP/1.1 404 Not Found")
        let version12 = Rig.head().replacing("Version: 13", with: "Version: 12")
        #expect(refused(rig, version12) == "HTTP/1.1 426 Upgrade Required")
        let post = Rig.head().replacing("GET", with: "POST")
        #expect(refused(rig, post) == "HTTP/1.1 405 Method Not Allowed")
        let foreign = Rig.head("/kafka", ["Origin: http://evil.example"])
        #expect(refused(rig, foreign) == "HTTP/1.1 403 Forbidden")
        let long = Rig.head("/" + String(repeating: "a", count: 10_000))
        #expect(refused(rig, long) == "HTTP/1.1 414 URI Too Long")
        let many = Rig.head("/kafka", (0..<200).map { "X-\($0): 1" })
        #expect(refused(rig, many) == "HTTP/1.1 431 Request Header Fields Too Large")
        let metrics = rig.engine.metrics()
        #expect(metrics.rejected[.init(route: "", reason: "route")] == 1)
        #expect(metrics.rejected[.init(route: "kafka", reason: "origin")] == 1)
        #expect(metrics.rejected[.init(route: "", reason: "version")] == 1)
        #expect(rig.census.total == 0)
        // The next client is served.
        _ = try rig.connect("/kafka", "Origin: http://gateway")
    }

    @Test("a single unknown sub-protocol is confirmed; of several one of ours, or none")
    func subprotocols() throws {
        let rig = try Rig()
        func chosen(_ offer: String) throws -> String? {
            let client = rig.accept()
            client.sendRaw(Rig.head("/kafka", ["Sec-WebSocket-Protocol: \(offer)"]))
            let head = try #require(client.takeHead())
            let line = head.split(separator: "\r\n").first {
                $0.hasPrefix("Sec-WebSocket-Protocol: ")
            }
            return line.map { String($0.dropFirst(24)) }
        }
        #expect(try chosen("mine") == "mine")
        #expect(try chosen("a, b") == nil)
        #expect(try chosen("a, pubsub.text, pubsub.json") == "pubsub.text")
    }

    @Test("one deadline for the whole head, however busy the client")
    func slowHead() throws {
        let rig = try Rig(routes: [Rig.route(#"{"limits":{"handshake_ms":3000}}"#)])
        let client = rig.accept()
        for byte in Rig.head().utf8.prefix(40) where !client.isClosed {
            client.sendRaw([byte])
            rig.pass(100)
        }
        #expect(client.isClosed)
        #expect(client.closed?.httpStatus == 0)
        #expect(rig.engine.metrics().rejected[.init(route: "", reason: "timeout")] == 1)
    }

    @Test("the host read the head, and perhaps more")
    func adoptedHead() throws {
        let rig = try Rig()
        let frame = ClientFrame(opcode: 2, payload: Request.ping(7)).bytes
        let client = rig.open(
            SessionOpening(start: .head(Array(Rig.head().utf8)), preread: frame, userData: 42))
        #expect(client.takeHead() != nil)
        #expect(try client.takeReplies() == [Response(Request.pong(7, nil))])
        client.sendClose(1000)
        #expect(client.closed?.userData == 42)
        // What the host names decides: its own rules were applied to that.
        let other = rig.open(
            SessionOpening(start: .head(Array(Rig.head().utf8)), host: "h", uri: "/elsewhere"))
        #expect(try #require(other.takeHead()).hasPrefix("HTTP/1.1 404 "))
        let half = rig.open(SessionOpening(start: .head(Array(Rig.head().utf8.dropLast(2)))))
        #expect(status(half) == "HTTP/1.1 400 Bad Request")
    }

    @Test("the host has checked the request: with a key we answer, without one it has")
    func agreed() throws {
        let rig = try Rig()
        let withKey = rig.open(
            SessionOpening(
                start: .agreed(
                    key: "dGhlIHNhbXBsZSBub25jZQ==", subprotocol: "pubsub.text", extensions: nil),
                host: "gateway", uri: "/kafka"))
        let head = try #require(withKey.takeHead())
        #expect(head.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"))
        #expect(head.contains("Sec-WebSocket-Protocol: pubsub.text\r\n"))
        let done = rig.open(
            SessionOpening(
                start: .agreed(key: nil, subprotocol: nil, extensions: nil), routeID: "kafka"))
        #expect(try done.ask(Request.ping(1)) == Response(Request.pong(1, nil)))
        // Nothing but a Close frame can refuse where the 101 was sent.
        let lost = rig.open(
            SessionOpening(
                start: .agreed(key: nil, subprotocol: nil, extensions: nil), routeID: "none"))
        #expect(lost.closeFrame?.code == 1008)
        #expect(lost.isClosed && lost.closed?.code == 1008)
        let badKey = rig.open(
            SessionOpening(
                start: .agreed(key: "a\r\nb", subprotocol: nil, extensions: nil),
                routeID: "kafka"))
        #expect(status(badKey) == "HTTP/1.1 400 Bad Request")
    }

    @Test("limits on sessions: of the route, of one address, of the gateway")
    func sessionLimits() throws {
        let pubsub = #"{"limits":{"sessions":3,"sessions_per_address":2}}"#
        let rig = try Rig(routes: [Rig.route(pubsub)])
        let first = try rig.connect(address: "10.0.0.1")
        _ = try rig.connect(address: "10.0.0.1")
        let third = rig.accept(address: "10.0.0.1")
        third.sendRaw(Rig.head())
        #expect(status(third) == "HTTP/1.1 503 Service Unavailable")
        _ = try rig.connect(address: "10.0.0.2")
        let fourth = rig.accept(address: "10.0.0.3")
        fourth.sendRaw(Rig.head())
        #expect(status(fourth) == "HTTP/1.1 503 Service Unavailable")
        #expect(rig.engine.metrics().limitHits == ["sessions": 1, "sessions_per_address": 1])
        first.sendClose(1000)
        _ = try rig.connect(address: "10.0.0.3")
        #expect(rig.census.total == 3)
    }

    @Test("a client that only stopped sending still gets its refusal")
    func halfClosedRefusal() throws {
        let rig = try Rig()
        let client = rig.accept()
        client.room = 0
        client.sendRaw(Rig.head("/none"))
        client.endOfStream()
        #expect(!client.isClosed)
        client.read()
        #expect(status(client) == "HTTP/1.1 404 Not Found")
        #expect(client.isClosed)
    }

    @Test("a silent close before the request leaves nothing behind")
    func earlyEnd() throws {
        let rig = try Rig()
        let client = rig.accept()
        client.endOfStream()
        #expect(client.isClosed && client.closed?.code == 0)
        #expect(rig.engine.sessionCount == 0)
    }
}

extension Request {
    /// The bytes of the reply to a ping.
    static func pong(_ sequence: Int64, _ state: String?) -> [UInt8] {
        Request.ping(sequence == 0 ? nil : sequence, state)
    }
}
