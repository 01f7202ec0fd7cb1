import DevBroker
import GatewayCore
import Testing

@Suite struct SubscribeTests {
    private func rig(_ pubsub: String = "{}") throws -> Rig {
        let rig = try Rig(routes: [Rig.route(pubsub)])
        try rig.fillTestConsumer()
        return rig
    }

    private func starts(_ client: TestClient) throws -> [Response.Start] {
        try client.takeReplies().first?.batch?.starts ?? []
    }

    @Test("starts: earliest, latest, an offset, a time")
    func places() throws {
        let rig = try rig()
        rig.brokers.createTopic("times")
        for number in 0..<10 {
            try rig.brokers.append(
                "times", [DevRecord("t\(number)", timestamp: Int64(number) * 1000)], now: rig.now)
        }
        let client = try rig.connect()
        for (sequence, start, offset) in [
            (1, .earliest, 0), (2, .latest, 10), (3, .offset(4), 4), (4, .timestamp(3_500), 4),
            (5, .timestamp(99_000), 10),
        ] as [(Int64, Request.Start, Int64)] {
            client.send(Request.subscribe(sequence, [("times", [0], start)], messages: 0))
            #expect(
                try starts(client) == [.init(topic: "times", partition: 0, offset: offset)])
        }
    }

    @Test("records that are there are pushed, then those that come")
    func live() throws {
        let rig = try rig()
        let client = try rig.connect()
        client.send(Request.subscribe(7, [("test-consumer", [0], .offset(20))]))
        rig.pass(100)
        var replies = try client.takeReplies()
        #expect(replies.allSatisfy { $0.sequence == 7 })
        #expect(replies[0].batch?.starts.first?.offset == 20)
        #expect(replies.dropFirst().flatMap { $0.batch!.records }.map(\.offset) == Array(20..<30))
        #expect(replies.last?.batch?.topic == "test-consumer")
        #expect(replies.last?.batch?.nextOffset == 30)
        for number in 30..<40 {
            try rig.brokers.append("test-consumer", [DevRecord("live\(number)")], now: rig.now)
            rig.pass(20)
        }
        rig.pass(1_000)
        replies = try client.takeReplies()
        #expect(replies.flatMap { $0.batch!.records }.map(\.offset) == Array(30..<40))
    }

    @Test("credit in messages is exact, over batches of any size")
    func messageCredit() throws {
        let rig = try rig()
        rig.brokers.createTopic("big")
        try rig.brokers.append("big", (0..<100).map { DevRecord("b\($0)") }, now: rig.now)
        let client = try rig.connect()
        client.send(Request.subscribe(1, [("big", [0], .earliest)], messages: 3))
        rig.pass(50)
        var offsets = try client.takeReplies().flatMap { $0.batch!.records }.map(\.offset)
        #expect(offsets == [0, 1, 2])
        rig.pass(5_000)
        #expect(try client.takeReplies().isEmpty)
        client.send(Request.grant(2, 1, messages: 10))
        rig.pass(50)
        let replies = try client.takeReplies()
        #expect(replies.first?.body == .granted(1, messages: 10, bytes: nil))
        offsets = replies.compactMap(\.batch).flatMap(\.records).map(\.offset)
        #expect(offsets == Array(3..<13))
        client.send(Request.grant(3, 1, messages: .max))
        client.send(Request.grant(4, 1, messages: .max))
        rig.pass(50)
        offsets = try client.takeReplies().compactMap(\.batch).flatMap(\.records).map(\.offset)
        #expect(offsets == Array(13..<100))
    }

    @Test("credit in bytes may be overdrawn by one record, and the next grant pays for it")
    func byteCredit() throws {
        let rig = try rig()
        rig.brokers.createTopic("big")
        let value = String(repeating: "x", count: 1000)
        try rig.brokers.append("big", (0..<10).map { _ in DevRecord(value) }, now: rig.now)
        let client = try rig.connect()
        client.send(Request.subscribe(1, [("big", [0], .earliest)], bytes: 500))
        rig.pass(50)
        #expect(try client.takeReplies().flatMap { $0.batch!.records }.count == 1)
        client.send(Request.grant(2, 1, bytes: 100))
        rig.pass(50)
        var replies = try client.takeReplies()
        guard case .granted(1, nil, let left?) = replies[0].body else {
            Issue.record("\(replies)")
            return
        }
        #expect(left < 0 && replies.count == 1)
        client.send(Request.grant(3, 1, bytes: -left + 2_500))
        rig.pass(50)
        replies = try client.takeReplies()
        // 1,0xx and 1,0xx and the one that overdraws.
        #expect(replies.compactMap(\.batch).flatMap(\.records).map(\.offset) == [1, 2, 3])
    }

    @Test("pause stops the pushing and the reading, resume goes on where it stopped")
    func pause() throws {
        let rig = try rig()
        let client = try rig.connect()
        client.send(Request.subscribe(1, [("test-consumer", [0], .latest)]))
        client.send(Request.pause(2, 1, resume: false))
        #expect(try client.takeReplies().last?.body == .paused(1, true))
        try rig.brokers.append("test-consumer", [DevRecord("a"), DevRecord("b")], now: rig.now)
        rig.pass(2_000)
        #expect(try client.takeReplies().isEmpty)
        client.send(Request.pause(3, 1, resume: true))
        rig.pass(700)
        let replies = try client.takeReplies()
        #expect(replies[0].body == .paused(1, false))
        #expect(replies[1].batch?.records.map(\.offset) == [30, 31])
    }

    @Test("after UnsubscribeResp no record comes; the name is free again")
    func unsubscribe() throws {
        let rig = try rig()
        let client = try rig.connect()
        client.send(Request.subscribe(1, [("test-consumer", [0], .latest)]))
        _ = client.takeMessages()
        #expect(
            try client.ask(Request.subscribe(1, [("test-consumer", [0], .latest)])).failure?.code
                == 1)
        #expect(try client.ask(Request.unsubscribe(2, 1)).body == .unsubscribed(1))
        try rig.brokers.append("test-consumer", [DevRecord("a")], now: rig.now)
        rig.pass(2_000)
        #expect(try client.takeReplies().isEmpty)
        #expect(try client.ask(Request.unsubscribe(3, 1)).failure?.code == 5)
        client.send(Request.subscribe(1, [("test-consumer", [0], .offset(30))]))
        rig.pass(100)
        #expect(try client.takeReplies().last?.batch?.records.first?.offset == 30)
    }

    @Test("partitions that a topic gets later are found within ten seconds, by one who asks")
    func laterPartitions() throws {
        let rig = try rig()
        rig.brokers.createTopic("wide", partitions: 2)
        let clients = try (0..<50).map { _ in try rig.connect() }
        for client in clients { client.send(Request.subscribe(1, [("wide", [], .latest)])) }
        rig.pass(100)
        for client in clients { #expect(try starts(client).count == 2) }
        rig.brokers.addPartitions(to: "wide", count: 4)
        for partition in 2..<4 as Range<Int32> {
            try rig.brokers.append("wide", partition: partition, [DevRecord("new")], now: rig.now)
        }
        let asked = rig.engine.metrics().kafkaRequests[3] ?? 0
        rig.pass(10_500)
        for client in clients {
            let records = try client.takeReplies().compactMap(\.batch).flatMap(\.records)
            #expect(records.map(\.text) == ["new", "new"])
        }
        #expect((rig.engine.metrics().kafkaRequests[3] ?? 0) - asked <= 4)
    }

    @Test("metadata_max_age_ms may be less than ten seconds")
    func shortAge() throws {
        let rig = try rig(#"{"metadata_max_age_ms":2000}"#)
        rig.brokers.createTopic("wide", partitions: 1)
        let client = try rig.connect()
        client.send(Request.subscribe(1, [("wide", [], .latest)]))
        rig.pass(100)
        rig.brokers.addPartitions(to: "wide", count: 2)
        rig.pass(2_500)
        let starts = try client.takeReplies().compactMap(\.batch).flatMap(\.starts)
        #expect(starts.map(\.partition) == [0, 1])
    }

    @Test("all partitions of a topic, from their ends")
    func wholeTopic() throws {
        let rig = try rig()
        rig.brokers.createTopic("wide", partitions: 3)
        let client = try rig.connect()
        client.send(Request.subscribe(1, [("wide", [], .latest)]))
        rig.pass(100)
        #expect(try starts(client).map(\.partition).sorted() == [0, 1, 2])
        for partition in 0..<3 {
            try rig.brokers.append(
                "wide", partition: Int32(partition), [DevRecord("p\(partition)")], now: rig.now)
        }
        rig.pass(1_000)
        let texts = try client.takeReplies().flatMap { $0.batch!.records }.map(\.text)
        #expect(texts.sorted() == ["p0", "p1", "p2"])
    }

    @Test("subscriptions of which nothing can be read are refused as a whole")
    func refused() throws {
        let rig = try rig(#"{"limits":{"subscriptions":3},"topics":{"deny":["secret","__*"]}}"#)
        rig.brokers.createTopic("secret")
        rig.brokers.createTopic("wide", partitions: 5)
        let client = try rig.connect()
        func code(_ topics: [(String, [Int64], Request.Start)]) throws -> Int64? {
            client.send(Request.subscribe(1, topics))
            rig.pass(1_000)
            return try client.takeReplies().first?.failure?.code
        }
        #expect(try code([]) == 1)
        #expect(try code([("", [0], .latest)]) == 1)
        #expect(try code([("test-consumer", [0, 0], .latest)]) == 1)
        #expect(try code([("test-consumer", [-1], .latest)]) == 1)
        #expect(try code([("test-consumer", [0, 1, 2, 3], .latest)]) == 4)
        #expect(try code([("wide", [], .latest)]) == 4)
        #expect(try code([("secret", [0], .latest)]) == 5)
        #expect(try code([("missing", [0], .latest)]) == 5)
        #expect(try code([("missing", [], .latest)]) == 5)
        #expect(try code([("secret", [0], .latest), ("test-consumer", [7], .latest)]) == 5)
        #expect(try code([("test-consumer", [0], .latest)]) == nil)
    }

    @Test("a partition that goes away is told, and the others go on")
    func lostPartition() throws {
        let rig = try rig()
        rig.brokers.createTopic("other")
        try rig.brokers.append("other", (0..<5).map { DevRecord("o\($0)") }, now: rig.now)
        rig.brokers.deleteRecords("other", before: 3)
        let client = try rig.connect()
        client.send(
            Request.subscribe(1, [("other", [0], .offset(1)), ("test-consumer", [0], .offset(29))]))
        rig.pass(1_000)
        let replies = try client.takeReplies()
        let failures = replies.compactMap { $0.batch?.failure }
        let lost = try #require(failures.first)
        #expect(lost.code == 1001)
        #expect(lost.logStart == 3)
        #expect(replies.flatMap { $0.batch?.records ?? [] }.map(\.offset) == [29])
    }

    @Test("pushes are at most 64 KiB of records, a single larger record goes alone")
    func pushSize() throws {
        let rig = try rig()
        rig.brokers.createTopic("big")
        let value = String(repeating: "x", count: 1000)
        try rig.brokers.append("big", (0..<300).map { _ in DevRecord(value) }, now: rig.now)
        try rig.brokers.append(
            "big", [DevRecord(String(repeating: "y", count: 200_000))], now: rig.now)
        let client = try rig.connect()
        client.send(Request.subscribe(1, [("big", [0], .earliest)]))
        rig.pass(500)
        let batches = try client.takeReplies().dropFirst().compactMap(\.batch)
        #expect(batches.flatMap(\.records).map(\.offset) == Array(0...300))
        for batch in batches.dropLast() {
            #expect(batch.records.reduce(0) { $0 + ($1.value?.count ?? 0) } <= 65_536)
        }
        #expect(batches.last?.records.count == 1)
    }

    @Test("a peer that does not read gets nothing put up for it, and everything later")
    func stopped() throws {
        let rig = try rig()
        rig.brokers.createTopic("big")
        let client = try rig.connect()
        client.send(Request.subscribe(1, [("big", [0], .latest)]))
        _ = client.takeMessages()
        client.room = 10_000
        let value = String(repeating: "x", count: 1000)
        for _ in 0..<300 {
            try rig.brokers.append("big", (0..<10).map { _ in DevRecord(value) }, now: rig.now)
            rig.pass(10)
        }
        #expect(client.isBlocked)
        #expect(rig.engine.metrics().unsentBytes < 200_000)
        client.read()
        rig.pass(2_000)
        let records = try client.takeReplies().flatMap { $0.batch?.records ?? [] }
        #expect(records.map(\.offset) == Array(0..<3000))
    }
}
