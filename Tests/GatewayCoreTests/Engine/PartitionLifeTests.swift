import DevBroker
import GatewayCore
import Testing

/// Each partition of a subscription begins, waits, goes on and fails by itself, and says so.
@Suite struct PartitionLifeTests {
    typealias Start = Response.Start

    private static let asAsked: Int64 = 0
    private static let resumed: Int64 = 1
    private static let waits: Int64 = 3

    /// Three brokers, a partition on each; broker 1 is the bootstrap node.
    private func rig(_ pubsub: String = "{}") throws -> Rig {
        var brokers = BrokerSettings()
        brokers.brokers = 3
        let rig = try Rig(routes: [Rig.route(pubsub)], brokers: brokers)
        rig.brokers.createTopic("wide", partitions: 3)
        for partition in 0..<3 { try append(rig, Int32(partition), 5) }
        return rig
    }

    private func append(_ rig: Rig, _ partition: Int32, _ count: Int = 1) throws {
        let records = (0..<count).map { DevRecord("p\(partition) \($0)") }
        try rig.brokers.append("wide", partition: partition, records, now: rig.now)
    }

    /// The partition that the broker leads.
    private func partition(_ rig: Rig, ledBy broker: Int32) throws -> Int64 {
        Int64(try #require((0..<3).first { rig.brokers.leader("wide", $0) == broker }))
    }

    /// What came in that time, from a client that answers pings.
    private func replies(_ client: TestClient, _ milliseconds: Int64) throws -> [Response.Batch] {
        var batches: [Response.Batch] = []
        var left = milliseconds
        while left > 0 {
            client.rig.pass(min(left, 5_000))
            client.keepAlive()
            batches += try client.takeReplies().compactMap(\.batch)
            left -= 5_000
        }
        return batches
    }

    private func offsets(_ batches: [Response.Batch], _ partition: Int64) -> [Int64] {
        batches.filter { $0.partition == partition }.flatMap(\.records).map(\.offset)
    }

    private func starts(_ batches: [Response.Batch], _ partition: Int64) -> [Start] {
        batches.flatMap(\.starts).filter { $0.partition == partition }
    }

    // MARK: Dropped

    @Test("a dropped partition stays out of a whole topic, and only a new subscribe brings it back")
    func dropped() throws {
        let rig = try rig()
        rig.brokers.deleteRecords("wide", 1, before: 3)
        let client = try rig.connect()
        client.send(Request.subscribe(1, [("wide", [], .offset(2))]))
        var batches = try replies(client, 1_000)
        #expect(batches.compactMap(\.failure).map(\.code) == [1001])
        #expect(batches.first { $0.failure != nil }?.partition == 1)
        #expect(offsets(batches, 0) == [2, 3, 4] && offsets(batches, 1).isEmpty)
        for partition in 0..<3 { try append(rig, Int32(partition)) }
        batches = try replies(client, 150_000)
        #expect(offsets(batches, 0) == [5] && offsets(batches, 2) == [5])
        #expect(offsets(batches, 1).isEmpty)
        #expect(batches.allSatisfy { $0.starts.isEmpty && $0.failure == nil })
        // Beside the first one, and in its place.
        client.send(Request.subscribe(2, [("wide", [1], .offset(4))]))
        #expect(offsets(try replies(client, 1_000), 1) == [4, 5])
        client.send(Request.unsubscribe(3, 2), Request.unsubscribe(4, 1))
        client.send(Request.subscribe(1, [("wide", [], .offset(4))]))
        batches = try replies(client, 1_000)
        #expect((0..<3).map { offsets(batches, $0) } == [[4, 5], [4, 5], [4, 5]])
    }

    @Test("partitions that a topic gets are read from their beginning, beside dropped ones")
    func added() throws {
        let rig = try rig()
        rig.brokers.deleteRecords("wide", 1, before: 3)
        let client = try rig.connect()
        client.send(Request.subscribe(1, [("wide", [], .offset(2))]))
        _ = try replies(client, 1_000)
        rig.brokers.addPartitions(to: "wide", count: 5)
        for partition in 1..<5 { try append(rig, Int32(partition), 2) }
        let batches = try replies(client, 150_000)
        #expect(batches.flatMap(\.starts).map(\.partition).sorted() == [3, 4])
        #expect(batches.flatMap(\.starts).allSatisfy { $0.offset == 0 && $0.outcome == 0 })
        #expect((1..<5).map { offsets(batches, $0) } == [[], [5, 6], [0, 1], [0, 1]])
    }

    @Test("what is missing or refused is told, and the rest begins")
    func missing() throws {
        let rig = try rig(#"{"topics":{"deny":["secret"]}}"#)
        rig.brokers.createTopic("secret")
        let client = try rig.connect()
        client.send(
            Request.subscribe(
                1,
                [
                    ("wide", [0], .offset(3)), ("wide", [7], .latest), ("absent", [], .latest),
                    ("secret", [], .latest), ("secret ", [0], .latest),
                ]))
        let batches = try replies(client, 1_000)
        #expect(batches[0].starts == [Start(topic: "wide", partition: 0, offset: 3)])
        #expect(offsets(batches, 0) == [3, 4])
        let lost = batches.filter { $0.failure != nil }
        #expect(lost.allSatisfy { $0.failure?.code == 5 && $0.failure?.cause == "not found" })
        let names = lost.map { "\($0.topic) \($0.partition)" }
        #expect(names.sorted() == ["absent -1", "secret  0", "secret -1", "wide 7"])
    }

    @Test("a topic that is deleted takes its subscription along, once it is known to be gone")
    func deleted() throws {
        let rig = try rig()
        let client = try rig.connect()
        client.send(Request.subscribe(1, [("wide", [], .latest)]))
        _ = try replies(client, 1_000)
        rig.brokers.deleteTopic("wide", now: rig.now)
        var replies: [Response] = []
        for _ in 0..<40 {
            rig.pass(5_000)
            client.keepAlive()
            replies += try client.takeReplies()
        }
        let lost = replies.compactMap(\.batch).filter { $0.failure != nil }
        #expect(lost.map(\.partition).sorted() == [-1, 0, 1, 2])
        #expect(replies.last?.failure?.code == 5)
        #expect(rig.engine.metrics().subscriptions == 0)
    }

    // MARK: Waiting

    @Test(
        "a leader that does not answer holds up nobody but its own partition",
        arguments: [true, false], [Request.Start.latest, .earliest, .timestamp(1)])
    func oneLeaderIsAway(_ isFrozen: Bool, _ start: Request.Start) throws {
        let rig = try rig()
        let away = try partition(rig, ledBy: 3)
        if isFrozen {
            rig.brokers.freeze(3)
        } else {
            _ = rig.brokers.takeDown(3, elects: false, now: rig.now)
        }
        let client = try rig.connect()
        client.send(Request.subscribe(1, [("wide", [], start)]))
        let first = try replies(client, 1_000)
        #expect(first[0].starts.count == 3)
        let told = try #require(starts(first, away).first)
        #expect(told.outcome == Self.waits)
        #expect(told.reason == (isFrozen ? "" : "no leader"))
        if case .latest = start { #expect(told.offset == -1) } else { #expect(told.offset == -2) }
        for partition in 0..<3 where Int64(partition) != away {
            try append(rig, Int32(partition))
        }
        let batches = first + (try replies(client, 5_000))
        for partition in (0..<3).map(Int64.init) where partition != away {
            #expect(starts(batches, partition).map(\.outcome) == [Self.asAsked])
            #expect(offsets(batches, partition).last == 5)
        }
        if isFrozen {
            rig.brokers.thaw(3, now: rig.now)
        } else {
            _ = rig.brokers.bringUp(3, now: rig.now)
        }
        let later = try replies(client, 20_000)
        let begun = try #require(starts(later, away).last)
        #expect(begun.outcome == Self.asAsked && begun.offset >= 0)
        try append(rig, Int32(away))
        let last = later + (try replies(client, 5_000))
        #expect(offsets(last, away) == Array(begun.offset..<6))
    }

    @Test("what was told of a partition that waits says where to begin, in another subscribe")
    func resumedByWhatWasTold() throws {
        let rig = try rig()
        let client = try rig.connect()
        for (told, begins) in [(-1, 5), (-2, 0)] as [(Int64, Int64)] {
            client.send(Request.subscribe(told, [("wide", [0], .offset(told))], messages: 0))
            #expect(starts(try replies(client, 500), 0).map(\.offset) == [begins])
        }
        client.send(Request.subscribe(7, [("wide", [0], .offset(-3))]))
        #expect(try replies(client, 1_000).compactMap(\.failure).map(\.code) == [1001])
    }

    @Test("a partition whose leader goes away is told to wait, and told when it goes on")
    func leaderGoes() throws {
        let rig = try rig()
        let away = try partition(rig, ledBy: 3)
        let client = try rig.connect()
        client.send(Request.subscribe(1, [("wide", [], .offset(4))]))
        #expect(offsets(try replies(client, 1_000), away) == [4])
        _ = rig.brokers.takeDown(3, elects: false, now: rig.now)
        var batches = try replies(client, 30_000)
        #expect(batches.flatMap(\.starts).map(\.partition) == [away])
        let told = try #require(batches.flatMap(\.starts).first)
        #expect(told.outcome == Self.waits && told.offset == 5)
        #expect(told.reason == "no leader")
        _ = rig.brokers.bringUp(3, now: rig.now)
        batches = try replies(client, 10_000)
        #expect(batches.flatMap(\.starts).map(\.outcome) == [Self.resumed])
        #expect(batches.flatMap(\.starts).map(\.offset) == [5])
        try append(rig, Int32(away))
        #expect(offsets(try replies(client, 5_000), away) == [5])
    }

    @Test("what passes within a second is not told")
    func election() throws {
        let rig = try rig()
        let moved = Int32(try partition(rig, ledBy: 3))
        let client = try rig.connect()
        client.send(Request.subscribe(1, [("wide", [], .offset(5))]))
        _ = try replies(client, 1_000)
        rig.brokers.closeConnections()
        _ = rig.brokers.moveLeader("wide", moved, to: 2, now: rig.now)
        try append(rig, moved)
        let batches = try replies(client, 5_000)
        #expect(offsets(batches, Int64(moved)) == [5])
        #expect(batches.allSatisfy { $0.starts.isEmpty })
    }

    @Test("nobody is read for who has no credit, waiting or not; a grant finds it where it was")
    func withoutCredit() throws {
        let rig = try rig()
        let away = try partition(rig, ledBy: 3)
        let client = try rig.connect()
        client.send(Request.subscribe(1, [("wide", [away], .offset(4))], messages: 1))
        #expect(offsets(try replies(client, 1_000), away) == [4])
        _ = rig.brokers.takeDown(3, elects: false, now: rig.now)
        #expect(try replies(client, 5_000).isEmpty)
        client.send(Request.grant(2, 1, messages: 5))
        #expect(starts(try replies(client, 5_000), away).map(\.outcome) == [Self.waits])
        _ = rig.brokers.bringUp(3, now: rig.now)
        try append(rig, Int32(away))
        let batches = try replies(client, 10_000)
        #expect(starts(batches, away).map(\.outcome) == [Self.resumed])
        #expect(offsets(batches, away) == [5])
    }

    @Test("a topic that is not known for a while begins by its start rule when it is")
    func topicKnownLate() throws {
        let rig = try rig()
        let client = try rig.connect()
        // LEADER_NOT_AVAILABLE, as while the topic is being made.
        rig.brokers.inject(Fault(.error(5), apiKey: 3, topic: "wide", times: 8))
        client.send(Request.subscribe(1, [("wide", [], .latest), ("wide", [0], .offset(4))]))
        let batches = try replies(client, 30_000)
        for partition in 0..<3 {
            let begun = starts(batches, Int64(partition)).filter { $0.outcome == Self.asAsked }
            #expect(begun.map(\.offset) == [partition == 0 ? 4 : 5])
        }
    }

    @Test("unsubscribed while a partition waits: nothing is told of it any more")
    func unsubscribed() throws {
        let rig = try rig()
        rig.brokers.freeze(3)
        let client = try rig.connect()
        client.send(Request.subscribe(1, [("wide", [], .latest)]))
        #expect(try replies(client, 1_000).count == 1)
        client.send(Request.unsubscribe(2, 1))
        _ = try client.takeReplies()
        rig.brokers.thaw(3, now: rig.now)
        #expect(try replies(client, 60_000).isEmpty)
        #expect(rig.engine.metrics().subscriptions == 0)
    }
}
