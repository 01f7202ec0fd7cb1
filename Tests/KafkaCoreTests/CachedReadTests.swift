import DevBroker
import Testing
import Timing

@testable import KafkaCore

/// `cached` answers what `read` would answer at once, or nothing.
@Suite struct CachedReadTests {
    private func cached(
        _ world: World, at offset: Int64, maxBytes: Int = 1 << 20, minBytes: Int = 1,
        _ topic: String = "t", wait: Int64? = nil
    ) -> RecordSlice? {
        world.client.cached(
            ReadRequest(
                topic: topic, partition: 0, offset: offset, maxBytes: maxBytes,
                minBytes: minBytes, waitUntil: wait.map { world.now.adding(milliseconds: $0) }),
            now: world.now)
    }

    @Test func whatIsCachedIsAnswered() throws {
        let world = World()
        world.server.createTopic("t")
        try world.fill("t", 0, 100, batch: 10)
        #expect(cached(world, at: 0) == nil)
        _ = world.outcome(world.read("t", at: 0))
        // A poll covers the partition, so that its end is known.
        let live = world.read("t", at: 100, wait: .max)
        world.run(3_000)
        let before = world.count(1)
        for maxBytes in [0, 100, 1_000, 1 << 20] {
            for offset in [0, 1, 9, 10, 50, 99] as [Int64] {
                let slice = try #require(cached(world, at: offset, maxBytes: maxBytes))
                let token = world.read("t", at: offset, maxBytes: maxBytes)
                guard case .records(let read) = world.outcome(token) else {
                    Issue.record("no records")
                    continue
                }
                #expect(slice.firstOffset == read.firstOffset)
                #expect(slice.nextOffset == read.nextOffset)
                #expect(slice.byteCount == read.byteCount)
                #expect(slice.recordCount == read.recordCount)
                #expect(slice.position == read.position)
            }
        }
        #expect(world.count(1) == before)
        #expect(world.client.counters.readsFromCache == 48)
        #expect(world.client.counters.readsFromBroker == 1)
        world.cancel(live)
    }

    @Test func whatHasToWaitIsNot() throws {
        let world = World()
        world.server.createTopic("t")
        try world.fill("t", 0, 10)
        _ = world.outcome(world.read("t", at: 0))
        // There may be more behind the last record that is cached.
        #expect(cached(world, at: 0) == nil)
        let live = world.read("t", at: 10, wait: .max)
        world.run(3_000)
        #expect(cached(world, at: 10) == nil)
        #expect(cached(world, at: -1) == nil)
        #expect(cached(world, at: 0, "u") == nil)
        #expect(cached(world, at: 0, minBytes: 1 << 19, wait: 1_000) == nil)
        #expect(cached(world, at: 0, minBytes: 1 << 19) != nil)
        #expect(cached(world, at: 0, maxBytes: 100, minBytes: 100, wait: 1_000) != nil)
        #expect(world.client.waitingReadCount == 1)
        world.cancel(live)
    }
}
