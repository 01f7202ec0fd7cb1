import DevBroker
import GatewayCore
import Testing

@Suite struct CloseTests {
    @Test(
        "violations: code and reason",
        arguments: [
            (ClientFrame(opcode: 3, payload: []).bytes, 1002, "unknown opcode 3"),
            (ClientFrame(opcode: 2, payload: [], rsv1: true).bytes, 1002, "reserved bits are set"),
            (
                ClientFrame(opcode: 1, payload: [0xff]).bytes, 1007, "the text is not UTF-8"
            ),
            (
                [0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4], 1009,
                "the message has more than 1114112 bytes"
            ),
        ] as [([UInt8], UInt16, String)])
    func violations(_ bytes: [UInt8], _ code: UInt16, _ reason: String) throws {
        let rig = try Rig()
        let client = try rig.connect()
        client.send(Request.ping(1))
        client.sendRaw(bytes)
        #expect(try client.takeReplies().count == 1)
        #expect(client.closeFrame?.code == code)
        #expect(client.closeFrame?.reason == reason)
        client.sendClose(code)
        #expect(client.isClosed)
        #expect(client.closed?.code == code)
        #expect(rig.engine.metrics().closes[.init(route: "kafka", code: code)] == 1)
        // The next client is served.
        #expect(try rig.connect().ask(Request.ping(1)).body == .pong([]))
    }

    @Test("the host closes: its code, and the socket behind the client's answer")
    func hostCloses() throws {
        let rig = try Rig()
        let client = try rig.connect()
        rig.engine.close(client.id, code: 4401, reason: "expired", now: rig.now)
        rig.settle()
        #expect(client.closeFrame?.code == 4401 && client.closeFrame?.reason == "expired")
        #expect(!client.isClosed)
        client.send(Request.ping(1))
        #expect(client.takeMessages().isEmpty)
        client.sendClose(4401)
        #expect(client.isClosed && client.lingered)
        #expect(client.closed?.code == 4401)
    }

    @Test("a client that never answers our Close is cut off")
    func closeTimeout() throws {
        let rig = try Rig()
        let client = try rig.connect()
        rig.engine.close(client.id, code: 1000, reason: "", now: rig.now)
        rig.settle()
        rig.pass(4_999)
        #expect(!client.isClosed)
        rig.pass(1)
        #expect(client.isClosed && !client.lingered)
    }

    @Test("a connection that breaks is 1006")
    func breaks() throws {
        let rig = try Rig()
        let first = try rig.connect()
        first.endOfStream()
        #expect(first.closed?.code == 1006)
        let second = try rig.connect()
        rig.engine.failed(second.id, "connection reset", now: rig.now)
        rig.settle()
        #expect(second.closed?.code == 1006 && second.closed?.reason == "connection reset")
    }

    @Test("idle_ms: a session without messages ends, pings don't count")
    func idle() throws {
        let rig = try Rig(routes: [Rig.route(#"{"limits":{"idle_ms":10000}}"#)])
        let client = try rig.connect()
        for _ in 0..<3 {
            rig.pass(9_000)
            _ = try client.ask(Request.ping(1))
        }
        rig.pass(5_000)
        client.send(ClientFrame(opcode: ClientFrame.pong, payload: []))
        rig.pass(5_100)
        #expect(client.closeFrame?.code == 4408)
    }

    @Test("a peer that takes nothing is given up (4430)")
    func slow() throws {
        let rig = try Rig()
        try rig.fillTestConsumer()
        let client = try rig.connect()
        client.room = 0
        client.send(Request.fetch(1, "test-consumer", 0, 0))
        rig.pass(44_000)
        #expect(!client.isClosed)
        rig.pass(1_100)
        #expect(client.closed?.code == 4430)
        #expect(client.isClosed && !client.lingered)
    }

    @Test("pings are spread")
    func jitter() throws {
        let rig = try Rig()
        let clients = try (0..<50).map { _ in try rig.connect() }
        var pinged: Set<Int> = []
        for _ in 0..<60 {
            rig.pass(100 * 1)
            for client in clients { _ = client.takeMessages() }
        }
        rig.pass(27_000 - 6_000 - 1)
        #expect(clients.allSatisfy { $0.controls.isEmpty })
        var counts: [Int] = []
        for _ in 0..<12 {
            rig.pass(500)
            for client in clients { _ = client.takeMessages() }
            counts.append(clients.filter { !$0.controls.isEmpty }.count)
        }
        pinged = Set(counts)
        #expect(pinged.count > 5)
        #expect(counts.last == 50)
    }

    @Test("a restart refuses nobody: 1012 for all, spread, at once for who comes, then drained")
    func drain() throws {
        let rig = try Rig()
        let clients = try (0..<20).map { _ in try rig.connect() }
        let half = rig.accept()
        rig.engine.drain(closeCode: 1012, reason: "reload", spreadMilliseconds: 2_000, now: rig.now)
        rig.settle()
        let late = [half, rig.accept()]
        for client in late {
            client.sendRaw(Rig.head())
            #expect(client.takeHead()?.hasPrefix("HTTP/1.1 101") == true)
            #expect(client.closeFrame?.code == 1012)
            client.sendClose(1012)
            #expect(client.closed?.code == 1012)
        }
        #expect(clients.filter { $0.closeFrame != nil }.count < 20)
        rig.pass(2_000)
        #expect(clients.allSatisfy { $0.closeFrame?.code == 1012 })
        #expect(!rig.events.contains(.drained))
        for client in clients.dropLast() { client.sendClose(1012) }
        #expect(!rig.events.contains(.drained))
        rig.pass(5_000)
        #expect(clients.allSatisfy { $0.closed?.code == 1012 })
        #expect(rig.events.last == .drained)
        #expect(rig.events.filter { $0 == .drained }.count == 1)
    }

    @Test("a gateway that goes away refuses who asks and who has said nothing, at once: 503")
    func silentLateComer() throws {
        let rig = try Rig()
        let client = try rig.connect()
        let half = rig.accept()
        rig.engine.drain(closeCode: 1001, reason: "", spreadMilliseconds: 0, now: rig.now)
        rig.settle()
        #expect(half.takeHead()?.hasPrefix("HTTP/1.1 503") == true)
        let late = rig.accept()
        #expect(late.takeHead()?.hasPrefix("HTTP/1.1 503") == true)
        #expect(late.isClosed && late.closed?.httpStatus == 503)
        client.sendClose(1001)
        #expect(rig.events.last == .drained)
    }

    @Test("an empty gateway is drained at once; shutDown ends everything")
    func shutDown() throws {
        let empty = try Rig()
        empty.engine.drain(closeCode: 1001, reason: "", spreadMilliseconds: 0, now: empty.now)
        empty.settle()
        #expect(empty.events == [.drained])
        let rig = try Rig()
        try rig.fillTestConsumer()
        let client = try rig.connect()
        _ = try client.ask(Request.fetch(1, "test-consumer", 0, 0))
        rig.engine.shutDown(now: rig.now)
        rig.settle()
        #expect(client.isClosed && client.closed?.code == 1001)
        #expect(rig.engine.nextDeadline == nil || rig.engine.sessionCount == 0)
        #expect(rig.brokers.counters(broker: 1)?.connectionsOpen == 0)
    }
}
