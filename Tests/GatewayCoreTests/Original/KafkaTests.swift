import DevBroker
import GatewayCore
import KafkaCore
import SASL
import Testing

/// The original's t/pubsub/kafka.t, and lua-resty-kafka's t/basic-consumer.t.
@Suite struct KafkaTests {
    private func fixture() throws -> (Rig, TestClient) {
        let rig = try Rig()
        try rig.fillTestConsumer()
        return (rig, try rig.connect())
    }

    @Test("kafka.t 3: hit route (Kafka)")
    func hitRoute() throws {
        let (_, client) = try fixture()
        var reply = try client.ask(Request.listOffset(0, "not-exist", 0, -1))
        #expect(
            reply.failure
                == .init(
                    code: 5,
                    message: "failed to list offset, topic: not-exist, partition: 0, "
                        + "err: not found topic",
                    cause: "not found"))
        reply = try client.ask(Request.fetch(1, "not-exist", 0, 0))
        #expect(
            reply.failure
                == .init(
                    code: 5,
                    message: "failed to fetch message, topic: not-exist, partition: 0, "
                        + "err: not found topic",
                    cause: "not found"))
        #expect(try client.ask(Request.listOffset(2, "test-consumer", 0, -2)).offset == 0)
        #expect(try client.ask(Request.listOffset(3, "test-consumer", 0, -1)).offset == 30)
        let late = Request.listOffset(4, "test-consumer", 0, 9_999_999_999_999)
        #expect(try client.ask(late).offset == -1)
        let early = Request.listOffset(5, "test-consumer", 0, 1_500_000_000_000)
        #expect(try client.ask(early).offset == 0)
        reply = try client.ask(Request.fetch(6, "test-consumer", 0, 14))
        #expect(reply.sequence == 6)
        #expect(reply.batch?.records.first?.offset == 14)
        #expect(reply.batch?.records.first?.text == "testmsg15")
        #expect(reply.batch?.records.map(\.offset) == Array(14..<30))
        reply = try client.ask(Request.fetch(7, "test-consumer", 0, 999))
        #expect(reply.failure?.code == 1001)
        #expect(
            reply.failure?.message
                == "failed to fetch message, topic: test-consumer, partition: 0, "
                + "err: OFFSET_OUT_OF_RANGE")
    }

    @Test("kafka.t 4: Kafka with invalid node ip: the text of old, the truth in the code")
    func invalidNode() throws {
        let rig = try Rig()
        rig.network.unreachable = [9092]
        let client = try rig.connect()
        client.send(Request.listOffset(0, "test-consumer", 0, -2))
        rig.pass(60_000)
        let failure = try #require(client.takeReplies().first?.failure)
        #expect(
            failure.message
                == "failed to list offset, topic: test-consumer, partition: 0, "
                + "err: not found topic")
        #expect(failure.code == 6)
        #expect(rig.logs.contains { $0.line.contains("refused") })
        // The next client is served, once the broker is there.
        rig.network.unreachable = []
        try rig.fillTestConsumer()
        let next = try rig.connect()
        next.send(Request.listOffset(1, "test-consumer", 0, -1))
        rig.pass(5_000)
        #expect(try next.takeReplies().first?.offset == 30)
    }

    /// Rows 5 and 6 end to end, with a certificate and a TLS broker: Tests/Hosts/test_original.py.
    @Test("kafka.t 5, 6: Kafka with TLS, and with TLS + ssl verify", arguments: [false, true])
    func tls(_ verify: Bool) throws {
        let rig = try Rig(routes: [
            Rig.route.replacing(
                #""scheme":"kafka""#, with: #""scheme":"kafka","tls":{"verify":\#(verify)}"#)
        ])
        try rig.fillTestConsumer()
        if verify {
            rig.network.unreachable = [9092]
            rig.network.refusal = .init(.tls, "self-signed certificate")
        }
        let client = try rig.connect()
        client.send(Request.listOffset(0, "test-consumer", 0, -1))
        rig.pass(60_000)
        let reply = try #require(try client.takeReplies().first)
        let connects = rig.network.connects
        #expect(connects.allSatisfy { $0.tls?.verify == verify } && !connects.isEmpty)
        if verify {
            #expect(reply.failure?.code == 8)
            #expect(rig.logs.contains { $0.line.contains("self-signed certificate") })
        } else {
            #expect(reply.offset == 30)
        }
    }

    @Test("kafka.t 7: Kafka with SASL")
    func sasl() throws {
        var brokers = BrokerSettings()
        brokers.users = SASLUsers()
        brokers.users.add("admin", password: "admin-secret")
        let rig = try Rig(
            routes: [
                String(Rig.route.dropLast())
                    + #","plugins":{"kafka-proxy":{"sasl":{"username":"admin","#
                    + #""password":"admin-secret"}}}}"#
            ], brokers: brokers)
        try rig.fillTestConsumer()
        let client = try rig.connect()
        #expect(try client.ask(Request.listOffset(0, "test-consumer", 0, -1)).offset == 30)
    }

    @Test("basic-consumer.t: partition not exist, fetch empty at the end")
    func basicConsumer() throws {
        let (rig, client) = try fixture()
        var reply = try client.ask(Request.listOffset(1, "test-consumer", 5, -1))
        #expect(reply.failure?.message.hasSuffix("err: not found partition") == true)
        #expect(reply.failure?.code == 5)
        reply = try client.ask(Request.fetch(2, "test-consumer", 5, 0))
        #expect(reply.failure?.message.hasSuffix("err: not found partition") == true)
        reply = try client.ask(Request.fetch(3, "test-consumer", 0, 30))
        #expect(reply.batch?.records.isEmpty == true)
        #expect(reply.batch?.nextOffset == 30 && reply.batch?.highWatermark == 30)
        reply = try client.ask(Request.fetch(4, "test-consumer", 0, 0))
        #expect(reply.batch?.records.map(\.text) == (1...30).map { "testmsg\($0)" })
        _ = rig
    }

    @Test("1.6: a fetch inside of a batch begins exactly at its offset")
    func insideOfBatch() throws {
        let rig = try Rig()
        rig.brokers.createTopic("t")
        try rig.brokers.append("t", (0..<10).map { DevRecord("v\($0)") }, now: rig.now)
        let client = try rig.connect()
        let reply = try client.ask(Request.fetch(1, "t", 0, 3))
        #expect(reply.batch?.records.map(\.offset) == Array(3..<10))
    }

    @Test("1.4: a reply beyond 65,535 bytes arrives")
    func largeReply() throws {
        let rig = try Rig()
        rig.brokers.createTopic("t")
        let value = String(repeating: "v", count: 1000)
        try rig.brokers.append("t", (0..<900).map { _ in DevRecord(value) }, now: rig.now)
        let client = try rig.connect()
        let reply = try client.ask(Request.fetch(1, "t", 0, 0))
        #expect(reply.batch?.records.count == 900)
        #expect(client.fragmentsMax == 1)
    }

    @Test("1.6: null and empty are told apart")
    func nullAndEmpty() throws {
        let rig = try Rig()
        rig.brokers.createTopic("t")
        try rig.brokers.append(
            "t", [DevRecord(key: nil, value: nil), DevRecord(key: [], value: [])], now: rig.now)
        let records = try #require(
            try rig.connect().ask(Request.fetch(1, "t", 0, 0)).batch?.records)
        #expect(records[0].key == nil && records[0].value == nil)
        #expect(records[1].key == [] && records[1].value == [])
    }
}
