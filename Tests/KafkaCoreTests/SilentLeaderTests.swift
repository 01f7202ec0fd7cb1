import Bytes
import DevBroker
import KafkaMirror
import KafkaProtocol
import Testing
import Timing

@testable import KafkaCore

/// A leader that is frozen, or cut off: nothing is refused, nothing ends, no answer comes, until it
/// is back and tells what it knew.
@Suite struct SilentLeaderTests {
    /// Warmed up: every kind of connection to the leader is open.
    private func warm(
        _ adjust: (inout BrokerSettings, inout ClusterSettings) -> Void = { _, _ in }
    ) throws -> (World, old: Int32, new: Int32) {
        let world = World(brokers: 3, adjust)
        world.server.createTopic("t")
        try world.fill("t", 0, 20, batch: 5)
        _ = world.outcome(world.read("t", at: 0))
        _ = world.offset(world.list("t", 0, -1))
        let old = world.server.leader("t", 0) ?? 0
        let new = world.server.brokerIDs.first { $0 != old } ?? 0
        return (world, old, new)
    }

    private func freeze(_ world: World, _ broker: Int32) {
        world.change { server, _ in server.freeze(broker) }
    }

    private func elect(_ world: World, _ broker: Int32) {
        world.change { _ = $0.moveLeader("t", 0, to: broker, now: $1) }
    }

    @Test(
        "Everybody is served within 3 s of the election, while the old leader is silent",
        arguments: BrokerProfile.allCases)
    func election(_ profile: BrokerProfile) throws {
        let (world, old, new) = try warm { server, _ in server.profile = profile }
        let follower = world.read("t", at: 20, wait: .max)
        world.run(2_000)
        freeze(world, old)
        let waiting = world.read("t", at: 20, wait: 25_000)
        let beyondCache = world.read("t", at: 20)
        let listing = world.list("t", 0, -1)
        world.run(8_000)
        elect(world, new)
        try world.fill("t", 0, 5, batch: 5)
        let elected = world.now
        let later = world.read("t", at: 22)
        let laterListing = world.list("t", 0, -1)
        for token in [follower, waiting, beyondCache] {
            #expect(try world.offsets(world.outcome(token)) == Array(20..<25))
        }
        #expect(try world.offsets(world.outcome(later)) == [22, 23, 24])
        #expect(try world.offset(listing)?.get().offset == 25)
        #expect(try world.offset(laterListing)?.get().offset == 25)
        #expect(world.now.milliseconds(since: elected) <= 3_000)
    }

    @Test("What is in flight to a leader of the past is no burden")
    func noBurden() throws {
        let (world, old, new) = try warm()
        let follower = world.read("t", at: 20, wait: .max)
        world.run(1_000)
        freeze(world, old)
        let read = world.read("t", at: 20)
        _ = world.list("t", 0, -1)
        world.run(3_000)
        #expect(world.cache.outstandingReadBytes > 0)
        elect(world, new)
        _ = world.outcome(read, within: 3_000)
        #expect(world.cache.outstandingReadBytes == 0)
        world.run(3_000)
        // Its connections would only be in the way of what it may lead again.
        let left = world.client.links.ordered.filter { $0.broker.nodeID == old }
        #expect(left.allSatisfy { $0.connection.pipeline.isEmpty || !$0.connection.hasSetUp })
        world.change { $0.thaw(old, now: $1) }
        world.run(500)
        elect(world, old)
        try world.fill("t", 0, 1)
        #expect(try world.offsets(world.outcome(follower, within: 3_000)) == [20])
        #expect(world.areCounted)
    }

    @Test("What a leader of the past says when it is back counts for nobody")
    func lateAnswers() throws {
        let (world, old, new) = try warm()
        world.answer = { broker, header, _ in
            guard broker == old else { return nil }
            return switch header.apiKey {
            case 1: .late(milliseconds: 6_000, Self.outOfRange(header, world))
            case 2: .late(milliseconds: 6_000, Self.listed(header, offset: 7))
            case 3: .late(milliseconds: 6_000, Self.metadata(header, world, leader: old, epoch: 0))
            default: nil
            }
        }
        let read = world.read("t", at: 20, wait: 20_000)
        let listing = world.list("t", 0, -1)
        world.run(2_000)
        elect(world, new)
        try world.fill("t", 0, 5)
        #expect(try world.offsets(world.outcome(read))?.first == 20)
        #expect(try world.offset(listing)?.get().offset == 25)
        world.run(10_000)
        #expect(world.client.keeper.knownTopic("t")?.partitions[0]?.leader?.nodeID == new)
        #expect(try world.offsets(world.outcome(world.read("t", at: 21)))?.first == 21)
    }

    @Test("What comes late is not believed before others were asked for the leader")
    func doubtedAnswers() throws {
        let (world, old, _) = try warm()
        var told: Set<Int16> = []
        world.answer = { broker, header, _ in
            guard broker == old, told.insert(header.apiKey).inserted else { return nil }
            return switch header.apiKey {
            case 1: .late(milliseconds: 1_500, Self.outOfRange(header, world))
            case 2: .late(milliseconds: 1_500, Self.listed(header, offset: 7))
            default: nil
            }
        }
        let read = world.read("t", at: 20)
        let listing = world.list("t", 0, -1)
        guard case .empty(let position, nextOffset: 20) = world.outcome(read) else {
            Issue.record("a valid offset is none: \(String(describing: world.outcome(read)))")
            return
        }
        #expect(position.highWatermark == 20)
        #expect(try world.offset(listing)?.get().offset == 20)
        #expect(told.isSuperset(of: [1, 2]))
    }

