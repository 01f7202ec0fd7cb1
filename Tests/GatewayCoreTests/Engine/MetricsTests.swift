import DevBroker
import GatewayCore
import Testing
import Timing

@Suite struct MetricsTests {
    @Test("times of requests to brokers, by API")
    func durations() throws {
        let rig = try Rig()
        try rig.fillTestConsumer()
        rig.brokers.inject(Fault(.delay(milliseconds: 300), apiKey: 2))
        let client = try rig.connect()
        client.send(Request.listOffset(1, "test-consumer", 0, -1))
        rig.pass(1_000)
        #expect(try client.takeReplies().first?.offset == 30)
        let times = rig.engine.metrics().kafkaDurations
        #expect(times[2]?.count == 1 && times[2]?.sumMicroseconds == 300_000)
        #expect(times[2]?.counts[Histogram.bounds.firstIndex(of: 500_000)!] == 1)
        #expect(times[18]?.count == rig.engine.metrics().kafkaRequests[18])
        #expect(times[1] == nil)
    }

    private func fixture(_ records: Int) throws -> (Rig, TestClient) {
        let rig = try Rig()
        rig.engine.epochMilliseconds = BrokerSettings().wallClockMilliseconds
        rig.brokers.createTopic("t")
        for _ in 0..<records { try rig.brokers.append("t", [DevRecord("old")], now: rig.now) }
        rig.pass(60_000)
        return (rig, try rig.connect())
    }

    @Test("the lag of live records; history is no measure")
    func lag() throws {
        let (rig, client) = try fixture(3)
        client.send(Request.subscribe(1, [("t", [0], .earliest)]))
        rig.pass(1_000)
        #expect(try client.takeReplies().compactMap(\.batch).flatMap(\.records).count == 3)
        #expect(rig.engine.metrics().deliveryLag.count == 0)
        rig.brokers.inject(Fault(.delay(milliseconds: 300), apiKey: 1))
        try rig.brokers.append("t", [DevRecord("new")], now: rig.now)
        rig.pass(1_000)
        #expect(try client.takeReplies().compactMap(\.batch).flatMap(\.records).count == 1)
        var lag = rig.engine.metrics().deliveryLag
        #expect(lag.count == 1)
        // A client that pauses makes its own lag.
        client.send(Request.pause(2, 1, resume: false))
        try rig.brokers.append("t", [DevRecord("new")], now: rig.now)
        rig.pass(5_000)
        client.send(Request.pause(3, 1, resume: true))
        rig.pass(1_000)
        lag = rig.engine.metrics().deliveryLag
        #expect(lag.count == 1)
        #expect(lag.sumMicroseconds < 1_000_000)
    }

    @Test("from the latest on, the first record counts, with the time that it took")
    func latest() throws {
        let (rig, client) = try fixture(1)
        client.send(Request.subscribe(1, [("t", [0], .latest)]))
        rig.pass(1_000)
        let written = BrokerSettings().wallClockMilliseconds + rig.now.milliseconds(since: .zero)
        try rig.brokers.append(
            "t", [DevRecord("v", timestamp: written - 7_000)], now: rig.now)
        rig.pass(100)
        let lag = rig.engine.metrics().deliveryLag
        #expect(lag.count == 1)
        #expect((7_000_000...7_100_000).contains(lag.sumMicroseconds), "\(lag.sumMicroseconds)")
    }

    @Test("reads that the cache answers, and those that ask a broker")
    func cache() throws {
        let rig = try Rig()
        try rig.fillTestConsumer()
        let client = try rig.connect()
        _ = try client.ask(Request.fetch(1, "test-consumer", 0, 0))
        // A poll that covers the partition tells that there are no more.
        let live = try rig.connect()
        live.send(Request.subscribe(1, [("test-consumer", [0], .latest)]))
        rig.pass(2_000)
        for _ in 0..<2 { _ = try client.ask(Request.fetch(1, "test-consumer", 0, 0)) }
        let metrics = rig.engine.metrics()
        #expect(metrics.cacheMisses == 1 && metrics.cacheHits == 2)
    }

    @Test("counters of a cluster outlive it")
    func retired() throws {
        let rig = try Rig()
        try rig.fillTestConsumer()
        let client = try rig.connect()
        _ = try client.ask(Request.fetch(1, "test-consumer", 0, 0))
        let before = rig.engine.metrics()
        _ = rig.table.remove(route: "kafka")
        rig.engine.setRoutes(rig.table, closing: ["kafka"], now: rig.now)
        client.sendClose(1001)
        let after = rig.engine.metrics()
        #expect(after.kafkaConnections == 0)
        #expect(after.kafkaRequests == before.kafkaRequests && !before.kafkaRequests.isEmpty)
        #expect(after.kafkaDurations == before.kafkaDurations)
        #expect(after.recordsDecoded == 30)
    }
}
