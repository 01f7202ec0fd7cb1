import KafkaProtocol
import Testing
import Timing

@testable import KafkaCore

/// Reads at any offset: the machine alone.
@Suite struct PointReaderTests {
    @Test(
        "many partitions are one request, one offset of each; the next goes on the next connection")
    func gathered() throws {
        let scene = try FetchScene()
        try scene.demand(0, at: 5)
        try scene.demand(0, at: 9)
        try scene.demand(1, at: 7)
        let first = try #require(scene.flush())
        let request = try scene.asked(first)
        #expect(request.maxWaitMilliseconds == 0 && request.sessionEpoch == -1)
        let partitions = try scene.partitions(first)
        #expect(partitions.map(\.partition) == [0, 1] && partitions.map(\.fetchOffset) == [5, 7])
        #expect(partitions.allSatisfy { $0.currentLeaderEpoch == 3 })
        let second = try #require(scene.flush())
        #expect(second.connection != first.connection)
        #expect(try scene.partitions(second).map(\.fetchOffset) == [9])
    }

    @Test("records are cached before their demand is settled, and others hear of them")
    func records() throws {
        let scene = try FetchScene()
        try scene.demand(at: 2)
        let asked = try #require(scene.flush())
        #expect(scene.stage.cache.outstandingReadBytes > 0)
        scene.answer(asked, [.init(end: 9, records: TestBatch.plain(2, 3).bytes)])
        #expect(scene.told() == ["t-0@2 settled, end 9", "t-0 has 2..<5", "t-0 has news"])
        let reads = try scene.reads()
        #expect(reads.log.runs.first?.next == 5 && reads.readTo.offset == 5)
        #expect(scene.stage.cache.outstandingReadBytes == 0 && reads.sentDemands == 0)
        #expect(scene.flush() == nil)
    }

