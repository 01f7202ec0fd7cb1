import DevBroker
import Testing
import Timing

@testable import KafkaCore

/// A topic that is deleted and created again has another log: nobody goes on in it silently.
@Suite struct OtherLogTests {
    private func filled(_ profile: BrokerProfile) throws -> World {
        let world = World { server, _ in server.profile = profile }
        world.server.createTopic("t")
        try world.fill("t", 0, 50, batch: 10)
        return world
    }

    private func recreate(_ world: World, records: Int) throws {
        world.change { _ = $0.deleteTopic("t", now: $1) }
        world.run(50)
        world.server.createTopic("t")
        try world.fill("t", 0, records, valueBytes: 50)
    }

    /// Reads on until something is told. Nothing of another log may come before that.
    private func failure(
        _ world: World, at start: Int64, _ log: LogIdentity
    ) throws -> KafkaFailure? {
        var next = start
        while true {
            let token = world.read("t", at: next, wait: .max) { $0.log = log }
            switch world.outcome(token) {
            case .records(let slice):
                for message in try world.messages(.records(slice)) ?? [] {
                    #expect(message.value == TestBatch.value(message.offset, 20))
                }
                next = slice.nextOffset
            case .failed(let failure): return failure
            case .empty, nil: return nil
            }
        }
    }

    /// A subscription reads from one place to the next, and knows the log from what it got.
    private func readSome(_ world: World) throws -> LogIdentity {
        let outcome = world.outcome(world.read("t", at: 0, maxBytes: 1_000, wait: .max))
        guard case .records(let slice) = outcome else { throw MissingRecords() }
        #expect(slice.nextOffset < 50)
        return slice.log.identity
    }

    @Test(
        "A subscription that comes back to a log that has become another ends with an error",
        arguments: [.kafka3_9, .kafka4_1] as [BrokerProfile])
    func comesBack(_ profile: BrokerProfile) throws {
        let world = try filled(profile)
        let log = try readSome(world)
        try recreate(world, records: 100)
        let failure = try failure(world, at: 30, log)
        #expect(failure?.isOtherLog == true && failure?.code == 100)
        #expect(failure?.isRetriable == false)
        // Whoever knows of no log before it reads the new one.
        #expect(try world.offsets(world.outcome(world.read("t", at: 90)))?.count == 10)
    }

    @Test(
        "Not even minutes later, when the topic was forgotten meanwhile",
        arguments: BrokerProfile.allCases.filter(\.hasTopicIDs))
    func comesBackLate(_ profile: BrokerProfile) throws {
        let world = World { server, client in
            server.profile = profile
            client.metadataMaxAgeMilliseconds = 1_000
        }
        world.server.createTopic("t")
        try world.fill("t", 0, 50, batch: 10)
        let log = try readSome(world)
        world.run(60_000)
        #expect(world.client.keeper.knownTopic("t") == nil)
        let same = world.read("t", at: 30, wait: .max) { $0.log = log }
        #expect(try world.offsets(world.outcome(same))?.first == 30)
        world.run(60_000)
        try recreate(world, records: 100)
        #expect(try failure(world, at: 30, log)?.isOtherLog == true)
    }

    @Test(
        "A subscription that waits at the end is told too",
        arguments: [.kafka3_9, .kafka4_1] as [BrokerProfile])
    func waits(_ profile: BrokerProfile) throws {
        let world = try filled(profile)
        let live = world.read("t", at: 50, wait: .max)
        world.run(3_000)
        try recreate(world, records: 100)
        let failure = world.failure(world.outcome(live))
        #expect(failure?.isOtherLog == true, "\(profile) \(String(describing: failure))")
    }

    @Test("Without topic ids a log that ends before what was read, under one leader, is another")
    func endContradicts() throws {
        let world = try filled(.kafka2_1)
        let log = try readSome(world)
        world.run(10)
        try recreate(world, records: 3)
        // Somebody else learns of the end, and then the log grows past the place.
        #expect(try world.offset(world.list("t", 0, -1))?.get().offset == 3)
        try world.fill("t", 0, 97)
        #expect(try failure(world, at: 30, log)?.isOtherLog == true)
    }

    @Test("Without topic ids a leader epoch that begins again tells of another log")
    func epochRestarts() throws {
        let world = World(brokers: 3) { server, _ in server.profile = .kafka2_1 }
        world.server.createTopic("t")
        try world.fill("t", 0, 50, batch: 10)
        for _ in 0..<3 {
            let leader = world.server.leader("t", 0) ?? 0
            world.change { _ = $0.moveLeader("t", 0, to: leader % 3 + 1, now: $1) }
        }
        let log = try readSome(world)
        try recreate(world, records: 100)
        #expect(try failure(world, at: 30, log)?.isOtherLog == true)
    }

    @Test("A log that an election has cut is no other log", arguments: BrokerProfile.allCases)
    func truncated(_ profile: BrokerProfile) throws {
        let world = try filled(profile)
        let log = try readSome(world)
        world.change { _ = $0.truncate("t", 0, to: 40, now: $1) }
        try world.fill("t", 0, 20, valueBytes: 50)
        let token = world.read("t", at: 30, wait: .max) { $0.log = log }
        #expect(try world.offsets(world.outcome(token))?.first == 30)
    }

    @Test("A moved leader leaves a log what it is", arguments: BrokerProfile.allCases)
    func moved(_ profile: BrokerProfile) throws {
        let world = World(brokers: 3) { server, _ in server.profile = profile }
        world.server.createTopic("t")
        try world.fill("t", 0, 50, batch: 10)
        let log = try readSome(world)
        for round in 0..<4 as Range<Int64> {
            let leader = world.server.leader("t", 0) ?? 0
            world.change { _ = $0.moveLeader("t", 0, to: leader % 3 + 1, now: $1) }
            world.run(1_000)
            let token = world.read("t", at: 30 + round, wait: .max) { $0.log = log }
            #expect(try world.offsets(world.outcome(token))?.first == 30 + round)
        }
    }
}
