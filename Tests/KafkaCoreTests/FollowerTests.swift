import DevBroker
import Testing
import Timing

@testable import KafkaCore

/// A follower is attached once and told of what comes, batch after batch, as its credit allows.
@Suite struct FollowerTests {
    private func filled(_ count: Int = 10, partitions: Int32 = 1) throws -> World {
        let world = World()
        world.server.createTopic("t", partitions: partitions)
        try world.fill("t", 0, count)
        return world
    }

    /// It goes on wherever it was told of something.
    private func follow(
        _ world: World, _ partition: Int32 = 0, at offset: Int64, maxBytes: Int = 1 << 20,
        _ isolation: Isolation = .readUncommitted, credit: FollowCredit = FollowCredit()
    ) -> Follower {
        let follower = world.follow(
            "t", partition, at: offset, maxBytes: maxBytes, isolation, credit: credit)
        world.client.goOn(follower)
        world.run(1_000)
        return follower
    }

    private func goOnAlways(_ world: World) {
        world.onTold = { [unowned world] token, _ in
            world.followers[token].map(world.client.goOn)
        }
    }

    /// The offsets of all that it was told, slice by slice.
    private func offsets(_ world: World, _ follower: Follower) throws -> [[Int64]] {
        try world.told(follower).map { try world.offsets(.records($0)) ?? [] }
    }

    @Test("it stays at the end and is told of every batch there, and of nothing twice")
    func stays() throws {
        let world = try filled()
        let live = follow(world, at: 10)
        for number in 1...5 {
            try world.fill("t", 0, 2, batch: 2)
            world.run(5_000) { world.told(live).count >= number }
            let next = Int64(10 + 2 * number)
            try #require(world.told(live).count == number)
            #expect(world.told(live).last?.nextOffset == next && live.offset == next)
            #expect(world.told(live).last?.position.highWatermark == next)
            #expect(try offsets(world, live).last == [next - 2, next - 1])
            #expect(!live.isResting)
        }
        #expect(world.outcomes.isEmpty)
        #expect(world.client.waitingReadCount == 1)
        world.client.detach(live)
        try world.fill("t", 0, 1)
        world.run(2_000)
        #expect(world.told(live).count == 5 && live.isOver)
        #expect(world.client.waitingReadCount == 0)
    }

    @Test("it rests behind what it was told until its owner lets it go on, where more is there")
    func rests() throws {
        let world = try filled()
        let small = follow(world, at: 10, maxBytes: 1)
        let behind = follow(world, at: 4)
        try world.fill("t", 0, 3, batch: 3)
        world.run(2_000)
        #expect(try offsets(world, small) == [[10]] && small.isResting)
        #expect(try offsets(world, behind) == [Array(4..<10)] && behind.isResting)
        world.client.goOn(small)
        world.run(2_000)
        #expect(try offsets(world, small) == [[10], [11]])
        goOnAlways(world)
        for follower in [small, behind] { world.client.goOn(follower) }
        world.run(2_000)
        #expect(try offsets(world, small) == [[10], [11], [12]] && !small.isResting)
        #expect(try offsets(world, behind) == [Array(4..<10), [10, 11, 12]])
        world.client.rest(behind)
        try world.fill("t", 0, 1)
        world.run(2_000)
        #expect(try offsets(world, small).last == [13] && world.told(behind).count == 2)
    }

    @Test("records are cut by the credit exactly; what is granted later goes on behind them")
    func credit() throws {
        let world = try filled()
        goOnAlways(world)
        let poor = follow(world, at: 8, credit: FollowCredit(records: 3))
        let rich = follow(world, at: 8)
        #expect(try offsets(world, poor) == [[8, 9]])
        try world.fill("t", 0, 5, batch: 5)
        world.run(2_000)
        #expect(try offsets(world, poor) == [[8, 9], [10]])
        #expect(poor.credit.records == 0 && poor.isResting)
        #expect(try offsets(world, rich) == [[8, 9], Array(10..<15)])
        world.client.goOn(poor)
        world.run(2_000)
        #expect(world.told(poor).count == 2)
        poor.credit.grant(records: 2, bytes: 0)
        world.client.goOn(poor)
        world.run(2_000)
        #expect(try offsets(world, poor).last == [11, 12] && poor.isResting)
    }

    @Test("bytes may be overdrawn by one record, no more")
    func bytes() throws {
        let world = try filled()
        goOnAlways(world)
        let live = follow(world, at: 10, credit: FollowCredit(bytes: 1))
        try world.fill("t", 0, 3, batch: 3)
        world.run(2_000)
        #expect(try offsets(world, live) == [[10]] && live.isResting)
        let left = try #require(live.credit.bytes)
        #expect(left < 0)
        live.credit.grant(records: 0, bytes: 1 - left)
        world.client.goOn(live)
        world.run(2_000)
        #expect(try offsets(world, live) == [[10], [11]])
    }