    @Test("what is on its way is not asked for a second time, and asked for if it does not come")
    func coming() throws {
        let scene = try FetchScene()
        let far: Int64 = 1_000_000
        try scene.demand(at: 2)
        let first = TestBatch.plain(2, 3).bytes
        scene.answer(try #require(scene.flush()), [.init(end: far, records: first)])
        try scene.demand(at: 100)
        let asked = try #require(scene.flush())
        let bytes = Int64(try #require(scene.partitions(asked).first).partitionMaxBytes)
        let covered = bytes * 3 / Int64(first.count)
        for offset in [101, 100 + covered - 1] { try scene.demand(at: offset) }
        #expect(scene.flush() == nil)
        try scene.demand(at: 100 + covered)
        let beyond = try #require(scene.flush())
        #expect(try scene.partitions(beyond).map(\.fetchOffset) == [100 + covered])
        // Less comes than was expected; nobody serves those who wait here.
        scene.answer(asked, [.init(end: far, records: TestBatch.plain(100, 1).bytes)])
        #expect(try scene.partitions(try #require(scene.flush())).map(\.fetchOffset) == [101])
    }

    @Test("whoever goes on where the cache ends goes first, if that brings what others want")
    func goesOn() throws {
        let scene = try FetchScene()
        try scene.demand(at: 2)
        let records = TestBatch.plain(2, 3).bytes
        scene.answer(try #require(scene.flush()), [.init(end: 1_000_000, records: records)])
        for offset in [300_000, 9, 5, 7] as [Int64] { try scene.demand(at: offset) }
        #expect(try scene.partitions(try #require(scene.flush())).map(\.fetchOffset) == [300_000])
        #expect(try scene.partitions(try #require(scene.flush())).map(\.fetchOffset) == [5])
    }

    @Test("of those that want what is near the one that begins first brings the others along")
    func descending() throws {
        let scene = try FetchScene()
        try scene.demand(at: 2)
        let records = TestBatch.plain(2, 3).bytes
        scene.answer(try #require(scene.flush()), [.init(end: 10_000_000, records: records)])
        for offset in stride(from: 50_000, through: 40_000, by: -97) as StrideThrough<Int64> {
            try scene.demand(at: offset)
        }
        var asked: [Int64] = []
        while let sent = scene.flush() {
            asked += try scene.partitions(sent).map(\.fetchOffset)
            let base = try #require(asked.last)
            let covered = base..<base + 1_800
            let answer = TestBatch.plain(base, 1_800, valueBytes: 1).bytes
            scene.answer(sent, [.init(end: 10_000_000, records: answer)])
            let reads = try scene.reads()
            for demand in reads.demands.all(in: covered) {
                _ = demand.readers.takeAll()
                scene.points.forgetUnwanted(demand)
            }
        }
        #expect(asked.count < 20, "\(asked)")
    }

    @Test("what was passed over is asked for in the end, whatever is expected of others")
    func passedOver() throws {
        let scene = try FetchScene()
        let far: Int64 = 1_000_000_000
        try scene.demand(at: 2)
        let few = TestBatch.plain(2, 1, valueBytes: 1).bytes
        scene.answer(try #require(scene.flush()), [.init(end: far, records: few)])
        try scene.demand(at: 1_000)
        var asked = try #require(scene.flush())
        try scene.demand(at: 1_100)
        var turns: Int64 = 0
        while turns < 20 {
            if let sent = scene.flush() {
                #expect(try scene.partitions(sent).map(\.fetchOffset) == [1_100])
                break
            }
            // Another that should bring it, too, is in flight before this one is answered.
            turns += 1
            try scene.demand(at: 900 - turns)
            let next = try #require(scene.flush())
            #expect(try scene.partitions(next).map(\.fetchOffset) == [900 - turns])
            let base = try #require(scene.partitions(asked).first).fetchOffset
            let records = TestBatch.plain(base, 1, valueBytes: 1).bytes
            scene.answer(asked, [.init(end: far, records: records)])
            asked = next
        }
        #expect(turns > 4 && turns < 20)
    }

    @Test("that there is nothing is an answer, and told with the end")
    func end() throws {
        let scene = try FetchScene()
        try scene.demand(at: 9)
        scene.answer(try #require(scene.flush()), [.init(end: 9)])
        #expect(scene.told() == ["t-0@9 settled, end 9"])
        #expect(try scene.reads().confirmedAt == scene.stage.now)
    }

    @Test("what an error means: fail, tell the range, or ask again after a pause")
    func errors() throws {
        for (code, told, wanted) in [
            (29, "t-0@5 failed", nil), (1, "t-0@5 out of range, end 3", nil),
            (6, "1 stalled", "t wanted again"), (9, "1 stalled", "t wanted again"),
        ] as [(Int16, String, String?)] {
            let scene = try FetchScene()
            try scene.demand(at: 5)
            scene.answer(try #require(scene.flush()), [.init(code: code, end: 3)])
            #expect(scene.told() == [told], "\(code)")
            let asked = scene.stage.router.takeTold().contains { $0 == wanted }
            #expect(asked == (wanted != nil), "\(code)")
            guard wanted != nil else { continue }
            #expect(scene.flush() == nil && scene.points.nextDeadline > scene.stage.now)
            scene.stage.pass(1_000)
            scene.stage.perform { scene.points.tick() }
            #expect(try scene.partitions(try #require(scene.flush())).map(\.fetchOffset) == [5])
        }
    }

    @Test("the leader that an error names is told above")
    func hint() throws {
        let scene = try FetchScene()
        scene.stage.versions[FetchRequest.apiKey] = 12
        try scene.demand(at: 5)
        let leader = FetchResponse.Leader(leaderID: 2, leaderEpoch: 4)
        scene.answer(try #require(scene.flush()), [.init(code: 6, leader: leader)])
        #expect(scene.stage.router.takeTold().contains("t-0: hint 2/4"))
    }

    @Test("a partition that is left out of an answer goes first in the next request")
    func starved() throws {
        let scene = try FetchScene()
        try scene.demand(0, at: 5)
        try scene.demand(1, at: 5)
        scene.answer(try #require(scene.flush()), [.init(index: 0, end: 5)])
        #expect(try scene.reads(1).isStarved)
        scene.stage.pass(1_000)
        scene.stage.perform { scene.points.tick() }
        try scene.demand(0, at: 6)
        #expect(try scene.partitions(try #require(scene.flush())).map(\.partition) == [1, 0])
    }

    @Test("a lost request is asked again, and what it would have cost is free again")
    func lost() throws {
        let scene = try FetchScene()
        try scene.demand(at: 5)
        let asked = try #require(scene.flush())
        scene.stage.lose(asked.connection)
        #expect(scene.told() == ["1 stalled", "t-0@5 served"])
        #expect(scene.stage.cache.outstandingReadBytes == 0)
        scene.stage.pass(10_000)
        scene.stage.perform { scene.points.tick() }
        #expect(try scene.partitions(try #require(scene.flush())).map(\.fetchOffset) == [5])
    }

    @Test("what is on its way to a broker that leads no more is withdrawn: its answer is nobody's")
    func withdrawn() throws {
        let scene = try FetchScene()
        try scene.demand(at: 5)
        let old = try #require(scene.flush())
        let reads = try scene.reads()
        let leader = try #require(reads.leader)
        let other = scene.state.reads(from: try scene.stage.broker(2))
        scene.stage.perform {
            scene.points.unqueue(reads)
            reads.setLeader(other, epoch: 4)
            scene.points.withdraw(reads, from: leader)
            scene.points.resume(reads)
            scene.points.queue(reads)
        }
        #expect(scene.stage.cache.outstandingReadBytes == 0)
        let new = try #require(scene.flush())
        #expect(try scene.partitions(new).map(\.currentLeaderEpoch) == [4])
        scene.answer(old, [.init(end: 5)])
        #expect(scene.told().isEmpty)
        scene.answer(new, [.init(end: 6)])
        #expect(scene.told() == ["t-0@5 settled, end 6"])
    }

    @Test("an answer that came late, and brought nothing, is asked for once more")
    func doubted() throws {
        let scene = try FetchScene()
        try scene.demand(at: 5)
        let asked = try #require(scene.flush())
        scene.stage.pass(1_000)
        scene.stage.perform { scene.stage.links.tick() }
        scene.answer(asked, [.init(end: 5)])
        #expect(scene.told().isEmpty)
        #expect(scene.stage.router.takeTold().contains("t wanted"))
        scene.stage.pass(1_000)
        scene.stage.perform { scene.points.tick() }
        scene.answer(try #require(scene.flush()), [.init(end: 5)])
        #expect(scene.told() == ["t-0@5 settled, end 5"])
    }
}
