import DevBroker
import GatewayCore
import KafkaCore
import Testing

/// Single requests of the host's own Kafka client.
@Suite struct DirectRequestTests {
    private func rig(_ pubsub: String = "{}") throws -> Rig {
        let rig = try Rig(routes: [Rig.route(pubsub)])
        try rig.fillTestConsumer()
        return rig
    }

    private func fetch(
        _ offset: Int64, _ change: (inout DirectFetch) -> Void = { _ in }
    ) -> DirectAsk {
        var fetch = DirectFetch(topic: "test-consumer", partition: 0, offset: offset)
        change(&fetch)
        return .fetch(fetch)
    }

    @Test("a fetch is one event with its records, and where to go on")
    func fetches() throws {
        let rig = try rig()
        let client = try rig.openDirect()
        rig.ask(client, 7, fetch(27))
        let events = rig.takeDirect()
        let event = try #require(events.first)
        #expect(events.count == 1 && event.token == 7 && event.isLast && event.kind == .records)
        let records = try #require(event.records)
        #expect(records.values == ["testmsg28", "testmsg29", "testmsg30"])
        #expect(records.count == 3 && records.nextOffset == 30 && records.highWatermark == 30)
        #expect(records.topic == "test-consumer" && records.partition == 0)
        // The token is free again.
        rig.ask(client, 7, fetch(29))
        #expect(rig.takeDirect().first?.records?.values == ["testmsg30"])
    }

    @Test("-2 is the beginning and -1 the end; max_bytes counts beyond the first record")
    func ends() throws {
        let rig = try rig()
        let client = try rig.openDirect()
        rig.ask(client, 1, fetch(-2) { $0.maxBytes = 1 })
        #expect(rig.takeDirect().first?.records?.values == ["testmsg1"])
        rig.ask(client, 2, fetch(-1))
        let records = try #require(rig.takeDirect().first?.records)
        #expect(records.count == 0 && records.pieces.isEmpty && records.nextOffset == 30)
    }

    @Test("a fetch that waits is answered when records come, or when its time is over")
    func waits() throws {
        let rig = try rig()
        let client = try rig.openDirect()
        rig.ask(client, 1, fetch(30) { $0.maxWaitMilliseconds = 5_000 })
        rig.pass(1_000)
        #expect(rig.takeDirect().isEmpty)
        try rig.brokers.append("test-consumer", [DevRecord("new")], now: rig.now)
        rig.pass(1_000)
        #expect(rig.takeDirect().first?.records?.values == ["new"])
        rig.ask(client, 2, fetch(31) { $0.maxWaitMilliseconds = 500 })
        rig.pass(2_000)
        #expect(rig.takeDirect().first?.records?.count == 0)
    }

    @Test("failures carry Kafka's numbers and the true cause")
    func failures() throws {
        let rig = try rig()
        let client = try rig.openDirect()
        rig.ask(client, 1, fetch(1_000))
        let outOfRange = try #require(rig.takeDirect().first?.failure)
        #expect(outOfRange.status == -1001 && outOfRange.highWatermark == 30)
        #expect(outOfRange.logStartOffset == 0 && outOfRange.text.contains("test-consumer"))
        rig.ask(client, 2, .fetch(DirectFetch(topic: "none", partition: 0, offset: 0)))
        rig.pass(40_000)
        #expect(rig.takeDirect().first?.failure?.status == -1003)
        rig.ask(client, 3, .fetch(DirectFetch(topic: "test-consumer", partition: 9, offset: 0)))
        rig.pass(40_000)
        let event = try #require(rig.takeDirect().first)
        #expect(event.failure?.status == -1003 && event.isLast && event.kind == .records)
    }

    @Test("no broker: E_SYSTEM, and the text says which")
    func unreachable() throws {
        let rig = try rig()
        rig.network.unreachable = [9092]
        let client = try rig.openDirect()
        rig.ask(client, 1, .metadata(topic: nil))
        rig.pass(60_000)
        let failure = try #require(rig.takeDirect().first?.failure)
        #expect(failure.status == -5 && failure.text.contains("127.0.0.1:9092"), "\(failure)")
    }

