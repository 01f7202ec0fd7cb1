import Testing
import Timing

@testable import KafkaCore

/// The walk over the followers of a partition: the machine alone.
@Suite struct FollowerWalkTests {
    /// Followers at the end of a partition whose records the test brings.
    private final class WalkScene {
        let fetch: FetchScene
        let walks: FollowerWalks
        let follow: Follow
        private(set) var followers: [Follower] = []
        private(set) var end: Int64 = 5
        private var seen = 0

        init(_ count: Int = 0) throws {
            fetch = try FetchScene()
            walks = FollowerWalks(fetch.state)
            follow = try fetch.follow(at: 5)
            _ = follow.takeWaiters()
            for _ in 0..<count { add() }
        }

        @discardableResult
        func add(records: Int64? = nil) -> Follower {
            let tag = FollowerTag(raw: UInt64(followers.count))
            let request = FollowRequest(topic: "t", partition: 0, offset: end, maxBytes: 10_000)
            let follower = Follower(tag, request, credit: FollowCredit(records: records))
            followers.append(follower)
            follow.append(follower, now: fetch.stage.now)
            fetch.state.move(follower, to: .atEnd(follow))
            return follower
        }

        /// A long poll has brought records.
        func bring(_ count: Int32) throws {
            let poll = try #require(fetch.flush())
            let batch = TestBatch.plain(end, count).bytes
            end += Int64(count)
            fetch.answer(poll, [.init(end: end, records: batch)], session: 77)
            fetch.stage.perform { walks.begin(follow) }
        }

        /// What a piece of that budget tells whom: the tags, and the records.
        func piece(tells count: Int) -> [(tag: Int, slice: RecordSlice)] {
            var budget = count * FollowerWalks.toldCost
            fetch.stage.perform { walks.work(&budget) }
            defer { seen = fetch.stage.effects.count }
            return fetch.stage.effects[seen...].compactMap {
                guard case .followerTold(let tag, let records) = $0 else { return nil }
                return (Int(tag.raw), records.slice)
            }
        }
    }

    @Test("one record to a thousand is told in pieces, to each once")
    func pieces() throws {
        let scene = try WalkScene(1_000)
        try scene.bring(1)
        var told: [Int] = []
        var turns = 0
        while !scene.walks.isEmpty {
            let piece = scene.piece(tells: 64)
            #expect(piece.count <= 64 && piece.allSatisfy { $0.slice.firstOffset == 5 })
            told += piece.map(\.tag)
            turns += 1
        }
        #expect(told == Array(0..<1_000) && turns <= 17)
        #expect(scene.followers.allSatisfy { $0.offset == 6 && !$0.isResting })
        let again = scene.piece(tells: 64)
        #expect(again.isEmpty)
    }

    @Test("a piece looks at no more than it tells", .enabled(if: Steps.areCounted))
    func bounded() throws {
        let scene = try WalkScene(2_000)
        try scene.bring(1)
        let before = Steps.taken
        _ = scene.piece(tells: 64)
        #expect(Steps.taken - before <= 4 * 64)
    }

    @Test("whoever leaves in the middle of a walk is not told, at the same cost however many wait")
    func leaving() throws {
        let scene = try WalkScene(1_000)
        try scene.bring(1)
        var told = scene.piece(tells: 100).map(\.tag)
        let before = Steps.taken
        for number in stride(from: 0, to: 1_000, by: 2) {
            scene.follow.followers.remove(scene.followers[number])
        }
        #expect(Steps.taken - before <= 8 * 500)
        while !scene.walks.isEmpty { told += scene.piece(tells: 100).map(\.tag) }
        #expect(told == Array(0..<100) + stride(from: 101, to: 1_000, by: 2))
    }

    @Test("whoever comes meanwhile is told of what comes next, and of nothing that he has")
    func coming() throws {
        let scene = try WalkScene(100)
        try scene.bring(1)
        var told = scene.piece(tells: 50).map(\.tag)
        let late = scene.add()
        while !scene.walks.isEmpty { told += scene.piece(tells: 50).map(\.tag) }
        #expect(told == Array(0..<100) && late.offset == 6)
        try scene.bring(2)
        told = []
        while !scene.walks.isEmpty { told += scene.piece(tells: 50).map(\.tag) }
        #expect(told == Array(0..<101))
    }

    @Test("more that comes in the middle is told to all: to the first of them by itself")
    func more() throws {
        let scene = try WalkScene(100)
        try scene.bring(1)
        var told = scene.piece(tells: 40)
        try scene.bring(2)
        while !scene.walks.isEmpty { told += scene.piece(tells: 40) }
        for follower in 0..<100 {
            let slices = told.filter { $0.tag == follower }.map { [$0.slice.recordCount] }
            #expect(slices == (follower < 40 ? [[1], [2]] : [[3]]))
        }
        #expect(scene.followers.allSatisfy { $0.offset == 8 })
    }

    @Test("credit cuts the slice; who has none leaves the end untold")
    func credit() throws {
        let scene = try WalkScene()
        let credits: [Int64?] = [nil, 2, nil, 3, 4, 0, 1]
        for records in credits { scene.add(records: records) }
        try scene.bring(3)
        let told = scene.piece(tells: 100)
        #expect(told.map(\.tag) == [0, 1, 2, 3, 4, 6])
        #expect(told.map(\.slice.recordCount) == [3, 2, 3, 3, 3, 1])
        #expect(scene.followers.map(\.isResting) == [false, true, false, true, false, true, true])
        #expect(scene.followers.map(\.offset) == [8, 7, 8, 8, 8, 5, 6])
        #expect(scene.followers.map(\.credit.records) == [nil, 0, nil, 0, 1, 0, 0])
    }

    @Test("records that are evicted before their turn are fetched again for whom they were for")
    func evicted() throws {
        let scene = try WalkScene(3)
        try scene.bring(1)
        #expect(scene.piece(tells: 1).map(\.tag) == [0])
        try scene.fetch.reads().log.purge()
        let told = scene.piece(tells: 100)
        #expect(told.isEmpty && scene.walks.isEmpty)
        var returning: [Int] = []
        while let follower = scene.walks.takeReturning() { returning.append(Int(follower.tag.raw)) }
        #expect(returning == [1, 2] && scene.followers[0].offset == 6)
        #expect(scene.followers[1].offset == 5)
    }

    @Test("the partitions with news take turns")
    func turns() throws {
        let scene = try WalkScene(100)
        let other = try scene.fetch.follow(1, at: 0)
        let follower = Follower(
            FollowerTag(raw: 1_000),
            FollowRequest(topic: "t", partition: 1, offset: 0, maxBytes: 9),
            credit: FollowCredit(records: 0))
        other.append(follower, now: scene.fetch.stage.now)
        scene.fetch.state.move(follower, to: .atEnd(other))
        try scene.bring(1)
        scene.fetch.stage.perform { scene.walks.begin(other) }
        #expect(scene.piece(tells: 10).count == 10 && !follower.isResting)
        // It has no credit: to find that out is the other partition's turn.
        _ = scene.piece(tells: 10)
        #expect(follower.isResting && !scene.walks.isEmpty)
    }
}
