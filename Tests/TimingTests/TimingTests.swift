import Testing
import Timing

@Suite struct TimingTests {
    @Test func instantsSaturateInsteadOfTrapping() {
        let late = Instant(nanoseconds: .max - 5)
        #expect(late.adding(milliseconds: 1) == .distantFuture)
        #expect(Instant.zero.adding(milliseconds: .max) == .distantFuture)
        #expect(Instant.zero.adding(milliseconds: 2).nanoseconds == 2_000_000)
    }

    @Test func theSameSeedGivesTheSameNumbers() {
        var one = SeededRandom(seed: 7)
        var two = SeededRandom(seed: 7)
        #expect((0..<10).map { _ in one.next() } == (0..<10).map { _ in two.next() })
    }

    @Test func backoffDoublesUpToItsMaximumWithinTheSpread() {
        var random = SeededRandom(seed: 1)
        var backoff = Backoff(initialMilliseconds: 100, maximumMilliseconds: 1000)
        for expected in [100, 200, 400, 800, 1000, 1000] as [Int64] {
            let wait = backoff.next(&random)
            #expect(wait >= expected - expected / 5 && wait <= expected + expected / 5)
        }
        backoff.reset()
        #expect(backoff.next(&random) <= 120)
    }
}
