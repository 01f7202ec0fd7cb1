import DevBroker
import Testing
import Timing

@testable import KafkaCore

/// What is cached is not taken for all there is.
@Suite struct WholeReplyTests {
    private func filled(
        _ count: Int = 10, limits: KafkaLimits = KafkaLimits(),
        _ adjust: (inout BrokerSettings, inout ClusterSettings) -> Void = { _, _ in }
    ) throws -> World {
        let world = World(limits: limits, adjust)
        world.server.createTopic("t")
        try world.fill("t", 0, count)
        _ = world.outcome(world.read("t", at: 0))
        return world
    }

    private func cached(_ world: World, at offset: Int64) -> RecordSlice? {
        world.client.cached(
            ReadRequest(topic: "t", partition: 0, offset: offset, maxBytes: 1 << 20),
            now: world.now)
    }

    @Test("A read whose first records are cached gets those behind them too")
    func theRest() throws {
        let world = try filled()
        for end in stride(from: 20 as Int64, through: 60, by: 10) {
            try world.fill("t", 0, 10)
            let token = world.read("t", at: end - 11)
            let outcome = world.outcome(token)
            #expect(try world.offsets(outcome) == Array(end - 11..<end))
            guard case .records(let slice) = outcome else { return }
            #expect(slice.position.highWatermark == end)
        }
    }

    @Test("A client that asks from the last offset it has seen sees every record")
    func pollsFromTheLastSeen() throws {
        let world = try filled(1)
        var last: Int64 = 0
        for count in 0..<30 {
            try world.fill("t", 0, count % 4)
            let offsets = try #require(try world.offsets(world.outcome(world.read("t", at: last))))
            #expect(offsets == Array(last..<(world.server.logEnd("t", 0) ?? 0)))
            last = offsets.last ?? last
            world.run(Int64(count) * 50)
        }
    }

    @Test("Readers of equal cached records share the request for those behind them")
    func joined() throws {
        let world = try filled()
        try world.fill("t", 0, 10)
        let before = world.count(1)
        let tokens = (0..<500).map { world.read("t", at: Int64($0 % 10)) }
        for (number, token) in tokens.enumerated() {
            #expect(try world.offsets(world.outcome(token)) == Array(Int64(number % 10)..<20))
        }
        #expect(world.count(1) - before <= 2)
    }

    @Test("A reply that is full costs no request, and no more than its bytes are waited for")
    func full() throws {
        let world = try filled()
        try world.fill("t", 0, 10)
        let before = world.count(1)
        #expect(try world.offsets(world.outcome(world.read("t", at: 3, maxBytes: 1))) == [3])
        // The last that is cached: whatever comes behind it has no room.
        #expect(try world.offsets(world.outcome(world.read("t", at: 9, maxBytes: 1))) == [9])
        #expect(world.count(1) == before)
    }

    @Test("Under a poll of the partition cached records are served at once, to their end")
    func followed() throws {
        let world = try filled()
        let live = world.read("t", at: 10, wait: .max)
        world.run(3_000)
        let before = world.count(1)
        for offset in 0..<10 as Range<Int64> {
            let slice = try #require(cached(world, at: offset))
            #expect(slice.nextOffset == 10 && slice.position.highWatermark == 10)
        }
        #expect(world.count(1) == before)
        try world.fill("t", 0, 5)
        #expect(try world.offsets(world.outcome(live))?.first == 10)
        world.run(10)
        #expect(cached(world, at: 4)?.nextOffset == 15)
    }

    @Test("A reply is filled from a log that grows on, and does not chase its end")
    func movingEnd() throws {
        let world = try filled()
        var answers = 0
        world.answer = { [unowned world] _, header, _ in
            guard header.apiKey == 1 else { return nil }
            answers += 1
            try? world.fill("t", 0, 3)
            return nil
        }
        #expect(try world.offsets(world.outcome(world.read("t", at: 9)))?.count ?? 0 >= 1)
        #expect(answers == 1)
    }

    @Test("A read that waits for more bytes than are cached is filled likewise")
    func waiting() throws {
        let world = try filled()
        try world.fill("t", 0, 10)
        let token = world.read("t", at: 9, minBytes: 100, wait: 1_000)
        #expect(try world.offsets(world.outcome(token)) == Array(9..<20))
        let short = world.read("t", at: 15, minBytes: 1, wait: 1)
        #expect(try world.offsets(world.outcome(short)) == Array(15..<20))
        try world.fill("t", 0, 1)
        // Its wait is over before any answer can be there.
        #expect(try world.offsets(world.outcome(world.read("t", at: 19, wait: 1))) == [19, 20])
    }

    @Test("A committed reader gets what became stable meanwhile")
    func committed() throws {
        let world = try filled()
        let producer = DevProducer(id: 7, isTransactional: true)
        try world.fill("t", 0, 5, batch: 5, producer: producer)
        let first = world.outcome(world.read("t", at: 8, .readCommitted))
        #expect(try world.offsets(first) == [8, 9])
        world.change {
            $0.endTransaction("t", 0, producer: producer, committed: true, now: $1)
        }
        let second = world.outcome(world.read("t", at: 8, .readCommitted))
        #expect(try world.offsets(second) == Array(8..<15))
    }

    // MARK: Brokers in trouble

    @Test("A frozen broker holds cached records back for a second at most, and for the first only")
    func frozen() throws {
        let world = try filled()
        world.change { server, _ in server.freeze(1) }
        let start = world.now
        #expect(try world.offsets(world.outcome(world.read("t", at: 5))) == Array(5..<10))
        #expect(world.now.milliseconds(since: start) <= 1_100)
        let next = world.now
        #expect(try world.offsets(world.outcome(world.read("t", at: 5))) == Array(5..<10))
        #expect(world.now == next)
    }