    @Test("topic rules bind the route's clients, not the host")
    func rules() throws {
        let rig = try rig(#"{"topics":{"allow":["other"]}}"#)
        let client = try rig.openDirect()
        rig.ask(client, 1, fetch(29))
        #expect(rig.takeDirect().first?.records?.count == 1)
    }

    @Test func listOffset() throws {
        let rig = try rig()
        let client = try rig.openDirect()
        for (timestamp, offset) in [(-1, 30), (-2, 0)] as [(Int64, Int64)] {
            rig.ask(
                client, 1,
                .listOffset(topic: "test-consumer", partition: 0, timestamp: timestamp))
            let event = try #require(rig.takeDirect().first)
            #expect(event.offset?.offset == offset && event.isLast && event.kind == .offset)
        }
        rig.ask(
            client, 2, .listOffset(topic: "test-consumer", partition: 0, timestamp: .max))
        #expect(rig.takeDirect().first?.offset?.offset == -1)
    }

    @Test func metadata() throws {
        let rig = try rig()
        let client = try rig.openDirect()
        rig.ask(client, 1, .metadata(topic: "test-consumer"))
        let one = #"{"name":"test-consumer","partitions":[{"partition":0,"leader":1,"#
        #expect(rig.takeDirect().first?.json?.hasPrefix(#"{"topics":[\#(one)"#) == true)
        rig.ask(client, 2, .metadata(topic: nil))
        #expect(rig.takeDirect().first?.json?.contains(one) == true)
        rig.ask(client, 3, .metadata(topic: "none"))
        rig.pass(40_000)
        #expect(rig.takeDirect().first?.failure?.status == -1003)
    }

    @Test("cancelling and closing give each pending request its last event")
    func ending() throws {
        let rig = try rig()
        let client = try rig.openDirect()
        for token in 1...3 as ClosedRange<UInt64> {
            rig.ask(client, token, fetch(30) { $0.maxWaitMilliseconds = 60_000 })
        }
        rig.engine.cancelDirect(client, token: 2, now: rig.now)
        rig.engine.cancelDirect(client, token: 2, now: rig.now)
        rig.settle()
        #expect(
            rig.takeDirect().map { [$0.token, UInt64(-($0.failure?.status ?? 0))] } == [[2, 3]])
        rig.engine.closeDirect(client, now: rig.now)
        rig.settle()
        let events = rig.takeDirect()
        #expect(events.map(\.token) == [1, 3])
        #expect(events.allSatisfy { $0.isLast && $0.failure?.status == -3 })
        try rig.brokers.append("test-consumer", [DevRecord("new")], now: rig.now)
        rig.pass(70_000)
        #expect(rig.takeDirect().isEmpty)
    }

    @Test("host and sessions share connections and cache")
    func shared() throws {
        let rig = try rig()
        let session = try rig.connect()
        _ = try session.ask(Request.fetch(1, "test-consumer", 0, 0))
        let connections = rig.connectionsMax
        var requests = rig.engine.metrics().kafkaRequests
        let client = try rig.openDirect()
        rig.ask(client, 1, fetch(0))
        // Whether there are more than the cache has.
        requests[1, default: 0] += 1
        #expect(rig.takeDirect().first?.records?.count == 30)
        #expect(rig.engine.metrics().kafkaRequests == requests)
        #expect(rig.connectionsMax == connections)
        // The cluster outlives the route while the host uses it, and goes with the client.
        session.sendClose(1000)
        _ = rig.table.remove(route: "kafka")
        rig.engine.setRoutes(rig.table, now: rig.now)
        rig.settle()
        #expect(rig.engine.metrics().kafkaConnections > 0)
        rig.engine.closeDirect(client, now: rig.now)
        rig.settle()
        #expect(rig.engine.metrics().kafkaConnections == 0)
    }
}
