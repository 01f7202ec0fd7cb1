import DevBroker
import Testing

@testable import GatewayCore

/// limits.commands_per_second: an error for what is too much, 4429 for who does not stop.
@Suite struct PaceTests {
    private func fixture(_ perSecond: Int) throws -> (Rig, TestClient) {
        let rig = try Rig(routes: [
            Rig.route(#"{"limits":{"commands_per_second":\#(perSecond)}}"#)
        ])
        return (rig, try rig.connect())
    }

    private let refusal = Response.Failure(
        code: 4, message: "limits.commands_per_second: at most 5", retriable: true)

    @Test("as many at once as in a second, then one for each that a second lets in")
    func bucket() throws {
        let (rig, client) = try fixture(5)
        for number in 1...5 {
            #expect(try client.ask(Request.ping(Int64(number))).body == .pong([]))
        }
        let reply = try client.ask(Request.ping(6))
        #expect(reply.sequence == 6 && reply.failure == refusal)
        rig.pass(200)
        #expect(try client.ask(Request.ping(7)).body == .pong([]))
        #expect(try client.ask(Request.ping(8)).failure == refusal)
        rig.pass(20_000)
        for _ in 1...5 { #expect(try client.ask(Request.ping(9)).body == .pong([])) }
        #expect(try client.ask(Request.ping(10)).failure == refusal)
        let metrics = rig.engine.metrics()
        #expect(metrics.limitHits["commands_per_second"] == 3)
        #expect(metrics.commands[.init(command: "ping", result: "limit")] == 3)
    }

    @Test("refused: whatever was asked, malformed or of the wrong kind; nothing is performed")
    func everything() throws {
        let (rig, client) = try fixture(1)
        try rig.fillTestConsumer()
        _ = try client.ask(Request.ping(1))
        for request in [
            Request.fetch(2, "test-consumer", 0, 0), Request.metadata(2), Request.empty(2),
            Request.subscribe(2, [("test-consumer", [0], .earliest)]), Request.grant(2, 1),
        ] {
            let reply = try client.ask(request)
            #expect(reply.sequence == 2 && reply.failure?.code == 4)
        }
        #expect(try client.ask([0x08]).failure?.code == 4)
        client.send(text: "text")
        #expect(try client.takeReplies().first?.failure?.code == 4)
        #expect(rig.engine.metrics().kafkaRequests.isEmpty)
    }

    @Test("refused before it is inflated and decoded: not even what is no message ends a session")
    func unseen() throws {
        let rig = try Rig(routes: [
            Rig.route(
                #"{"compression":true,"limits":{"commands_per_second":1,"message_bytes":10000}}"#)
        ])
        let client = try rig.connect("/kafka", "Sec-WebSocket-Extensions: permessage-deflate")
        _ = try client.ask(Request.ping(1))
        let start = Request.fetch(7, "a", 0, 0)
        for payload in [
            rig.deflate(start), rig.deflate(start + [UInt8](repeating: 0, count: 1_000_000)),
            Array(rig.deflate(start).dropLast()) + [0xff, 0xff],
        ] {
            let before = rig.engine.spent
            client.send(ClientFrame(opcode: 2, payload: payload, rsv1: true))
            let reply = try #require(try client.takeReplies().first)
            #expect(reply.sequence == 7 && reply.failure?.code == 4)
            #expect(rig.engine.spent - before < 20_000)
        }
        #expect(client.closeFrame == nil)
        let metrics = rig.engine.metrics()
        #expect(metrics.commands[.init(command: "fetch", result: "limit")] == 3)
    }

    @Test("a client that goes on is closed with 4429")
    func closed() throws {
        let (rig, client) = try fixture(5)
        client.send(Request.ping(1), Request.ping(2))
        for _ in 0..<53 { client.send(Request.ping(3)) }
        #expect(client.closeFrame == nil)
        client.send(Request.ping(4), Request.ping(5))
        #expect(client.closeFrame?.code == 4429)
        #expect(client.closeFrame?.reason == "more than 5 commands a second, and no end")
        client.sendClose(4429)
        #expect(client.closed?.code == 4429)
        #expect(rig.engine.metrics().closes[.init(route: "kafka", code: 4429)] == 1)
        #expect(try rig.connect().ask(Request.ping(1)).body == .pong([]))
    }

    @Test("who stops for a second is forgiven")
    func forgiven() throws {
        let (rig, client) = try fixture(5)
        for _ in 0..<10 {
            for _ in 0..<40 { client.send(Request.ping(1)) }
            rig.pass(1_100)
        }
        #expect(client.closeFrame == nil)
    }

    @Test("twice the pace, evenly: half is refused, and after a while the session ends")
    func steady() throws {
        let (rig, client) = try fixture(5)
        var count = 0
        while client.closeFrame == nil, count < 1_000 {
            client.send(Request.ping(1))
            rig.pass(100)
            count += 1
        }
        let refused = rig.engine.metrics().limitHits["commands_per_second"]
        #expect(refused == 51)
        #expect((100...115).contains(count), "\(count)")
    }

    @Test("without the key there is no limit; a session's policy may set one")
    func policy() throws {
        let rig = try Rig()
        let free = try rig.connect()
        for _ in 0..<1_000 { free.send(Request.ping(1)) }
        #expect(try free.takeReplies().allSatisfy { $0.body == .pong([]) })
        let policy = try #"{"limits":{"commands_per_second":5}}"#.withRawBytes {
            try SessionPolicy.parse($0)
        }
        let narrow = try rig.connect(policy: policy)
        for _ in 1...5 { _ = try narrow.ask(Request.ping(1)) }
        #expect(try narrow.ask(Request.ping(6)).failure == refusal)
    }
}
