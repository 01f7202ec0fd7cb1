import DevBroker
import GatewayCore
import Testing

/// Sessions whose host owns WebSocket: messages come in, and frames go out to be taken apart.
@Suite struct MessagesTests {
    private func rig(_ pubsub: String = "{}") throws -> Rig {
        let rig = try Rig(routes: [Rig.route(pubsub)])
        try rig.fillTestConsumer()
        return rig
    }

    private func isAlive(_ client: TestClient) throws -> Bool {
        client.message(Request.ping(99))
        return try client.takeReplies().last?.body == .pong([])
    }

    @Test("the session is open at once; nothing is sent before a reply, and no 101 ever")
    func opens() throws {
        let rig = try rig()
        let client = rig.openMessages()
        let opened = try #require(rig.opened(client))
        #expect(opened.route == "kafka" && !opened.isJSON)
        #expect(client.takeMessages().isEmpty)
        #expect(rig.engine.metrics().accepted["kafka"] == 1)
        #expect(rig.engine.metrics().bytesIn == 0 && rig.engine.metrics().bytesOut == 0)
        #expect(try isAlive(client))
    }

    @Test("messages are answered in order, and counted")
    func replies() throws {
        let rig = try rig()
        let client = rig.openMessages()
        let requests = [
            Request.ping(1, "state"), Request.fetch(2, "test-consumer", 0, 28),
            Request.listOffset(3, "test-consumer", 0, -1), Request.ping(4),
        ]
        for request in requests { client.message(request) }
        let replies = try client.takeReplies()
        #expect(replies.map(\.sequence) == [1, 2, 3, 4])
        #expect(replies[0].body == .pong(Array("state".utf8)))
        #expect(replies[1].batch?.records.map(\.text) == ["testmsg29", "testmsg30"])
        #expect(replies[2].offset == 30)
        #expect(rig.engine.metrics().messagesIn == 4)
        #expect(rig.engine.metrics().bytesIn == UInt64(requests.reduce(0) { $0 + $1.count }))
        client.peerClosed(1000)
        #expect(client.closed?.bytesIn == Int64(requests.reduce(0) { $0 + $1.count }))
    }

