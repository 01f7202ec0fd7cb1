import DevBroker
import KafkaProtocol
import Testing
import Timing

@testable import KafkaCore

/// A live read has no deadline: what holds it up is told at once, and so is its end.
@Suite struct StallTests {
    private func filled() throws -> World {
        let world = World(brokers: 3)
        world.server.createTopic("t", partitions: 1)
        try world.fill("t", 0, 20, batch: 5)
        return world
    }

    @Test("a leader that is away is told, and told to be back by the first answer")
    func leaderIsAway() throws {
        let world = try filled()
        let leader = try #require(world.server.leader("t", 0))
        let live = world.read("t", at: 20, wait: .max)
        world.run(1_000)
        #expect(world.stalls.isEmpty)
        world.change { _ = $0.takeDown(leader, elects: false, now: $1) }
        world.run(20_000)
        #expect(world.stalls.map(\.token) == [live])
        #expect(world.stalls.first?.failure.kind == .noLeader)
        world.change { _ = $0.bringUp(leader, now: $1) }
        world.run(10_000)
        #expect(world.stalls.isEmpty)
        try world.fill("t", 0, 1)
        #expect(try world.offsets(world.outcome(live, within: 1_000)) == [20])
    }

    @Test("without any broker it is not the leader that is missing")
    func outage() throws {
        let world = try filled()
        let live = world.read("t", at: 20, wait: .max)
        world.run(1_000)
        for broker in world.server.brokerIDs {
            world.change { _ = $0.takeDown(broker, elects: false, now: $1) }
        }
        let isOutage = { world.stalls.first?.failure.kind == .unavailable }
        #expect(world.run(20_000, until: isOutage))
        #expect(world.stalls.map(\.token) == [live])
    }

    @Test("who leaves while the leader is away has left; the others get what they wait for")
    func leavesMeanwhile() throws {
        let world = try filled()
        let leader = try #require(world.server.leader("t", 0))
        let live = world.read("t", at: 20, wait: .max)
        world.run(1_000)
        world.change { _ = $0.takeDown(leader, elects: false, now: $1) }
        let isKnown = { world.client.keeper.knownTopic("t")?.partitions[0]?.leader == nil }
        #expect(world.run(20_000, until: isKnown))
        // In one demand, and in demands of their own.
        let others = [12, 12, 12, 3, 7].map { world.read("t", at: $0, wait: .max) }
        world.run(100)
        for place in [1, 3] { world.cancel(others[place]) }
        world.change { _ = $0.bringUp(leader, now: $1) }
        for (place, read) in others.enumerated() where place != 1 && place != 3 {
            #expect(try world.offsets(world.outcome(read))?.last == 19)
        }
        #expect(world.outcomes[others[1]] == nil && world.outcomes[others[3]] == nil)
        try world.fill("t", 0, 1)
        #expect(try world.offsets(world.outcome(live)) == [20])
        #expect(world.client.waitingReadCount == 0)
    }

    @Test("reads that end are told at their end only")
    func withDeadline() throws {
        let world = try filled()
        let leader = try #require(world.server.leader("t", 0))
        world.change { _ = $0.takeDown(leader, elects: false, now: $1) }
        let read = world.read("t", at: 0)
        #expect(world.failure(world.outcome(read)) != nil)
        #expect(world.stalls.isEmpty)
    }
}
