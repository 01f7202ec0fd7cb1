import DevBroker
import Testing
import Timing

@testable import KafkaCore

@Suite struct ReadingTests {
    @Test func oneReaderGetsItsRecords() throws {
        let world = World()
        world.server.createTopic("t")
        try world.fill("t", 0, 30, batch: 10)
        let outcome = world.outcome(world.read("t", at: 14))
        #expect(try world.offsets(outcome) == Array(14..<30))
        guard case .records(let slice) = outcome else { return }
        #expect(slice.position.highWatermark == 30)
        #expect(slice.nextOffset == 30)
        #expect(slice.firstOffset == 14)
    }

    @Test func cachedRecordsCostNoRequest() throws {
        let world = World()
        world.server.createTopic("t")
        try world.fill("t", 0, 100, batch: 10)
        _ = world.outcome(world.read("t", at: 0))
        let before = world.requests.count
        let token = world.read("t", at: 55, maxBytes: 1)
        #expect(try world.offsets(world.outcome(token)) == [55])
        #expect(world.requests.count == before)
        #expect(world.client.counters.readsFromCache == 1)
    }

    @Test func bytesAreLimitedAndOneRecordAlwaysComes() throws {
        let world = World()
        world.server.createTopic("t")
        try world.fill("t", 0, 100, batch: 100, valueBytes: 100)
        for maxBytes in [0, 1, 130, 131, 1_000, 5_000] {
            let outcome = world.outcome(world.read("t", at: 7, maxBytes: maxBytes))
            guard case .records(let slice) = outcome else {
                Issue.record("no records")
                continue
            }
            #expect(slice.recordCount == 1 || slice.byteCount <= maxBytes)
            let offsets = try world.offsets(outcome) ?? []
            #expect(offsets == Array(7..<7 + Int64(slice.recordCount)))
            #expect(slice.nextOffset == 7 + Int64(slice.recordCount))
        }
    }

    @Test func anEmptyAnswerIsAlwaysFresh() throws {
        let world = World()
        world.server.createTopic("t")
        try world.fill("t", 0, 5)
        _ = world.outcome(world.read("t", at: 0))
        for number in 5..<15 as Range<Int64> {
            // What was written before the command must be seen by it, cache or not.
            try world.fill("t", 0, 1)
            let outcome = world.outcome(world.read("t", at: number))
            #expect(try world.offsets(outcome) == [number])
        }
        guard case .empty(let position, let next) = world.outcome(world.read("t", at: 15)) else {
            Issue.record("not empty")
            return
        }
        #expect(position.highWatermark == 15)
        #expect(next == 15)
    }

    @Test func equalReadsAreOneRequest() throws {
        let world = World()
        world.server.createTopic("t")
        try world.fill("t", 0, 10)
        _ = world.outcome(world.read("t", at: 0))
        let before = world.count(1)
        let tokens = (0..<500).map { _ in world.read("t", at: 10) }
        for token in tokens {
            guard case .empty = world.outcome(token) else {
                Issue.record("not empty")
                return
            }
        }
        #expect(world.count(1) - before <= 2)
    }

    @Test("1,000 readers at 1,000 offsets: few requests, at most 5 connections a broker")
    func thousandReaders() throws {
        let world = World(brokers: 3)
        world.server.createTopic("t", partitions: 6)
        for partition in 0..<6 as Range<Int32> {
            try world.fill("t", partition, 2_000, batch: 40, valueBytes: 100)
        }
        let tokens = (0..<1_000).map { number -> (ReadToken, Int64) in
            let offset = Int64(number * 7 % 1_900)
            return (world.read("t", Int32(number % 6), at: offset, maxBytes: 4_096), offset)
        }
        // Others follow the ends of the partitions meanwhile, at both isolation levels.
        let followers = (0..<60).map { number in
            world.read(
                "t", Int32(number % 6), at: 2_000,
                number % 2 == 0 ? .readUncommitted : .readCommitted, wait: .max)
        }
        for (token, offset) in tokens {
            let offsets = try world.offsets(world.outcome(token)) ?? []
            #expect(offsets.first == offset)
            #expect(offsets == Array(offset..<offset + Int64(offsets.count)))
        }
        world.run(3_000)
        for partition in 0..<6 as Range<Int32> { try world.fill("t", partition, 1) }
        for token in followers {
            #expect(try world.offsets(world.outcome(token, within: 2_000)) == [2_000])
        }
        for broker in world.server.brokerIDs {
            #expect((world.server.counters(broker: broker)?.connectionsOpenMax ?? 99) <= 5)
        }
        #expect(world.client.connectionCount <= 15)
        // 1.5 MB of records in pieces of 64 KiB and more.
        #expect(world.count(1) < 150)
        #expect(world.count(3) <= 3)
    }