    @Test("Whoever reads from the cache alone finds a broker that is there again")
    func back() throws {
        let world = try filled()
        world.change { $0.takeDown(1, elects: false, now: $1) }
        for _ in 0..<10 {
            world.run(1_500)
            let outcome = world.outcome(world.read("t", at: 3), within: 1_100)
            #expect(try world.offsets(outcome) == Array(3..<10))
        }
        world.change { $0.bringUp(1, now: $1) }
        try world.fill("t", 0, 5)
        var offsets: [Int64] = []
        for _ in 0..<10 where offsets.count < 12 {
            world.run(500)
            offsets = try world.offsets(world.outcome(world.read("t", at: 3))) ?? []
        }
        #expect(offsets == Array(3..<15))
    }

    @Test("A request that is lost gives its readers what is cached")
    func lostRequest() throws {
        let world = try filled()
        world.answer = { _, header, _ in header.apiKey == 1 ? .reset : nil }
        #expect(try world.offsets(world.outcome(world.read("t", at: 5))) == Array(5..<10))
    }

    @Test("Records that a small cache lost while the rest was fetched are read again")
    func evicted() throws {
        let world = World(cacheBytes: 100 << 10)
        world.server.createTopic("t")
        try world.fill("t", 0, 10, valueBytes: 5_000)
        _ = world.outcome(world.read("t", at: 0))
        try world.fill("t", 0, 30, valueBytes: 5_000)
        let offsets = try world.offsets(world.outcome(world.read("t", at: 2, maxBytes: 150_000)))
        #expect(offsets?.first == 2 && offsets?.count ?? 0 >= 8)
    }

    // MARK: Waiting trouble out

    private func patient(_ world: World, at offset: Int64) -> ReadToken {
        world.read("t", at: offset) { $0.waitsOutTrouble = true }
    }

    @Test("A patient read outlives an outage of the cluster, up to the request timeout")
    func outage() throws {
        let world = try filled()
        world.change { $0.takeDown(1, elects: false, now: $1) }
        let lasting = patient(world, at: 10)
        #expect(world.outcome(lasting, within: 10_000) == nil)
        world.change { $0.bringUp(1, now: $1) }
        guard case .empty = world.outcome(lasting, within: 5_000) else { throw MissingRecords() }
        world.change { $0.takeDown(1, elects: false, now: $1) }
        let start = world.now
        let failure = world.failure(world.outcome(patient(world, at: 10)))
        #expect(failure?.isRetriable == true)
        #expect(world.now.milliseconds(since: start) == 30_000)
        // Others are told at once, as ever.
        let told = world.outcome(world.read("t", at: 10), within: 5_000)
        #expect(world.failure(told)?.isRetriable == true)
    }

    @Test("What will not pass is told a patient read at once")
    func noOutage() throws {
        let nowhere = World { _, settings in settings.bootstrap = [.init(host: "h", port: 4)] }
        #expect(nowhere.failure(nowhere.outcome(patient(nowhere, at: 0), within: 5_000)) != nil)
        let world = try filled()
        let missing = world.read("none", at: 0) { $0.waitsOutTrouble = true }
        let failure = world.failure(world.outcome(missing, within: 5_000))
        #expect(failure?.text == "not found topic")
    }

    // MARK: Offsets outside of the log

    private func trimmed() throws -> World {
        let world = try filled(20)
        world.change { server, _ in server.deleteRecords("t", 0, before: 10) }
        world.run(1_500)
        return world
    }

    private func offsets(
        _ world: World, at offset: Int64, _ reset: OffsetReset
    ) throws -> [Int64]? {
        try world.offsets(world.outcome(world.read("t", at: offset) { $0.reset = reset }))
    }

    @Test("A read below the log begins at its start if it may")
    func belowTheLog() throws {
        let world = try trimmed()
        for reset in [.start, .nearest, .nearestRecord] as [OffsetReset] {
            for offset in [-7, 0, 9] as [Int64] {
                #expect(try offsets(world, at: offset, reset) == Array(10..<20))
            }
        }
        let failure = world.failure(world.outcome(world.read("t", at: 9)))
        #expect(failure?.text == "OFFSET_OUT_OF_RANGE")
    }

    @Test("A read beyond the log begins at its end, or at its last record, if it may")
    func beyondTheLog() throws {
        let world = try trimmed()
        #expect(try offsets(world, at: 99, .nearestRecord) == [19])
        let nearest = world.outcome(world.read("t", at: 99) { $0.reset = .nearest })
        guard case .empty(let position, let next) = nearest else { throw MissingRecords() }
        #expect(next == 20 && position.highWatermark == 20)
        let failure = world.failure(world.outcome(world.read("t", at: 99) { $0.reset = .start }))
        #expect(failure?.text == "OFFSET_OUT_OF_RANGE")
        let waiting = world.read("t", at: 99, wait: 5_000) { $0.reset = .nearest }
        world.run(100)
        try world.fill("t", 0, 1)
        #expect(try world.offsets(world.outcome(waiting)) == [20])
    }

    @Test("In an empty log both ends are one")
    func emptyLog() throws {
        let world = try filled(5)
        world.change { server, _ in server.deleteRecords("t", 0, before: 5) }
        for offset in [0, 77] as [Int64] {
            let outcome = world.outcome(world.read("t", at: offset) { $0.reset = .nearestRecord })
            guard case .empty(_, 5) = outcome else { throw MissingRecords() }
        }
    }
}
