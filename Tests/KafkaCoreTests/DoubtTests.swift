import DevBroker
import Testing
import Timing

@testable import KafkaCore

/// What is cached, or was answered once, may not be so any more.
@Suite struct DoubtTests {
    private func filled(
        brokers: Int = 1, count: Int = 20,
        _ adjust: (inout BrokerSettings, inout ClusterSettings) -> Void = { _, _ in }
    ) throws -> World {
        let world = World(brokers: brokers, adjust)
        world.server.createTopic("t")
        try world.fill("t", 0, count, batch: 5)
        return world
    }

    private func cached(_ world: World, at offset: Int64) -> RecordSlice? {
        world.client.cached(
            ReadRequest(topic: "t", partition: 0, offset: offset, maxBytes: 1 << 20),
            now: world.now)
    }

    // MARK: Logs that became others

    @Test(
        "Readers of cached records learn that their topic is another one now",
        arguments: BrokerProfile.allCases)
    func recreated(_ profile: BrokerProfile) throws {
        let world = try filled { server, _ in server.profile = profile }
        _ = world.outcome(world.read("t", at: 0))
        world.change { _ = $0.recreateTopic("t", now: $1) }
        try world.fill("t", 0, 3, valueBytes: 50)
        world.run(1_500)
        #expect(cached(world, at: 0) == nil)
        let messages = try world.messages(world.outcome(world.read("t", at: 0)))
        #expect(messages?.first?.value == TestBatch.value(0, 50))
        #expect(try world.offsets(world.outcome(world.read("t", at: 1))) == [1, 2])
    }

    @Test(
        "Readers of cached records learn that their topic is gone",
        arguments: BrokerProfile.allCases)
    func deleted(_ profile: BrokerProfile) throws {
        let world = try filled { server, _ in server.profile = profile }
        _ = world.outcome(world.read("t", at: 0))
        world.change { _ = $0.deleteTopic("t", now: $1) }
        world.run(1_500)
        let failure = world.failure(world.outcome(world.read("t", at: 0), within: 20_000))
        #expect(failure?.text == "not found topic")
    }

    @Test(
        "Cached records of a topic that its followers have lost are not served",
        arguments: BrokerProfile.allCases)
    func deletedUnderFollowers(_ profile: BrokerProfile) throws {
        let world = try filled { server, _ in server.profile = profile }
        _ = world.outcome(world.read("t", at: 0))
        let live = world.read("t", at: 20, wait: .max)
        world.run(3_000)
        world.change { _ = $0.deleteTopic("t", now: $1) }
        // The poll in flight ends, and its follower asks for the topic again and again.
        world.run(1_000)
        #expect(cached(world, at: 0) == nil)
        let failure = world.failure(world.outcome(world.read("t", at: 0), within: 20_000))
        #expect(failure?.text == "not found topic")
        #expect(world.failure(world.outcome(live))?.text == "not found topic")
    }

    @Test("Readers of cached records learn that they were deleted")
    func deletedRecords() throws {
        let world = try filled()
        _ = world.outcome(world.read("t", at: 0))
        world.change { server, _ in server.deleteRecords("t", 0, before: 10) }
        world.run(1_500)
        let failure = world.failure(world.outcome(world.read("t", at: 5)))
        #expect(failure?.text == "OFFSET_OUT_OF_RANGE")
        #expect(failure?.position.logStartOffset == 10)
        #expect(cached(world, at: 5) == nil)
        #expect(try world.offsets(world.outcome(world.read("t", at: 10))) == Array(10..<20))
    }

    @Test("An offset that was listed counts for what is cached")
    func listedStart() throws {
        let world = try filled()
        _ = world.outcome(world.read("t", at: 0))
        world.change { server, _ in server.deleteRecords("t", 0, before: 10) }
        #expect(try world.offset(world.list("t", 0, -2))?.get().offset == 10)
        let failure = world.failure(world.outcome(world.read("t", at: 5)))
        #expect(failure?.text == "OFFSET_OUT_OF_RANGE")
    }

    @Test("A log that ends before what was read of it is another log")
    func listedEnd() throws {
        let world = try filled { server, _ in server.profile = .kafka2_1 }
        _ = world.outcome(world.read("t", at: 0))
        world.change { _ = $0.recreateTopic("t", now: $1) }
        try world.fill("t", 0, 3, valueBytes: 50)
        world.run(10)
        #expect(try world.offset(world.list("t", 0, -1))?.get().offset == 3)
        let messages = try world.messages(world.outcome(world.read("t", at: 0)))
        #expect(messages?.first?.value == TestBatch.value(0, 50))
    }

    @Test("To ask whether cached records still count costs one small fetch a second")
    func confirmations() throws {
        let world = try filled(count: 2_000)
        _ = world.outcome(world.read("t", at: 0))
        let before = (fetches: world.count(1), bytes: world.client.counters.bytesReceived)
        for _ in 0..<100 {
            for offset in [0, 500, 1_000] as [Int64] {
                let read = world.read("t", at: offset, maxBytes: 10_000)
                #expect(try world.offsets(world.outcome(read))?.first == offset)
            }
            world.run(100)
        }
        #expect((5...12).contains(world.count(1) - before.fetches))
        #expect(world.client.counters.bytesReceived - before.bytes < 12_000)
    }

    @Test("A broker that is not there does not take away what is cached")
    func unconfirmed() throws {
        let world = try filled()
        _ = world.outcome(world.read("t", at: 0))
        world.change { $0.takeDown(1, elects: false, now: $1) }
        for _ in 0..<20 {
            world.run(1_500)
            let outcome = world.outcome(world.read("t", at: 3), within: 1_000)
            #expect(try world.offsets(outcome) == Array(3..<20))
        }
    }
}
