import DevBroker
import GatewayCore
import KafkaCore
import Testing

/// Records that nobody can read: the client is told where to go on, or goes on by itself.
@Suite struct SkipTests {
    /// Batches of one record at 0, 1 and 2, of which that at 1 is damaged for good.
    private func fixture() throws -> Rig {
        let rig = try Rig()
        rig.brokers.createTopic("whole")
        for number in 0..<3 {
            try rig.brokers.append("whole", [DevRecord("v\(number)")], now: rig.now)
        }
        let good = try #require(rig.brokers.storedBytes("whole"))
        rig.brokers.createTopic("t")
        let size = good.count / 3
        for number in 0..<3 {
            var batch = Array(good[number * size..<(number + 1) * size])
            if number == 1 { batch[size - 1] ^= 1 }
            rig.brokers.store(
                "t", bytes: batch, base: Int64(number), last: Int64(number), now: rig.now)
        }
        return rig
    }

    @Test("The error of what cannot be read tells where to go on")
    func fetch() throws {
        let rig = try fixture()
        let client = try rig.connect()
        let failure = try #require(try client.ask(Request.fetch(1, "t", 0, 1)).failure)
        #expect(failure.code == 1002 && failure.nextOffset == 2)
        let next = try #require(failure.nextOffset)
        let batch = try client.ask(Request.fetch(2, "t", 0, next)).batch
        #expect(batch?.records.map(\.text) == ["v2"])
        // An error that has nothing to do with records has no such place.
        let beyond = try #require(try client.ask(Request.fetch(3, "t", 0, 99)).failure)
        #expect(beyond.code == 1001 && beyond.nextOffset == nil)
    }

    @Test("A subscription that was told so steps over what cannot be read, and tells what it was")
    func subscription() throws {
        let rig = try fixture()
        let client = try rig.connect()
        client.send(
            Request.subscribe(1, [("t", [0], .earliest)], skipsUnreadable: true))
        rig.pass(5_000)
        let batches = try client.takeReplies().compactMap(\.batch)
        #expect(batches.flatMap(\.records).map(\.text) == ["v0", "v2"])
        #expect(!batches.contains { $0.failure != nil })
        let skips = batches.filter { $0.skipped != nil }
        #expect(skips.count == 1)
        let skip = try #require(skips.first)
        #expect(skip.topic == "t" && skip.partition == 0 && skip.nextOffset == 2)
        #expect(skip.skipped?.offset == 1 && skip.skipped?.failure.code == 1002)
        // It lives.
        try rig.brokers.append("t", [DevRecord("new")], now: rig.now)
        rig.pass(2_000)
        #expect(
            try client.takeReplies().compactMap(\.batch).flatMap(\.records).map(\.text) == ["new"])
    }

    @Test("Others end there, and are told where to go on")
    func end() throws {
        let rig = try fixture()
        let client = try rig.connect()
        client.send(Request.subscribe(1, [("t", [0], .earliest)]))
        rig.pass(5_000)
        let batches = try client.takeReplies().compactMap(\.batch)
        #expect(batches.flatMap(\.records).map(\.text) == ["v0"])
        #expect(batches.compactMap(\.failure).first?.nextOffset == 2)
    }
}
