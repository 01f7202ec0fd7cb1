import Bytes
import DevBroker
import KafkaMirror
import KafkaProtocol
import Testing
import Timing

@testable import KafkaCore

@Suite struct LeaderTests {
    private func filled(
        brokers: Int = 3, partitions: Int32 = 1, count: Int = 20,
        _ adjust: (inout BrokerSettings, inout ClusterSettings) -> Void = { _, _ in }
    ) throws -> World {
        let world = World(brokers: brokers, adjust)
        world.server.createTopic("t", partitions: partitions)
        for partition in 0..<partitions { try world.fill("t", partition, count, batch: 5) }
        return world
    }

    private func other(_ world: World, _ partition: Int32 = 0) -> Int32 {
        let leader = world.server.leader("t", partition) ?? 0
        return world.server.brokerIDs.first { $0 != leader } ?? leader
    }

    @Test(
        "Trap 23: errors that pass are not told",
        arguments: [3, 5, 6, 9, 56, 74, 75, 78, 100] as [Int16])
    func transientErrors(_ code: Int16) throws {
        let world = try filled()
        world.server.inject(Fault(.error(code), apiKey: 1, topic: "t", times: 3))
        #expect(try world.offsets(world.outcome(world.read("t", at: 5)))?.first == 5)
        #expect(world.client.counters.errors[code] == 3)
        #expect(world.endings(1, .answered(code)) == 3)
        #expect(world.areCounted)
        #expect(world.now < Instant.zero.adding(milliseconds: 5_000))
    }

    @Test("Trap 23: an unknown topic id that does not pass is told")
    func unknownTopicID() throws {
        let world = try filled()
        world.server.inject(Fault(.error(100), apiKey: 1, topic: "t", times: 100))
        let failure = world.failure(world.outcome(world.read("t", at: 5)))
        #expect(failure?.text == "not found topic")
    }

    @Test("Trap 23: a refused topic fails at once, and what was cached of it is gone")
    func refusedTopic() throws {
        let world = try filled()
        _ = world.outcome(world.read("t", at: 0))
        #expect(world.cache.byteCount > 0)
        world.server.inject(Fault(.error(29), apiKey: 1, topic: "t", times: 1))
        let failure = world.failure(world.outcome(world.read("t", at: 20)))
        #expect(failure?.kind == .notAuthorized)
        #expect(failure?.text == "not found topic")
        #expect(failure?.cause.contains("TOPIC_AUTHORIZATION_FAILED") == true)
        #expect(world.cache.byteCount == 0)
    }

    @Test("A moved leader is found by every release", arguments: BrokerProfile.allCases)
    func movedLeader(_ profile: BrokerProfile) throws {
        let world = try filled { server, _ in server.profile = profile }
        #expect(try world.offsets(world.outcome(world.read("t", at: 0)))?.first == 0)
        let follower = world.read("t", at: 20, wait: .max)
        world.run(1_500)
        let target = other(world)
        world.change { _ = $0.moveLeader("t", 0, to: target, now: $1) }
        let read = world.read("t", at: 3)
        #expect(try world.offsets(world.outcome(read))?.first == 3)
        world.run(1_500)
        try world.fill("t", 0, 1)
        #expect(try world.offsets(world.outcome(follower, within: 1_000)) == [20])
    }

    @Test("KIP-951: the error names the new leader, and nobody waits for metadata")
    func hints() throws {
        let world = try filled()
        _ = world.outcome(world.read("t", at: 0))
        let target = other(world)
        world.change { _ = $0.moveLeader("t", 0, to: target, now: $1) }
        let start = world.now
        _ = world.outcome(world.read("t", at: 20))
        // A round trip to the old leader, a connection to the new one and a round trip there.
        #expect(world.now.milliseconds(since: start) < 40)
    }

    @Test("Trap 24: a thousand readers of moved leaders cost a few metadata requests")
    func metadataStorm() throws {
        let world = try filled(partitions: 12) { server, _ in server.profile = .kafka2_8 }
        for partition in 0..<12 as Range<Int32> {
            _ = world.outcome(world.read("t", partition, at: 0))
        }
        let before = world.count(3)
        world.change { server, now in
            for partition in 0..<12 as Range<Int32> {
                _ = server.moveLeader("t", partition, to: partition % 3 + 1, now: now)
            }
        }
        let tokens = (0..<1_000).map { world.read("t", Int32($0 % 12), at: Int64($0 % 20)) }
        for token in tokens {
            #expect(try world.messages(world.outcome(token)) != nil)
        }
        #expect(world.count(3) - before <= 6)
        // All topics are never asked for, and no topic is ever created by naming it.
        let outcome = world.outcome(world.read("missing", at: 0))
        #expect(world.failure(outcome)?.text == "not found topic")
        #expect(world.server.partitionCount("missing") == nil)
    }