    @Test("Under one topic id an older leader epoch is never believed, however often it is told")
    func olderEpochs() throws {
        let (world, old, new) = try warm()
        elect(world, new)
        _ = world.outcome(world.read("t", at: 20))
        world.run(1_000)
        var count = 0
        world.answer = { _, header, _ in
            guard header.apiKey == 3 else { return nil }
            count += 1
            return .frame(Self.metadata(header, world, leader: old, epoch: 0))
        }
        let before = world.requests.count
        for _ in 0..<20 {
            world.client.keeper.want(world.client.keeper.topic("t"))
            _ = world.outcome(world.read("t", at: 20))
            world.run(1_000)
        }
        #expect(count > 2 * MetadataAnswer.rewindsMax)
        #expect(world.requests[before...].allSatisfy { $0.key != 1 || $0.broker == new })
    }

    // MARK: Meanwhile

    @Test("Cached records are served while the leader is silent, without its word on the end")
    func cachedRecords() throws {
        let (world, old, _) = try warm()
        world.run(1_500)
        freeze(world, old)
        let start = world.now
        let first = world.outcome(world.read("t", at: 3))
        #expect(try world.offsets(first) == Array(3..<20))
        #expect(position(first) == .unknown)
        #expect(world.now.milliseconds(since: start) <= 1_200)
        let second = world.outcome(world.read("t", at: 5))
        #expect(position(second) == .unknown)
        #expect(world.now.milliseconds(since: start) <= 1_200)
    }

    @Test("A poll that is late confirms nothing: the high watermark is not told")
    func staleHighWatermark() throws {
        let (world, old, new) = try warm()
        let live = world.read("t", at: 20, wait: .max)
        world.run(1_000)
        #expect(position(world.outcome(world.read("t", at: 3))).highWatermark == 20)
        freeze(world, old)
        world.run(2_000)
        let cached = world.outcome(world.read("t", at: 3))
        #expect(try world.offsets(cached) == Array(3..<20))
        #expect(position(cached) == .unknown)
        let waited = world.outcome(world.read("t", at: 20, wait: 300))
        #expect(position(waited) == .unknown)
        // With the new leader's word it is told again.
        elect(world, new)
        try world.fill("t", 0, 2)
        #expect(try world.offsets(world.outcome(live, within: 3_000)) == [20, 21])
        let fresh = world.outcome(world.read("t", at: 22))
        #expect(position(fresh).highWatermark == 22)
    }

    @Test("Metadata is asked of another broker when the first one is silent")
    func silentMetadata() throws {
        let (world, _, _) = try warm()
        world.run(1_000)
        let asked = world.client.links.brokers.first {
            $0.connection(for: .control)?.isFree == true
        }
        freeze(world, asked?.nodeID ?? 0)
        let start = world.now
        #expect(try world.topics(world.metadata(["t"]))?.get().first?.partitions.count == 1)
        #expect(world.now.milliseconds(since: start) <= 1_500)
    }

    @Test("A cluster that is slow as a whole is not given up")
    func slowCluster() throws {
        let (world, _, _) = try warm()
        world.server.inject(Fault(.delay(milliseconds: 2_500), times: 10_000))
        let read = world.read("t", at: 20)
        let listing = world.list("t", 0, -1)
        let metadata = world.metadata(nil)
        guard case .empty = world.outcome(read) else { throw MissingRecords() }
        #expect(try world.offset(listing)?.get().offset == 20)
        #expect(try world.topics(metadata)?.get().count == 1)
        #expect(world.client.counters.connectionsLost == 0)
    }

    private func position(_ outcome: ReadOutcome?) -> PartitionPosition {
        switch outcome {
        case .records(let slice): slice.position
        case .empty(let position, _): position
        default: .unknown
        }
    }

    // MARK: Answers

    private static func outOfRange(_ header: RequestHeader, _ world: World) -> [UInt8] {
        var partition = FetchResponse.Partition(
            errorCode: KafkaError.offsetOutOfRange.rawValue, highWatermark: -1)
        partition.records = KafkaBytes(offset: 0, count: 0)
        let id = world.server.topicID("t") ?? .zero
        let response = FetchResponse(responses: [.init(topicID: id, partitions: [partition])])
        return Frames.response(header) {
            response.encode(
                &$0, version: header.apiVersion,
                records: UnsafeRawBufferPointer(start: nil, count: 0))
        }
    }

    private static func listed(_ header: RequestHeader, offset: Int64) -> [UInt8] {
        var partition = ListOffsetsResponse.Partition(partitionIndex: 0)
        partition.offset = offset
        let response = ListOffsetsResponse(topics: [.init(name: "t", partitions: [partition])])
        return Frames.response(header) { response.encode(&$0, version: header.apiVersion) }
    }

    private static func metadata(
        _ header: RequestHeader, _ world: World, leader: Int32, epoch: Int32
    ) -> [UInt8] {
        let brokers = (1...3 as ClosedRange<Int32>).map {
            MetadataResponse.Broker(nodeID: $0, host: "127.0.0.1", port: 9091 + $0)
        }
        let partition = MetadataResponse.Partition(
            partitionIndex: 0, leaderID: leader, leaderEpoch: epoch)
        let topic = MetadataResponse.Topic(
            name: "t", topicID: world.server.topicID("t") ?? .zero, partitions: [partition])
        let response = MetadataResponse(brokers: brokers, topics: [topic])
        return Frames.response(header) { response.encode(&$0, version: header.apiVersion) }
    }
}