    @Test func waitingReadersAreServedByTheTail() throws {
        let world = World()
        world.server.createTopic("t", partitions: 4)
        for partition in 0..<4 as Range<Int32> { try world.fill("t", partition, 3) }
        let tokens = (0..<100).map { world.read("t", Int32($0 % 4), at: 3, wait: .max) }
        world.run(5_000)
        let fetches = world.count(1)
        world.run(10_000)
        // Nothing to tell: two polls a second, whatever the number of readers.
        #expect(world.count(1) - fetches <= 21)
        for partition in 0..<4 as Range<Int32> { try world.fill("t", partition, 2) }
        for token in tokens {
            #expect(try world.offsets(world.outcome(token, within: 100))?.first == 3)
        }
    }

    @Test func aFiniteWaitEndsEmptyAndInTime() throws {
        let world = World()
        world.server.createTopic("t")
        try world.fill("t", 0, 3)
        let start = world.now
        guard case .empty(let position, 3) = world.outcome(world.read("t", at: 3, wait: 700)) else {
            Issue.record("not empty")
            return
        }
        #expect(position.highWatermark == 3)
        #expect(world.now.milliseconds(since: start) == 700)
    }

    @Test func minBytesAreWaitedFor() throws {
        let world = World()
        world.server.createTopic("t")
        try world.fill("t", 0, 3, valueBytes: 100)
        let token = world.read("t", at: 0, minBytes: 1_000, wait: 5_000)
        world.run(500)
        #expect(!world.run(0) { world.outcome(token, within: 0) != nil })
        try world.fill("t", 0, 10, valueBytes: 100)
        #expect(try world.offsets(world.outcome(token, within: 300))?.count ?? 0 >= 8)
        let second = world.read("t", at: 13, minBytes: 1_000, wait: 1_000)
        world.run(100)
        try world.fill("t", 0, 1)
        #expect(try world.offsets(world.outcome(second)) == [13])
    }

    @Test func aSmallCacheStillServesLargeReads() throws {
        let world = World(cacheBytes: 300 << 10)
        world.server.createTopic("t")
        try world.fill("t", 0, 20, batch: 1, valueBytes: 100_000)
        let outcome = world.outcome(world.read("t", at: 0, maxBytes: 4 << 20))
        guard case .records(let slice) = outcome else {
            Issue.record("no records: \(String(describing: outcome))")
            return
        }
        #expect(slice.firstOffset == 0 && slice.recordCount >= 1)
        #expect(world.cache.byteCount < 3 << 20)
    }

    @Test func evictedBytesAreReadAgain() throws {
        let world = World(cacheBytes: 256 << 10)
        world.server.createTopic("t", partitions: 2)
        for partition in 0..<2 as Range<Int32> {
            try world.fill("t", partition, 3_000, batch: 50, valueBytes: 100)
        }
        guard case .records(let slice) = world.outcome(world.read("t", at: 0, maxBytes: 60_000))
        else { throw MissingRecords() }
        var cursor = RecordCursor(slice)
        var taken: [UInt8] = []
        var isFirst = true
        while !cursor.isAtEnd {
            if let bytes = world.cache.bytes(at: cursor, upTo: 7_777) {
                taken += bytes
                world.cache.advance(&cursor, by: bytes.count)
            } else {
                _ = world.outcome(
                    world.read("t", at: cursor.offset, maxBytes: cursor.remainingBytes + 200))
            }
            guard isFirst else { continue }
            isFirst = false
            for start in stride(from: 0 as Int64, to: 3_000, by: 300) {
                _ = world.outcome(world.read("t", 1, at: start))
            }
            #expect(world.cache.bytes(at: cursor, upTo: 1) == nil, "nothing was evicted")
        }
        let offsets = try DecodedMessage.all(taken).map(\.offset)
        #expect(offsets == Array(0..<Int64(slice.recordCount)))
        #expect(world.cache.byteCount <= 256 << 10)
    }

    @Test func cancelledReadsAreForgotten() throws {
        let world = World()
        world.server.createTopic("t")
        let token = world.read("t", at: 0, wait: .max)
        world.run(1_000)
        world.cancel(token)
        #expect(world.client.waitingReadCount == 0)
        try world.fill("t", 0, 1)
        world.run(40_000)
        #expect(world.client.connectionCount == 0)
    }
}

struct MissingRecords: Error {}
