import DevBroker
import GatewayCore
import KafkaCore
import Testing

/// Subscriptions of the host's own Kafka client.
@Suite struct DirectSubscribeTests {
    private func rig(cacheBytes: Int = 64 << 20) throws -> Rig {
        var settings = GatewaySettings()
        settings.cacheBytes = cacheBytes
        let rig = try Rig(settings: settings)
        try rig.fillTestConsumer()
        return rig
    }

    private func subscribe(
        _ start: DirectSubscribe.Start, _ change: (inout DirectSubscribe) -> Void = { _ in }
    ) -> DirectAsk {
        var subscribe = DirectSubscribe(topic: "test-consumer", partition: 0, start: start)
        change(&subscribe)
        return .subscribe(subscribe)
    }

    private func values(_ events: [DirectEvent]) -> [String] {
        events.flatMap { $0.records?.values ?? [] }
    }

    @Test(
        "from each start, and on with what comes later",
        arguments: [
            (DirectSubscribe.Start.earliest, 1), (.offset(28), 29), (.latest, 31),
            (.timestamp(.max), 31),
        ])
    func starts(_ start: DirectSubscribe.Start, _ first: Int) throws {
        let rig = try rig()
        let client = try rig.openDirect()
        rig.ask(client, 5, subscribe(start))
        rig.pass(100)
        for number in 31...33 {
            try rig.brokers.append("test-consumer", [DevRecord("testmsg\(number)")], now: rig.now)
            rig.pass(700)
        }
        let events = rig.takeDirect()
        #expect(values(events) == (first...33).map { "testmsg\($0)" })
        #expect(events.allSatisfy { $0.token == 5 && !$0.isLast })
        #expect(events.last?.records?.nextOffset == 33)
        rig.engine.cancelDirect(client, token: 5, now: rig.now)
        rig.settle()
        let last = rig.takeDirect()
        #expect(last.count == 1 && last[0].isLast && last[0].failure?.status == -3)
    }

    @Test("a topic that was deleted and created again ends it, however long its log is")
    func recreated() throws {
        let rig = try rig()
        let client = try rig.openDirect()
        rig.ask(client, 5, subscribe(.offset(10)))
        rig.pass(100)
        #expect(values(rig.takeDirect()).count == 20)
        rig.brokers.recreateTopic("test-consumer", now: rig.now)
        for number in 0..<60 {
            try rig.brokers.append("test-consumer", [DevRecord("new \(number)")], now: rig.now)
        }
        rig.pass(10_000)
        let events = rig.takeDirect()
        #expect(values(events).isEmpty)
        #expect(events.last?.isLast == true && events.last?.failure?.status == -1_100)
    }

    @Test("nothing is read while more than queue_bytes wait, and all comes when they are taken")
    func backPressure() throws {
        let rig = try rig()
        let client = try rig.openDirect()
        rig.ask(
            client, 1,
            subscribe(.earliest) {
                $0.maxBytes = 1
                $0.queueBytes = 300
            })
        rig.pass(5_000)
        var seen: [String] = []
        var rounds = 0
        while seen.count < 30, rounds < 30 {
            let events = rig.takeDirect()
            #expect((1...4).contains(events.count))
            seen += values(events)
            rig.taken(events)
            rig.pass(100)
            rounds += 1
        }
        #expect(seen == (1...30).map { "testmsg\($0)" })
        #expect(rounds > 7)
    }

    @Test("events of an earlier subscription with the same token do not count")
    func tokenAgain() throws {
        let rig = try rig()
        let client = try rig.openDirect()
        let ask = subscribe(.earliest) {
            $0.maxBytes = 1
            $0.queueBytes = 1
        }
        rig.ask(client, 1, ask)
        let old = rig.takeDirect()
        rig.engine.cancelDirect(client, token: 1, now: rig.now)
        rig.settle()
        #expect(rig.takeDirect().count == 1)
        rig.ask(client, 1, ask)
        #expect(values(rig.takeDirect()) == ["testmsg1"])
        rig.taken(old)
        #expect(rig.takeDirect().isEmpty)
    }

    @Test("a cache that holds next to nothing still serves")
    func tinyCache() throws {
        let rig = try rig(cacheBytes: 100)
        let client = try rig.openDirect()
        rig.ask(client, 1, subscribe(.earliest))
        rig.pass(5_000)
        #expect(values(rig.takeDirect()) == (1...30).map { "testmsg\($0)" })
    }

    @Test("an offset that is not there ends it, and tells the range")
    func outOfRange() throws {
        let rig = try rig()
        let client = try rig.openDirect()
        rig.ask(client, 1, subscribe(.offset(99)))
        rig.pass(1_000)
        let event = try #require(rig.takeDirect().first)
        #expect(event.isLast && event.failure?.status == -1001)
        #expect(event.failure?.highWatermark == 30 && event.failure?.logStartOffset == 0)
    }

    @Test("a broker that hangs up once is back in no time, though nobody else asks it")
    func hangUp() throws {
        let rig = try rig()
        let client = try rig.openDirect()
        rig.ask(client, 1, subscribe(.latest))
        rig.pass(1_000)
        rig.brokers.inject(Fault(.close, apiKey: 1))
        rig.pass(2_000)
        try rig.brokers.append("test-consumer", [DevRecord("after")], now: rig.now)
        rig.pass(1_000)
        #expect(values(rig.takeDirect()) == ["after"])
    }

    @Test("the gateway's end is told")
    func shutDown() throws {
        let rig = try rig()
        let client = try rig.openDirect()
        rig.ask(client, 1, subscribe(.latest))
        rig.engine.shutDown(now: rig.now)
        rig.settle()
        let events = rig.takeDirect()
        #expect(events.map(\.failure?.status) == [-3] && events[0].isLast)
    }
}
