import Testing
import Timing

@Suite struct TimingTests {
    @Test func instantsSaturateInsteadOfTrapping() {
        let late = Instant(nanoseconds: .max - 5)
        #expect(late.adding(milliseconds: 1) == .distantFuture)
        #expect(Instant.zero.adding(milliseconds: .max) == .distantFuture)
        #expect(Instant.zero.adding(milliseconds: 2).nanoseconds == 2_000_000)
    }

    @Test func deadlinesComeUpInOrderAndNotBeforeTheirTime() {
        var random = SeededRandom(seed: 3)
        var heap = DeadlineHeap<Int>()
        let moments = (0..<500).map { _ in
            Instant(nanoseconds: Int64.random(in: 0..<200, using: &random))
        }
        for (token, moment) in moments.enumerated() { heap.insert(token, at: moment) }
        heap.removeAll { $0 % 3 == 0 }
        var left = Set((0..<500).filter { $0 % 3 != 0 })
        for now in 0..<200 {
            let now = Instant(nanoseconds: Int64(now))
            while let (moment, token) = heap.popFirst(notAfter: now) {
                #expect(moment == now && moments[token] == now && left.remove(token) != nil)
            }
            #expect(heap.earliest ?? .distantFuture > now)
        }
        #expect(left.isEmpty && heap.count == 0)
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