    @Test("several share a credit; whoever is told first has it")
    func shared() throws {
        let world = try filled(partitions: 2)
        goOnAlways(world)
        let credit = FollowCredit(records: 4)
        let both = [
            follow(world, 0, at: 10, credit: credit), follow(world, 1, at: 0, credit: credit),
        ]
        for partition in 0..<2 as Range<Int32> { try world.fill("t", partition, 3, batch: 3) }
        world.run(2_000)
        let counts = both.map { world.told($0).reduce(0) { $0 + $1.recordCount } }
        #expect(counts.sorted() == [1, 3] && credit.records == 0)
        credit.grant(records: 100, bytes: 0)
        both.forEach(world.client.goOn)
        world.run(2_000)
        #expect(
            try both.map { try offsets(world, $0).flatMap { $0 } } == [[10, 11, 12], [0, 1, 2]])
    }

    @Test("what its owner cannot take is as if it had never been told")
    func givenBack() throws {
        let world = try filled()
        let live = follow(world, at: 10, credit: FollowCredit(records: 2, bytes: 1_000))
        try world.fill("t", 0, 3, batch: 3)
        world.run(2_000)
        let slice = try #require(world.told(live).first)
        world.client.giveBack(live, slice)
        #expect(live.offset == 10 && live.isResting)
        #expect(live.credit.records == 2 && live.credit.bytes == 1_000)
        world.run(2_000)
        #expect(world.told(live).count == 1)
        world.client.goOn(live)
        world.run(2_000)
        #expect(try offsets(world, live) == [[10, 11], [10, 11]])
    }

    @Test("those at the end are told first, and those behind go on meanwhile")
    func order() throws {
        let world = try filled()
        world.workBytes = 16 * FollowerWalks.toldCost * FollowerWalks.bytesPerCost
        let behind = (0..<40).map { _ in world.follow("t", at: 0) }
        let atEnd = (0..<40).map { _ in world.follow("t", at: 10) }
        _ = world.outcome(world.read("t", at: 0))
        atEnd.forEach(world.client.goOn)
        world.run(1_000)
        var told: [UInt64] = []
        world.onTold = { token, _ in
            if told.isEmpty { behind.forEach(world.client.goOn) }
            told.append(token.raw)
        }
        try world.fill("t", 0, 1)
        world.run(2_000)
        world.onTold = nil
        let ends = Set(atEnd.map(\.tag.raw))
        let last = try #require(told.lastIndex(where: ends.contains))
        #expect(told.count == 80 && (40..<50).contains(last), "\(last)")
    }

    @Test("a committed follower is told of a transaction when it ends")
    func committed() throws {
        let world = try filled()
        goOnAlways(world)
        let live = follow(world, at: 10, .readCommitted)
        try world.fill("t", 0, 1)
        world.run(2_000)
        #expect(live.offset == 11)
        let producer = DevProducer(id: 7, isTransactional: true)
        try world.fill("t", 0, 2, batch: 2, producer: producer)
        world.run(2_000)
        #expect(world.told(live).count == 1)
        world.change { $0.endTransaction("t", producer: producer, committed: true, now: $1) }
        world.run(2_000)
        #expect(try offsets(world, live) == [[10], [11, 12]])
    }

    @Test(
        "what holds it up is told after it has been told something, too, and it goes on behind it")
    func stalls() throws {
        let world = try filled()
        goOnAlways(world)
        let live = follow(world, at: 10)
        try world.fill("t", 0, 1)
        world.run(2_000)
        let leader = try #require(world.server.leader("t", 0))
        world.change { _ = $0.takeDown(leader, elects: false, now: $1) }
        #expect(world.run(20_000) { world.stalls.map(\.token.raw) == [live.tag.raw] })
        world.change { _ = $0.bringUp(leader, now: $1) }
        #expect(world.run(20_000) { world.stalls.isEmpty })
        try world.fill("t", 0, 1)
        world.run(2_000)
        #expect(try offsets(world, live) == [[10], [11]])
    }

    @Test("another log does not go on where it was", arguments: [true, false])
    func recreated(_ rests: Bool) throws {
        let world = try filled()
        let live = follow(world, at: 10)
        try world.fill("t", 0, 1)
        world.run(2_000)
        #expect(world.told(live).count == 1)
        if rests { world.client.rest(live) }
        world.change { server, now in
            _ = server.deleteTopic("t", now: now)
            server.createTopic("t")
        }
        try world.fill("t", 0, 20)
        world.run(20_000)
        world.client.goOn(live)
        world.run(20_000)
        #expect(world.failure(live)?.isOtherLog == true && live.isOver)
    }

    @Test("the client's end is told to all that follow, wherever they are")
    func shutDown() throws {
        let world = try filled()
        let atEnd = follow(world, at: 10)
        let returning = world.follow("t", at: 3)
        world.client.goOn(returning)
        let resting = world.follow("t", at: 3)
        world.shutDown()
        #expect([atEnd, returning].allSatisfy { world.failure($0)?.text == "closed" })
        #expect(resting.isResting && world.client.waitingReadCount == 0)
    }
}
