import DevBroker
import KafkaCore
import Testing

@testable import GatewayCore

/// What is pushed when: credit, pauses and ends that meet.
@Suite struct PushTests {
    private static let fetch: Int16 = 1

    private func rig() throws -> Rig {
        let rig = try Rig()
        try rig.fillTestConsumer()
        return rig
    }

    private func records(_ client: TestClient) throws -> [Int64] {
        try client.takeReplies().flatMap { $0.batch?.records ?? [] }.map(\.offset)
    }

    private func append(_ rig: Rig, _ count: Int = 1, _ topic: String = "test-consumer") throws {
        for _ in 0..<count { try rig.brokers.append(topic, [DevRecord("new")], now: rig.now) }
    }

    @Test(
        "commands that name no subscription are told so",
        arguments: [
            Request.unsubscribe(7, 3), Request.grant(7, 3, messages: 1),
            Request.pause(7, 3, resume: true), Request.pause(7, 3, resume: false),
        ])
    func unknown(_ request: [UInt8]) throws {
        let reply = try rig().connect().ask(request)
        #expect(reply.sequence == 7)
        #expect(
            reply.failure == .init(code: 5, message: "no subscription has the sequence 3"))
    }

    @Test("a grant while paused is kept for the time after")
    func grantWhilePaused() throws {
        let rig = try rig()
        let client = try rig.connect()
        client.send(
            Request.subscribe(1, [("test-consumer", [0], .earliest)], messages: 0),
            Request.pause(2, 1, resume: false), Request.grant(3, 1, messages: 5))
        rig.pass(1_000)
        let replies = try client.takeReplies()
        #expect(replies.map(\.body).contains(.granted(1, messages: 5, bytes: nil)))
        #expect(replies.allSatisfy { $0.batch?.records.isEmpty != false })
        client.send(Request.pause(4, 1, resume: true))
        rig.pass(100)
        #expect(try records(client) == Array(0..<5))
    }

    @Test("Kafka is not read for who has no credit, or pauses", arguments: [true, false])
    func unread(_ pauses: Bool) throws {
        let rig = try rig()
        let client = try rig.connect()
        client.send(
            Request.subscribe(1, [("test-consumer", [0], .latest)], messages: pauses ? 9 : 1))
        _ = client.takeMessages()
        if pauses { client.send(Request.pause(2, 1, resume: false)) } else { try append(rig) }
        rig.pass(2_000)
        #expect(try records(client) == (pauses ? [] : [30]))
        let before = rig.brokers.requestCount(apiKey: Self.fetch)
        #expect(before > 0)
        for _ in 0..<20 {
            try append(rig)
            rig.pass(500)
        }
        #expect(rig.brokers.requestCount(apiKey: Self.fetch) == before)
        client.send(
            pauses ? Request.pause(3, 1, resume: true) : Request.grant(3, 1, messages: 8))
        rig.pass(1_000)
        #expect(try records(client) == (pauses ? Array(30..<39) : Array(31..<39)))
    }

    @Test(
        "one follower pushes batch after batch, whether or not the client counts bytes",
        arguments: [nil, 1 << 20] as [Int64?])
    func staysAtEnd(_ bytes: Int64?) throws {
        let rig = try rig()
        let client = try rig.connect()
        client.send(
            Request.subscribe(
                1, [("test-consumer", [0], .latest)], messages: 100, bytes: bytes))
        rig.pass(1_000)
        _ = client.takeMessages()
        #expect(rig.engine.followers.count == 1)
        let follower = try #require(rig.engine.sessions.values.first?.follower)
        for number in 0..<5 as Range<Int64> {
            try append(rig)
            rig.pass(100)
            #expect(try records(client) == [30 + number])
        }
        #expect(rig.engine.sessions.values.first?.follower === follower)
        #expect(!follower.isResting && rig.engine.reads.isEmpty)
        client.send(Request.unsubscribe(2, 1))
        #expect(follower.isOver && rig.engine.followers.isEmpty)
    }

    @Test("what comes of several partitions in one turn goes out in one write")
    func gathered() throws {
        let rig = try rig()
        rig.brokers.createTopic("wide", partitions: 3)
        let clients = try (0..<3).map { _ in try rig.connect() }
        for client in clients { client.send(Request.subscribe(1, [("wide", [], .latest)])) }
        rig.pass(1_000)
        for client in clients { _ = client.takeMessages() }
        let before = clients.map(\.writeCount)
        // The poll is answered with the first of them, the next one with the two others.
        rig.brokers.freeze(1)
        for partition in 0..<3 as Range<Int32> {
            try rig.brokers.append(
                "wide", partition: partition, [DevRecord("p\(partition)")], now: rig.now)
        }
        rig.brokers.thaw(1, now: rig.now)
        rig.pass(1_000)
        for (client, before) in zip(clients, before) {
            let batches = try client.takeReplies().compactMap(\.batch)
            #expect(batches.map(\.partition) == [0, 1, 2])
            #expect(batches.flatMap(\.records).map(\.text) == ["p0", "p1", "p2"])
            #expect(client.writeCount == before + 2)
        }
    }

    @Test("two subscriptions of one partition: each by its own credit, both complete")
    func twice() throws {
        let rig = try rig()
        let client = try rig.connect()
        client.send(
            Request.subscribe(1, [("test-consumer", [0], .offset(25))], messages: 3),
            Request.subscribe(2, [("test-consumer", [0], .offset(28))]))
        rig.pass(500)
        try append(rig, 5)
        rig.pass(500)
        var pushed: [Int64: [Int64]] = [:]
        func collect() throws {
            for reply in try client.takeReplies() {
                pushed[reply.sequence, default: []] +=
                    reply.batch?.records.map(\.offset) ?? []
            }
        }
        try collect()
        #expect(pushed == [1: [25, 26, 27], 2: Array(28..<35)])
        client.send(Request.grant(3, 1, messages: 100))
        rig.pass(500)
        try collect()
        #expect(pushed[1] == Array(25..<35) && pushed[2] == Array(28..<35))
    }

    @Test("the last partition that is lost takes its subscription along; its name is free again")
    func lost() throws {
        let rig = try rig()
        for topic in ["a", "b"] {
            rig.brokers.createTopic(topic)
            try append(rig, 5, topic)
            rig.brokers.deleteRecords(topic, before: 3)
        }
        let client = try rig.connect()
        client.send(Request.subscribe(1, [("a", [0], .offset(1)), ("b", [0], .offset(0))]))
        rig.pass(1_000)
        let replies = try client.takeReplies()
        #expect(replies.allSatisfy { $0.sequence == 1 })
        let failures = replies.compactMap { $0.batch?.failure }
        #expect(failures.map(\.code) == [1001, 1001])
        #expect(failures.allSatisfy { $0.logStart == 3 && $0.highWatermark == 5 })
        let topics = replies.compactMap(\.batch).filter { $0.failure != nil }.map(\.topic)
        #expect(topics.sorted() == ["a", "b"])
        #expect(replies.last?.failure?.code == 1001)
        #expect(rig.engine.metrics().subscriptions == 0)
        client.send(Request.subscribe(1, [("a", [0], .offset(3))]))
        rig.pass(500)
        #expect(try records(client) == [3, 4])
    }

    @Test("unsubscribed while its start is still looked up: nothing comes of it any more")
    func unsubscribedEarly() throws {
        let rig = try rig()
        let client = try rig.connect()
        rig.brokers.freeze(1)
        client.send(Request.subscribe(1, [("test-consumer", [0], .earliest)]))
        #expect(try client.takeReplies().isEmpty)
        client.send(Request.unsubscribe(2, 1))
        #expect(try client.takeReplies().map(\.body) == [.unsubscribed(1)])
        rig.brokers.thaw(1, now: rig.now)
        rig.pass(5_000)
        #expect(try client.takeReplies().isEmpty)
        #expect(rig.engine.metrics().subscriptions == 0)
        #expect(try client.ask(Request.ping(3)).body == .pong([]))
    }

    @Test("a session that ends takes its reads along")
    func sessionEnds() throws {
        let rig = try rig()
        let client = try rig.connect()
        client.send(Request.subscribe(1, [("test-consumer", [0], .latest)]))
        rig.pass(1_000)
        client.sendClose(1000)
        #expect(client.closed?.code == 1000)
        rig.pass(1_000)
        let before = rig.brokers.requestCount(apiKey: Self.fetch)
        try append(rig, 3)
        rig.pass(10_000)
        #expect(rig.brokers.requestCount(apiKey: Self.fetch) == before)
        #expect(rig.engine.metrics().subscriptions == 0)
    }

    @Test("a committed subscription waits for the end of a transaction; aborted records are none")
    func committed() throws {
        let rig = try rig()
        let (all, committed) = (try rig.connect(), try rig.connect())
        for (client, isolation) in [(all, 1), (committed, 2)] as [(TestClient, Int64)] {
            client.send(
                Request.subscribe(1, [("test-consumer", [0], .latest)], isolation: isolation))
            rig.pass(100)
            _ = client.takeMessages()
        }
        for commits in [false, true] {
            let producer = DevProducer(id: commits ? 8 : 7, isTransactional: true)
            try rig.brokers.append(
                "test-consumer", [DevRecord("one"), DevRecord("two")], producer: producer,
                now: rig.now)
            rig.pass(1_000)
            let first: Int64 = commits ? 33 : 30
            #expect(try records(all) == [first, first + 1])
            #expect(try records(committed).isEmpty)
            rig.brokers.endTransaction(
                "test-consumer", producer: producer, committed: commits, now: rig.now)
            rig.pass(1_000)
            #expect(try records(committed) == (commits ? [first, first + 1] : []))
            #expect(try records(all).isEmpty)
        }
    }
}

extension Session {
    /// Of its first subscription's first partition.
    fileprivate var follower: Follower? {
        desk?.subscriptionsInOrder.first?.partitions.first?.follower
    }
}
