import DevBroker
import GatewayCore
import Testing

/// Subscriptions of a topic that is deleted and created again.
@Suite struct OtherLogSubscriptionTests {
    private static let begunAnew: Int64 = 2

    private func rig(records: Int = 50) throws -> Rig {
        let rig = try Rig()
        rig.brokers.createTopic("t")
        try append(rig, records, "old")
        return rig
    }

    private func append(_ rig: Rig, _ count: Int, _ text: String) throws {
        let records = (0..<count).map { DevRecord("\(text) \($0)") }
        try rig.brokers.append("t", records, now: rig.now)
    }

    private func recreate(_ rig: Rig, records: Int = 100) throws {
        rig.brokers.recreateTopic("t", now: rig.now)
        try append(rig, records, "new")
        // What is cached of the old one is served for a second.
        rig.pass(2_000)
    }

    private func batches(_ client: TestClient, _ milliseconds: Int64) throws -> [Response.Batch] {
        client.rig.pass(milliseconds)
        return try client.takeReplies().compactMap(\.batch)
    }

    @Test("named offsets end with 1100, though the new log reaches beyond them")
    func namedOffset() throws {
        for partitions in [[0], []] as [[Int64]] {
            let rig = try rig()
            let client = try rig.connect()
            client.send(Request.subscribe(1, [("t", partitions, .offset(0))], messages: 30))
            let before = try batches(client, 1_000)
            #expect(before.flatMap(\.records).map(\.offset) == Array(0..<30))
            try recreate(rig)
            client.send(Request.grant(2, 1, messages: 200))
            let after = try batches(client, 10_000)
            #expect(after.flatMap(\.records).isEmpty)
            #expect(after.compactMap(\.failure).map(\.code) == [1_100])
        }
    }

    @Test("a whole topic begins anew in the new log, and says so")
    func wholeTopic() throws {
        for start in [.earliest, .latest] as [Request.Start] {
            let rig = try rig()
            let client = try rig.connect()
            client.send(Request.subscribe(1, [("t", [], start)], messages: 30))
            _ = try batches(client, 1_000)
            try recreate(rig)
            client.send(Request.grant(2, 1, messages: 200))
            let after = try batches(client, 10_000)
            #expect(after.flatMap(\.starts).map(\.outcome) == [Self.begunAnew])
            #expect(after.flatMap(\.starts).map(\.offset) == [0])
            #expect(after.flatMap(\.records).map(\.text) == (0..<100).map { "new \($0)" })
            #expect(after.allSatisfy { $0.failure == nil })
            try append(rig, 5, "newer")
            let live = try batches(client, 1_000)
            #expect(live.flatMap(\.records).map(\.offset) == Array(100..<105))
        }
    }

    @Test("whoever waits at the end is told too, and whoever has no credit when it grants some")
    func waiting() throws {
        let rig = try rig()
        let client = try rig.connect()
        client.send(Request.subscribe(1, [("t", [0], .latest)]))
        client.send(Request.subscribe(2, [("t", [0], .latest)], messages: 0))
        _ = try batches(client, 2_000)
        try recreate(rig)
        #expect(try batches(client, 10_000).compactMap(\.failure).map(\.code) == [1_100])
        client.keepAlive()
        client.send(Request.grant(3, 2, messages: 5))
        let after = try batches(client, 10_000)
        #expect(after.compactMap(\.failure).map(\.code) == [1_100])
        #expect(after.flatMap(\.records).isEmpty)
    }
}
