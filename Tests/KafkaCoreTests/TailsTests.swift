import KafkaProtocol
import Testing
import Timing

@testable import KafkaCore

/// Long polls at the ends of partitions: the machine alone.
@Suite struct TailsTests {
    @Test("all followers of a broker are one poll, each once, in a session that tells what changed")
    func polls() throws {
        let scene = try FetchScene()
        let first = try scene.follow(0, at: 5)
        try scene.follow(0, at: 5)
        try scene.follow(1, at: 7)
        let poll = try #require(scene.flush())
        let request = try scene.asked(poll)
        #expect(request.maxWaitMilliseconds > 0 && request.sessionEpoch == 0)
        #expect(try scene.partitions(poll).map(\.partition) == [0, 1])
        #expect(first.isPolled && first.isCurrent && scene.flush() == nil)
        scene.stage.pass(500)
        scene.answer(poll, [], session: 77)
        let next = try #require(scene.flush())
        #expect(try scene.asked(next).sessionID == 77 && scene.partitions(next).isEmpty)
        #expect(scene.told().isEmpty)
    }

    @Test("what a poll brings is cached, whoever waits is told, and the next one goes on behind it")
    func records() throws {
        let scene = try FetchScene()
        let follow = try scene.follow(at: 5)
        let poll = try #require(scene.flush())
        scene.answer(poll, [.init(end: 7, records: TestBatch.plain(5, 2).bytes)], session: 77)
        #expect(scene.told() == ["t-0 goes on", "t-0 has news", "t-0 has 5..<7"])
        #expect(follow.position == 7 && follow.isCurrent)
        for reader in follow.takeWaiters() { follow.join(reader, at: 7, now: .zero) }
        #expect(try scene.partitions(try #require(scene.flush())).map(\.fetchOffset) == [7])
    }

    @Test("a poll begins where the first of those who wait does, and nobody is looked at for it")
    func position() throws {
        let scene = try FetchScene()
        let follow = try scene.follow(at: 9)
        for _ in 0..<5_000 { try scene.follow(at: 9) }
        try scene.follow(at: 5)
        let before = Steps.taken
        let poll = try #require(scene.flush())
        #expect(!Steps.areCounted || Steps.taken - before < 100)
        #expect(try scene.partitions(poll).map(\.fetchOffset) == [5])
        for reader in Array(follow.waiters) where reader.offset == 5 {
            follow.leave(reader, now: .zero)
        }
        scene.answer(poll, [.init(end: 5)], session: 77)
        #expect(follow.waiters.count == 5_001 && follow.position == 5)
        // They all leave: the next one sets the place.
        _ = follow.takeWaiters()
        try scene.follow(at: 12)
        #expect(try scene.partitions(try #require(scene.flush())).map(\.fetchOffset) == [12])
    }

    @Test("a poll that is lost sends its followers to point reads, and its session is gone")
    func lost() throws {
        let scene = try FetchScene()
        let follow = try scene.follow(at: 5)
        let poll = try #require(scene.flush())
        scene.stage.lose(poll.connection)
        #expect(scene.told() == ["1 stalled", "t-0 leaves the tail"])
        #expect(!follow.isCurrent)
        #expect(try scene.reads().follow(.readUncommitted) == nil)
        scene.stage.pass(10_000)
        try scene.follow(at: 5)
        let again = try scene.asked(try #require(scene.flush()))
        #expect(again.sessionID == 0 && again.sessionEpoch == 0)
    }

    @Test("an error of one partition is a point read's to explain; the others stay")
    func error() throws {
        let scene = try FetchScene()
        try scene.follow(0, at: 5)
        let other = try scene.follow(1, at: 5)
        let poll = try #require(scene.flush())
        scene.answer(poll, [.init(index: 0, code: 6), .init(index: 1, end: 5)], session: 77)
        #expect(scene.told() == ["t-0 paused", "t-0 leaves the tail"])
        #expect(other.isCurrent)
        #expect(try scene.asked(try #require(scene.flush())).forgottenTopicsData.count == 1)
    }

    @Test("records that did not come, though they are there, are fetched by a point read")
    func starved() throws {
        let scene = try FetchScene()
        try scene.follow(at: 5)
        scene.answer(try #require(scene.flush()), [.init(end: 9)], session: 77)
        #expect(scene.told() == ["t-0 favoured", "t-0 leaves the tail"])
    }

    @Test("a session that is gone is opened anew, with all that is followed")
    func sessionGone() throws {
        let scene = try FetchScene()
        try scene.follow(at: 5)
        let first = try #require(scene.flush())
        scene.stage.pass(500)
        scene.answer(first, [.init(end: 5)], session: 77)
        scene.answer(try #require(scene.flush()), [], code: 70)
        let anew = try #require(scene.flush())
        #expect(try scene.asked(anew).sessionID == 0)
        #expect(try scene.partitions(anew).map(\.fetchOffset) == [5])
        #expect(scene.told().isEmpty)
    }

    @Test("polls that come back at once and bring nothing are sent ever more seldom")
    func pace() throws {
        let scene = try FetchScene()
        try scene.follow(at: 5)
        scene.answer(try #require(scene.flush()), [], session: 77)
        scene.answer(try #require(scene.flush()), [], session: 77)
        #expect(scene.flush() == nil && scene.tails.nextDeadline > scene.stage.now)
        scene.stage.pass(1_000)
        #expect(scene.flush() != nil)
    }

    @Test("whoever comes while a poll is on its way is looked after until it is back")
    func joins() throws {
        let scene = try FetchScene()
        try scene.follow(0, at: 5)
        let poll = try #require(scene.flush())
        let late = try scene.follow(1, at: 5)
        #expect(!late.isCurrent && scene.tails.nextDeadline > scene.stage.now)
        scene.stage.pass(1_000)
        scene.stage.perform { scene.tails.tick() }
        #expect(scene.told() == ["t-1 leaves the tail"])
        scene.answer(poll, [], session: 77)
        #expect(try scene.partitions(try #require(scene.flush())).map(\.partition) == [1])
        #expect(late.isCurrent)
    }

    @Test("when nobody waits any more the session is ended, and nothing is polled")
    func unused() throws {
        let scene = try FetchScene()
        let follow = try scene.follow(at: 5)
        let poll = try #require(scene.flush())
        _ = follow.takeWaiters()
        scene.stage.pass(2_000)
        scene.answer(poll, [], session: 77)
        let last = try scene.asked(try #require(scene.flush()))
        #expect(last.sessionID == 77 && last.sessionEpoch == -1 && last.topics.isEmpty)
        #expect(scene.flush() == nil && scene.state.brokers.active.count == 1)
    }
}
