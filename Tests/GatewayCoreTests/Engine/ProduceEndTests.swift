import DevBroker
import GatewayCore
import Testing

/// Clients that leave, and gateways that stop, in the middle of producing.
@Suite struct ProduceEndTests {
    @Test("who leaves is over at once; what it sent is stored, and its memory given back")
    func leaving() throws {
        let world = try ProducingRig(
            #""producer":{"buffer_bytes":4000,"max_message_bytes":1000}"#)
        let rig = world.rig
        rig.brokers.inject(Fault(.delay(milliseconds: 2_000), apiKey: 0))
        var client: TestClient? = try rig.connect()
        let values = (0..<40).map { "\($0)" + String(repeating: ".", count: 200) }
        client?.send(Request.produce(1, values.map { .init("t", $0) }))
        client?.endOfStream()
        #expect(client?.isClosed == true)
        client = nil
        #expect(rig.engine.sessionCount == 0)
        #expect(rig.engine.metrics().heldBytes > 4_000)
        rig.pass(60_000)
        #expect(rig.engine.metrics().heldBytes == 0)
        #expect(rig.engine.metrics().producingBytes == 0)
        #expect(try world.values() == values)
    }

    @Test("a route that goes keeps its cluster until its records are stored")
    func removedRoute() throws {
        let world = try ProducingRig()
        let rig = world.rig
        rig.brokers.inject(Fault(.delay(milliseconds: 2_000), apiKey: 0))
        let client = try rig.connect()
        client.send(Request.produce(1, "t", "v"))
        client.endOfStream()
        rig.pass(1)
        rig.engine.setRoutes(RouteTable(), now: rig.now)
        rig.settle()
        #expect(rig.engine.metrics().producingRecords == 1)
        rig.pass(5_000)
        #expect(rig.brokers.logEnd("t") == 1)
        #expect(rig.engine.metrics().kafkaConnections == 0)
    }

    @Test("a drain waits for what became of records, tells it, and closes then")
    func drain() throws {
        let world = try ProducingRig()
        let rig = world.rig
        rig.brokers.inject(Fault(.delay(milliseconds: 2_000), apiKey: 0))
        let client = try rig.connect()
        let idle = try rig.connect()
        let bob = try world.policy(#"{"principal":"bob"}"#)
        let twins = [try rig.connect(policy: bob), try rig.connect(policy: bob)]
        client.send(Request.produce(1, "t", "v"))
        for twin in twins { twin.send(Request.produce(1, [.init("t", "w")], id: "i")) }
        rig.pass(100)
        rig.engine.drain(closeCode: 1012, reason: "restart", spreadMilliseconds: 0, now: rig.now)
        rig.settle()
        #expect(idle.closeFrame?.code == 1012)
        #expect(client.closeFrame == nil && client.isReadingPaused)
        #expect(!isDrained(rig))
        rig.pass(3_000)
        #expect(client.closeFrame?.code == 1012)
        for twin in twins {
            #expect(try twin.takeReplies().map(\.offsets) == [[1]])
            #expect(twin.closeFrame?.code == 1012)
        }
        rig.pass(10_000)
        #expect(isDrained(rig))
        #expect(rig.brokers.logEnd("t") == 2)
    }

    private func isDrained(_ rig: Rig) -> Bool {
        rig.events.contains { if case .drained = $0 { true } else { false } }
    }

    @Test("a drain waits for records whose sender is gone")
    func drainOfOrphans() throws {
        let world = try ProducingRig()
        let rig = world.rig
        rig.brokers.inject(Fault(.delay(milliseconds: 2_000), apiKey: 0))
        let client = try rig.connect()
        client.send(Request.produce(1, "t", "v"))
        client.endOfStream()
        rig.pass(100)
        rig.engine.drain(closeCode: 1001, reason: "", spreadMilliseconds: 0, now: rig.now)
        rig.settle()
        #expect(!isDrained(rig))
        rig.pass(5_000)
        #expect(isDrained(rig))
        #expect(rig.brokers.logEnd("t") == 1)
    }

    @Test("what a stop cuts off is told as unknown, and what was never sent as that")
    func cut() throws {
        let world = try ProducingRig(
            #""producer":{"buffer_bytes":4000,"max_message_bytes":1000,"linger_ms":0}"#)
        let rig = world.rig
        let client = try rig.connect()
        _ = try world.ask(client, Request.produce(1, "t", "first"))
        rig.brokers.inject(Fault(.silence, apiKey: 0))
        let value = String(repeating: ".", count: 500)
        client.send(Request.produce(2, [.init("t", "second")]))
        rig.pass(100)
        client.send(Request.produce(3, (0..<20).map { _ in .init("t", value) }))
        rig.pass(100)
        rig.engine.cutProducing(now: rig.now)
        rig.settle()
        let replies = try client.takeReplies()
        #expect(replies.map(\.sequence) == [2, 3])
        let second = try #require(replies.first?.results?.first?.failure)
        #expect(second.code == 7 && second.cause == "outcome unknown" && !second.retriable)
        let third = try #require(replies.last?.results)
        #expect(third.count == 20)
        for result in third {
            #expect(result.failure?.code == 6 && result.failure?.retriable == true)
        }
        // As it was.
        #expect(rig.engine.metrics().producingRecords == 0)
        rig.engine.shutDown(now: rig.now)
    }
}
