import DevBroker
import GatewayCore
import Testing

/// limits.message_ms: one deadline from the first byte of a message to its last.
@Suite struct UnfinishedTests {
    private static let route = Rig.route(#"{"limits":{"message_ms":10000}}"#)

    private func expectClosed(_ client: TestClient, _ rig: Rig) throws {
        #expect(client.closeFrame?.code == 4408)
        #expect(client.closeFrame?.reason == "a message did not end within 10000 ms")
        #expect(rig.engine.metrics().limitHits["message_ms"] == 1)
        // What it sends now belongs to the message that it never ended: no Close is read.
        rig.pass(5_000)
        #expect(client.isClosed && client.closed?.code == 4408)
        // The next client is served.
        #expect(try rig.connect().ask(Request.ping(1)).body == .pong([]))
    }

    @Test("half a frame, a byte a second")
    func slowFrame() throws {
        let rig = try Rig(routes: [Self.route])
        let client = try rig.connect()
        let frame = ClientFrame(
            opcode: ClientFrame.binary, payload: Request.ping(1, "a longer state than that"))
        for byte in frame.bytes.prefix(10) {
            client.sendRaw([byte])
            #expect(client.closeFrame == nil)
            rig.pass(999)
        }
        rig.pass(10)
        try expectClosed(client, rig)
    }

    @Test("fragments for ever, with pings between")
    func fragments() throws {
        let rig = try Rig(routes: [Self.route])
        let client = try rig.connect()
        client.send(ClientFrame(opcode: ClientFrame.binary, payload: [8], isFinal: false))
        for _ in 0..<9 {
            rig.pass(1_000)
            client.send(
                ClientFrame(opcode: 0, payload: [], isFinal: false),
                ClientFrame(opcode: ClientFrame.ping, payload: [1]))
        }
        #expect(client.closeFrame == nil)
        rig.pass(1_000)
        try expectClosed(client, rig)
    }

    @Test("the header of a ping, and no more")
    func controlFrame() throws {
        let rig = try Rig(routes: [Self.route])
        let client = try rig.connect()
        client.sendRaw([0x89, 0x84, 1, 2])
        rig.pass(10_000)
        try expectClosed(client, rig)
    }

    @Test("every message has its own deadline, wherever reads are cut")
    func whole() throws {
        let rig = try Rig(routes: [Self.route])
        let client = try rig.connect()
        let frame = ClientFrame(opcode: ClientFrame.binary, payload: Request.ping(1, "x")).bytes
        let ping = ClientFrame(opcode: ClientFrame.ping, payload: [1]).bytes
        client.sendRaw(Array(frame.prefix(3)))
        for _ in 0..<10 {
            rig.pass(9_000)
            // The end of one, and the start of the next.
            client.sendRaw(Array(frame.dropFirst(3) + frame.prefix(3)))
            #expect(try client.takeReplies().count == 1)
        }
        client.sendRaw(Array(frame.dropFirst(3) + ping.prefix(2)))
        for _ in 0..<10 {
            rig.pass(9_000)
            client.sendRaw(Array(ping.dropFirst(2) + ping.prefix(2)))
        }
        #expect(client.closeFrame == nil)
        client.sendRaw(Array(ping.dropFirst(2)))
        rig.pass(11_000)
        #expect(client.closeFrame == nil)
    }

    @Test("a client that is not read from cannot end its message: its time starts anew")
    func paused() throws {
        let rig = try Rig(routes: [
            Rig.route(#"{"limits":{"message_ms":10000,"commands_in_flight":1}}"#)
        ])
        rig.brokers.createTopic("t")
        let client = try rig.connect()
        let frame = ClientFrame(opcode: ClientFrame.binary, payload: Request.ping(2)).bytes
        let wait = ClientFrame(
            opcode: ClientFrame.binary,
            payload: Request.fetch(1, "t", 0, 0, maxWait: 15_000))
        // The ping stops inside of its header, behind a fetch that waits.
        client.sendRaw(wait.bytes + frame.prefix(1))
        client.sendRaw(Array(frame[1..<3]))
        rig.pass(14_000)
        #expect(client.closeFrame == nil)
        rig.pass(2_000)
        #expect(try client.takeReplies().map(\.sequence) == [1])
        rig.pass(8_000)
        client.sendRaw(Array(frame.dropFirst(3)))
        #expect(try client.takeReplies().map(\.sequence) == [2])
    }

    @Test("0: no limit")
    func none() throws {
        let rig = try Rig(routes: [
            Rig.route(#"{"limits":{"message_ms":0},"ping":{"interval_ms":0}}"#)
        ])
        let client = try rig.connect()
        client.sendRaw([0x82])
        rig.pass(3_600_000)
        #expect(client.closeFrame == nil)
        #expect(rig.engine.nextDeadline == nil)
    }
}
