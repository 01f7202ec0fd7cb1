import DevBroker
import GatewayCore
import Testing

/// What clients produce, and what they are told of it.
@Suite struct ProduceTests {
    @Test("each record has its partition, offset and timestamp, and is what was sent")
    func results() throws {
        let world = try ProducingRig()
        world.rig.engine.epochMilliseconds = 1_000_000
        let client = try world.rig.connect()
        let sent = world.rig.now.milliseconds(since: .zero) + 1_000_000
        let reply = try world.ask(
            client,
            Request.produce(
                7,
                [
                    .init("t", "a", key: "k", headers: [("h", "1"), ("h", nil)]), .init("t", nil),
                    .init("t", ""),
                ]))
        #expect(reply.sequence == 7)
        #expect(
            reply.body
                == .produced(
                    (0..<3).map { .init(partition: 0, offset: $0, timestamp: sent) },
                    compared: false))
        let stored = try world.stored()
        #expect(stored.map(\.value) == [[0x61], nil, []])
        #expect(stored[0].key == [0x6b] && stored[0].headers == ["h=1", "h"])
        #expect(stored.map(\.timestamp) == [sent, sent, sent])
    }

    @Test("a command with no records has no results")
    func none() throws {
        let world = try ProducingRig()
        let reply = try world.ask(try world.rig.connect(), Request.produce(1, []))
        #expect(reply.body == .produced([], compared: false))
    }

    @Test("in both kinds of JSON")
    func texts() throws {
        let world = try ProducingRig()
        for (format, value) in [("pubsub.json", "w6k="), ("pubsub.text", "\\u00e9")] {
            let client = try world.rig.connect(
                "/kafka", "Sec-WebSocket-Protocol: \(format)")
            client.send(
                text: #"{"sequence":3,"cmdProduce":{"records":[{"topic":"t","value":"\#(value)"},"#
                    + #"{"topic":"secret"}]}}"#)
            world.rig.pass(100)
            let replies = client.takeTexts()
            let text = try #require(replies.count == 1 ? replies[0] : nil, "\(replies)")
            #expect(text.contains(#""produceResp":{"results":["#) && text.contains(#""code":5"#))
        }
        #expect(try world.values() == ["é", "é"])
    }

    @Test("records of a partition keep their order, however many commands are on their way")
    func order() throws {
        let world = try ProducingRig(#""producer":{"client_partition":true}"#, partitions: 2)
        let client = try world.rig.connect()
        world.rig.brokers.inject(Fault(.delay(milliseconds: 300), apiKey: 0, times: 3))
        for number in 0..<40 {
            client.send(
                Request.produce(
                    Int64(number),
                    [
                        .init("t", "\(number)a", partition: Int64(number % 2)),
                        .init("t", "\(number)b", partition: Int64(number % 2)),
                    ]))
            world.rig.pass(20)
        }
        world.rig.pass(5_000)
        #expect(try client.takeReplies().count == 40)
        for partition in 0..<2 {
            let wanted = stride(from: partition, to: 40, by: 2).flatMap { ["\($0)a", "\($0)b"] }
            #expect(try world.values("t", Int64(partition)) == wanted)
        }
    }

    @Test("records fail one by one")
    func single() throws {
        let world = try ProducingRig(#""producer":{"max_message_bytes":200}"#)
        let client = try world.rig.connect()
        let reply = try world.ask(
            client,
            Request.produce(
                1,
                [
                    .init("t", "a"), .init("secret", "b"), .init("t", "c", partition: 0),
                    .init("t", String(repeating: "x", count: 200)), .init("", "d"),
                    .init("t", "e"), .init("t", "f", timestamp: 5),
                ]))
        let results = try #require(reply.results)
        #expect(results.map { $0.failure?.code } == [nil, 5, 3, 4, 5, nil, 3])
        #expect(results.map(\.offset) == [0, -1, -1, -1, -1, 1, -1])
        #expect(results[1].failure?.cause == "not found" && results[1].partition == -1)
        #expect(try world.values() == ["a", "e"])
    }

    @Test("a topic that is missing, or refused, says the same")
    func missing() throws {
        let world = try ProducingRig()
        let client = try world.rig.connect()
        let reply = try world.ask(
            client, Request.produce(1, [.init("secret", "a"), .init("t-missing", "b")]),
            within: 10_000)
        let failures = try #require(reply.results).map(\.failure)
        #expect(failures[0] == failures[1] && failures[0]?.code == 5)
        #expect(failures[0]?.message == "not found topic or partition")
        #expect(world.rig.logs.contains { $0.line.contains(#"producing to the topic "secret""#) })
        #expect(world.rig.engine.metrics().refusedTopics == 1)
    }

    @Test("a partition without a leader stops who produces to it, not the others, nor their pings")
    func leaderless() throws {
        let world = try ProducingRig(
            #""producer":{"client_partition":true},"limits":{"produce_bytes_in_flight":2000}"#,
            partitions: 3, brokers: 3)
        let rig = world.rig
        let victim = try #require(rig.brokers.leader("t", 0))
        let other = try #require((1...2).first { rig.brokers.leader("t", $0) != victim })
        let stopped = try rig.connect()
        let going = try rig.connect()
        let first = try world.ask(
            going, Request.produce(1, [.init("t", "v", partition: Int64(other))]))
        #expect(first.offsets == [0])
        rig.brokers.takeDown(victim, elects: false, now: rig.now)
        let value = String(repeating: "x", count: 500)
        for number in 0..<6 {
            stopped.send(Request.produce(Int64(number), [.init("t", value, partition: 0)]))
            rig.pass(100)
        }
        // Beyond its limit it is not read; until then it was.
        #expect(stopped.isReadingPaused)
        #expect(try stopped.takeReplies().isEmpty)
        let reply = try world.ask(
            going, Request.produce(2, [.init("t", "v", partition: Int64(other))]))
        #expect(reply.offsets == [1])
        rig.brokers.bringUp(victim, now: rig.now)
        rig.pass(10_000)
        #expect(try stopped.takeReplies().map(\.sequence) == Array(0..<6))
        #expect(!stopped.isReadingPaused)
        #expect(try world.stored("t", 0).count == 6)
        #expect(rig.engine.metrics().limitHits["produce_bytes_in_flight"] == 1)
    }

    @Test("while records wait, pings and grants are answered")
    func pings() throws {
        let world = try ProducingRig()
        let client = try world.rig.connect()
        world.rig.brokers.inject(Fault(.delay(milliseconds: 3_000), apiKey: 0))
        client.send(Request.produce(1, "t", "v"))
        world.rig.pass(500)
        #expect(try client.ask(Request.ping(2, "x")).sequence == 2)
        client.send(Request.subscribe(3, [("t", [0], .latest)], messages: 1))
        world.rig.pass(700)
        #expect(try client.takeReplies().first?.sequence == 3)
        #expect(try client.ask(Request.grant(4, 3, messages: 1)).sequence == 4)
        world.rig.pass(4_000)
        #expect(try client.takeReplies().contains { $0.sequence == 1 && $0.offsets == [0] })
    }

    @Test("no room in the buffer stops the reading of the socket; nothing is dropped")
    func full() throws {
        let world = try ProducingRig(
            #""producer":{"buffer_bytes":4000,"max_message_bytes":1000}"#, brokers: 2)
        let rig = world.rig
        // On the other broker: what is behind a late answer is late as well.
        rig.brokers.createTopic("t2")
        try #require(rig.brokers.leader("t", 0) != rig.brokers.leader("t2", 0))
        rig.brokers.inject(Fault(.delay(milliseconds: 5_000), apiKey: 0, topic: "t"))
        let client = try rig.connect()
        let values = (0..<40).map { "\($0)" + String(repeating: ".", count: 200) }
        client.send(Request.produce(1, values[..<20].map { .init("t", $0) }))
        client.send(Request.produce(2, values[20...].map { .init("t", $0) }))
        #expect(client.isReadingPaused)
        #expect(rig.engine.metrics().limitHits["buffer_bytes"] == 1)
        // The topic has filled its share, and leaves room for others.
        let other = try rig.connect()
        let large = String(repeating: "x", count: 900)
        let reply = try world.ask(other, Request.produce(1, "t2", large))
        #expect(reply.offsets == [0])
        rig.pass(60_000)
        let replies = try client.takeReplies()
        #expect(replies.map(\.sequence) == [1, 2])
        #expect(replies.flatMap { $0.offsets ?? [] } == Array(0..<40))
        #expect(try world.values() == values)
        #expect(rig.engine.metrics().producingBytes == 0)
    }

    @Test("messages that come though one waits for room wait behind it")
    func behind() throws {
        let world = try ProducingRig(
            #""producer":{"buffer_bytes":4000,"max_message_bytes":1000}"#, brokers: 2)
        let rig = world.rig
        rig.brokers.createTopic("t2")
        rig.brokers.inject(Fault(.delay(milliseconds: 2_000), apiKey: 0, topic: "t"))
        let client = rig.openMessages()
        let value = String(repeating: ".", count: 200)
        client.message(
            Request.produce(1, (0..<20).map { _ in .init("t", value) } + [.init("t2", "first")]))
        for number in 2..<5 { client.message(Request.produce(Int64(number), "t2", "\(number)")) }
        rig.pass(100)
        #expect(try client.takeReplies().isEmpty)
        rig.pass(30_000)
        #expect(try client.takeReplies().map(\.sequence).sorted() == [1, 2, 3, 4])
        #expect(try world.values("t2") == ["first", "2", "3", "4"])
        #expect(rig.engine.metrics().heldBytes == 0)
    }

    @Test("records on their way count in limits.memory_bytes")
    func memory() throws {
        var settings = GatewaySettings()
        settings.memoryBytes = 60_000
        let world = try ProducingRig(settings: settings)
        let rig = world.rig
        rig.brokers.inject(Fault(.delay(milliseconds: 2_000), apiKey: 0))
        let client = try rig.connect()
        let value = String(repeating: ".", count: 8_000)
        for number in 0..<8 {
            guard !client.isReadingPaused else { break }
            client.send(Request.produce(Int64(number), "t", value))
        }
        #expect(client.isReadingPaused)
        #expect(rig.engine.metrics().limitHits["memory_bytes"] == 1)
        #expect(rig.engine.metrics().heldBytes <= 60_000)
        rig.pass(10_000)
        #expect(!client.isReadingPaused && rig.engine.metrics().heldBytes == 0)
        #expect(try client.takeReplies().allSatisfy { $0.offsets?.count == 1 })
    }

    @Test("metrics count what was produced, and what was not")
    func metrics() throws {
        let world = try ProducingRig()
        let client = try world.rig.connect()
        world.rig.brokers.inject(Fault(.delay(milliseconds: 500), apiKey: 0))
        client.send(Request.produce(1, [.init("t", "a"), .init("t", "b"), .init("x", "c")]))
        world.rig.pass(100)
        #expect(world.rig.engine.metrics().producingRecords == 2)
        world.rig.pass(1_000)
        let metrics = world.rig.engine.metrics()
        #expect(metrics.produced.records == 2 && metrics.produced.bytes > 0)
        #expect(metrics.produced.failed == ["not_allowed": 1, "unknown": 0])
        #expect(metrics.producingRecords == 0)
        #expect(metrics.commands[.init(command: "produce", result: "not_found")] == 1)
    }
}
