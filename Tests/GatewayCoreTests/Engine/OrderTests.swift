import DevBroker
import GatewayCore
import Testing

/// Replies of the original's commands keep their order; what uses our fields is answered when due.
@Suite struct OrderTests {
    private func rig(_ pubsub: String = "{}") throws -> Rig {
        let rig = try Rig(routes: [Rig.route(pubsub)])
        try rig.fillTestConsumer()
        return rig
    }

    @Test("a ping behind a fetch waits for it")
    func pipelined() throws {
        let rig = try rig()
        rig.brokers.inject(Fault(.delay(milliseconds: 50), apiKey: 1))
        let client = try rig.connect()
        client.send(
            Request.ping(1), Request.fetch(2, "test-consumer", 0, 28), Request.ping(3),
            Request.listOffset(4, "test-consumer", 0, -1), Request.empty(5), [0x08],
            Request.ping(6))
        #expect(try client.takeReplies().map(\.sequence) == [1])
        rig.pass(200)
        let replies = try client.takeReplies()
        #expect(replies.map(\.sequence) == [2, 3, 4, 5, 0, 6])
        #expect(replies[0].batch?.records.map(\.offset) == [28, 29])
        #expect(replies[2].offset == 30)
        #expect(replies[3].failure?.code == 2 && replies[4].failure?.code == 1)
    }

    @Test("a fetch that waits does not hold back others, and is answered when records come")
    func waiting() throws {
        let rig = try rig()
        let client = try rig.connect()
        client.send(
            Request.fetch(1, "test-consumer", 0, 30, maxWait: 5_000), Request.ping(2),
            Request.fetch(3, "test-consumer", 0, 29))
        rig.pass(1_000)
        #expect(try client.takeReplies().map(\.sequence) == [2, 3])
        try rig.brokers.append("test-consumer", [DevRecord("new")], now: rig.now)
        rig.pass(700)
        let reply = try #require(try client.takeReplies().first)
        #expect(reply.sequence == 1)
        #expect(reply.batch?.records.map(\.text) == ["new"])
    }

    @Test("a fetch that waits in vain is answered empty when its time is over")
    func waitingInVain() throws {
        let rig = try rig()
        let client = try rig.connect()
        client.send(Request.fetch(1, "test-consumer", 0, 30, maxWait: 2_000))
        rig.pass(1_900)
        #expect(try client.takeReplies().isEmpty)
        rig.pass(800)
        let batch = try #require(try client.takeReplies().first?.batch)
        #expect(batch.records.isEmpty && batch.nextOffset == 30 && batch.highWatermark == 30)
    }

    @Test("beyond commands_in_flight the socket is not read, and nothing is lost")
    func inFlight() throws {
        let rig = try rig(#"{"limits":{"commands_in_flight":4}}"#)
        rig.brokers.inject(Fault(.delay(milliseconds: 100), apiKey: 1))
        let client = try rig.connect()
        let requests = (0..<20).map { Request.fetch($0, "test-consumer", 0, $0) }
        client.sendRaw(requests.flatMap { ClientFrame(opcode: 2, payload: $0).bytes })
        #expect(client.isReadingPaused)
        // A driver may still have something at hand.
        client.send(Request.ping(20))
        rig.pass(2_000)
        #expect(!client.isReadingPaused)
        let replies = try client.takeReplies()
        #expect(replies.map(\.sequence) == Array(0...20))
        for reply in replies.dropLast() {
            #expect(reply.batch?.records.first?.offset == reply.sequence)
        }
        #expect((rig.engine.metrics().limitHits["commands_in_flight"] ?? 0) > 0)
    }

    @Test("commands of a client that leaves are let go")
    func abandoned() throws {
        let rig = try rig()
        let client = try rig.connect()
        client.send(
            Request.fetch(1, "test-consumer", 0, 30, maxWait: 60_000),
            Request.subscribe(2, [("test-consumer", [0], .latest)]))
        client.sendClose(1000)
        #expect(client.isClosed)
        try rig.brokers.append("test-consumer", [DevRecord("new")], now: rig.now)
        rig.pass(5_000)
        #expect(rig.engine.sessionCount == 0)
        #expect(rig.engine.metrics().subscriptions == 0)
    }

    @Test("max_bytes bounds what follows the first record; the route's maximum bounds max_bytes")
    func maxBytes() throws {
        let rig = try rig(#"{"fetch":{"max_bytes":200,"default_bytes":60}}"#)
        let client = try rig.connect()
        func count(_ maxBytes: Int64?) throws -> Int? {
            try client.ask(Request.fetch(1, "test-consumer", 0, 0, maxBytes: maxBytes))
                .batch?.records.count
        }
        #expect(try count(1) == 1)
        let byDefault = try #require(try count(nil))
        let most = try #require(try count(100_000))
        #expect(byDefault > 1 && most > byDefault && most < 30)
        #expect(try count(200) == most)
    }
}
