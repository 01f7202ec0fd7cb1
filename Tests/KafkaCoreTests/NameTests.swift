import Bytes
import DevBroker
import KafkaMirror
import KafkaProtocol
import Testing
import Timing

@testable import KafkaCore

/// Names are for clients to choose, and brokers may be many: neither may grow what is kept, or
/// what one look costs.
@Suite struct NameTests {
    private func topicsAsked(_ world: World) -> () -> [Int] {
        let counts = Counts()
        world.answer = { _, header, reader in
            guard header.apiKey == MetadataRequest.apiKey,
                let request = try? MetadataRequest.decode(&reader, version: header.apiVersion)
            else { return nil }
            counts.all.append(request.topics?.count ?? -1)
            return nil
        }
        return { counts.all }
    }

    private final class Counts { var all: [Int] = [] }

    @Test("names that the cluster does not know are forgotten within seconds, known ones are not")
    func unknownNames() throws {
        let world = World()
        world.server.createTopic("t")
        try world.fill("t", 0, 1)
        _ = world.outcome(world.read("t", at: 0))
        let asked = topicsAsked(world)
        let tokens = (0..<5_000).map { world.read("nobody-\($0)", at: 0) }
        for token in tokens { #expect(world.failure(world.outcome(token))?.kind == .notFound) }
        #expect(asked().max() == 1_000 && asked().reduce(0, +) == 5_000)
        #expect(world.client.keeper.topicCount == 5_001)
        world.run(10_100)
        #expect(world.client.keeper.topicCount == 1 && world.client.keeper.topics.count == 1)
        #expect(world.client.keeper.knownTopic("t") != nil)
    }

    @Test("beyond the limit a new name takes the place of one that nobody uses")
    func limit() throws {
        var limits = KafkaLimits()
        limits.topicsMax = 100
        let world = World(limits: limits)
        for number in 0..<150 {
            world.server.createTopic("t\(number)")
            try world.fill("t\(number)", 0, 1)
        }
        let live = (0..<20).map { world.read("t\($0)", at: 1, wait: .max) }
        world.run(1_000)
        for number in 20..<150 {
            #expect(try world.offsets(world.outcome(world.read("t\(number)", at: 0))) == [0])
            // A few looks in search of one that is not in use are all that a new name costs.
            #expect(world.client.keeper.topicCount <= 105)
        }
        #expect(world.client.keeper.topicCount <= 100)
        for number in 0..<20 { try world.fill("t\(number)", 0, 1) }
        for token in live { #expect(try world.offsets(world.outcome(token)) == [1]) }
        // One that was forgotten is asked for again.
        #expect(try world.offsets(world.outcome(world.read("t20", at: 0))) == [0])
    }

    @Test("topics in use are never forgotten, however many there are")
    func inUse() throws {
        var limits = KafkaLimits()
        limits.topicsMax = 10
        let world = World(limits: limits)
        for number in 0..<50 { world.server.createTopic("t\(number)") }
        let live = (0..<50).map { world.read("t\($0)", at: 0, wait: .max) }
        world.run(20_000)
        #expect(world.client.keeper.topicCount == 50)
        for number in 0..<50 { try world.fill("t\(number)", 0, 1) }
        for token in live { #expect(try world.offsets(world.outcome(token)) == [0]) }
    }

    @Test("a topic that is forgotten while it is asked for keeps nothing alive")
    func forgottenMeanwhile() throws {
        var limits = KafkaLimits()
        limits.topicsMax = 1
        let world = World(limits: limits)
        world.server.createTopic("t")
        world.cancel(world.read("t", at: 0))
        weak let topic = world.client.keeper.topic("t")
        world.run { world.count(MetadataRequest.apiKey) > 0 }
        #expect(topic != nil)
        _ = world.client.keeper.topic("other")
        world.run(60_000)
        #expect(topic == nil)
    }

    @Test("what is known of a topic answers a look-up that says how old it may be")
    func described() throws {
        let world = World()
        world.server.createTopic("t", partitions: 3)
        _ = world.outcome(world.read("t", 0, at: 0))
        let keeper = world.client.keeper
        #expect(keeper.described(["t"], notOlderThan: 5_000)?.first?.partitions.count == 3)
        #expect(keeper.described(["t", "u"], notOlderThan: 5_000) == nil)
        // Until its connections are closed for being idle.
        world.run(40_000)
        #expect(keeper.described(["t"], notOlderThan: 5_000) == nil)
        #expect(keeper.described(["t"], notOlderThan: 60_000) != nil)
    }

    @Test("a turn looks only at the brokers that somebody waits for, of 20,000")
    func manyBrokers() throws {
        let world = World { server, _ in server.profile = .kafka2_8 }
        world.server.createTopic("t")
        try world.fill("t", 0, 10)
        world.answer = { _, header, _ in
            guard header.apiKey == MetadataRequest.apiKey else { return nil }
            var response = MetadataResponse()
            response.brokers = (1...20_000).map {
                .init(nodeID: $0, host: "127.0.0.1", port: $0 == 1 ? 9092 : 20_000 + $0)
            }
            response.topics = [
                .init(
                    name: "t",
                    partitions: [.init(partitionIndex: 0, leaderID: 1, replicaNodes: [1])])
            ]
            return .frame(
                Frames.response(header) { response.encode(&$0, version: header.apiVersion) })
        }
        #expect(try world.offsets(world.outcome(world.read("t", at: 0)))?.first == 0)
        let live = world.read("t", at: 10, wait: .max)
        world.run(1_000)
        let links = world.client.links
        #expect(links.brokers.count == 20_000 && links.broker(20_000)?.nodeID == 20_000)
        let active = { world.client.desk.state.brokers.active.map(\.broker.nodeID) }
        #expect(active() == [1])
        try world.fill("t", 0, 1)
        #expect(try world.offsets(world.outcome(live)) == [10])
        world.run(60_000)
        #expect(active().isEmpty && world.client.connectionCount == 0)
    }

    @Test("look-ups of metadata that are taken back leave nothing behind, and disturb no other")
    func cancelled() throws {
        let world = World()
        world.server.createTopic("t")
        let tokens = (0..<3_000).map { _ in world.metadata(["t"]) }
        for token in tokens.dropLast() { world.client.cancel(token) }
        #expect(try world.topics(tokens[2_999])?.get().first?.failure == nil)
        #expect(tokens.dropLast().allSatisfy { world.described[$0] == nil })
        #expect(world.client.keeper.lookups.waiting.isEmpty)
        #expect(!world.client.keeper.lookups.areUnasked)
    }
}
