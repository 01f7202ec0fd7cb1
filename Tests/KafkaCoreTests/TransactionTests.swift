import DevBroker
import Testing

@testable import KafkaCore

@Suite struct TransactionTests {
    @Test func committedReadersSeeCommittedRecordsOnly() throws {
        let world = World()
        world.server.createTopic("t")
        let first = DevProducer(id: 1, isTransactional: true)
        let second = DevProducer(id: 2, isTransactional: true)
        try world.fill("t", 0, 2)  // 0, 1
        try world.fill("t", 0, 3, batch: 3, producer: first)  // 2-4, aborted
        world.change { $0.endTransaction("t", producer: first, committed: false, now: $1) }  // 5
        try world.fill("t", 0, 2, batch: 2, producer: second)  // 6, 7: open
        try world.fill("t", 0, 1)  // 8
        let all = world.outcome(world.read("t", at: 0))
        #expect(try world.offsets(all) == [0, 1, 2, 3, 4, 6, 7, 8])
        let committed = world.outcome(world.read("t", at: 0, .readCommitted))
        #expect(try world.offsets(committed) == [0, 1])
        // From the cache alike, and from its middle.
        #expect(try world.offsets(world.outcome(world.read("t", at: 1, .readCommitted))) == [1])
        guard case .empty(let position, 6) = world.outcome(world.read("t", at: 3, .readCommitted))
        else { throw MissingRecords() }
        #expect(position.lastStableOffset == 6)
        // A follower gets the open transaction when it ends.
        let follower = world.read("t", at: 6, .readCommitted, wait: .max)
        world.run(2_000)
        world.change { $0.endTransaction("t", producer: second, committed: true, now: $1) }
        #expect(try world.offsets(world.outcome(follower, within: 1_000)) == [6, 7, 8])
    }
}
