import DevBroker
import RecordFormat
import Testing
import Timing

@testable import KafkaCore

/// Records that somebody keeps beyond the turn.
@Suite struct HeldRecordsTests {
    private func world(records: Int, valueBytes: Int, cacheBytes: Int = 8 << 20) throws -> World {
        let world = World(cacheBytes: cacheBytes)
        world.server.createTopic("t")
        try world.fill("t", 0, records, batch: 10, valueBytes: valueBytes)
        return world
    }

    private func held(_ world: World, at offset: Int64, maxBytes: Int = 1 << 20) throws
        -> [HeldRecords]
    {
        guard
            case .records(let slice) = world.outcome(
                world.read("t", at: offset, maxBytes: maxBytes))
        else { throw MissingRecords() }
        var cursor = RecordCursor(slice)
        var pieces: [HeldRecords] = []
        while !cursor.isAtEnd { pieces.append(try #require(world.cache.hold(&cursor))) }
        return pieces
    }

    private func offsets(_ pieces: [HeldRecords]) throws -> [Int64] {
        var offsets: [Int64] = []
        for piece in pieces {
            var reader = KafkaMessageReader(piece.bytes)
            while let record = try reader.next() {
                #expect(record.value.map(Array.init) == TestBatch.value(record.offset, 1_000))
                offsets.append(record.offset)
            }
        }
        return offsets
    }

    @Test("they stay what they are when their run is evicted, and count until they are let go")
    func eviction() throws {
        let world = try world(records: 500, valueBytes: 1_000, cacheBytes: 200_000)
        var first = try held(world, at: 0, maxBytes: 100_000)
        let wanted = try offsets(first)
        #expect(wanted.count > 20 && world.cache.lentBytes == 0)
        for offset in stride(from: 100, to: 500, by: 50) as StrideTo<Int64> {
            _ = world.outcome(world.read("t", at: offset, maxBytes: 100_000))
        }
        #expect(world.cache.lentBytes > 0)
        #expect(try offsets(first) == wanted)
        first = []
        #expect(world.cache.lentBytes == 0)
    }

    @Test("nothing is written behind records that somebody has")
    func growth() throws {
        let world = try world(records: 40, valueBytes: 1_000)
        let live = world.read("t", at: 40, wait: .max)
        world.run(2_000)
        let first = try held(world, at: 0)
        let wanted = try offsets(first)
        #expect(wanted == Array(0..<40))
        for _ in 0..<30 { try world.fill("t", 0, 1, batch: 1, valueBytes: 1_000); world.run(50) }
        _ = world.outcome(live)
        #expect(try offsets(first) == wanted)
        #expect(try offsets(held(world, at: 0)) == Array(0..<70))
    }

    @Test("a few records are copied: their run goes on as if nobody had them")
    func few() throws {
        let world = try world(records: 100, valueBytes: 1_000)
        let some = try held(world, at: 5, maxBytes: 3_000)
        #expect(try offsets(some).first == 5)
        let log = world.client.desk.state.partitions.all[0].log
        #expect(log.runs.allSatisfy { !$0.isShared })
        var many = try held(world, at: 5, maxBytes: 50_000)
        #expect(!many.isEmpty && log.runs.contains { $0.isShared })
        many = []
        #expect(log.runs.allSatisfy { !$0.isShared })
    }

    @Test("beyond a bound of what others keep alive records are copied")
    func bound() throws {
        let world = try world(records: 60, valueBytes: 1_000)
        world.cache.lent.add(LogCache.lentBytesMax + 1)
        let some = try held(world, at: 0)
        let log = world.client.desk.state.partitions.all[0].log
        #expect(log.runs.allSatisfy { !$0.isShared })
        #expect(try offsets(some).count == 60)
    }
}
