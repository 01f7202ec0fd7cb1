import GatewayCore
import Testing

/// The original's t/pubsub/pubsub.t and the rows about commands and frames. Where the original is
/// silent the client gets an error with a code; every reply that it sends is kept.
@Suite struct PubSubTests {
    private func client() throws -> TestClient {
        try Rig().connect()
    }

    private func failure(_ request: [UInt8], _ sequence: Int64 = 0) throws -> Response.Failure? {
        let client = try client()
        let reply = try client.ask(request)
        #expect(reply.sequence == sequence)
        // The session lives.
        #expect(try client.ask(Request.ping(9)).body == .pong([]))
        return reply.failure
    }

    @Test("pubsub.t 3: connect websocket service: ping state comes back")
    func ping() throws {
        let reply = try client().ask(Request.ping(0, "test"))
        #expect(reply.sequence == 0)
        #expect(reply.body == .pong(Array("test".utf8)))
    }

    @Test("row: binary cmd_ping with no state answers 82 02 00")
    func pingWithoutState() throws {
        let client = try client()
        client.send(Request.ping(nil))
        #expect(client.takeMessages() == [[0x82, 0x02, 0x00]])
    }

    @Test("pubsub.t 5: send unregistered command")
    func empty() throws {
        let client = try client()
        client.send(Request.empty(1))
        // The original's bytes, but for the code, which it leaves at 0.
        let head: [UInt8] = [0x08, 0x01, 0xfa, 0x01, 0x13, 0x08, 0x02, 0x12, 0x0f]
        #expect(client.takeMessages() == [head + Array("unknown command".utf8)])
    }

    @Test("pubsub.t 6: send text command: the connection is kept, and now it is answered")
    func text() throws {
        let client = try client()
        client.send(text: "test")
        let failure = try #require(client.takeReplies().first?.failure)
        #expect(failure.code == 1)
        #expect(failure.message.hasPrefix("a text frame"))
        #expect(try client.ask(Request.ping(1)).body == .pong([]))
    }

    @Test("pubsub.t 7: send wrong command: empty")
    func nothing() throws {
        let failure = try failure([])
        #expect(failure?.code == 1)
        #expect(failure?.message == "the request holds no command")
    }

    @Test("pubsub.t 8: send wrong command: undecodable")
    func undecodable() throws {
        #expect(try failure(Array("!@#$%^&*中文".utf8))?.code == 1)
    }

    @Test("row: unknown field (35+, an extended command)")
    func extended() throws {
        let failure = try failure(Request.make(5) { $0.message(1000) { $0.string(1, "x") } }, 5)
        #expect(failure == .init(code: 2, message: "unknown command"))
    }

    @Test("row: only sequence")
    func onlySequence() throws {
        #expect(try failure(Request.make(3) { _ in }, 3)?.code == 1)
    }

    @Test("row: two commands in one PubSubReq: the last on the wire is executed")
    func twoCommands() throws {
        let both = Request.make(4) {
            $0.message(31) { _ in }
            $0.message(32) { $0.string(1, "last") }
        }
        #expect(try client().ask(both).body == .pong(Array("last".utf8)))
    }

    @Test("row: sequence missing is 0 and left out")
    func noSequence() throws {
        let client = try client()
        client.send(Request.ping(nil, "s"))
        #expect(client.takeMessages() == [[0x82, 0x02, 0x03, 0x0a, 0x01, 0x73]])
    }

    @Test(
        "row: malformed protobuf of known fields names field and byte",
        arguments: [
            ([0x08], "sequence at byte 1"), ([0xf8, 0x01, 0x01], ""),
            ([0x8a, 0x02, 0x7f], "cmd_kafka_fetch at byte 2"),
        ] as [([UInt8], String)])
    func malformed(_ bytes: [UInt8], _ place: String) throws {
        let failure = try #require(try failure(bytes))
        #expect(failure.code == 1)
        #expect(failure.message.contains(place), "\(failure.message)")
    }

    @Test("row: WebSocket PING frame gets its PONG")
    func webSocketPing() throws {
        let client = try client()
        client.send(ClientFrame(opcode: ClientFrame.ping, payload: [1, 2, 3]))
        #expect(client.takeMessages().isEmpty)
        #expect(client.controls == [ClientFrame(opcode: ClientFrame.pong, payload: [1, 2, 3])])
    }

    @Test("row: PONG frame: none")
    func webSocketPong() throws {
        let client = try client()
        client.send(ClientFrame(opcode: ClientFrame.pong, payload: [1]))
        #expect(client.takeMessages().isEmpty && client.controls.isEmpty)
    }

    @Test("row: Close frame without body")
    func closeWithoutCode() throws {
        let client = try client()
        client.sendClose(nil)
        #expect(client.closeFrame?.code == .some(nil))
        #expect(client.isClosed && client.lingered)
        #expect(client.closed?.code == 1005)
    }

    @Test("row: Close frame with status code: the code comes back")
    func closeWithCode() throws {
        let client = try client()
        client.sendClose(3001, "bye")
        #expect(client.closeFrame?.code == 3001)
        #expect(client.closeFrame?.reason == "bye")
        #expect(client.closed?.code == 3001 && client.closed?.reason == "bye")
    }

    @Test("row: fragmented message: put together")
    func fragmented() throws {
        let client = try client()
        let bytes = Request.ping(6, "fragments")
        client.send(
            ClientFrame(opcode: 2, payload: Array(bytes[..<3]), isFinal: false),
            ClientFrame(opcode: ClientFrame.ping, payload: []),
            ClientFrame(opcode: 0, payload: Array(bytes[3...])))
        #expect(try client.takeReplies().first?.body == .pong(Array("fragments".utf8)))
    }

    @Test("row: unmasked client frame: 1002")
    func unmasked() throws {
        let client = try client()
        client.sendRaw([0x82, 0x00])
        #expect(client.closeFrame?.code == 1002)
        #expect(client.closeFrame?.reason == "a frame is not masked")
    }

    @Test("row: inbound payload > 65,535 B is taken")
    func largePayload() throws {
        let state = String(repeating: "x", count: 70_000)
        #expect(try client().ask(Request.ping(1, state)).body == .pong(Array(state.utf8)))
    }

    @Test("row: idle >= 60 s: pinged, and closed only when nobody answers")
    func idle() throws {
        let rig = try Rig()
        let client = try rig.connect()
        for _ in 0..<4 {
            rig.pass(33_100)
            _ = client.takeMessages()
            #expect(client.controls.count == 1)
            client.controls = []
            client.send(ClientFrame(opcode: ClientFrame.pong, payload: []))
        }
        #expect(try client.ask(Request.ping(1)).body == .pong([]))
        rig.pass(33_000 + 15_000)
        #expect(client.closeFrame?.code == 4450)
        rig.pass(5_000)
        #expect(client.isClosed)
    }

    @Test("1.5: sequences are exact over the whole of int64")
    func sequences() throws {
        let client = try client()
        for sequence in [Int64.max, .min, -1, 9_007_199_254_740_993] {
            #expect(try client.ask(Request.ping(sequence)).sequence == sequence)
        }
    }
}