    @Test(
        "the host has agreed on a sub-protocol: text messages both ways",
        arguments: [
            ("pubsub.json", "aGk="), ("pubsub.text", "hi"),
        ])
    func formats(_ format: String, _ state: String) throws {
        let rig = try rig()
        let client = rig.openMessages(format)
        #expect(rig.opened(client)?.isJSON == true)
        client.message(text: #"{"sequence":7,"cmdPing":{"state":"\#(state)"}}"#)
        let reply = try #require(client.takeTexts().first)
        #expect(reply.contains("\"\(state)\""), "\(reply)")
        client.message(Request.ping(1))
        let refusal = try #require(client.takeTexts().first)
        #expect(refusal.contains("a binary frame, but this session speaks JSON"))
    }

    private func answered(_ head: String, _ subprotocol: String? = nil) throws -> TestClient {
        try rig(#"{"compression":true}"#).openMessages {
            $0.start = .answered(head: Array(head.utf8), subprotocol: subprotocol)
        }
    }

    @Test("a head that the host has answered is checked, and says the sub-protocol")
    func answeredHead() throws {
        let offer = "Sec-WebSocket-Protocol: x, pubsub.text"
        let deflate = "Sec-WebSocket-Extensions: permessage-deflate"
        let client = try answered(Rig.head("/kafka", [offer, deflate, "Origin: http://gateway"]))
        client.message(text: #"{"sequence":7,"cmdPing":{"state":"hi"}}"#)
        #expect(client.takeTexts().first?.contains("\"hi\"") == true)
        #expect(client.rig.engine.metrics().bytesIn == 39)
        // What the host has agreed on counts, whatever was offered.
        let binary = try answered(Rig.head("/kafka", [offer]), "pubsub.proto")
        #expect(try isAlive(binary))
    }

    @Test(
        "what listen would refuse is closed with 1008, for nothing else is left to say",
        arguments: [
            (
                Rig.head("/kafka", ["Origin: https://evil.example"]),
                "this origin is not allowed here"
            ),
            (Rig.head().replacing("HTTP/1.1", with: "HTTP/1.0"), "the request is not HTTP/1.1"),
            (
                Rig.head("/kafka/%2e%2e"),
                "two servers could read the path of the request in two ways"
            ),
            (String(Rig.head().dropLast(2)), "the request head is not complete"),
        ])
    func refusedHead(_ head: String, _ reason: String) throws {
        let client = try answered(head)
        #expect(client.closed?.code == 1008 && client.closed?.reason == reason)
        #expect(client.isClosed)
    }

    @Test("without a head, the route judges the origin that the host tells")
    func toldOrigin() throws {
        func code(_ origin: String, host: String?) throws -> UInt16? {
            let client = try rig().openMessages {
                $0.host = host
                $0.origin = origin
            }
            return client.closed?.code
        }
        #expect(try code("https://a.example", host: "a.example") == nil)
        #expect(try code("https://a.example", host: "b.example") == 1008)
        #expect(try code("https://a.example", host: nil) == 1008)
        #expect(try code("null", host: "null") == 1008)
    }

    @Test("text where protobuf is spoken is an error, and the session lives")
    func kind() throws {
        let client = try rig().openMessages()
        client.message(text: "{}")
        let failure = try #require(client.takeReplies().first?.failure)
        #expect(failure.code == 1 && failure.message.hasPrefix("a text frame"))
        #expect(try isAlive(client))
    }

    @Test("message_bytes: one byte more is 1009")
    func tooBig() throws {
        let rig = try rig(#"{"limits":{"message_bytes":2000}}"#)
        let client = rig.openMessages()
        client.message([UInt8](repeating: 0xff, count: 2_000))
        #expect(try client.takeReplies().first?.failure?.code == 1)
        client.message([UInt8](repeating: 0xff, count: 2_001))
        #expect(client.closeFrame?.code == 1009)
        #expect(client.closeFrame?.reason == "a message of more than 2000 bytes")
        #expect(client.closed?.code == 1009)
    }

    @Test(
        "a client that closes: its code, 1005 for none; nothing behind it",
        arguments: [
            (4000, 4000), (1001, 1001), (nil, 1005),
        ] as [(UInt16?, UInt16)])
    func peerCloses(_ code: UInt16?, _ told: UInt16) throws {
        let rig = try rig()
        let client = rig.openMessages()
        client.message(Request.subscribe(1, [("test-consumer", [0], .latest)]))
        _ = client.takeMessages()
        #expect(rig.engine.metrics().subscriptions == 1)
        client.peerClosed(code, "bye")
        #expect(client.closed?.code == told && client.closed?.reason == "bye")
        #expect(client.isClosed && !client.lingered && client.closeFrame == nil)
        try rig.brokers.append("test-consumer", [DevRecord("late")], now: rig.now)
        rig.pass(2_000)
        client.message(Request.ping(2))
        client.peerClosed(1000)
        #expect(client.takeMessages().isEmpty)
        let metrics = rig.engine.metrics()
        #expect(metrics.sessions == 0 && metrics.subscriptions == 0)
        // A code of the client's own is counted with the others of that kind.
        let counted: UInt16 = told == 4000 ? 0 : told
        #expect(metrics.closes == [.init(route: "kafka", code: counted): 1])
    }

    @Test("a connection that broke is 1006")
    func gone() throws {
        let rig = try rig()
        let client = rig.openMessages()
        client.endOfStream()
        #expect(client.closed?.code == 1006)
    }

    @Test("the host closes: the session is over with its Close frame, the client's is the host's")
    func hostCloses() throws {
        let rig = try rig()
        let client = rig.openMessages()
        client.message(Request.ping(1))
        rig.engine.close(client.id, code: 4401, reason: "expired", now: rig.now)
        rig.settle()
        #expect(try client.takeReplies().count == 1)
        #expect(client.closeFrame?.code == 4401 && client.closeFrame?.reason == "expired")
        #expect(client.closed?.code == 4401)
        client.message(Request.ping(2))
        #expect(client.takeMessages().isEmpty)
    }

    @Test("a host that takes nothing: the Close frame waits for it, but not for ever")
    func hostBlocked() throws {
        let rig = try rig()
        let (reader, idler) = (rig.openMessages(), rig.openMessages())
        for client in [reader, idler] {
            client.room = 0
            client.message(Request.ping(1))
            rig.engine.close(client.id, code: 4000, reason: "", now: rig.now)
            rig.settle()
        }
        rig.pass(4_000)
        #expect(reader.closed == nil && idler.closed == nil)
        reader.read()
        #expect(try reader.takeReplies().count == 1)
        #expect(reader.closeFrame?.code == 4000 && reader.closed?.code == 4000)
        rig.pass(1_000)
        #expect(idler.closed?.code == 4000 && idler.takeMessages().isEmpty)
    }

    @Test("nobody is pinged; who says nothing is idle as anybody")
    func quiet() throws {
        let rig = try rig(
            #"{"ping":{"interval_ms":1000,"timeout_ms":1000},"limits":{"idle_ms":60000}}"#)
        let client = rig.openMessages()
        rig.pass(50_000)
        #expect(try isAlive(client) && client.controls.isEmpty)
        rig.pass(59_000)
        #expect(try isAlive(client) && client.controls.isEmpty)
        rig.pass(60_000)
        #expect(client.closeFrame?.code == 4408 && client.closed?.code == 4408)
    }

    @Test("commands_in_flight: the host is asked to wait; what comes anyway is answered")
    func pauses() throws {
        let rig = try rig(#"{"limits":{"commands_in_flight":4}}"#)
        try rig.register(("cmd_echo", 1000, 1001))
        let client = rig.openMessages()
        for number in 1...4 {
            #expect(!client.isReadingPaused)
            client.message(Request.host(Int64(number), 1000))
        }
        #expect(client.isReadingPaused)
        client.message(Request.ping(5))
        #expect(try client.takeReplies().isEmpty)
        let calls = rig.takeCalls()
        for (index, call) in calls.enumerated() {
            #expect(client.isReadingPaused == (index < 3))
            rig.answer(call, "\(call.sequence)")
        }
        #expect(!client.isReadingPaused)
        #expect(try client.takeReplies().map(\.sequence) == [1, 2, 3, 4, 5])
        #expect(rig.engine.metrics().limitHits["commands_in_flight"] == 1)
    }

    @Test("unsent_bytes: a host that takes no messages is not read from, and loses none")
    func unsent() throws {
        let rig = try rig(#"{"limits":{"unsent_bytes":16384}}"#)
        let client = rig.openMessages()
        client.room = 0
        let state = String(repeating: "s", count: 1_000)
        var sent = 0
        while !client.isReadingPaused, sent < 100 {
            client.message(Request.ping(Int64(sent), state))
            sent += 1
        }
        #expect((16...17).contains(sent))
        client.read(4_000)
        #expect(client.isReadingPaused)
        client.read()
        #expect(!client.isReadingPaused)
        #expect(try client.takeReplies().map(\.sequence) == Array(0..<Int64(sent)))
    }

    @Test("a client that does not slow down is closed with 4429, without its answer")
    func tooFast() throws {
        let rig = try rig(#"{"limits":{"commands_per_second":5}}"#)
        let client = rig.openMessages()
        for number in 0..<100 { client.message(Request.ping(Int64(number))) }
        #expect(client.closeFrame?.code == 4429 && client.closed?.code == 4429)
    }

    @Test("records are pushed; a host that stops taking them gets all later")
    func subscription() throws {
        let rig = try rig()
        rig.brokers.createTopic("big")
        let client = rig.openMessages()
        client.message(Request.subscribe(1, [("big", [0], .latest)]))
        rig.pass(100)
        #expect(try client.takeReplies().first?.batch?.starts.map(\.offset) == [0])
        client.room = 5_000
        let value = String(repeating: "x", count: 1_000)
        for _ in 0..<50 {
            try rig.brokers.append("big", (0..<10).map { _ in DevRecord(value) }, now: rig.now)
            rig.pass(10)
        }
        #expect(client.isBlocked && rig.engine.metrics().unsentBytes < 200_000)
        client.read()
        rig.pass(2_000)
        let records = try client.takeReplies().flatMap { $0.batch?.records ?? [] }
        #expect(records.map(\.offset) == Array(0..<500))
    }

    @Test(
        "who is not let in gets a Close frame, and its host one event",
        arguments: [
            ("missing", "", 1008), ("kafka", "10.0.0.1", 1013),
        ] as [(String, String, UInt16)])
    func refused(_ route: String, _ address: String, _ code: UInt16) throws {
        let rig = try rig(#"{"limits":{"sessions_per_address":1}}"#)
        let first = rig.openMessages { $0.remoteAddress = "10.0.0.1" }
        let client = rig.openMessages {
            $0.routeID = route
            $0.remoteAddress = address
        }
        #expect(rig.opened(client) == nil)
        #expect(client.closeFrame?.code == code)
        client.message(Request.ping(1))
        rig.pass(5_000)
        #expect(client.closed?.code == code && client.takeMessages().isEmpty)
        // The place of who left is free.
        first.peerClosed(1000)
        #expect(try isAlive(rig.openMessages { $0.remoteAddress = "10.0.0.1" }))
    }

    @Test("drain says goodbye, and ends with the last session")
    func drain() throws {
        let rig = try rig()
        let clients = (0..<3).map { _ in rig.openMessages() }
        rig.engine.drain(closeCode: 1012, reason: "restart", spreadMilliseconds: 0, now: rig.now)
        rig.settle()
        for client in clients {
            #expect(client.closeFrame?.code == 1012 && client.closed?.code == 1012)
        }
        #expect(rig.events.last == .drained)
    }
}
