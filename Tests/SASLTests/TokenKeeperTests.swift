import SASL
import Testing
import Timing

@Suite struct TokenKeeperTests {
    private let one = BearerToken(value: "one")
    private let two = BearerToken(value: "two")

    private func at(_ milliseconds: Int64) -> Instant {
        Instant.zero.adding(milliseconds: milliseconds)
    }

    @Test("the host is asked once, however many wait, and all get its token")
    func once() {
        var keeper = TokenKeeper()
        #expect(keeper.want(1, now: at(0)) == [.ask])
        #expect(keeper.want(2, now: at(1)) == [])
        #expect(keeper.want(3, now: at(1)) == [])
        keeper.withdraw(2)
        #expect(
            keeper.take(one, lifeMilliseconds: 100_000, now: at(2))
                == [.answer([1, 3], .token(one))])
        #expect(keeper.want(4, now: at(3)) == [.answer([4], .token(one))])
    }

    @Test("a token in use is replaced after 80 % of its life, and good until its end")
    func refresh() {
        var keeper = TokenKeeper()
        _ = keeper.want(1, now: at(0))
        _ = keeper.take(one, lifeMilliseconds: 100_000, now: at(0))
        #expect(keeper.deadline == at(80_000))
        #expect(keeper.tick(now: at(79_999)) == [])
        #expect(keeper.tick(now: at(80_000)) == [.ask])
        #expect(keeper.want(2, now: at(90_000)) == [.answer([2], .token(one))])
        #expect(keeper.millisecondsLeft(now: at(90_000)) == 10_000)
        #expect(keeper.take(two, lifeMilliseconds: 100_000, now: at(95_000)) == [])
        #expect(keeper.want(3, now: at(95_001)) == [.answer([3], .token(two))])
        #expect(keeper.deadline == at(175_000))
    }

    @Test("a token that nobody uses is not replaced; the next who wants one asks")
    func unused() {
        var keeper = TokenKeeper()
        #expect(keeper.take(one, lifeMilliseconds: 10_000, now: at(0)) == [])
        #expect(keeper.deadline == .distantFuture)
        #expect(keeper.tick(now: at(9_000)) == [])
        #expect(keeper.want(1, now: at(9_000)) == [.answer([1], .token(one)), .ask])
        var over = TokenKeeper()
        _ = over.take(one, lifeMilliseconds: 10_000, now: at(0))
        #expect(over.want(1, now: at(10_000)) == [.ask])
    }

    @Test("after a failure the host has 10 s of rest; a good token goes on meanwhile")
    func failure() {
        var keeper = TokenKeeper()
        _ = keeper.want(1, now: at(0))
        #expect(keeper.fail("503", now: at(1)) == [.answer([1], .failed("503"))])
        #expect(keeper.want(2, now: at(9_000)) == [.answer([2], .failed("503"))])
        #expect(keeper.deadline == at(10_001))
        #expect(keeper.tick(now: at(10_001)) == [.ask])
        _ = keeper.want(3, now: at(10_002))
        _ = keeper.take(one, lifeMilliseconds: 100_000, now: at(10_003))
        #expect(keeper.tick(now: at(90_003)) == [.ask])
        #expect(keeper.fail("503", now: at(90_004)) == [])
        #expect(keeper.want(4, now: at(90_005)) == [.answer([4], .token(one))])
        #expect(keeper.tick(now: at(100_004)) == [.ask])
    }

    @Test("a host that says nothing for 30 s has failed, and who waits is told")
    func silence() {
        var keeper = TokenKeeper()
        _ = keeper.want(1, now: at(0))
        #expect(keeper.deadline == at(30_000))
        guard case .answer([1], .failed)? = keeper.tick(now: at(30_000)).first else {
            Issue.record("nobody is told")
            return
        }
        // Nobody wants it any more.
        #expect(keeper.tick(now: at(40_000)) == [])
    }

    @Test("another host is asked at once")
    func changed() {
        var keeper = TokenKeeper()
        #expect(keeper.hostChanged(now: at(0)) == [])
        _ = keeper.want(1, now: at(0))
        #expect(keeper.hostChanged(now: at(1)) == [.ask])
        _ = keeper.fail("nobody", now: at(2))
        _ = keeper.want(2, now: at(3))
        #expect(keeper.hostChanged(now: at(4)) == [.ask])
    }

    @Test("no life is too long or too short to reckon with")
    func extremes() {
        var keeper = TokenKeeper()
        _ = keeper.want(1, now: at(0))
        _ = keeper.take(one, lifeMilliseconds: .max, now: at(1))
        #expect(keeper.want(2, now: at(1 << 40)) == [.answer([2], .token(one))])
        _ = keeper.want(3, now: at(1 << 40))
        _ = keeper.take(two, lifeMilliseconds: 1, now: at(1 << 40))
        #expect(keeper.want(4, now: at(1 << 40 + 2)) == [.ask])
    }
}