    @Test("Trap 25: an older leader epoch is a slow broker's view, up to a point")
    func olderEpochs() throws {
        let world = try filled()
        let target = other(world)
        _ = world.outcome(world.read("t", at: 0))
        world.change { _ = $0.moveLeader("t", 0, to: target, now: $1) }
        _ = world.outcome(world.read("t", at: 20))
        world.run(2_000)
        let old = world.server.brokerIDs.first { $0 != target } ?? 1
        var rewinds = 0
        world.answer = { _, header, reader in
            guard header.apiKey == 3 else { return nil }
            rewinds += 1
            return .frame(Self.metadata(header, leader: old, epoch: 0))
        }
        // The fetch fails once, and the stale answer does not send it to the old leader.
        world.server.inject(Fault(.error(6), apiKey: 1, times: 1))
        let fetchesBefore = world.requests.count
        guard case .empty = world.outcome(world.read("t", at: 20)) else { throw MissingRecords() }
        let later = world.requests[fetchesBefore...].filter { $0.key == 1 }
        #expect(later.allSatisfy { $0.broker == target })
        #expect(rewinds >= 1)
    }

    private static func metadata(
        _ header: RequestHeader, leader: Int32, epoch: Int32, port: Int32 = 9091
    ) -> [UInt8] {
        let brokers = (1...3 as ClosedRange<Int32>).map {
            MetadataResponse.Broker(nodeID: $0, host: "127.0.0.1", port: port + $0)
        }
        let partition = MetadataResponse.Partition(
            partitionIndex: 0, leaderID: leader, leaderEpoch: epoch)
        let topic = MetadataResponse.Topic(name: "t", partitions: [partition])
        let response = MetadataResponse(brokers: brokers, topics: [topic])
        return Frames.response(header) { response.encode(&$0, version: header.apiVersion) }
    }

    @Test("Trap 25: a leader without an entry among the brokers is no leader")
    func leaderWithoutBroker() throws {
        let world = try filled()
        var answers = 0
        world.answer = { _, header, _ in
            guard header.apiKey == 3, answers < 2 else { return nil }
            answers += 1
            return .frame(Self.metadata(header, leader: 77, epoch: 0))
        }
        #expect(try world.offsets(world.outcome(world.read("t", at: 0)))?.first == 0)
        #expect(answers == 2)
    }

    @Test("Trap 26: records of a truncated log are not served, and readers beyond its end are told")
    func truncation() throws {
        for profile in BrokerProfile.allCases {
            let world = try filled { server, _ in server.profile = profile }
            _ = world.outcome(world.read("t", at: 0))
            let follower = world.read("t", at: 20, wait: .max)
            world.run(1_500)
            world.change { _ = $0.truncate("t", 0, to: 10, now: $1) }
            let lost = world.outcome(follower, within: 5_000)
            #expect(world.failure(lost)?.text == "OFFSET_OUT_OF_RANGE")
            #expect(world.failure(lost)?.position.highWatermark == 10)
            try world.fill("t", 0, 3, valueBytes: 40)
            world.run(3_000)
            let messages = try world.messages(world.outcome(world.read("t", at: 8)))
            #expect(messages?.map(\.offset) == [8, 9, 10, 11, 12])
            #expect(messages?.last?.value == TestBatch.value(12, 40))
        }
    }

    @Test("A re-created topic is another log")
    func recreation() throws {
        let world = try filled()
        _ = world.outcome(world.read("t", at: 0))
        world.change { _ = $0.recreateTopic("t", now: $1) }
        try world.fill("t", 0, 3, valueBytes: 50)
        // The first read that has to ask a broker learns of it.
        let beyond = world.outcome(world.read("t", at: 20))
        #expect(world.failure(beyond)?.text == "OFFSET_OUT_OF_RANGE")
        world.run(3_000)
        let messages = try world.messages(world.outcome(world.read("t", at: 0)))
        #expect(messages?.first?.value == TestBatch.value(0, 50))
    }

    @Test("Trap 27: a broker at another address is another broker")
    func addressChange() throws {
        let world = try filled(brokers: 1)
        _ = world.outcome(world.read("t", at: 0))
        world.network.ports[19_999] = 1
        world.server.advertise(.init(host: "127.0.0.1", port: 19_999), broker: 1)
        world.server.inject(Fault(.error(6), apiKey: 1, times: 1))
        guard case .empty = world.outcome(world.read("t", at: 20)) else { throw MissingRecords() }
        world.run(1_000)
        guard case .empty = world.outcome(world.read("t", at: 20)) else { throw MissingRecords() }
        #expect(world.connects.last?.endpoint.port == 19_999)
        #expect(world.server.counters(broker: 1)?.connectionsOpen == world.client.connectionCount)
    }

