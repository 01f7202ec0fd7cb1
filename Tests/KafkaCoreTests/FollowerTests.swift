import DevBroker
import Testing
import Timing

@testable import KafkaCore

/// A live subscription waits at the end of its partition, and is told of what comes there again
/// and again.
@Suite struct StayingReadTests {
    private func filled() throws -> World {
        let world = World()
        world.server.createTopic("t")
        try world.fill("t", 0, 10)
        return world
    }

    private func stay(
        _ world: World, at offset: Int64, maxBytes: Int = 1 << 20,
        _ isolation: Isolation = .readUncommitted
    ) -> ReadToken {
        let token = world.read("t", at: offset, maxBytes: maxBytes, isolation, wait: .max) {
            $0.staysAtEnd = true
        }
        world.run(1_000)
        return token
    }

    /// Waits for so many pushes.
    private func brought(_ world: World, _ token: ReadToken, _ count: Int) -> [RecordSlice] {
        world.run(5_000) { world.brought[token, default: []].count >= count }
        return world.brought[token, default: []]
    }

    @Test("one read is told of every batch, and of nothing twice")
    func stays() throws {
        let world = try filled()
        let live = stay(world, at: 10)
        for number in 1...5 {
            try world.fill("t", 0, 2, batch: 2)
            let slices = brought(world, live, number)
            let next = Int64(10 + 2 * number)
            try #require(slices.count == number)
            #expect(slices.last?.nextOffset == next)
            #expect(slices.last?.position.highWatermark == next)
            #expect(try world.offsets(slices.last.map { .records($0) }) == [next - 2, next - 1])
        }
        #expect(world.outcomes.isEmpty)
        #expect(world.client.waitingReadCount == 1)
        world.cancel(live)
        try world.fill("t", 0, 1)
        world.run(2_000)
        #expect(world.brought[live]?.count == 5)
        #expect(world.client.waitingReadCount == 0)
    }

    @Test("it is over with its records where more are there, or it has not asked to stay")
    func ends() throws {
        let world = try filled()
        let small = stay(world, at: 10, maxBytes: 1)
        let ordinary = world.read("t", at: 10, wait: .max)
        world.run(1_000)
        try world.fill("t", 0, 3, batch: 3)
        #expect(try world.offsets(world.outcome(small)) == [10])
        #expect(try world.offsets(world.outcome(ordinary)) == [10, 11, 12])
        #expect(world.brought.isEmpty)
        // What is read before it is at the end is no push.
        let behind = stay(world, at: 4)
        #expect(try world.offsets(world.outcome(behind)) == Array(4..<13))
    }

    @Test("a committed read is told of a transaction when it ends")
    func committed() throws {
        let world = try filled()
        let live = stay(world, at: 10, .readCommitted)
        try world.fill("t", 0, 1)
        #expect(brought(world, live, 1).last?.nextOffset == 11)
        let producer = DevProducer(id: 7, isTransactional: true)
        try world.fill("t", 0, 2, batch: 2, producer: producer)
        world.run(2_000)
        #expect(world.brought[live]?.count == 1 && world.outcomes[live] == nil)
        world.change { $0.endTransaction("t", producer: producer, committed: true, now: $1) }
        world.run(2_000)
        let told =
            try world.offsets(world.outcomes[live])
            ?? world.offsets(world.brought[live]?.last.map { .records($0) })
        #expect(told == [11, 12])
    }

    @Test("what holds it up is told after it has brought something, too, and it goes on behind it")
    func stalls() throws {
        let world = try filled()
        let live = stay(world, at: 10)
        try world.fill("t", 0, 1)
        #expect(brought(world, live, 1).count == 1)
        let leader = try #require(world.server.leader("t", 0))
        world.change { _ = $0.takeDown(leader, elects: false, now: $1) }
        #expect(world.run(20_000) { world.stalls.map(\.token) == [live] })
        world.change { _ = $0.bringUp(leader, now: $1) }
        #expect(world.run(20_000) { world.stalls.isEmpty })
        try world.fill("t", 0, 1)
        let slices = brought(world, live, 2)
        #expect(try world.offsets(slices.last.map { .records($0) }) == [11])
    }

    @Test("another log does not go on where it was")
    func recreated() throws {
        let world = try filled()
        let live = stay(world, at: 10)
        try world.fill("t", 0, 1)
        #expect(brought(world, live, 1).count == 1)
        world.change { server, now in
            _ = server.deleteTopic("t", now: now)
            server.createTopic("t")
        }
        try world.fill("t", 0, 20)
        #expect(world.failure(world.outcome(live))?.isOtherLog == true)
    }
}
