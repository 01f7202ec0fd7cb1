import DevBroker
import GatewayCore
import KafkaCore
import Testing

/// Batches that cannot be read: the client is told which error, the log why, a metric how often,
/// and whoever comes next is served.
@Suite struct BadBatchTests {
    /// What is damaged, the error's name, its number and a word of the log line.
    static let cases: [(RecordDamage, String, Int16, String)] = [
        (.checksum, "CORRUPT_MESSAGE", 2, "checksum"),
        (.codec, "UNSUPPORTED_COMPRESSION_TYPE", 76, "unknown compression 7"),
        (.compression, "CORRUPT_MESSAGE", 2, "gzip"),
        (.count, "CORRUPT_MESSAGE", 2, ""),
    ]

    private func fixture() throws -> Rig {
        let rig = try Rig()
        rig.brokers.createTopic("t", partitions: 2)
        for partition in [0, 1] as [Int32] {
            for number in 0..<3 {
                try rig.brokers.append(
                    "t", partition: partition, [DevRecord("v\(number)")], now: rig.now)
            }
        }
        return rig
    }

    @Test("a fetch", arguments: cases)
    func fetch(
        _ damage: RecordDamage, _ name: String, _ code: Int16, _ word: String
    ) throws {
        let rig = try fixture()
        rig.brokers.inject(Fault(.damage(damage), topic: "t", partition: 0))
        let client = try rig.connect()
        let failure = try #require(try client.ask(Request.fetch(1, "t", 0, 0)).failure)
        #expect(failure.code == 1000 + Int64(code))
        #expect(
            failure.message == "failed to fetch message, topic: t, partition: 0, err: \(name)")
        let line = try #require(
            rig.logs.first { $0.level == .error && $0.line.contains("t-0 at offset 0") })
        #expect(line.line.lowercased().contains(word), "\(line.line)")
        let metrics = rig.engine.metrics()
        #expect(metrics.kafkaErrors[code] == 1)
        #expect(metrics.commands[.init(command: "fetch", result: "kafka")] == 1)
        // The same client's next fetch, another partition, and the next client.
        #expect(try client.ask(Request.fetch(2, "t", 1, 0)).batch?.records.count == 3)
        #expect(try client.ask(Request.fetch(3, "t", 0, 0)).batch?.records.count == 3)
        #expect(try rig.connect().ask(Request.fetch(4, "t", 0, 0)).batch?.records.count == 3)
    }

    @Test("records in front of a bad batch are delivered")
    func front() throws {
        let rig = try fixture()
        let good = try #require(rig.brokers.storedBytes("t"))
        rig.brokers.createTopic("broken")
        let size = good.count / 3
        rig.brokers.store("broken", bytes: Array(good[..<size]), base: 0, last: 0, now: rig.now)
        var bad = Array(good[size..<2 * size])
        bad[size - 1] ^= 1
        rig.brokers.store("broken", bytes: bad, base: 1, last: 1, now: rig.now)
        let client = try rig.connect()
        let first = try #require(try client.ask(Request.fetch(1, "broken", 0, 0)).batch)
        #expect(first.records.map(\.offset) == [0] && first.nextOffset == 1)
        #expect(try client.ask(Request.fetch(2, "broken", 0, 1)).failure?.code == 1002)
        #expect(try client.ask(Request.fetch(3, "broken", 0, 0)).batch?.records.count == 1)
    }

    @Test("a batch that never comes whole ends the fetch in its time, and nothing else")
    func cut() throws {
        let rig = try fixture()
        rig.brokers.inject(Fault(.damage(.cut), topic: "t", partition: 0, times: .max))
        let client = try rig.connect()
        client.send(Request.fetch(1, "t", 0, 0, maxBytes: 1_000))
        rig.pass(5_000)
        let other = try client.ask(Request.fetch(2, "t", 1, 0, maxBytes: 1_000))
        #expect(other.sequence == 2 && other.batch?.records.count == 3)
        for _ in 0..<3 {
            client.keepAlive()
            rig.pass(10_000)
        }
        let reply = try #require(try client.takeReplies().first)
        #expect(reply.sequence == 1)
        #expect(reply.failure?.code == 7 && reply.failure?.retriable == true)
        let requests = rig.engine.metrics().kafkaRequests[1] ?? 0
        #expect(requests < 100, "\(requests) fetches for a batch that does not come")
    }

    @Test("a live subscription ends at a bad batch with its error; the other partition goes on")
    func subscription() throws {
        let rig = try fixture()
        let client = try rig.connect()
        client.send(Request.subscribe(1, [("t", [0, 1], .latest)]))
        rig.pass(1_000)
        _ = client.takeMessages()
        rig.brokers.inject(
            Fault(.damage(.checksum), topic: "t", partition: 0, times: 1_000_000))
        // Until the long poll is over that was there before.
        rig.pass(2_000)
        for partition in [0, 1] as [Int32] {
            try rig.brokers.append("t", partition: partition, [DevRecord("new")], now: rig.now)
        }
        rig.pass(2_000)
        let batches = try client.takeReplies().compactMap(\.batch)
        #expect(batches.contains { $0.partition == 0 && $0.failure?.code == 1002 })
        #expect(batches.contains { $0.partition == 1 && $0.records.map(\.text) == ["new"] })
        try rig.brokers.append("t", partition: 1, [DevRecord("newer")], now: rig.now)
        rig.pass(2_000)
        #expect(
            try client.takeReplies().compactMap(\.batch).flatMap(\.records).map(\.text)
                == ["newer"])
    }
}