    @Test("Trap 27: two node ids at one address")
    func twoIDsOneAddress() throws {
        let world = try filled(brokers: 1)
        world.answer = { [unowned world] _, header, _ in
            guard header.apiKey == 3 else { return nil }
            let response = MetadataResponse(
                brokers: [
                    MetadataResponse.Broker(nodeID: 7, host: "127.0.0.1", port: 9092),
                    MetadataResponse.Broker(nodeID: 1, host: "127.0.0.1", port: 9092),
                ],
                topics: [
                    MetadataResponse.Topic(
                        name: "t", topicID: world.server.topicID("t") ?? .zero,
                        partitions: [.init(partitionIndex: 0, leaderID: 1, leaderEpoch: 0)])
                ])
            return .frame(
                Frames.response(header) { response.encode(&$0, version: header.apiVersion) })
        }
        #expect(try world.offsets(world.outcome(world.read("t", at: 0)))?.first == 0)
    }

    @Test("Trap 28: bootstrap nodes are left when the brokers are known")
    func bootstrapIsLeft() throws {
        let world = World(
            brokers: 3, bootstrap: [Endpoint(host: "lb.example", port: 19_092)])
        world.network.ports[19_092] = 2
        world.server.createTopic("t")
        try world.fill("t", 0, 5)
        #expect(try world.offsets(world.outcome(world.read("t", at: 0)))?.first == 0)
        world.run(50)
        let atBootstrap = world.connects.count { $0.endpoint.host == "lb.example" }
        #expect(atBootstrap == 1)
        #expect(world.server.openConnections.allSatisfy { $0.requests[3] == nil || $0.broker != 2 })
    }

    @Test("KIP-899: when no known broker answers, the bootstrap nodes are asked again")
    func rebootstrap() throws {
        let world = World(
            brokers: 2, bootstrap: [Endpoint(host: "lb.example", port: 19_092)])
        world.network.ports[19_092] = 1
        world.server.createTopic("t")
        try world.fill("t", 0, 5)
        _ = world.outcome(world.read("t", at: 0))
        // Both brokers move to new addresses at once.
        world.network.ports[9_092] = nil
        world.network.ports[9_093] = nil
        world.network.ports[29_092] = 1
        world.network.ports[29_093] = 2
        world.server.advertise(.init(host: "127.0.0.1", port: 29_092), broker: 1)
        world.server.advertise(.init(host: "127.0.0.1", port: 29_093), broker: 2)
        world.change { server, _ in server.closeConnections() }
        world.run(100)
        guard case .empty = world.outcome(world.read("t", at: 5)) else { throw MissingRecords() }
    }

    @Test("Trap 29: a long poll does not hold up point reads, offsets or metadata")
    func longPollsApart() throws {
        let world = try filled(brokers: 1)
        for isolation in Isolation.allCases { world.read("t", at: 20, isolation, wait: .max) }
        world.run(5_000)
        for _ in 0..<10 {
            let start = world.now
            guard case .empty = world.outcome(world.read("t", at: 20)) else {
                throw MissingRecords()
            }
            _ = world.offset(world.list("t", 0, -2))
            _ = world.topics(world.metadata(["t"]))
            #expect(world.now.milliseconds(since: start) <= 30)
            world.run(77)
        }
        #expect((world.server.counters(broker: 1)?.connectionsOpenMax ?? 99) <= 5)
    }

    @Test("KIP-227: a session ends with its last reader, and another one begins with the next")
    func fetchSessionsEnd() throws {
        let world = try filled(brokers: 1, partitions: 3)
        for round in 0..<3 as Range<Int64> {
            let tokens = (0..<3 as Range<Int32>).map {
                world.read("t", $0, at: 20 + round, wait: .max)
            }
            world.run(3_000)
            #expect(world.server.fetchSessionCount(broker: 1) == 1)
            let before = world.client.connectionCount
            for token in tokens { world.cancel(token) }
            world.run(3_000)
            #expect(world.server.fetchSessionCount(broker: 1) == 0)
            #expect(world.client.connectionCount == before)
            for partition in 0..<3 as Range<Int32> { try world.fill("t", partition, 1) }
        }
        #expect(world.client.counters.errors.isEmpty)
        #expect(world.client.counters.connectionsLost == 0)
    }

    @Test func fetchSessionsAreIncremental() throws {
        let world = try filled(brokers: 1, partitions: 50)
        for partition in 0..<50 as Range<Int32> { world.read("t", partition, at: 20, wait: .max) }
        world.run(3_000)
        #expect(world.server.fetchSessionCount(broker: 1) == 1)
        let received = world.server.counters(broker: 1)?.bytesReceived ?? 0
        let polls = world.count(1)
        world.run(10_000)
        let bytes = (world.server.counters(broker: 1)?.bytesReceived ?? 0) - received
        // A request of a settled session names no partition.
        #expect(bytes / max(1, world.count(1) - polls) < 120)
        world.change { server, _ in server.dropFetchSessions(broker: 1) }
        world.run(2_000)
        try world.fill("t", 33, 1)
        #expect(world.run(1_000) { world.outcomes.count == 1 })
        #expect(world.client.counters.errors[70] == 1)
        world.server.inject(Fault(.error(71), apiKey: 1, times: 1))
        world.run(2_000)
        try world.fill("t", 34, 1)
        #expect(world.run(1_000) { world.outcomes.count == 2 })
    }
}
